"""Voxel sizes in TIFF files, where a program has left them: ImageJ, OME, or the resolution of a single page."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from typing import Any

from monai_topo.data.readers.lengths import PER_MICRON, in_one_unit

_RESOLUTION_UNITS = {2: "inch", 3: "cm"}
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
_COARSEST = 10.0  # micrometers: coarser pixels are those of printers and screens


def voxel_size(file: Any, ndim: int) -> tuple[tuple[float, ...], str] | None:
    """Size of a voxel along x, y and, in a stack, z, and its unit, ``"nm"``, ``"um"`` or ``"mm"``.

    Args:
        file: a ``tifffile.TiffFile``.
        ndim: 2 or 3 axes.

    Returns:
        None where the file does not say it.
    """
    if file.is_imagej:
        return _in_one_unit(_imagej(file), ndim)
    if file.is_ome:
        return _in_one_unit(_ome(file.ome_metadata), ndim)
    found = _in_one_unit(_resolution(file.pages[0].tags), 2) if ndim == 2 else None
    fine = found is not None and max(found[0]) * PER_MICRON[found[1]] <= _COARSEST
    return found if fine else None


def _in_one_unit(sizes: list[tuple[float, str]], ndim: int) -> tuple[tuple[float, ...], str] | None:
    """Sizes of the first axes in the unit of the first; None where some are missing."""
    return in_one_unit(sizes[:ndim]) if len(sizes) >= ndim else None


def _imagej(file: Any) -> list[tuple[float, str]]:
    """ImageJ names the unit of x, those of y and z where they are others, and writes no spacing where it is 1."""
    about = file.imagej_metadata or {}
    unit = about.get("unit", "")
    units = [str(one) for one in (unit, about.get("yunit", unit), about.get("zunit", unit))]
    tags = file.pages[0].tags
    across = [_per_pixel(tags.valueof(tag)) for tag in (_X_RESOLUTION, _Y_RESOLUTION)]
    return list(zip((*across, abs(_number(about.get("spacing", 1.0)))), units, strict=True))


def _ome(text: str) -> list[tuple[float, str]]:
    """OME gives each size with its unit, by default micrometers; what it leaves out ends the list."""
    pixels = next((item for item in ElementTree.fromstring(text).iter() if item.tag.endswith("Pixels")), None)
    sizes = []
    for axis in "XYZ":
        size = None if pixels is None else pixels.get(f"PhysicalSize{axis}")
        if pixels is None or size is None:
            break
        sizes.append((_number(size), pixels.get(f"PhysicalSize{axis}Unit", "um")))
    return sizes


def _resolution(tags: Any) -> list[tuple[float, str]]:
    unit = _RESOLUTION_UNITS.get(int(tags.valueof(_RESOLUTION_UNIT, 2)), "")
    return [(_per_pixel(tags.valueof(tag)), unit) for tag in (_X_RESOLUTION, _Y_RESOLUTION)]


def _per_pixel(resolution: Any) -> float:
    """From pixels for a unit, a fraction, to units for a pixel; NaN where there is none."""
    try:
        pixels, units = resolution
        return float(units) / float(pixels)
    except (TypeError, ValueError, ZeroDivisionError):
        return math.nan


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
