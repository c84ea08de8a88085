"""Voxel sizes in one unit of length, whatever the words that files use."""

from __future__ import annotations

import math
from collections.abc import Sequence

PER_MICRON = {"\u00c5": 1e-4, "nm": 1e-3, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0}
_SPELLINGS = {"micron": "um", "\\u00b5m": "um", "in": "inch", "inches": "inch", '"': "inch", "angstrom": "\u00c5"}
_SPELLINGS |= {"nanometer": "nm", "micrometer": "um", "millimeter": "mm", "centimeter": "cm", "meter": "m"}


def in_one_unit(sizes: Sequence[tuple[float, str]]) -> tuple[tuple[float, ...], str] | None:
    """Sizes with their units, in the unit of the first.

    Args:
        sizes: each with its unit, in any spelling.

    Returns:
        Sizes and ``"nm"``, ``"um"`` or ``"mm"``; None where a unit is no length, or a size not positive.

    Example:
        >>> in_one_unit([(4.0, "nanometer"), (0.04, "micron")])
        ((4.0, 40.0), 'nm')
    """
    units = [_normal(unit) for _, unit in sizes]
    if not all(unit in PER_MICRON for unit in units):
        return None
    if not all(math.isfinite(size) and size > 0 for size, _ in sizes):
        return None
    unit = units[0] if units[0] in ("nm", "um") else "mm"
    lengths = [
        size if one == unit else size * PER_MICRON[one] / PER_MICRON[unit]
        for (size, _), one in zip(sizes, units, strict=True)
    ]
    return tuple(lengths), unit


def _normal(unit: str) -> str:
    """Both signs for micro, and words in one or many, in either spelling of meter."""
    text = unit.strip().replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u")
    word = text.lower().replace("metre", "meter")
    return _SPELLINGS.get(word, _SPELLINGS.get(word.removesuffix("s"), text))
