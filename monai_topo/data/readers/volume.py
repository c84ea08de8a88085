"""Volumes as MONAI's transforms have them, with axes (x, y[, z]) and an affine; their readers and their NIfTI files."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.config import PathLike
from monai.data import ImageReader, is_supported_format
from monai.utils import MetaKeys, SpaceKeys, ensure_tuple, optional_import
from numpy.typing import NDArray

from monai_topo.data.readers.written import written_whole

nibabel, _ = optional_import("nibabel")


@dataclass(frozen=True)
class Volume:
    """One channel and where it lies.

    Attributes:
        array: ``(x, y)`` or ``(x, y, z)``.
        affine: ``(4, 4)``, from voxel to position in RAS.
        facts: further entries of the metadata.
        path: path of the file that it was read from; None for one that was made.
        knows: part of the affine that the file knows. ``"place"``: voxel size, direction and origin; ``"spacing"``: the
            voxel size; ``"nothing"``: its voxels have size 1 for want of better.
        unit: unit of the affine's lengths: ``"mm"``, ``"um"``, ``"nm"``; None where it is not known.

    Example:
        >>> volume = Volume(np.zeros((4, 5, 6)), np.diag([0.5, 0.5, 2.0, 1.0]), unit="mm")
        >>> volume.spacing
        (0.5, 0.5, 2.0)
    """

    array: NDArray[Any]
    affine: NDArray[np.float64]
    facts: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None
    knows: Literal["place", "spacing", "nothing"] = "place"
    unit: str | None = None

    @property
    def spacing(self) -> tuple[float, ...]:
        """Size of a voxel along each axis of the array; 1 where it is not known."""
        return voxel_sizes(self.affine, self.array.ndim)

    @property
    def known_spacing(self) -> tuple[float, ...] | None:
        """Size of a voxel along each axis of the array; None where it is not known."""
        return None if self.knows == "nothing" else self.spacing


class VolumeReader(ImageReader):
    """Base of readers of files that hold one volume each: a subclass says ``suffixes`` and reads one file."""

    suffixes: tuple[str, ...] = ()

    @abstractmethod
    def read_volume(self, path: Path) -> Volume:
        """Read one file."""

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Whether all names end in one of ``suffixes``."""
        return bool(is_supported_format(filename, self.suffixes))

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> list[Volume]:
        """Read the volume of one file or of several.

        Args:
            data: path or paths.
            **kwargs: accepted for MONAI's interface; there are none.
        """
        if kwargs:
            raise TypeError(f"{type(self).__name__}.read takes no further arguments, got {sorted(kwargs)}.")
        return [self.read_volume(Path(path)) for path in ensure_tuple(data)]

    def get_data(self, img: Sequence[Volume] | Volume) -> tuple[NDArray[Any], dict[str, Any]]:
        """Array (x, y[, z]) and metadata; several volumes become the channels of one array.

        Raises:
            ValueError: when several volumes differ in shape or affine.
        """
        volumes = ensure_tuple(img)
        first = volumes[0]
        for other in volumes[1:]:
            if other.array.shape != first.array.shape or not np.allclose(other.affine, first.affine):
                raise ValueError("volumes that become channels of one image must share shape, resolution and offset.")
        arrays = [np.ascontiguousarray(volume.array) for volume in volumes]
        meta: dict[str, Any] = {
            **first.facts,
            MetaKeys.AFFINE: first.affine.copy(),
            MetaKeys.ORIGINAL_AFFINE: first.affine.copy(),
            MetaKeys.SPATIAL_SHAPE: np.asarray(first.array.shape),
            MetaKeys.SPACE: SpaceKeys.RAS,
            MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan") if len(arrays) == 1 else 0,
        }
        return (arrays[0] if len(arrays) == 1 else np.stack(arrays)), meta


def voxel_sizes(affine: NDArray[Any], ndim: int) -> tuple[float, ...]:
    """Size of a voxel along each axis of an array, whatever plane its axes lie in.

    Args:
        affine: ``(4, 4)``, or ``(3, 3)`` of an image in 2D, from voxel to position.
        ndim: number of axes of the array, 2 or 3.

    Example:
        >>> coronal = np.array([[2.0, 0, 0, 0], [0, 0, 1, 0], [0, 3, 0, 0], [0, 0, 0, 1]])
        >>> voxel_sizes(coronal, 2)
        (2.0, 3.0)
    """
    return tuple(np.linalg.norm(np.asarray(affine, np.float64)[:-1, :ndim], axis=0).tolist())


