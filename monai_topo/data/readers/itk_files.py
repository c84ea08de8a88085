"""Files that ITK reads, NRRD and MetaImage before all, as volumes in RAS."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.utils import optional_import

from monai_topo.data.readers.volume import Volume

itk, _ = optional_import("itk")

_WIDER = {"char": ("SS", np.int8), "long": ("ULL", np.int64), "long_long": ("ULL", np.int64)}
"""For types of numbers that ITK has no image of: one that keeps all their bits, and the type to go back to."""

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def read_itk(path: Path) -> Volume:
    """Read a file that ITK recognizes.

    Raises:
        ValueError: when ITK does not, or has no images of the file's type of numbers, or the file has several channels.
    """
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
    return Volume(array, affine, path=path, knows=_knowledge(path, image), unit=None)


def _load(path: Path) -> tuple[Any, Any]:
    """ITK's image, and the type that its values have in the file, if ITK has no images of that."""
    try:
        return itk.imread(str(path)), None
    except RuntimeError as error:
        cause = str(error).strip().rsplit("\n", 1)[-1]
        raise ValueError(f"{cause} Is the download complete?") from None
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


def _knowledge(path: Path, image: Any) -> Literal["place", "spacing"]:
    """NRRD files may leave out in which space they lie."""
    tags = image.GetMetaDataDictionary()
    in_a_space = tags.HasKey("NRRD_space") or path.suffix.lower() not in (".nrrd", ".nhdr")
    return "place" if in_a_space else "spacing"
