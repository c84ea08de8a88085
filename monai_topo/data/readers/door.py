"""The one door from files to volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.data.readers.box_source import BoxSource
from monai_topo.data.readers.dicom import read_slice
from monai_topo.data.readers.dicom_bytes import is_dicom
from monai_topo.data.readers.dicom_series import slice_volume
from monai_topo.data.readers.extras import scale_package
from monai_topo.data.readers.hdf5_files import only_image
from monai_topo.data.readers.hdf5_reader import HDF5Reader
from monai_topo.data.readers.itk_files import read_itk
from monai_topo.data.readers.nifti import nifti_grid, read_nifti
from monai_topo.data.readers.places import is_volume_folder
from monai_topo.data.readers.sections import SectionStack, read_sections, section_files
from monai_topo.data.readers.suffixes import VOLUME_SUFFIXES, kind_of
from monai_topo.data.readers.tiff_reader import TIFFStackReader
from monai_topo.data.readers.volume import Volume, check_sizes, diagonal_affine
from monai_topo.data.readers.zarr_levels import CHUNK, block_of_chunks
from monai_topo.data.readers.zarr_reader import ZarrReader

PILImage, _ = optional_import("PIL.Image")


def read_volume(path: PathLike, *, dataset: str | None = None, spacing: Sequence[float] | None = None) -> Volume:
    """Read one channel of an image, a likelihood or a label from a file or folder of any kind that is known here.

    NIfTI, TIFF, NRRD, MetaImage, HDF5, NumPy and PNG are known by their suffixes, whatever the case of the letters, a
    slice of DICOM by its beginning; any other file is left to ITK. A folder is a zarr (:class:`ZarrReader`), whatever
    its name, or holds the sections of a volume, a PNG or TIFF file for each, in the order of the numbers in their
    names. The values are those of the file, in its type of
    numbers and this machine's byte order: no integer passes through a float, no id is renumbered.

    Args:
        path: path of the file or folder.
        dataset: path of the dataset in an HDF5 file or a zarr group, or name of the array in an ``.npz``; None takes
            the only one of two or three axes.
        spacing: size of a voxel along x, y and z, or along x and y; it takes the place of what the file says. None
            takes the file's.

    Returns:
        Array ``(x, y)`` or ``(x, y, z)`` with its affine in RAS, and how much of it the file knows. The axes of a NumPy
        file stay as they are.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is another folder, cannot be read, is damaged, or holds no single channel of two or three
            axes of numbers; for a ``dataset`` in a file of another kind, or a bad ``spacing``.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mask.npy"
        >>> np.save(path, np.zeros((3, 4, 5), np.uint8))
        >>> volume = read_volume(path, spacing=(0.5, 0.5, 2.0))
        >>> volume.array.shape, volume.spacing, volume.unit
        ((3, 4, 5), (0.5, 0.5, 2.0), None)
        >>> read_volume(path).known_spacing is None
        True
    """
    path = _existing(path)
    kind = kind_of_place(path)
    if dataset is not None and kind not in ("HDF5", "Zarr") and path.suffix.lower() != ".npz":
        raise ValueError(f"dataset must be None for {path}, which is no HDF5, zarr or .npz file; got {dataset!r}.")
    volume = _read(path, lambda: _READERS.get(kind or "", _read_other)(path, dataset))
    return volume if spacing is None else _with_spacing(volume, check_sizes(spacing))


def open_volume(path: PathLike, *, dataset: str | None = None, spacing: Sequence[float] | None = None) -> Volume:
    """As :func:`read_volume`, but the array is a ``dask.array``: of a zarr or a folder of sections nothing is read yet.

    Args:
        path: path of the file or folder. A file of another kind is read whole, and cut into blocks.
        dataset: path of the array or image in a zarr, as for :func:`read_volume`.
        spacing: size of a voxel along x, y and z; None takes the file's.

    Returns:
        The same volume in blocks of about four million voxels, of whole chunks or whole sections.

    Raises:
        ImportError: when dask is not installed (extra ``scale``).
        FileNotFoundError: when there is no such file.
        ValueError: as :func:`read_volume`, now or when a block is read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mask.npy"
        >>> np.save(path, np.ones((3, 4, 5), np.uint8))
        >>> int(open_volume(path).array.sum().compute())
        60
    """
    path = _existing(path)
    if not opens_by_blocks(path):
        volume = read_volume(path, dataset=dataset, spacing=spacing)
        shape = volume.array.shape
        block = block_of_chunks(shape, (CHUNK,) * len(shape), (True,) * len(shape))
        return replace(volume, array=scale_package("dask.array").from_array(volume.array, chunks=block))
    if kind_of_place(path) == "Zarr":
        volume = _read(path, lambda: ZarrReader(dataset, relabel=False).read_lazily(path))
    else:
        volume = _read(path, lambda: _open_sections(path, dataset))
    return volume if spacing is None else _with_spacing(volume, check_sizes(spacing))


def open_boxes(path: PathLike, *, dataset: str | None = None, spacing: Sequence[float] | None = None) -> Volume:
    """As :func:`open_volume`, but the array is a :class:`BoxSource`: boxes are read one at a time, without dask.

    Args:
        path: path of a zarr or a folder of sections.
        dataset: path of the array or image in a zarr.
        spacing: size of a voxel along x, y and z; None takes the file's.

    Raises:
        FileNotFoundError: when there is no such folder.
        ValueError: for a file, which is read whole; and as :func:`read_volume`.
    """
    path = _existing(path)
    if kind_of_place(path) == "Zarr":
        volume = _read(path, lambda: ZarrReader(dataset, relabel=False).read_boxes(path))
    elif is_volume_folder(path) and dataset is None:
        volume = _read(path, lambda: _sections_by_boxes(path))
    else:
        raise ValueError(f"{path} is no zarr and no folder of sections, of which boxes can be read.")
    return volume if spacing is None else _with_spacing(volume, check_sizes(spacing))


def _sections_by_boxes(path: Path) -> Volume:
    stack = SectionStack(section_files(path), read_volume)
    source: Any = BoxSource.of(stack.__getitem__, stack.shape, stack.dtype)
    return Volume(source, np.eye(4), knows="nothing")


def opens_by_blocks(path: PathLike) -> bool:
    """Whether a volume can be read by blocks: a zarr or, where dask is installed, a folder of sections."""
    path = Path(path)
    if not path.is_dir() or not is_volume_folder(path):
        return False
    return kind_of_place(path) == "Zarr" or optional_import("dask")[1]


def _open_sections(path: Path, dataset: str | None) -> Volume:
    if dataset is not None:
        raise ValueError(f"dataset must be None for {path}, which is no HDF5, zarr or .npz file; got {dataset!r}.")
    stack = SectionStack(section_files(path), read_volume)
    array = scale_package("dask.array").from_array(stack, chunks=stack.block)
    return Volume(array, np.eye(4), knows="nothing")


def read_grid(path: PathLike) -> Volume:
    """Shape and affine of a file with a single image; of NIfTI and zarr the metadata alone is read.

    Args:
        path: path of the file.

    Returns:
        A volume whose voxels mean nothing.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: as :func:`read_volume`.
    """
    path = _existing(path)
    kind = kind_of_place(path)
    if kind == "Zarr":
        return _read(path, lambda: ZarrReader().read_grid(path))
    return _read(path, lambda: nifti_grid(path)) if kind == "NIfTI" else read_volume(path)


def kind_of_place(path: Path) -> str | None:
    """Kind of a file by its name, of a folder by what is in it; None if it is none that is known."""
    if not path.is_dir():
        return kind_of(path)
    return "sections" if section_files(path) else "Zarr"


def _existing(path: PathLike) -> Path:
    if not Path(path).exists():
        raise FileNotFoundError(f"no such file: {path}")
    if Path(path).is_dir() and not is_volume_folder(path) and kind_of(path) != "Zarr":
        raise ValueError(
            f"{path} is a folder, one file is wanted, or a zarr, or sections in PNG or TIFF files of their own: "
            "convert a DICOM series to NIfTI, with dcm2niix."
        )
    if Path(path).is_file() and kind_of(path) == "Zarr":
        raise ValueError(f"{path} is a file, a zarr volume is a folder: unpack it.")
    return Path(path)


def _read(path: Path, read: Callable[[], Volume]) -> Volume:
    try:
        volume = read()
    except ImportError:  # it names the package to install
        raise
    except Exception as error:  # every library raises its own
        raise ValueError(_reason(path, error)) from error
    return replace(volume, array=_checked(path, volume.array), path=path)


def _read_hdf5(path: Path, dataset: str | None) -> Volume:
    return HDF5Reader(only_image(path) if dataset is None else dataset, relabel=False).read_volume(path)


def _read_numpy(path: Path, dataset: str | None) -> Volume:
    with path.open("rb") as file:
        content = np.load(file, allow_pickle=False)
        array = content if isinstance(content, np.ndarray) else content[_only_array(content, dataset)]
    return Volume(array, np.eye(4), knows="nothing")


def _only_array(content: Any, dataset: str | None) -> str:
    names = list(content.files)
    if dataset is None and len(names) == 1:
        return str(names[0])
    if not names:
        raise ValueError("it holds no arrays.")
    if dataset is None or dataset not in names:
        raise ValueError(f"it holds {len(names)} arrays ({', '.join(names)}): name one of them as dataset.")
    return dataset


def _read_png(path: Path, dataset: str | None) -> Volume:
    with PILImage.open(path) as image:  # a palette's pixels are its indices: ids
        array = np.asarray(image)
    if array.ndim == 3:
        raise ValueError(f"it is in color or has an alpha channel, its shape is {array.shape}; one channel is wanted.")
    return Volume(array.T, np.eye(4), knows="nothing")


def _read_other(path: Path, dataset: str | None) -> Volume:
    if is_dicom(path):
        return slice_volume(read_slice(path, str(path)))
    try:
        return read_itk(path)
    except ValueError as error:
        if kind_of(path) is None:
            raise ValueError(f"{error} Its name ends in none of {', '.join(VOLUME_SUFFIXES)}.") from None
        raise


_READERS: Mapping[str, Callable[[Path, str | None], Volume]] = {
    "NIfTI": lambda path, dataset: read_nifti(path),
    "TIFF": lambda path, dataset: TIFFStackReader().read_volume(path),
    "HDF5": _read_hdf5,
    "NumPy": _read_numpy,
    "PNG": _read_png,
    "Zarr": lambda path, dataset: ZarrReader(dataset, relabel=False).read_volume(path),
    "sections": lambda path, dataset: read_sections(section_files(path), read_volume),
}


def _reason(path: Path, error: Exception) -> str:
    """One line that names the file."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(error, ValueError) and lines[0].startswith(str(path)):
        return lines[0]
    return f"{path} cannot be read: {lines[0].replace(str(path), path.name)}"


def _checked(path: Path, array: NDArray[Any]) -> NDArray[Any]:
    """An array of 2 or 3 axes of numbers, in this machine's byte order."""
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{path} must hold one number for each voxel, it holds {array.dtype}.")
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(f"{path} must hold one image of two or three axes, not empty; its shape is {array.shape}.")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _with_spacing(volume: Volume, spacing: tuple[float, ...]) -> Volume:
    """The volume with another voxel size; direction and origin stay, as far as the file knows them."""
    ndim = volume.array.ndim
    if len(spacing) < ndim:
        raise ValueError(f"spacing must have a size for each of the {ndim} axes of {volume.path}, got {spacing}.")
    if volume.knows != "place":
        return replace(volume, affine=diagonal_affine(spacing[:ndim]), knows="spacing", unit=None)
    affine = volume.affine.copy()
    affine[:3, :ndim] *= np.array(spacing[:ndim]) / volume.spacing
    return replace(volume, affine=affine, unit=None)
