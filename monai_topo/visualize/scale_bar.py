"""A scale bar of a round length."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.utils import optional_import
from numpy.typing import NDArray

path_effects, _ = optional_import("matplotlib.patheffects")


def round_length(most: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... and their tenths that is not above a length.

    Example:
        >>> round_length(37.0), round_length(0.6), round_length(5.0)
        (20.0, 0.5, 5.0)
    """
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9)))


def unit_name(unit: str | None, spacing: NDArray[np.float64]) -> str:
    """The name of the unit of voxel sizes: that of their file, "voxels" where each is 1, nothing where it is unknown.

    Example:
        >>> unit_name(None, np.ones(3)), unit_name("mm", np.ones(3)), unit_name(None, np.array([0.5, 0.5]))
        ('voxels', 'mm', '')
    """
    return unit or ("voxels" if (spacing == 1).all() else "")


def draw_scale_bar(axes: Any, pixels: float, unit: str) -> None:
    """Draw a bar of about a fifth of an image's width in its lower left corner.

    Args:
        axes: matplotlib axes with an image of which a column is 1 wide.
        pixels: columns of one unit.
        unit: name of the unit.
    """
    left, right = sorted(axes.get_xlim())
    low, high = sorted(axes.get_ylim())
    length = round_length((right - left) / 5 / pixels)
    start, level = left + 0.03 * (right - left), high - 0.03 * (high - low)
    outline = [path_effects.withStroke(linewidth=2.5, foreground="white")]
    axes.plot([start, start + length * pixels], [level, level], color="white", linewidth=5, solid_capstyle="butt")
    axes.plot([start, start + length * pixels], [level, level], color="black", linewidth=3, solid_capstyle="butt")
    name = f"{length:g} {unit}".rstrip()
    axes.annotate(
        name, (start, level), xytext=(0, 5), textcoords="offset points", fontsize="small", path_effects=outline
    )
