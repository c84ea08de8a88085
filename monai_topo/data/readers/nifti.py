"""NIfTI files as volumes: the values that are stored, and as much of the geometry as the header says."""

from __future__ import annotations

import gzip
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.data.readers.volume import Volume, diagonal_affine

nibabel, _ = optional_import("nibabel")

_HEADERS = {348: "Nifti1Header", 540: "Nifti2Header"}
_UNITS = {2: "mm", 3: "um"}
_METER = 1
_GZIP = b"\x1f\x8b"
_CHUNK = 2**20
_QUIET = logging.Logger("nibabel", logging.CRITICAL)


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI file, compressed or not whatever its name says; axes of length 1 behind the third are dropped.

    Integers stay integers unless the header scales them. The affine is nibabel's and MONAI's: sform, else qform; a file
    that has neither knows its voxel size only.

    Raises:
        ValueError: when the file is damaged, which its checksum shows if it is compressed.
    """
    with _opened(path) as stream:
        header = _header(stream)
        array = _scaled(nibabel.arrayproxy.ArrayProxy(stream, header, mmap=False))
        while stream.read(_CHUNK):  # the checksum comes last
            pass
    return _placed(path, header, array)


def nifti_grid(path: Path) -> Volume:
    """As :func:`read_nifti`, by the header alone: all voxels are 0."""
    with _opened(path) as stream:
        header = _header(stream)
        array = np.broadcast_to(np.uint8(0), header.get_data_shape())
    return _placed(path, header, array)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with path.open("rb") as plain:
        compressed = plain.read(len(_GZIP)) == _GZIP
    try:
        with gzip.open(path) if compressed else path.open("rb") as stream:
            yield stream
    except Exception as error:  # what nibabel, NumPy and zlib raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{reason.rstrip('.')}. Is the download complete?") from error


def _header(stream: Any) -> Any:
    """The header at the start of a file, with the voxel size of the file, were it 0."""
    start = stream.read(4)
    stream.seek(0)
    size = next((size for size in _HEADERS if size.to_bytes(4, "little") in (start, start[::-1])), None)
    if size is None:
        raise ValueError(f"it begins with {start!r} instead of the size of a header of NIfTI, 348 or 540")
    header = getattr(nibabel, _HEADERS[size]).from_fileobj(stream, check=False)
    offset = float(header["vox_offset"])
    if not size + 4 <= offset < math.inf:  # nibabel takes 0 at its word
        raise ValueError(f"its header says that voxels begin at byte {offset:g}, which is in the header")
    sizes = np.abs(header["pixdim"][1:4])
    header.check_fix(logger=_QUIET)
    ndim = min(len(header.get_data_shape()), 3)
    header["pixdim"][1 : ndim + 1] = sizes[:ndim]  # nibabel's would be 1 where it is not known
    return header


def _placed(path: Path, header: Any, array: NDArray[Any]) -> Volume:
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    affine, knows = _geometry(header)
    code = int(header["xyzt_units"]) % 8
    if code == _METER:
        affine = np.diag([1e3, 1e3, 1e3, 1.0]) @ affine
    return Volume(array, affine, path=path, knows=knows, unit="mm" if code == _METER else _UNITS.get(code))


def _scaled(proxy: Any) -> NDArray[Any]:
    """The values. Integers that a factor in float32, such as 1/255, has moved off their place are put back."""
    array: NDArray[Any] = np.asanyarray(proxy)
    if proxy.slope == 1 and proxy.inter == 0:
        return array
    whole: NDArray[Any] = np.rint(array)
    return whole if np.allclose(array, whole, rtol=2e-7, atol=0) else array


def _geometry(header: Any) -> tuple[NDArray[np.float64], Literal["place", "spacing", "nothing"]]:
    """Affine, and how much of it the header knows."""
    for name in ("sform", "qform"):
        affine = _form(header, name)
        if affine is not None:
            return affine, "place"
    zooms = np.array([*header.get_zooms(), 1.0, 1.0][:3], np.float64)
    if not (np.isfinite(zooms) & (zooms > 0)).all():
        return np.eye(4), "nothing"
    affine = np.asarray(header.get_base_affine(), np.float64)
    return (affine if _is_sound(affine) else diagonal_affine(zooms.tolist())), "spacing"


def _form(header: Any, name: str) -> NDArray[np.float64] | None:
    try:
        affine, code = getattr(header, f"get_{name}")(coded=True)
    except ValueError:  # a quaternion that is none
        return None
    return np.asarray(affine, np.float64) if code > 0 and _is_sound(affine) else None


def _is_sound(affine: Any) -> bool:
    """Whether it is a map: some writers announce a matrix and leave it 0."""
    return bool(np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 1e-12)
