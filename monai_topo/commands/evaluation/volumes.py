"""Predictions and labels on disk: paired by name, read with their voxel size, and checked."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import ImageReader, NibabelReader, NumpyReader
from monai.data.utils import affine_to_spacing
from numpy.typing import NDArray

from monai_topo.data import HDF5Reader, TIFFStackReader, h5py, open_hdf5

NIFTI, TIFF, HDF5, NUMPY = (".nii", ".nii.gz"), (".tif", ".tiff"), (".h5", ".hdf", ".hdf5"), (".npy", ".npz")
SUFFIXES = (*NIFTI, *TIFF, *HDF5, *NUMPY)

_ROLE = re.compile(r"[_.-](seg|segmentation|pred|prediction|label|labels|gt|mask|trans)$", re.IGNORECASE)
_SAME_SPACING = 1e-3


@dataclass(frozen=True)
class Pair:
    """A prediction and its label.

    Attributes:
        name: of the case, the files' common name.
        prediction: file of the prediction.
        label: file of the label.
    """

    name: str
    prediction: Path
    label: Path


@dataclass(frozen=True)
class VolumeFile:
    """What a file holds.

    Attributes:
        path: the file.
        array: ``(x, y[, z])``; a NumPy file's axes stay as they are.
        spacing: voxel size along each axis; None in TIFF and NumPy files, which do not know it.
        affine: from voxels to the file's space; None where there is no spacing.
    """

    path: Path
    array: NDArray[Any]
    spacing: tuple[float, ...] | None
    affine: NDArray[np.float64] | None = None


def case_name(path: Path) -> str:
    """Name of the case: the file's, without its suffix and what only says which of the two it is.

    Example:
        >>> case_name(Path("out/liver_07_seg.nii.gz")), case_name(Path("liver_07.tif"))
        ('liver_07', 'liver_07')
    """
    stem = re.sub(r"(\.nii\.gz|\.[^.]+)$", "", path.name, flags=re.IGNORECASE)
    return _ROLE.sub("", stem) or stem


def pair_volumes(prediction: Path, label: Path) -> tuple[list[Pair], list[str]]:
    """Pairs of files of one case name, and a line for each file that stays alone.

    Args:
        prediction: folder, searched with its subfolders, or one file.
        label: folder or one file; two single files are a pair whatever their names.

    Raises:
        FileNotFoundError: when a folder does not exist or holds no volume.
        ValueError: when nothing can be paired.
    """
    if prediction.is_file() and label.is_file():
        return [Pair(case_name(label), prediction, label)], []
    found = {"prediction": _by_name(prediction), "label": _by_name(label)}
    pairs, alone = [], []
    for name in sorted({*found["prediction"], *found["label"]}):
        files = {role: paths.get(name, []) for role, paths in found.items()}
        if all(len(paths) == 1 for paths in files.values()):
            pairs.append(Pair(name, files["prediction"][0], files["label"][0]))
        else:
            alone.append(_why_alone(name, files))
    if not pairs:
        examples = [str(next(iter(paths.values()))[0]) for paths in found.values()]
        raise ValueError(
            f"no prediction in {prediction} has the name of a label in {label}: {' and '.join(examples)} for instance."
        )
    return pairs, alone


def _by_name(root: Path) -> dict[str, list[Path]]:
    if not root.exists():
        raise FileNotFoundError(f"no such file or folder: {root}")
    files = [root] if root.is_file() else sorted(root.rglob("*"))
    found = defaultdict(list)
    for path in files:
        if path.is_file() and path.name.lower().endswith(SUFFIXES) and not path.name.startswith("."):
            found[case_name(path)].append(path)
    if not found:
        raise FileNotFoundError(f"{root} holds no volume ({', '.join(SUFFIXES)}).")
    return found


def _why_alone(name: str, files: dict[str, list[Path]]) -> str:
    for role, other in (("prediction", "label"), ("label", "prediction")):
        if not files[role]:
            return f"{name}: no {role} for the {other} {', '.join(map(str, files[other]))}"
    many = {role: paths for role, paths in files.items() if len(paths) > 1}
    return f"{name}: more than one " + " and ".join(f"{role}: {', '.join(map(str, p))}" for role, p in many.items())


def read_volume(path: Path, dataset: str | None = None) -> VolumeFile:
    """Read a NIfTI, TIFF, HDF5 or NumPy file.

    Args:
        path: the file; its suffix says what it is.
        dataset: of an HDF5 file; None takes the only one of two or three axes.

    Raises:
        ValueError: when the file cannot be read, or holds no image of two or three axes.
    """
    try:
        reader = _reader(path, dataset)
        array, meta = reader.get_data(reader.read(str(path)))
    except Exception as error:  # every reader raises its own
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"{path} cannot be read: {reason[0]}") from error
    if array.ndim not in (2, 3):
        raise ValueError(f"{path} must hold one image of two or three axes, its shape is {array.shape}.")
    known = path.name.lower().endswith((*NIFTI, *HDF5))
    if not known:
        return VolumeFile(path, np.asarray(array), None)
    affine = np.asarray(meta["affine"], np.float64)
    spacing = tuple(map(float, affine_to_spacing(affine, array.ndim)))
    return VolumeFile(path, np.asarray(array), spacing, affine)


def _reader(path: Path, dataset: str | None) -> ImageReader:
    name = path.name.lower()
    if name.endswith(NIFTI):
        return NibabelReader()
    if name.endswith(TIFF):
        return TIFFStackReader()
    if name.endswith(HDF5):
        return HDF5Reader(dataset=dataset or _only_dataset(path), relabel=False)
    return NumpyReader()


def _only_dataset(path: Path) -> str:
    found: list[str] = []
    with open_hdf5(path) as file:
        file.visititems(lambda name, item: found.append(name) if _is_image(item) else None)
    if len(found) != 1:
        raise ValueError(
            f"it holds {len(found)} images ({', '.join(found)}): name one by --pred-dataset or --label-dataset."
        )
    return found[0]


def _is_image(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim in (2, 3)


def check_same_grid(prediction: VolumeFile, label: VolumeFile, check_spacing: bool = True) -> None:
    """Refuse volumes that do not lie on one grid of voxels.

    Args:
        prediction: the predicted volume.
        label: the true one.
        check_spacing: whether voxel sizes must agree; one that a file does not have agrees with any.

    Raises:
        ValueError: when shape or voxel size differ.
    """
    if prediction.array.shape != label.array.shape:
        raise ValueError(
            f"prediction and label must have one shape, got {prediction.array.shape} and {label.array.shape}."
        )
    if not check_spacing or prediction.spacing is None or label.spacing is None:
        return
    if not np.allclose(prediction.spacing, label.spacing, rtol=_SAME_SPACING, atol=0):
        raise ValueError(
            f"voxel sizes differ: {_text(prediction.spacing)} in the prediction, {_text(label.spacing)} in the label; "
            "resample one, or give the right size by --spacing."
        )


def _text(spacing: tuple[float, ...]) -> str:
    return " x ".join(f"{size:.6g}" for size in spacing)


def to_mask(volume: VolumeFile, threshold: float | None = None) -> NDArray[np.bool_]:
    """The mask that a file holds: 0 and 1, or 0 and 255; or a likelihood from a threshold up.

    Raises:
        ValueError: when it is none, saying what to do.
    """
    array, path = volume.array, volume.path
    if np.isnan(array).any():
        raise ValueError(f"{path} holds NaN.")
    if threshold is not None:
        return np.asarray(array >= threshold)
    mask = array != 0
    others = array[mask & (array != (255 if array.max() == 255 else 1))]
    if not others.size:
        return np.asarray(mask)
    if array.min() >= 0 and array.max() <= 1:
        raise ValueError(f"{path} holds likelihoods such as {float(others[0]):.4g}, no mask: say --threshold 0.5.")
    raise ValueError(
        f"{path} holds {float(others[0]):.4g}, so it is no mask of 0 and 1: say --labels for classes, "
        "--instances labels for instance ids, or --threshold."
    )


def to_labels(volume: VolumeFile) -> NDArray[np.int64]:
    """The integer labels that a file holds.

    Raises:
        ValueError: when a value is no integer of at least 0.
    """
    with np.errstate(invalid="ignore"):
        labels = volume.array.astype(np.int64)
    if (labels != volume.array).any() or (labels < 0).any():
        raise ValueError(f"{volume.path} must hold integer labels of at least 0: threshold likelihoods first.")
    return np.asarray(labels)
