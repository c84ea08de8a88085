"""Reader of image stacks in multipage TIFF files, which know nothing of the distance between sections."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.data.readers.volume import Volume, VolumeReader, check_sizes, diagonal_affine, mask_of_value

itk, _ = optional_import("itk")


class TIFFStackReader(VolumeReader):
    """Reads all pages of a TIFF file as one volume, or its only page as an image.

    Use it as ``LoadImaged(keys="image", reader="monai_topo.data.TIFFStackReader", spacing=[4, 4, 50])``. The pages are
    stacked along the last axis: the array comes as (x, y, z), as from :class:`HDF5Reader`. The affine is diagonal and
    RAS.

    Args:
        spacing: size of a voxel along x, y and z, which the file does not know; 1 by default.
        mask_value: value of the structure in a label, which becomes a mask of 0 and 1: 0 for the membranes of the ISBI
            2012 challenge, which are drawn black. None leaves the values.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is no TIFF file, not a complete one, in color, or lacks ``mask_value``; and for a bad
            ``spacing``.

    Example:
        >>> import itk, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "stack.tif"
        >>> itk.imwrite(itk.image_from_array(np.zeros((2, 3, 4), np.uint8)), str(path))
        >>> reader = TIFFStackReader(spacing=(4.0, 4.0, 50.0))
        >>> array, meta = reader.get_data(reader.read(path))
        >>> array.shape, meta["affine"].diagonal().tolist()
        ((4, 3, 2), [4.0, 4.0, 50.0, 1.0])
    """

    suffixes = ("tif", "tiff")

    def __init__(self, spacing: Sequence[float] | None = None, mask_value: int | None = None) -> None:
        super().__init__()
        self.spacing = None if spacing is None else check_sizes(spacing)
        self.mask_value = mask_value

    def read_volume(self, path: Path) -> Volume:
        """Read one file."""
        array = _read_pages(path)
        if self.mask_value is not None:
            array = mask_of_value(array, self.mask_value, path)
        if self.spacing is None:
            return Volume(array, np.eye(4), path=path, knows="nothing")
        return Volume(array, diagonal_affine(self.spacing[: array.ndim]), path=path, knows="spacing")


def _read_pages(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    with path.open("rb") as file:
        num_pages = sum(1 for _ in _page_offsets(file, path))
    try:
        image = itk.imread(str(path), imageio=itk.TIFFImageIO.New())
    except RuntimeError as error:
        cause = str(error).strip().rsplit("\n", 1)[-1]
        raise ValueError(f"{path} cannot be read: {cause}. Is the download complete?") from None
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise ValueError(f"{path} is in color; a stack must have one channel.")
    array: NDArray[Any] = np.array(itk.array_view_from_image(image)).T
    if num_pages > 1 and (array.ndim != 3 or array.shape[2] != num_pages):
        raise ValueError(f"{path} has {num_pages} pages, of which {array.shape[2:] or 1} could be stacked.")
    return array


def _page_offsets(file: BinaryIO, path: Path) -> Iterator[int]:
    """Where the pages' directories lie. A file that was cut off is missing some, of which libtiff says nothing."""
    header = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(header[:2], "")
    version = struct.unpack(f"{order}H", header[2:4])[0] if order and len(header) == 16 else 0
    if version not in (42, 43):
        raise ValueError(f"{path} is no TIFF file.")
    big = version == 43
    count_format, entry_size, offset_format = (f"{order}Q", 20, f"{order}Q") if big else (f"{order}H", 12, f"{order}I")
    offset = struct.unpack_from(offset_format, header, 8 if big else 4)[0]
    seen: set[int] = set()
    while offset:
        try:
            file.seek(offset)
            (count,) = struct.unpack(count_format, file.read(struct.calcsize(count_format)))
            file.seek(count * entry_size, 1)
            following = struct.unpack(offset_format, file.read(struct.calcsize(offset_format)))[0]
        except (struct.error, OSError, OverflowError):
            following = offset
        if following == offset or offset in seen:
            raise ValueError(f"{path} ends before its page {len(seen) + 1} does. Is the download complete?")
        seen.add(offset)
        yield offset
        offset = following
