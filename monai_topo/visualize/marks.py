"""The one table of all pictures: colors of what is matched, missing or extra, marks of features by dimension."""

from __future__ import annotations

from typing import Any

from monai.utils import optional_import

from monai_topo.topology import Status

path_effects, _ = optional_import("matplotlib.patheffects")

COLORS: dict[Status, tuple[float, float, float]] = {
    "matched": (0.15, 0.55, 0.25),
    "missing": (0.84, 0.19, 0.15),
    "extra": (0.19, 0.40, 0.84),
}
"""Green: prediction and label have it. Red: only the label has it. Blue: only the prediction has it."""
MARKERS = ("o", "s", "D")
"""Circle, square, diamond: component, loop, cavity."""
NAMES = (("component", "components"), ("loop", "loops"), ("cavity", "cavities"))
"""Of each homology dimension: for one and for several."""


def count_text(dim: int, count: int) -> str:
    """A number of features in words.

    Example:
        >>> count_text(2, 1), count_text(2, 0)
        ('1 cavity', '0 cavities')
    """
    return f"{count} {NAMES[dim][count != 1]}"


def status_text(dim: int, status: Status) -> str:
    """A feature and its status in words.

    Example:
        >>> status_text(0, "extra")
        'extra component'
    """
    return f"{status} {NAMES[dim][0]}"


def feature_mark(dim: int, status: Status) -> dict[str, Any]:
    """The mark of a feature, as arguments of matplotlib's ``plot``: its shape is the dimension, its color the status.

    A white outline keeps it visible on voxels of the same color.
    """
    return {
        "marker": MARKERS[dim],
        "markersize": 12 + 2 * dim,
        "markerfacecolor": "none",
        "markeredgecolor": COLORS[status],
        "markeredgewidth": 2,
        "linestyle": "none",
        "path_effects": [path_effects.withStroke(linewidth=4, foreground="white")],
    }
