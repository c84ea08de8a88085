"""``python -m monai_topo demo``: what a topology loss changes, from volumes on disk to pictures."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.commands.bundles import find_bundle, run_bundle
from monai_topo.commands.scoring import Scores, load_nifti, score, seconds_per_iteration, table
from monai_topo.data import (
    NEURON_IDS,
    RAW,
    HDF5Reader,
    cremi_datalist,
    locked,
    phantoms,
    read_volume,
    save_cremi,
    save_nifti,
    write_json,
)
from monai_topo.topology import label_components
from monai_topo.transforms import InstanceToMembrane
from monai_topo.visualize import find_gaps, plot_cells, plot_persistence_diagrams, plot_segmentations

LOSSES = {"dice_ce": "Dice+CE", "topo": "Dice+CE+TopoLoss"}
"""Overlay of the bundle to the name that tables and pictures show."""

_PATCH = 32
_BATCH = 2
_ITERATIONS_PER_EPOCH = 50


def add_demo_parser(commands: Any) -> None:
    """Add the command to the subparsers of a command line."""
    parser = commands.add_parser("demo", help="train two 3D U-Nets, with and without TopoLoss, and compare them")
    parser.add_argument("--data", type=Path, help="folder of volumes in the CREMI layout; default: phantoms")
    parser.add_argument("--out", type=Path, default=Path("demo_output"), help="folder for the results")
    parser.add_argument("--iterations", type=int, default=800, help="training iterations of each network")
    parser.add_argument("--seed", type=int, default=0, help="random seed of weights, patches and phantoms")
    parser.set_defaults(run=_run)


def _run(options: Any) -> None:
    demo(options.data, options.out, options.iterations, options.seed)


def demo(data: Path | None, out: Path, iterations: int = 800, seed: int = 0) -> list[Scores]:
    """Train the EM bundle with and without TopoLoss, segment a NIfTI volume with each, and compare.

    Both networks start from the same weights and see the same patches for the same number of iterations; TopoLoss
    joins after half of them, and the seconds per iteration are those of the second half, of both. Everything is written
    below ``out``: predictions with the input's affine, ``report.json``, a table and PNGs.

    Args:
        data: folder of volumes in the CREMI layout; None makes phantoms, in a folder of their seed.
        out: folder for the results.
        iterations: training iterations of each network, rounded up to whole epochs of 50.
        seed: random seed of the weights, the patches and the phantoms.

    Returns:
        The scores of the two networks on the validation volume.

    Raises:
        FileNotFoundError: when ``data`` does not exist or holds no volume.
        ValueError: when a volume is not what it must be, or ``iterations`` is not positive.
        RuntimeError: when a run of the bundle fails.
        OSError: when ``out`` cannot be written, or another process writes there.
    """
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1, got {iterations}.")
    out.mkdir(parents=True, exist_ok=True)
    with locked(out, "demo"):
        return _demo(data, out, iterations, seed)


def _demo(data: Path | None, out: Path, iterations: int, seed: int) -> list[Scores]:
    data = make_phantom_volumes(out / "data" / f"seed_{seed}", seed) if data is None else data
    cremi_datalist(data, "training")
    volume = cremi_datalist(data, "validation")[0]
    image, label = convert_to_nifti(volume, out / "input")
    scores = [_train_and_score(loss, data, image, label, out / loss, iterations, seed) for loss in LOSSES]
    write_json(
        out / "report.json",
        {"data": str(data), "volume": volume["image"], "seed": seed, "runs": [asdict(row) for row in scores]},
    )
    _draw(image, label, scores, out)
    print(table(scores))
    print(f"\nPredictions, pictures and report.json are in {out}")
    return scores


def make_phantom_volumes(folder: Path, seed: int = 0) -> Path:
    """Write a training and a validation volume of membrane phantoms in the CREMI layout; what is there is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    volumes = {"phantom_train": ((64, 128, 128), 90, seed), "phantom_val": ((48, 96, 96), 45, seed + 1)}
    for name, (shape, num_cells, volume_seed) in volumes.items():
        path = folder / f"{name}_{volume_seed}.hdf"
        if not path.exists():
            cells = phantoms.membranes(shape, num_cells=num_cells, noise=0.15, num_gaps=2 * num_cells, seed=volume_seed)
            raw = np.round(255 * cells.image).astype(np.uint8)
            save_cremi(path, raw, np.asarray(cells.instances), resolution=(10, 10, 10))
    return folder


