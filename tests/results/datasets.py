"""The data of each table, divided: ``training/`` and ``held_out/``, whose names say validation or test.

A network is trained on the first, its loss's weight is chosen on the volumes ``validation*``, and the numbers of the
tables are those of the others, by the part of the name before ``_``: ``test``, or what the table calls its parts.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.io import imread

from monai_topo.commands.sources import cremi_source, isbi_source
from monai_topo.data import phantoms, read_volume
from monai_topo.data.readers.volume import Volume, diagonal_affine, save_nifti

VALIDATION = "validation"
TEST = "test"
TREES = {"clear": (0.15, 10), "noisy": (0.35, 10), "faded": (0.15, 40)}
"""Standard deviation of the noise, beside a contrast of 0.6, and number of gaps in each volume."""
NEURITES = {"clear": (0.05, 10), "noisy": (0.12, 10), "faded": (0.05, 40)}
"""The same of the neurites."""
STACK_SPACING = {
    "lowerRes_hiSNR": (1.59, 1.59, 5.0),
    "lowContrastVessels": (0.62, 0.62, 5.0),
    "mixedSizelowContrastVessels": (0.62, 0.62, 5.0),
}
"""Micrometers, of those stacks of vessels whose voxels have another size than the others'."""
BLUR = 1.0
"""Of the neurites along z, in voxels."""


def fib25(data, folder, fold):
    """Membranes of FIB-25: a quarter of the training volume validates, the other volume tests."""
    cases = {case.name: case.load() for case in cremi_source(data / "fib25").cases}
    train, test = cases["fib25_train"], cases["fib25_val"]
    cut = train.image.array.shape[0] - 64
    save(folder / "training", "train", train, np.s_[:cut])
    save(folder / "held_out", VALIDATION, train, np.s_[cut:])
    save(folder / "held_out", TEST, test, np.s_[:])


def isbi_sections(data, folder, fold, folds=3, num_validation=3):
    """Sections of ISBI 2012 as images: a block of them tests, the ones that follow it validate."""
    case = isbi_source(data / "isbi2012", None).cases[0].load()
    count = case.image.array.shape[2]
    first, end = fold * count // folds, (fold + 1) * count // folds
    validation = [(end + offset) % count for offset in range(num_validation)]
    for section in range(count):
        name = TEST if first <= section < end else VALIDATION if section in validation else "train"
        part = "training" if name == "train" else "held_out"
        save(folder / part, f"{name}_{section:02}", case, np.s_[..., section])


def isbi_volumes(data, folder, fold):
    """The stack of ISBI 2012 as volumes: the first third of the sections tests, a sixth validates, a half trains."""
    case = isbi_source(data / "isbi2012", None).cases[0].load()
    test, validation = case.image.array.shape[2] // 3, case.image.array.shape[2] // 2
    save(folder / "held_out", TEST, case, np.s_[..., :test])
    save(folder / "held_out", VALIDATION, case, np.s_[..., test:validation])
    save(folder / "training", "train", case, np.s_[..., validation:])


def trees(data, folder, fold):
    """Phantoms of vessels with faded places, as CT."""
    for part, name, seed, (noise, num_gaps) in levels_of(TREES):
        tree = phantoms.tree((80, 96, 112), num_branches=14, noise=noise, num_gaps=num_gaps, seed=seed)
        hounsfield = np.round(400 * tree.image - 100).astype(np.int16)
        save_pair(folder / part, name, Volume(hounsfield, diagonal_affine((1, 1, 1))), tree.label)


def gaps(data, folder, fold):
    """Phantoms of vessels with many faded places, the image as a likelihood: two validate, four test, none trains."""
    for seed in range(6):
        name = f"{VALIDATION}_{seed}" if seed < 2 else f"{TEST}_{seed}"
        tree = phantoms.tree((64, 80, 96), num_branches=14, noise=0.1, num_gaps=40, seed=seed)
        likelihood = np.clip((tree.image - 0.2) / 0.6, 0, 1).astype(np.float32)
        save_pair(folder / "held_out", name, Volume(likelihood, diagonal_affine((1, 1, 1))), tree.label)


