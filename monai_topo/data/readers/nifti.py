"""NIfTI files as volumes: the values that are stored, and as much of the geometry as the header says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.data.readers.volume import Volume, diagonal_affine

nibabel, _ = optional_import("nibabel")

_UNITS = {"mm": "mm", "micron": "um"}


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI file; axes of length 1 behind the third are dropped.

    Integers stay integers unless the header scales them. The affine is nibabel's and MONAI's: sform, else qform; a file
    that has neither knows its voxel size only.

    Raises:
        ValueError: when the file holds several channels or times.
    """
    image = nibabel.load(path, mmap=False)
    return _placed(path, image, _scaled(image))


def nifti_grid(path: Path) -> Volume:
    """As :func:`read_nifti`, by the header alone: all voxels are 0."""
    image = nibabel.load(path)
    return _placed(path, image, np.broadcast_to(np.uint8(0), image.shape))


def _placed(path: Path, image: Any, array: NDArray[Any]) -> Volume:
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    affine, knows = _geometry(image)
    unit = image.header.get_xyzt_units()[0]
    if unit == "meter":
        affine = np.diag([1e3, 1e3, 1e3, 1.0]) @ affine
    return Volume(array, affine, path=path, knows=knows, unit="mm" if unit == "meter" else _UNITS.get(unit))


def _scaled(image: Any) -> NDArray[Any]:
    """The image's values. Integers that a factor in float32, such as 1/255, has moved off their place are put back."""
    array: NDArray[Any] = np.asanyarray(image.dataobj)
    if image.dataobj.slope == 1 and image.dataobj.inter == 0:
        return array
    whole: NDArray[Any] = np.rint(array)
    return whole if np.allclose(array, whole, rtol=2e-7, atol=0) else array


def _geometry(image: Any) -> tuple[NDArray[np.float64], Literal["place", "spacing", "nothing"]]:
    """Affine, and how much of it the header knows."""
    for name in ("sform", "qform"):
        affine = _form(image, name)
        if affine is not None:
            return affine, "place"
    zooms = np.array([*image.header.get_zooms(), 1.0, 1.0][:3], np.float64)
    if not (np.isfinite(zooms) & (zooms > 0)).all():
        return np.eye(4), "nothing"
    affine = np.asarray(image.affine, np.float64)
    return (affine if _is_sound(affine) else diagonal_affine(zooms.tolist())), "spacing"


def _form(image: Any, name: str) -> NDArray[np.float64] | None:
    try:
        affine, code = getattr(image, f"get_{name}")(coded=True)
    except ValueError:  # a quaternion that is none
        return None
    return np.asarray(affine, np.float64) if code > 0 and _is_sound(affine) else None


def _is_sound(affine: Any) -> bool:
    """Whether it is a map: some writers announce a matrix and leave it 0."""
    return bool(np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 1e-12)