def convert_to_nifti(volume: dict[str, str], folder: Path) -> tuple[Path, Path]:
    """Write image and membrane label of an HDF5 volume as NIfTI files, axes (x, y, z); returns their paths."""
    image = read_volume(volume["image"], dataset=RAW)
    cells = HDF5Reader(NEURON_IDS).read_volume(Path(volume["label"]))
    membranes = np.asarray(InstanceToMembrane(axes="auto", spacing=cells.spacing)(cells.array[None]))[0]
    paths = (folder / "image.nii.gz", folder / "label.nii.gz")
    for path, array in zip(paths, (image.array.astype(np.float32), membranes), strict=True):
        save_nifti(path, replace(image, array=array))
    return paths


def _train_and_score(loss: str, data: Path, image: Path, label: Path, out: Path, iterations: int, seed: int) -> Scores:
    print(f"Training with {LOSSES[loss]} ...", flush=True)
    bundle = find_bundle("em_membranes")
    epochs = -(-iterations // _ITERATIONS_PER_EPOCH)
    start_epoch = epochs // 2 + 1
    shutil.rmtree(out / "events", ignore_errors=True)  # times of an earlier run would be counted with this one's
    run_bundle(
        bundle,
        ["train.yaml", f"loss_{loss}.yaml"],
        out / "train.log",
        dataset_dir=data.resolve(),
        ckpt_dir=out / "models",
        output_dir=out / "events",
        patch_size=[_PATCH] * 3,
        batch_size=_BATCH,
        patches_per_epoch=_BATCH * _ITERATIONS_PER_EPOCH,
        max_epochs=epochs,
        val_interval=max(1, epochs // 4),
        topology_start_epoch=start_epoch,
        topology_ratio=0,  # the loss alone makes the difference
        seed=seed,
    )
    print(f"Segmenting {image} ...", flush=True)
    run_bundle(
        bundle,
        ["inference.yaml"],
        out / "inference.log",
        dataset_dir=image.resolve(),
        checkpoint=out / "models" / "model.pt",
        output_dir=out,
        overwrite=True,
        patch_size=[_PATCH] * 3,
    )
    seconds = seconds_per_iteration(out / "events", first=(start_epoch - 1) * _ITERATIONS_PER_EPOCH + 1)
    return score(LOSSES[loss], out / "image_seg.nii.gz", label, epochs * _ITERATIONS_PER_EPOCH, seconds)


def _draw(image: Path, label: Path, scores: list[Scores], out: Path) -> None:
    true = load_nifti(label)
    predictions = {
        f"{row.name}\nBetti {tuple(row.betti_numbers)}": load_nifti(out / loss / "image_seg.nii.gz")
        for loss, row in zip(LOSSES, scores, strict=True)
    }
    plot_segmentations(
        out / "segmentations.png",
        load_nifti(image),
        true,
        predictions,
        slices=worst_slices(true, list(predictions.values())),
        label_title=f"label\nBetti {tuple(scores[0].true_betti_numbers)}",
    )
    _draw_cells(image, true, out)
    center = tuple(slice(max(0, size // 2 - 32), size // 2 + 32) for size in true.shape)
    likelihoods = {name: load_nifti(out / loss / "image_prob.nii.gz")[center] for loss, name in LOSSES.items()}
    part = ", ".join(f"{side.start} to {side.stop - 1}" for side in center)
    plot_persistence_diagrams(
        out / "persistence_diagrams.png",
        {**likelihoods, "label": true[center]},
        title=f"voxels {part} of the volume, without a frame",
    )


def _draw_cells(image: Path, walls: NDArray[Any], out: Path) -> None:
    """What the walls of each network enclose, as colored sections and as a volume with a corner cut away."""
    volume, true = read_volume(image), label_components(walls == 0, full=False)
    for loss, name in LOSSES.items():
        cells = label_components(load_nifti(out / loss / "image_seg.nii.gz") == 0, full=False)
        title = f"{name}: cells: {cells.max()}, in the label {true.max()}"
        path = out / f"cells_{loss}.png"
        plot_cells(path, cells, volume.array, true, spacing=volume.spacing, unit=volume.unit, title=title)


def worst_slices(label: NDArray[Any], predictions: list[NDArray[Any]], count: int = 3) -> list[int]:
    """Slices along the last axis, one of each of ``count`` equal parts, where a prediction has the most gaps."""
    gaps = [
        max(len(find_gaps(prediction[..., index], label[..., index])) for prediction in predictions)
        for index in range(label.shape[-1])
    ]
    parts = np.array_split(np.arange(len(gaps)), min(count, len(gaps)))
    return [int(part[np.argmax(np.take(gaps, part))]) for part in parts]
