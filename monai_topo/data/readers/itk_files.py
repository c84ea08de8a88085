"""Files that ITK reads, NRRD and MetaImage before all, as volumes in RAS."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.utils import optional_import

from monai_topo.data.readers.volume import Volume

itk, _ = optional_import("itk")

_WIDER = {"char": ("SS", np.int8), "long": ("ULL", np.int64), "long_long": ("ULL", np.int64)}
"""For types of numbers that ITK has no image of: one that keeps all their bits, and the type to go back to."""

_MARKS = {".nrrd": ":", ".nhdr": ":", ".mha": "=", ".mhd": "="}
_LAST, _START = "elementdatafile", "start"
_LONGEST = 2**16
_PICTURES = (".jpg", ".jpeg", ".bmp", ".gif", ".png")

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def read_itk(path: Path) -> Volume:
    """Read a file that ITK recognizes.

    Raises:
        ValueError: when ITK does not, or has no images of the file's type of numbers, or the file has several channels.
    """
    facts = _facts(path)
    _check_compressed(path, facts)
    image, dtype = _load(path)
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise ValueError(f"it has {image.GetNumberOfComponentsPerPixel()} channels; one is wanted.")
    ndim = image.GetImageDimension()
    size = min(ndim, 3)
    affine = np.eye(4)
    direction = itk.array_from_matrix(image.GetDirection())
    affine[:size, :size] = (direction * np.array(image.GetSpacing()))[:size, :size]
    affine[:size, 3] = np.array(image.GetOrigin())[:size]
    affine[:3] = _LPS_TO_RAS @ affine[:3]
    array = np.array(itk.array_view_from_image(image)).T
    array = array if dtype is None else array.astype(dtype)
    return Volume(array, affine, path=path, knows=_knowledge(path, image, facts), unit=None)


def _load(path: Path) -> tuple[Any, Any]:
    """ITK's image, and the type that its values have in the file, if ITK has no images of that."""
    try:
        return itk.imread(str(path)), None
    except RuntimeError as error:
        lines = str(error).strip().splitlines()
        reported = next((line for line in reversed(lines) if "ERROR" in line), lines[-1])  # rows of matrices may follow
        cause = reported.rpartition("): ")[2].strip(" .")
        raise ValueError(f"{cause}. Is the download complete?") from None
    except (TypeError, KeyError):  # ITK's tables have no image of this type
        kind = _component(path)
    if kind not in _WIDER:
        raise ValueError(f"ITK does not read its type of numbers ({kind}): convert it to NIfTI or TIFF.")
    wider, dtype = _WIDER[kind]
    return itk.imread(str(path), pixel_type=getattr(itk, wider)), dtype


def _component(path: Path) -> str:
    io = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
    io.SetFileName(str(path))
    io.ReadImageInformation()
    return str(io.GetComponentTypeAsString(io.GetComponentType()))


def _facts(path: Path) -> dict[str, str]:
    """Entries of the header of an NRRD or MetaImage file, by their names in small letters; of other files none."""
    mark = _MARKS.get(path.suffix.lower())
    facts: dict[str, str] = {}
    if mark is None:
        return facts
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(_LONGEST), b""):
            name, _, value = line.decode("latin-1").partition(mark)
            facts[name.strip().lower()] = value.strip()
            if not line.strip() or name.strip().lower() == _LAST:
                break
        facts[_START] = str(file.tell())
    return facts


def _check_compressed(path: Path, facts: Mapping[str, str]) -> None:
    """Compare the checksum of a compressed MetaImage, of which ITK shows what it could unpack.

    Raises:
        ValueError: when the file is damaged.
    """
    if facts.get("compresseddata", "").lower() != "true":
        return
    is_inside = facts.get(_LAST, "").lower() == "local"
    data = path if is_inside else path.parent / facts.get(_LAST, "")
    if not data.is_file():
        return  # a pattern or a list of files; ITK says what is not there
    unpacked = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        with data.open("rb") as file:
            file.seek(int(facts[_START]) if is_inside else 0)
            for chunk in iter(lambda: file.read(2**20), b""):
                unpacked.decompress(chunk)
    except zlib.error as error:
        raise ValueError(f"{error}. Is the download complete?") from None
    if not unpacked.eof:
        raise ValueError("its compressed voxels break off. Is the download complete?")


def _knowledge(path: Path, image: Any, facts: Mapping[str, str]) -> Literal["place", "spacing", "nothing"]:
    """Files may leave out how large their voxels are, for which ITK takes 1, or in which space they lie."""
    suffix = path.suffix.lower()
    if suffix in _PICTURES:
        return "nothing"
    if suffix in (".mha", ".mhd"):
        return "place" if {"elementspacing", "elementsize"} & facts.keys() else "nothing"
    if suffix in (".nrrd", ".nhdr"):
        sizes = facts.get("space directions", facts.get("spacings", "none")).lower()
        if "none" in sizes or "nan" in sizes:
            return "nothing"
        return "place" if image.GetMetaDataDictionary().HasKey("NRRD_space") else "spacing"
    return "place"
