"""Reader of image and label volumes in HDF5 files, with their resolution as the affine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from monai_topo.data.readers.hdf5_files import get_dataset, open_hdf5, read_region
from monai_topo.data.readers.ids import as_wanted
from monai_topo.data.readers.volume import Volume, VolumeReader, diagonal_affine

_IN_MICRONS = "element_size_um"


class HDF5Reader(VolumeReader):
    """Reads one dataset of an HDF5 file, by default in the layout of the CREMI challenge.

    Use it as ``LoadImaged(keys="image", reader="monai_topo.data.HDF5Reader", dataset="volumes/raw")``. The file's axes
    are (z, y, x); the array comes as (x, y, z), as MONAI's readers of NIfTI and TIFF have it. The affine is
    diagonal and RAS: ``resolution`` becomes the voxel size and ``offset`` the origin, both in the file's own unit
    (nanometers in CREMI), which NIfTI viewers will take for millimeters.

    Args:
        dataset: path of the dataset inside the file.
        resolution: attribute of the dataset that holds the voxel size, in the order of the file's axes. A file without
            it has voxel size 1. None takes ``resolution``, or ``element_size_um`` where only that is there.
        offset: attribute that holds the position of the first voxel; 0 without it.
        relabel: treatment of a dataset of integers that float32, in which MONAI loads images, cannot tell apart
            (2^24 and more). True: they are ids and get consecutive numbers from 1 in rising order; 0 stays 0, and
            2^64 - 1, CREMI's mark of what is no cleft, becomes 0. False: they are intensities and stay. None: ids under
            a path with a word such as ``labels``, ``ids`` or ``segmentation``; elsewhere an error that asks. Smaller
            numbers stay as they are.
        within: path of another dataset, to whose extent the volume is cropped. CREMI's padded files have labels that
            are smaller than the raw volume and shifted by their offset: load the raw volume
            ``within="volumes/labels/neuron_ids"``.
        allow_outside: whether voxels may lie in other places than HDF5 files in the folder of the file: external links
            and virtual datasets that lead elsewhere, and external raw storage, which hands out the bytes of any file.
        mask_value: value of the structure in a label, which becomes a mask of 0 and 1; None leaves the values.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when a file is not HDF5 or not complete, lacks the dataset or has a broken link there, holds no 2D
            or 3D array there, is not large enough for ``within``, has no voxel of ``mask_value``, or keeps its voxels
            elsewhere; when integers are too large for float32 and nothing says what they are.

    Example:
        >>> import h5py, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "volume.hdf"
        >>> with h5py.File(path, "w") as file:
        ...     file["volumes/raw"] = np.zeros((2, 3, 4), np.uint8)
        ...     file["volumes/raw"].attrs["resolution"] = (40.0, 4.0, 4.0)
        >>> reader = HDF5Reader()
        >>> array, meta = reader.get_data(reader.read(path))
        >>> array.shape, meta["affine"].diagonal().tolist()
        ((4, 3, 2), [4.0, 4.0, 40.0, 1.0])
    """

    suffixes = ("hdf", "h5", "hdf5")

    def __init__(
        self,
        dataset: str = "volumes/raw",
        resolution: str | None = None,
        offset: str = "offset",
        relabel: bool | None = None,
        within: str | None = None,
        mask_value: int | None = None,
        allow_outside: bool = False,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.resolution = resolution
        self.offset = offset
        self.relabel = relabel
        self.within = within
        self.mask_value = mask_value
        self.allow_outside = allow_outside

    def read_volume(self, path: Path) -> Volume:
        """Read the dataset of one file."""
        with open_hdf5(path) as file:
            dataset = get_dataset(file, self.dataset, self.allow_outside)
            spacing, offset = self._grid(dataset)
            knows, unit = self._knowledge(dataset), self._unit(dataset)
            corner = np.zeros(dataset.ndim, dtype=int)
            shape = dataset.shape
            if self.within is not None:
                other = get_dataset(file, self.within, self.allow_outside)
                corner, shape = self._corner_of(other, dataset), other.shape
            region = tuple(slice(start, start + size) for start, size in zip(corner.tolist(), shape, strict=True))
            array = read_region(dataset, region)
        origin = offset + corner * spacing
        array = as_wanted(array, path, self.dataset, self.relabel, self.mask_value)
        affine = diagonal_affine(spacing[::-1].tolist(), origin[::-1].tolist())
        return Volume(np.ascontiguousarray(array.T), affine, path=path, knows=knows, unit=unit)

    def _grid(self, dataset: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Resolution and offset, in the order of the file's axes."""
        grid = []
        resolution = self._resolution(dataset)
        for name, default in ((resolution, 1.0), (self.offset, 0.0)):
            stored = dataset.attrs.get(name, (default,) * dataset.ndim)
            values = _numbers(stored)
            if values.shape != (dataset.ndim,) or not np.isfinite(values).all():
                raise ValueError(
                    f"{dataset.file.filename}: attribute {name!r} of {dataset.name} must hold one number for each of "
                    f"its {dataset.ndim} axes, got {_shown(stored)}."
                )
            grid.append(values)
        if (grid[0] <= 0).any():
            raise ValueError(
                f"{dataset.file.filename}: {resolution!r} of {dataset.name} must be positive, got {grid[0].tolist()}."
            )
        return grid[0], grid[1]

    def _knowledge(self, dataset: Any) -> Literal["place", "spacing", "nothing"]:
        if self._resolution(dataset) not in dataset.attrs:
            return "nothing"
        return "place" if self.offset in dataset.attrs else "spacing"

    def _resolution(self, dataset: Any) -> str:
        """Name of the attribute with the voxel size."""
        if self.resolution is not None:
            return self.resolution
        return _IN_MICRONS if "resolution" not in dataset.attrs and _IN_MICRONS in dataset.attrs else "resolution"

    def _unit(self, dataset: Any) -> str | None:
        """Unit of the voxel size: in the attribute's name, or nanometers in the layout of CREMI."""
        name = self._resolution(dataset)
        if name not in dataset.attrs:
            return None
        named = next((unit for unit in ("mm", "um", "nm") if name.endswith(f"_{unit}")), None)
        return named or ("nm" if name == "resolution" and dataset.name.startswith("/volumes/") else None)

    def _corner_of(self, inner: Any, outer: Any) -> NDArray[np.int64]:
        """Index in ``outer`` of the first voxel of ``inner``."""
        path = outer.file.filename
        (spacing, start), (inner_spacing, inner_start) = self._grid(outer), self._grid(inner)
        position = (inner_start - start) / spacing
        corner = np.round(position).astype(np.int64)
        if not np.allclose(spacing, inner_spacing) or np.abs(position - corner).max() > 0.01:
            raise ValueError(
                f"{path}: the voxels of {inner.name} are not those of {outer.name}: resolutions "
                f"{inner_spacing.tolist()} and {spacing.tolist()}, offsets {inner_start.tolist()} and {start.tolist()}."
            )
        if (corner < 0).any() or (corner + inner.shape > outer.shape).any():
            raise ValueError(
                f"{path}: {inner.name} of shape {inner.shape} from voxel {corner.tolist()} on is not inside "
                f"{outer.name} of shape {outer.shape}."
            )
        return corner


def _numbers(stored: Any) -> NDArray[np.float64]:
    """The numbers of an attribute, or one NaN if it holds something else."""
    try:
        return np.asarray(stored, dtype=np.float64)
    except (TypeError, ValueError):
        return np.array(np.nan)


def _shown(stored: Any) -> str:
    return repr(stored.tolist() if isinstance(stored, (np.ndarray, np.generic)) else stored)
