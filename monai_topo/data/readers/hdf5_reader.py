"""Reader of image and label volumes in HDF5 files, with their resolution as the affine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.config import PathLike
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.data.readers.volume import Volume, VolumeReader, diagonal_affine, mask_of_value

h5py, _ = optional_import("h5py")


class HDF5Reader(VolumeReader):
    """Reads one dataset of an HDF5 file, by default in the layout of the CREMI challenge.

    Use it as ``LoadImaged(keys="image", reader="monai_topo.data.HDF5Reader", dataset="volumes/raw")``. The file's axes
    are (z, y, x); the array comes as (x, y, z), as MONAI's readers of NIfTI and TIFF have it. The affine is
    diagonal and RAS: ``resolution`` becomes the voxel size and ``offset`` the origin, both in the file's own unit
    (nanometers in CREMI), which NIfTI viewers will take for millimeters.

    Args:
        dataset: path of the dataset inside the file.
        resolution: attribute of the dataset that holds the voxel size, in the order of the file's axes. A file without
            it has voxel size 1.
        offset: attribute that holds the position of the first voxel; 0 without it.
        relabel: give ids that float32 could not tell apart (64-bit integers, and others of 2^24 or more) consecutive
            numbers from 1 in rising order. 0 stays 0, and 2^64 - 1, CREMI's mark of what is no cleft, becomes 0.
        within: path of another dataset, to whose extent the volume is cropped. CREMI's padded files have labels that
            are smaller than the raw volume and shifted by their offset: load the raw volume
            ``within="volumes/labels/neuron_ids"``.
        mask_value: value of the structure in a label, which becomes a mask of 0 and 1; None leaves the values.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when a file is not HDF5 or not complete, lacks the dataset or has a broken link there, holds no 2D
            or 3D array there, is not large enough for ``within``, or has no voxel of ``mask_value``.

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
        resolution: str = "resolution",
        offset: str = "offset",
        relabel: bool = True,
        within: str | None = None,
        mask_value: int | None = None,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.resolution = resolution
        self.offset = offset
        self.relabel = relabel
        self.within = within
        self.mask_value = mask_value

    def read_volume(self, path: Path) -> Volume:
        """Read the dataset of one file."""
        with open_hdf5(path) as file:
            dataset = get_dataset(file, self.dataset)
            spacing, offset = self._grid(dataset)
            knows = self._knowledge(dataset)
            corner = np.zeros(dataset.ndim, dtype=int)
            shape = dataset.shape
            if self.within is not None:
                other = get_dataset(file, self.within)
                corner, shape = self._corner_of(other, dataset), other.shape
            region = tuple(slice(start, start + size) for start, size in zip(corner.tolist(), shape, strict=True))
            array = _native(_read(dataset, region))
        origin = offset + corner * spacing
        if self.mask_value is not None:
            array = mask_of_value(array, self.mask_value, path)
        elif self.relabel:
            array = _consecutive(array)
        affine = diagonal_affine(spacing[::-1].tolist(), origin[::-1].tolist())
        return Volume(np.ascontiguousarray(array.T), affine, path=path, knows=knows)

    def _grid(self, dataset: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Resolution and offset, in the order of the file's axes."""
        grid = []
        for name, default in ((self.resolution, 1.0), (self.offset, 0.0)):
            values = np.asarray(dataset.attrs.get(name, (default,) * dataset.ndim), dtype=np.float64)
            if values.shape != (dataset.ndim,) or not np.isfinite(values).all():
                raise ValueError(
                    f"{dataset.file.filename}: attribute {name!r} of {dataset.name} must hold one number for each of "
                    f"its {dataset.ndim} axes, got {values.tolist()}."
                )
            grid.append(values)
        if (grid[0] <= 0).any():
            raise ValueError(
                f"{dataset.file.filename}: {self.resolution!r} of {dataset.name} must be positive, "
                f"got {grid[0].tolist()}."
            )
        return grid[0], grid[1]

    def _knowledge(self, dataset: Any) -> Literal["place", "spacing", "nothing"]:
        if self.resolution not in dataset.attrs:
            return "nothing"
        return "place" if self.offset in dataset.attrs else "spacing"

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


def open_hdf5(path: PathLike) -> Any:
    """Open an HDF5 file for reading.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is not an HDF5 file, or not a complete one.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no such file: {path}")
    if not h5py.is_hdf5(path):
        raise ValueError(f"{path} is not an HDF5 file.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path} cannot be opened: {error}. Is the download complete?") from None


def get_dataset(file: Any, name: str) -> Any:
    """A dataset of 2 or 3 axes; soft and external links are followed.

    Raises:
        ValueError: when the file has none of this name, naming those it has; when a link leads nowhere; when the
            dataset has other axes, or holds no numbers.
    """
    item = _item(file, name)
    if not isinstance(item, h5py.Dataset):
        found: list[str] = []
        file.visititems(lambda path, item: found.append(path) if isinstance(item, h5py.Dataset) else None)
        reason = _broken_link(file, name) or f"it has {', '.join(found) or 'none'}"
        raise ValueError(f"{file.filename} holds no dataset {name!r}; {reason}.")
    if item.ndim not in (2, 3):
        raise ValueError(f"{file.filename}: {name} must have axes (z, y, x) or (y, x), its shape is {item.shape}.")
    if item.dtype.kind not in "biuf":
        raise ValueError(f"{file.filename}: {name} must hold numbers, it holds {item.dtype}.")
    return item


def only_image(path: PathLike) -> str:
    """Name of the only dataset of 2 or 3 axes of numbers in a file.

    Raises:
        ValueError: when there is none, or more than one, naming them.
    """
    found: list[str] = []
    with open_hdf5(path) as file:
        file.visititems(lambda name, item: found.append(name) if _is_image(item) else None)
    if len(found) != 1:
        raise ValueError(f"{path} holds {len(found)} images ({', '.join(found)}): name one of them as dataset.")
    return found[0]


def _is_image(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim in (2, 3) and item.dtype.kind in "biuf"


def has_dataset(path: PathLike, name: str) -> bool:
    """Whether a file has something of this name, were it a link that leads nowhere."""
    with open_hdf5(path) as file:
        return file.get(name, getlink=True) is not None or _broken_link(file, name) is not None


def _item(file: Any, name: str) -> Any:
    try:
        return file[name]
    except (KeyError, OSError, RuntimeError):  # missing, or a link to what is missing, not HDF5, or itself
        return None


def _broken_link(file: Any, name: str) -> str | None:
    """What the first link on the way to a name points to, if that is nothing."""
    steps = name.strip("/").split("/")
    for count in range(1, len(steps) + 1):
        prefix = "/".join(steps[:count])
        link = file.get(prefix, getlink=True)
        if isinstance(link, (h5py.SoftLink, h5py.ExternalLink)) and _item(file, prefix) is None:
            target = f"{link.path} of {link.filename}" if isinstance(link, h5py.ExternalLink) else link.path
            return f"{prefix} is a link to {target}, which is not there"
    return None


def _read(dataset: Any, region: tuple[slice, ...]) -> NDArray[Any]:
    try:
        return np.asarray(dataset[region])
    except OSError as error:
        raise ValueError(
            f"{dataset.file.filename}: {dataset.name} cannot be read: {error}. Is the download complete?"
        ) from None


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """In this machine's byte order, which torch insists on."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _consecutive(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "iu" or (array.dtype.itemsize < 8 and (array.size == 0 or array.max() < 2**24)):
        return array
    ids, index = np.unique(array, return_inverse=True)
    none = ids == 0
    if ids.dtype == np.uint64:
        none |= ids == 2**64 - 1
    numbers = np.where(none, 0, np.cumsum(~none)).astype(np.int32)
    return np.asarray(numbers[index].reshape(array.shape))
