"""Reader of image and label volumes in HDF5 files, with their resolution as the affine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.data import ImageReader, is_supported_format
from monai.utils import MetaKeys, SpaceKeys, ensure_tuple, optional_import
from numpy.typing import NDArray

h5py, _ = optional_import("h5py")


@dataclass(frozen=True)
class HDF5Volume:
    """One dataset of a file in file order (z, y, x), with its resolution and offset in the file's unit."""

    array: NDArray[Any]
    resolution: tuple[float, ...]
    offset: tuple[float, ...]


class HDF5Reader(ImageReader):
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
        relabel: give 64-bit ids, which float32 could not tell apart, consecutive numbers from 1 in rising order; 0
            stays 0. Other integers are left as they are.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when a file is not HDF5, lacks the dataset, or holds no 2D or 3D array there.

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

    def __init__(
        self,
        dataset: str = "volumes/raw",
        resolution: str = "resolution",
        offset: str = "offset",
        relabel: bool = True,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.resolution = resolution
        self.offset = offset
        self.relabel = relabel

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Whether all names end in ``.hdf``, ``.h5`` or ``.hdf5``."""
        return bool(is_supported_format(filename, ["hdf", "h5", "hdf5"]))

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> list[HDF5Volume]:
        """Read the dataset of one file or of several.

        Args:
            data: path or paths.
            **kwargs: accepted for MONAI's interface; there are none.
        """
        if kwargs:
            raise TypeError(f"HDF5Reader.read takes no further arguments, got {sorted(kwargs)}.")
        return [self._read_one(Path(path)) for path in ensure_tuple(data)]

    def _read_one(self, path: Path) -> HDF5Volume:
        with open_hdf5(path) as file:
            dataset = get_dataset(file, self.dataset)
            ones, zeros = (1.0,) * dataset.ndim, (0.0,) * dataset.ndim
            return HDF5Volume(
                _consecutive(dataset[()]) if self.relabel else dataset[()],
                tuple(float(size) for size in dataset.attrs.get(self.resolution, ones)),
                tuple(float(start) for start in dataset.attrs.get(self.offset, zeros)),
            )

    def get_data(self, img: Sequence[HDF5Volume] | HDF5Volume) -> tuple[NDArray[Any], dict[str, Any]]:
        """Array (x, y[, z]) and metadata; several volumes become the channels of one array.

        Raises:
            ValueError: when several volumes differ in shape, resolution or offset.
        """
        volumes = ensure_tuple(img)
        first = volumes[0]
        for other in volumes[1:]:
            if (other.array.shape, other.resolution, other.offset) != (
                first.array.shape,
                first.resolution,
                first.offset,
            ):
                raise ValueError("volumes that become channels of one image must share shape, resolution and offset.")
        arrays = [np.ascontiguousarray(volume.array.T) for volume in volumes]
        affine = _affine(first)
        meta: dict[str, Any] = {
            MetaKeys.AFFINE: affine,
            MetaKeys.ORIGINAL_AFFINE: affine.copy(),
            MetaKeys.SPATIAL_SHAPE: np.asarray(arrays[0].shape),
            MetaKeys.SPACE: SpaceKeys.RAS,
            MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan") if len(arrays) == 1 else 0,
        }
        return (arrays[0] if len(arrays) == 1 else np.stack(arrays)), meta


def open_hdf5(path: PathLike) -> Any:
    """Open an HDF5 file for reading.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is not an HDF5 file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no such file: {path}")
    if not h5py.is_hdf5(path):
        raise ValueError(f"{path} is not an HDF5 file.")
    return h5py.File(path, "r")


def get_dataset(file: Any, name: str) -> Any:
    """A dataset of 2 or 3 axes.

    Raises:
        ValueError: when the file has none of this name, naming those it has; or it has other axes.
    """
    found: list[str] = []
    file.visititems(lambda path, item: found.append(path) if isinstance(item, h5py.Dataset) else None)
    if name not in found:
        raise ValueError(f"{file.filename} holds no dataset {name!r}; it has {', '.join(found) or 'none'}.")
    if file[name].ndim not in (2, 3):
        raise ValueError(
            f"{file.filename}: {name} must have axes (z, y, x) or (y, x), its shape is {file[name].shape}."
        )
    return file[name]


def _consecutive(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 8:
        return array
    ids, index = np.unique(array, return_inverse=True)
    return (index.reshape(array.shape) + int(ids[0] != 0)).astype(np.int32)


def _affine(volume: HDF5Volume) -> NDArray[np.float64]:
    affine = np.eye(4)
    ndim = volume.array.ndim
    affine[range(ndim), range(ndim)] = volume.resolution[::-1]
    affine[:ndim, 3] = volume.offset[::-1]
    return affine
