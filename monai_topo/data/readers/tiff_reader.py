"""Reader of image stacks in TIFF files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from monai.utils import optional_import

from monai_topo.data.readers.tiff_pages import check_chain, one_channel, only_series
from monai_topo.data.readers.tiff_spacing import voxel_size
from monai_topo.data.readers.volume import Volume, VolumeReader, check_sizes, diagonal_affine, mask_of_value

tifffile, _ = optional_import("tifffile")


class TIFFStackReader(VolumeReader):
    """Reads the sections of a TIFF file as one volume, or its only page as an image.

    Use it as ``LoadImaged(keys="image", reader="monai_topo.data.TIFFStackReader", spacing=[4, 4, 50])``. The sections
    are stacked along the last axis: the array comes as (x, y, z), as from :class:`HDF5Reader`. The affine is diagonal
    and RAS. ImageJ's and OME's hyperstacks are known, tiles, pyramids (read in full resolution), BigTIFF, and types of
    1 to 64 bits; a color table is left aside, since labels have their ids in the indices. What is no single channel is
    refused with the names of its axes: take a ``channel`` or ``time``. So is what programs disagree about: pages of
    unlike size or type, orientations other than from the top left, white stored as 0.

    Args:
        spacing: size of a voxel along x, y and z; None takes what ImageJ, OME or, in a single page, the resolution in
            pixels finer than 10 micrometers says, else 1.
        mask_value: value of the structure in a label, which becomes a mask of 0 and 1: 0 for the membranes of the ISBI
            2012 challenge, which are drawn black. None leaves the values.
        channel: number of the channel, or sample of a pixel, from 0, of a file that has several.
        time: number of the time point, from 0, of a file that has several.
        axes: letters of the file's axes in its order, in place of what the file says, such as ``"ZYX"`` for sections
            that were saved as channels: Z sections, Y rows, X columns, C channels, T times.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is no TIFF file, not a complete one, no single channel, or lacks ``mask_value``; when its
            compression needs the package ``imagecodecs``, which is not installed; and for a bad ``spacing``.

    Example:
        >>> import tempfile, tifffile
        >>> path = Path(tempfile.mkdtemp()) / "stack.tif"
        >>> two_channels = np.zeros((2, 5, 3, 4), np.uint8)
        >>> tifffile.imwrite(path, two_channels, ome=True, photometric="minisblack", metadata={"axes": "CZYX"})
        >>> reader = TIFFStackReader(spacing=(4.0, 4.0, 50.0), channel=1)
        >>> array, meta = reader.get_data(reader.read(path))
        >>> array.shape, meta["affine"].diagonal().tolist()
        ((4, 3, 5), [4.0, 4.0, 50.0, 1.0])
    """

    suffixes = ("tif", "tiff")

    def __init__(
        self,
        spacing: Sequence[float] | None = None,
        mask_value: int | None = None,
        channel: int | None = None,
        time: int | None = None,
        axes: str | None = None,
    ) -> None:
        super().__init__()
        self.spacing = None if spacing is None else check_sizes(spacing)
        self.mask_value = mask_value
        self.channel = channel
        self.time = time
        self.axes = axes

    def read_volume(self, path: Path) -> Volume:
        """Read one file."""
        if not path.is_file():
            raise FileNotFoundError(f"no such file: {path}")
        check_chain(path)
        with tifffile.TiffFile(path, _multifile=False) as file:
            series = only_series(file, path)
            array = one_channel(series, path, axes=self.axes, channel=self.channel, time=self.time)
            stored = voxel_size(file, array.ndim)
        if array.dtype == bool:
            array = array.astype(np.uint8)
        if self.mask_value is not None:
            array = mask_of_value(array, self.mask_value, path)
        sizes, unit = (None, None) if self.spacing is not None or stored is None else stored
        sizes = self.spacing if sizes is None else sizes
        if sizes is None:
            return Volume(array, np.eye(4), path=path, knows="nothing")
        if len(sizes) < array.ndim:
            raise ValueError(f"spacing must have a size for each of the {array.ndim} axes of {path}, got {sizes}.")
        return Volume(array, diagonal_affine(sizes[: array.ndim]), path=path, knows="spacing", unit=unit)
