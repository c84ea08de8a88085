"""Folders of images and labels as MONAI data lists: prepared ones, and plain ones that a user filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai.config import PathLike

from monai_topo.data.datasets.datalist import DATALIST, prepared_datalist
from monai_topo.data.datasets.folder import contents
from monai_topo.data.datasets.folds import split_folds
from monai_topo.data.readers.door import kind_of_place, read_grid
from monai_topo.data.readers.grid import check_same_grid
from monai_topo.data.readers.places import is_volume
from monai_topo.data.readers.suffixes import stem_of

_WITH_A_GRID = ("NIfTI", "TIFF", "NRRD", "MetaImage", "PNG", "Zarr", "sections")


def volume_datalist(
    root: PathLike, section: str | None = None, *, fold: int = 0, num_folds: int = 3, seed: int = 0
) -> list[dict[str, Any]]:
    """MONAI data list of a folder of volumes and their labels, checked before any training starts.

    Args:
        root: folder that ``python -m monai_topo prepare`` wrote (:func:`prepared_datalist`); or a folder with
            ``images/`` and ``labels/``, in which files, zarrs or folders of sections of the same name belong together.
        section: ``"training"`` or ``"validation"`` of a fold; None for all volumes with a label.
        fold: number of the fold, from 0.
        num_folds: number of folds of a plain folder; with fewer volumes there are fewer. A prepared folder has its own.
        seed: random seed of the folds of a plain folder.

    Returns:
        ``[{"image": path, "label": path, ...}, ...]``; JSON-serializable.

    Raises:
        FileNotFoundError: when the folder is of neither kind, or an image has no label.
        ValueError: when a label lies on another grid than its image, by shape, voxel size, direction or origin; when
            one of them cannot be read; for an unknown section or fold.

    Example:
        >>> volume_datalist("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: no such file or folder: nowhere
    """
    if section not in (None, "training", "validation"):
        raise ValueError(f'section must be None, "training" or "validation", got {section!r}.')
    folder = Path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"no such file or folder: {root}")
    if (folder / DATALIST).is_file():
        return prepared_datalist(root, section, fold=fold)
    items = _pairs(folder)
    if section is None:
        return items
    if len(items) < 2:
        raise ValueError(f"{root} holds one volume: training and validation need one each.")
    folds = split_folds(items, min(num_folds, len(items)), seed=seed)
    if fold not in range(len(folds)):
        raise ValueError(f"fold must be from 0 to {len(folds) - 1} for the {len(items)} volumes of {root}, got {fold}.")
    return folds[fold][section]


def _pairs(folder: Path) -> list[dict[str, Any]]:
    if not (folder / "images").is_dir() or not (folder / "labels").is_dir():
        raise FileNotFoundError(
            f"{folder} holds neither {DATALIST} nor images/ and labels/, but {contents(folder)}: convert a download by "
            "`python -m monai_topo prepare`, or put images/NAME.nii.gz and labels/NAME.nii.gz there."
        )
    images = sorted(path for path in (folder / "images").iterdir() if path.name[0] != "." and is_volume(path))
    if not images:
        raise FileNotFoundError(f"{folder / 'images'} is empty: put images/NAME.nii.gz and labels/NAME.nii.gz there.")
    return [_pair(image, folder / "labels" / image.name) for image in images]


def _pair(image: Path, label: Path) -> dict[str, Any]:
    if not is_volume(label):
        raise FileNotFoundError(f"{image} has no label: {label} is not there.")
    if kind_of_place(image) in _WITH_A_GRID:
        check_same_grid(read_grid(label), read_grid(image))
    return {"image": str(image), "label": str(label), "patient": stem_of(image)}
