"""Files that ITK reads, NRRD and MetaImage before all, as volumes in RAS."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.utils import optional_import

from monai_topo.data.readers.volume import Volume

itk, _ = optional_import("itk")

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def read_itk(path: Path) -> Volume:
    """Read a file that ITK recognizes.

    Raises:
        ValueError: when ITK does not, or has no images of the file's type of numbers, or the file has several channels.
    """
    image = _load(path)
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
    return Volume(array, affine, path=path, knows=_knowledge(path, image), unit=None)


def _load(path: Path) -> Any:
    try:
        return itk.imread(str(path))
    except RuntimeError as error:
        cause = str(error).strip().rsplit("\n", 1)[-1]
        raise ValueError(f"{cause} Is the download complete?") from None
    except (TypeError, KeyError):  # a table of templates without this one
        io = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
        kind = "" if io is None else f" ({io.GetComponentTypeAsString(io.GetComponentType())})"
        raise ValueError(f"ITK does not read its type of numbers{kind}: convert it to NIfTI or TIFF.") from None


def _knowledge(path: Path, image: Any) -> Literal["place", "spacing"]:
    """NRRD files may leave out in which space they lie."""
    tags = image.GetMetaDataDictionary()
    in_a_space = tags.HasKey("NRRD_space") or path.suffix.lower() not in (".nrrd", ".nhdr")
    return "place" if in_a_space else "spacing"