def neurites(data, folder, fold):
    """Phantoms of neurites with faded places, blurred along z as by a microscope, as 16-bit intensities."""
    for part, name, seed, (noise, num_gaps) in levels_of(NEURITES):
        tree = phantoms.tree((96, 112, 80), num_branches=24, radius=1.3, noise=0, num_gaps=num_gaps, seed=seed)
        image = gaussian_filter(tree.image, (0, 0, BLUR))
        image += np.random.default_rng(seed).normal(0, noise, image.shape)
        counts = np.round(np.clip(image, 0, 1) * 4095).astype(np.uint16)
        save_pair(folder / part, name, Volume(counts, diagonal_affine((1, 1, 1))), tree.label)


def vesselnn(data, folder, fold):
    """Two-photon stacks of brain vessels, as their README divides them: stacks of one animal stay together."""
    for image in sorted((data / "vesselnn" / "images").glob("*.tif")):
        held = {"bbbDisruption": VALIDATION, "tgMouse": TEST}.get(image.stem)
        affine = diagonal_affine(STACK_SPACING.get(image.stem, (0.994, 0.994, 5.0)))
        stack = Volume(read_volume(image).array, affine)
        label = read_volume(data / "vesselnn" / "labels" / image.name).array > 0
        save_pair(folder / ("held_out" if held else "training"), held or image.stem, stack, label)


def ovules(data, folder, fold):
    """Cell walls of a confocal stack: half of it trains, a quarter validates, a quarter tests."""
    case = cremi_source(data / "ovules", "raw", "label").cases[0].load()
    cuts = {"train": np.s_[:64], VALIDATION: np.s_[64:96], TEST: np.s_[96:]}
    for name, region in cuts.items():
        save(folder / ("training" if name == "train" else "held_out"), name, case, region)


def topomortar(data, folder, fold):
    """Photographs of mortar, as their data set divides them."""
    places = {"train": ("training", "train"), "val": ("held_out", VALIDATION), "test": ("held_out", TEST)}
    for part, (place, name) in places.items():
        for path in sorted((data / "topomortar" / part / "images").glob("*.png")):
            label = imread(data / "topomortar" / part / "accurate" / path.name) > 0
            save_pair(folder / place, f"{name}_{path.stem}", in_color(path), label)


def in_color(path):
    """A photograph as NIfTI has it: the colors along a last axis, behind the three of space."""
    return Volume(imread(path)[:, :, None, :3], np.eye(4))


def levels_of(levels):
    """Folder, name, seed and level of each volume: two of each level to train, one validates, two test."""
    numbered = [(name, number) for number in range(2) for name in levels]
    cases = [("training", f"train_{number}", name) for number, (name, _) in enumerate(numbered)]
    cases += [("held_out", f"{VALIDATION}_{number}", name) for number, name in enumerate(levels)]
    cases += [("held_out", f"{name}_{number}", name) for name in levels for number in range(2)]
    return [(part, name, seed, levels[level]) for seed, (part, name, level) in enumerate(cases)]


def save(folder, name, case, region):
    """Write a part of a case."""
    save_pair(folder, name, Volume(case.image.array[region], case.image.affine), case.label.array[region])


def save_pair(folder, name, image, label):
    """Write an image and its mask."""
    for kind, volume in {"images": image, "labels": Volume(label.astype(np.uint8), image.affine)}.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        save_nifti(folder / kind / f"{name}.nii.gz", volume)


def divided(table, data, work, fold):
    """Folder of the table's data, written once."""
    folder = work / f"fold{fold}" / "data"
    if not folder.is_dir():
        partial = folder.with_suffix(".part")
        shutil.rmtree(partial, ignore_errors=True)
        table.divide(Path(data), partial, fold)
        partial.rename(folder)
    return folder