def check_sizes(spacing: Sequence[float]) -> tuple[float, ...]:
    """Return voxel sizes as numbers if they are 2 or 3 positive ones.

    Raises:
        ValueError: when they are not.
    """
    try:
        sizes = np.asarray(spacing, dtype=np.float64)
    except (TypeError, ValueError):
        sizes = np.empty(0)
    if sizes.shape not in ((2,), (3,)) or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise ValueError(f"spacing must be 2 or 3 positive numbers, along x, y and z, got {spacing!r}.")
    return tuple(sizes.tolist())


def diagonal_affine(spacing: Sequence[float], origin: Sequence[float] | None = None) -> NDArray[np.float64]:
    """Affine of a volume with its axes along the patient's, or a microscope's.

    Args:
        spacing: voxel size of 2 or 3 axes.
        origin: position of the first voxel; 0 by default.

    Example:
        >>> diagonal_affine((4.0, 4.0, 40.0)).diagonal().tolist()
        [4.0, 4.0, 40.0, 1.0]
    """
    affine = np.eye(4)
    affine[range(len(spacing)), range(len(spacing))] = spacing
    if origin is not None:
        affine[: len(origin), 3] = origin
    return affine


def mask_of_value(array: NDArray[Any], value: int, path: PathLike) -> NDArray[np.uint8]:
    """Mask of the voxels of one value.

    Raises:
        ValueError: when there is none, naming the file and the values that there are.
    """
    mask = array == value
    if not mask.any():
        values = np.unique(array)
        raise ValueError(
            f"{path} has no voxel of mask_value={value}; it holds {', '.join(map(str, values[:8].tolist()))}"
            f"{' ...' if len(values) > 8 else ''}."
        )
    return np.asarray(mask, dtype=np.uint8)


def save_nifti(path: PathLike, volume: Volume) -> None:
    """Write a volume as a NIfTI file; it appears under its name only when complete.

    Args:
        path: file to write, ending in ``.nii`` or ``.nii.gz``.
        volume: masks are written as uint8, 64-bit numbers as 32-bit ones.

    Raises:
        ValueError: when 32 bits do not hold a 64-bit integer.
        OSError: when the file cannot be written.

    Example:
        >>> import tempfile
        >>> from monai_topo.data import read_volume
        >>> volume = Volume(np.ones((4, 5, 6), np.float32), np.diag([0.5, 0.5, 2.0, 1.0]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_nifti(f"{folder}/volume.nii.gz", volume)
        ...     read_volume(f"{folder}/volume.nii.gz").spacing
        (0.5, 0.5, 2.0)
    """
    image = nibabel.Nifti1Image(_narrow(volume.array), volume.affine)
    image.set_qform(volume.affine, code=1)
    if not np.allclose(image.get_qform(), volume.affine, rtol=1e-3, atol=1e-3):  # a quaternion knows no shear
        image.set_qform(None, code=0)
    image.set_sform(volume.affine, code=1)
    image.header.set_xyzt_units({"mm": "mm", "um": "micron"}.get(volume.unit or "", "unknown"))
    with written_whole(path) as temporary:
        nibabel.save(image, os.fspath(temporary))


def _narrow(array: NDArray[Any]) -> NDArray[Any]:
    """In a type that viewers know."""
    narrow = {"b1": np.uint8, "i8": np.int32, "u8": np.uint32, "f8": np.float32, "f2": np.float32}
    dtype = np.dtype(narrow.get(array.dtype.str[1:], array.dtype))
    if array.dtype.kind in "iu" and dtype != array.dtype and array.size:
        low, high = int(array.min()), int(array.max())
        if low < np.iinfo(dtype).min or high > np.iinfo(dtype).max:
            raise ValueError(
                f"array must hold {array.dtype} numbers that {dtype} holds, got {low} to {high}: give large ids "
                "consecutive numbers first (HDF5Reader(relabel=True), skimage.segmentation.relabel_sequential)."
            )
    return array.astype(dtype)
