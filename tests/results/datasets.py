"""The data of each table, divided: ``training/`` and ``held_out/``, whose names say validation or test.

A network is trained on the first, its loss's weight is chosen on the volumes ``validation*``, and the numbers of the
tables are those of the volumes ``test*``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from monai_topo.commands.sources import cremi_source, isbi_source
from monai_topo.data import phantoms
from monai_topo.data.volume import Volume, diagonal_affine, save_nifti

VALIDATION = "validation"
TEST = "test"


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


def trees(noise, num_gaps):
    """Phantoms of vessels: three to train, one validates, two test."""

    def write(data, folder, fold):
        names = [*("train_0", "train_1", "train_2"), VALIDATION, f"{TEST}_0", f"{TEST}_1"]
        for number, name in enumerate(names):
            tree = phantoms.tree((80, 96, 112), num_branches=14, noise=noise, num_gaps=num_gaps, seed=number)
            part = folder / ("training" if name.startswith("train") else "held_out")
            image = np.round(255 * tree.image).astype(np.int16)
            save_pair(part, name, Volume(image, diagonal_affine((1, 1, 1))), tree.label)

    return write


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
