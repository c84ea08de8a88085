"""Phantoms on disk, as the user's volumes would lie there: data for a first run of a bundle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray

from monai_topo.data import phantoms
from monai_topo.data.datasets.cremi import save_cremi
from monai_topo.data.phantoms.drawing import Phantom
from monai_topo.data.readers.volume import Volume, diagonal_affine, save_nifti
from monai_topo.data.readers.written import write_json

_STRUCTURES = ("membranes", "shells", "tori", "tree", "tube")
_LAYOUTS = ("volumes", "cremi")
_MADE = "phantoms.json"


def save_phantoms(
    root: PathLike,
    structure: str,
    shape: Sequence[int],
    *,
    count: int = 3,
    layout: str = "volumes",
    intensities: tuple[float, float] = (0.0, 255.0),
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    seed: int = 0,
    **options: Any,
) -> str:
    """Write phantoms to a folder; volumes that are there already are kept. Several processes may do so at once.

    Args:
        root: the folder; made if it is not there.
        structure: a function of :mod:`monai_topo.data.phantoms`.
        shape: shape of every volume.
        count: number of volumes, with the seeds ``seed``, ``seed + 1``, ...
        layout: ``"volumes"``, NIfTI in ``images/`` and ``labels/`` (:func:`volume_datalist`), or ``"cremi"``, HDF5 with
            instance ids (:func:`cremi_datalist`), for membranes only.
        intensities: values that 0 and 1 of the phantom's image become; ``"cremi"`` stores 0 to 255.
        spacing: voxel size along each axis of ``shape``.
        seed: random seed of the first volume.
        **options: arguments of the function, such as ``noise`` and ``num_gaps``.

    Returns:
        The folder, so that a configuration can say ``dataset_dir: $monai_topo.data.save_phantoms(...)``.

    Raises:
        ValueError: for an unknown structure or layout, a layout that the structure does not have, or a folder that
            holds phantoms of other options.

    Example:
        >>> import tempfile
        >>> from monai_topo.data import volume_datalist
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     len(volume_datalist(save_phantoms(folder, "tube", (16, 14, 12), count=2)))
        2
    """
    if structure not in _STRUCTURES or layout not in _LAYOUTS:
        raise ValueError(
            f"structure must be one of {_STRUCTURES} and layout one of {_LAYOUTS}, got {structure!r} and {layout!r}."
        )
    if layout == "cremi" and structure != "membranes":
        raise ValueError(f"layout 'cremi' needs cells, which {structure!r} has not: take 'membranes'.")
    folder = Path(root)
    made = {"structure": structure, "shape": shape, "layout": layout, "intensities": intensities, "spacing": spacing}
    _check_made(folder / _MADE, {**made, **options})
    for number in range(seed, seed + count):
        paths = _paths(folder, layout, f"phantom_{number}")
        if not all(path.exists() for path in paths):
            phantom = getattr(phantoms, structure)(shape, seed=number, **options)
            if layout == "cremi":
                _save_cells(paths[0], phantom, spacing)
            else:
                _save_pair(paths, phantom, intensities, spacing)
    return os.fspath(folder)


def _check_made(path: Path, made: Mapping[str, Any]) -> None:
    """Phantoms of other options are not mixed with those that are there."""
    wanted = json.loads(json.dumps(made, default=str))
    if not path.is_file():
        write_json(path, wanted)
        return
    there = json.loads(path.read_text(encoding="utf-8"))
    if there != wanted:
        raise ValueError(
            f"{path.parent} holds phantoms of other options: {there} instead of {wanted}. Name another folder, or "
            "delete this one."
        )


def _paths(folder: Path, layout: str, name: str) -> list[Path]:
    if layout == "cremi":
        return [folder / f"{name}.hdf"]
    return [folder / kind / f"{name}.nii.gz" for kind in ("images", "labels")]


def _save_cells(path: Path, phantom: Phantom, spacing: Sequence[float]) -> None:
    raw = np.round(255 * phantom.image).astype(np.uint8)
    save_cremi(path, raw, np.asarray(phantom.instances), spacing)


def _save_pair(
    paths: Sequence[Path], phantom: Phantom, intensities: tuple[float, float], spacing: Sequence[float]
) -> None:
    low, high = intensities
    arrays: list[NDArray[Any]] = [np.round(low + (high - low) * phantom.image).astype(np.int16), phantom.label]
    for path, array in zip(paths, arrays, strict=True):
        save_nifti(path, Volume(array, diagonal_affine(spacing)))
