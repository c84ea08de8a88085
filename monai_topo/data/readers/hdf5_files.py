"""HDF5 files: opening them, finding a dataset, and whether its voxels lie in the file."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.utils import optional_import
from numpy.typing import NDArray

h5py, _ = optional_import("h5py")

_LARGE = 2**31  # bytes from which on a dataset must show that it is stored
_STRONGEST = 2000  # bytes that a stored byte can stand for; zlib reaches 1032


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
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path} cannot be opened: {_first_line(error)}. Is the download complete?") from None


def get_dataset(file: Any, name: str, allow_outside: bool = False) -> Any:
    """A dataset of 2 or 3 axes of numbers; links are followed.

    Args:
        file: an open file.
        name: path of the dataset in it.
        allow_outside: whether its voxels may lie in other files: links and virtual datasets that lead out of the file's
            folder, and external raw storage, which hands out the bytes of any file.

    Raises:
        ValueError: when the file has none of this name, naming those it has; when a link leads nowhere; when the
            dataset has other axes, or holds no numbers; when its voxels lie outside, or a file of them is gone.
    """
    item = _item(file, name)
    if not isinstance(item, h5py.Dataset):
        reason = _broken_link(file, name) or f"it has {', '.join(_datasets(file)) or 'none'}"
        raise ValueError(f"{file.filename} holds no dataset {name!r}; {reason}.")
    try:
        ndim, kind, dtype = item.ndim, item.dtype.kind, str(item.dtype)
    except Exception as error:  # h5py passes on what is wrong with a damaged header in many types
        raise ValueError(f"{file.filename}: {name} is damaged: {_first_line(error)}.") from None
    if ndim not in (2, 3):
        raise ValueError(f"{file.filename}: {name} must have axes (z, y, x) or (y, x), its shape is {item.shape}.")
    if kind not in "biuf":
        raise ValueError(f"{file.filename}: {name} must hold numbers, it holds {dtype}.")
    _check_storage(item, Path(file.filename), allow_outside)
    return item


def only_image(path: PathLike) -> str:
    """Name of the only dataset of 2 or 3 axes of numbers in a file.

    Raises:
        ValueError: when there is none, or more than one, naming them.
    """
    with open_hdf5(path) as file:
        found = [name for name in _datasets(file) if file[name].ndim in (2, 3) and file[name].dtype.kind in "biuf"]
        others = [f"{name} {file[name].shape} {file[name].dtype}" for name in _datasets(file)]
    if not found:
        raise ValueError(
            f"{path} holds no dataset of two or three axes of numbers, but {', '.join(others[:8]) or 'none at all'}: "
            "save one channel of one time as a dataset, or name one behind a link."
        )
    if len(found) > 1:
        raise ValueError(f"{path} holds {len(found)} images ({', '.join(found)}): name one of them as dataset.")
    return found[0]


def list_images(file: Any) -> dict[str, str]:
    """Names of the datasets of 2 or 3 axes of numbers in an open file, each with its shape and type."""
    found = {}
    for name in _datasets(file):
        try:
            if file[name].ndim in (2, 3) and file[name].dtype.kind in "biuf":
                found[name] = f"{' x '.join(map(str, file[name].shape))} {file[name].dtype}"
        except Exception:  # h5py passes on what is wrong with a damaged header in many types
            found[name] = "damaged"
    return found


def has_dataset(path: PathLike, name: str) -> bool:
    """Whether a file has something of this name, were it a link that leads nowhere."""
    with open_hdf5(path) as file:
        return file.get(name, getlink=True) is not None or _broken_link(file, name) is not None


def read_region(dataset: Any, region: tuple[slice, ...]) -> NDArray[Any]:
    """Part of a dataset, in this machine's byte order, which torch insists on.

    Raises:
        ValueError: when it cannot be read, or claims more voxels than the file can hold.
    """
    where = f"{dataset.file.filename}: {dataset.name}"
    size = dataset.dtype.itemsize * prod(dataset.shape)
    if size > _LARGE and not dataset.is_virtual and dataset.id.get_storage_size() * _STRONGEST < size:
        raise ValueError(f"{where} claims {size} bytes, of which {dataset.id.get_storage_size()} are in the file.")
    try:
        array = np.asarray(dataset[region])
    except (OSError, RuntimeError, MemoryError) as error:
        raise ValueError(f"{where} cannot be read: {_first_line(error)}. Is the download complete?") from None
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _datasets(file: Any) -> list[str]:
    found: list[str] = []
    try:
        file.visititems(lambda path, item: found.append(path) if isinstance(item, h5py.Dataset) else None)
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{file.filename} is damaged: {_first_line(error)}.") from None
    return found


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


def _check_storage(dataset: Any, opened: Path, allow_outside: bool) -> None:
    """Refuse voxels in other files, but for HDF5 files in the folder of the one that was opened."""
    path = Path(dataset.file.filename)
    if dataset.external and not allow_outside:
        files = ", ".join(sorted({str(entry[0]) for entry in dataset.external}))
        raise ValueError(_refusal(opened, dataset, files))
    if not allow_outside and not _is_in_folder_of(path, opened):
        raise ValueError(_refusal(opened, dataset, str(path)))
    if dataset.is_virtual:
        for source in dataset.virtual_sources():
            _check_source(dataset, source, opened, allow_outside)


def _check_source(dataset: Any, source: Any, opened: Path, allow_outside: bool) -> None:
    """HDF5 itself reads a source that is not there as zeros."""
    here = Path(dataset.file.filename)
    path = here if source.file_name == "." else here.parent / source.file_name
    if not allow_outside and not _is_in_folder_of(path, opened):
        raise ValueError(_refusal(opened, dataset, source.file_name))
    gone = f"{opened}: the voxels of {dataset.name} lie in {source.dset_name} of {path}, which"
    if not path.is_file():
        raise ValueError(f"{gone} is not there.")
    with open_hdf5(path) as file:
        item = _item(file, source.dset_name)
        if not isinstance(item, h5py.Dataset):
            raise ValueError(f"{gone} has none of this name.")
        if not _holds(item, source):
            raise ValueError(f"{gone} does not hold them: {item.shape}.")
        if (item.file.filename, item.name) != (dataset.file.filename, dataset.name):
            _check_storage(item, opened, allow_outside)


def _holds(item: Any, source: Any) -> bool:
    """Whether a dataset is as large as a virtual one needs it."""
    if source.src_space.get_select_type() == h5py.h5s.SEL_ALL:
        return bool(item.size == source.vspace.get_select_npoints())
    _, last = source.src_space.get_select_bounds()
    return item.ndim == len(last) and all(end < size for end, size in zip(last, item.shape, strict=True))


def _is_in_folder_of(path: Path, opened: Path) -> bool:
    return path.resolve().is_relative_to(opened.resolve().parent)


def _refusal(opened: Path, dataset: Any, files: str) -> str:
    return (
        f"{opened}: the voxels of {dataset.name} lie in {files}, outside of the file's folder or in no HDF5 file: say "
        "HDF5Reader(allow_outside=True) if you trust the file."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
