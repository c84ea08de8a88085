"""Which file is of which kind, by the end of its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monai.config import PathLike

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "NIfTI": (".nii.gz", ".nii"),
    "TIFF": (".tif", ".tiff"),
    "NRRD": (".nrrd", ".nhdr"),
    "MetaImage": (".mha", ".mhd"),
    "HDF5": (".h5", ".hdf", ".hdf5"),
    "NumPy": (".npy", ".npz"),
    "PNG": (".png",),
    "Zarr": (".zarr",),
}
"""Kinds of files, and folders, that :func:`~monai_topo.data.read_volume` reads, and how their names end."""

VOLUME_SUFFIXES: tuple[str, ...] = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
"""All of them, those of volumes with a place in space first."""


def suffix_of(path: PathLike, suffixes: tuple[str, ...] = VOLUME_SUFFIXES) -> str | None:
    """The suffix of a volume that a name ends in, in the letters of the name; None if it is none.

    Example:
        >>> [suffix_of(name) for name in ("a.1.nii.gz", "B.TIF", "notes.txt")]
        ['.nii.gz', '.TIF', None]
    """
    name = Path(path).name
    found = next((suffix for suffix in suffixes if name.lower().endswith(suffix)), None)
    return None if found is None else name[len(name) - len(found) :]


def stem_of(path: PathLike) -> str:
    """Name of a file without the suffix of a volume; dots that are part of the name stay.

    Example:
        >>> [stem_of(name) for name in ("3Dircadb1.1.nii.gz", "1.2.840.10.tif")]
        ['3Dircadb1.1', '1.2.840.10']
    """
    return Path(path).name.removesuffix(suffix_of(path) or "")


def kind_of(path: PathLike) -> str | None:
    """Kind of a file by its name, a key of ``SUFFIXES``; None if it is none of them.

    Example:
        >>> kind_of("a.nii.gz"), kind_of("A.HDF"), kind_of("notes.txt")
        ('NIfTI', 'HDF5', None)
    """
    return next((kind for kind, suffixes in SUFFIXES.items() if suffix_of(path, suffixes)), None)
