"""What pictures call and mark components, loops and cavities that are missing or too many."""

from __future__ import annotations

from typing import Any

NAMES = (("component", "components"), ("loop", "loops"), ("cavity", "cavities"))
"""Of each homology dimension: for one and for several."""

_SHAPES = ("o", "s", "D")
_COLORS = {True: "tab:green", False: "tab:purple"}


def count_text(dim: int, count: int) -> str:
    """A number of features in words.

    Example:
        >>> count_text(2, 1), count_text(2, 0)
        ('1 cavity', '0 cavities')
    """
    return f"{count} {NAMES[dim][count != 1]}"


def error_text(dim: int, missing: bool) -> str:
    """What kind of error it is.

    Example:
        >>> error_text(0, missing=False)
        'component too many'
    """
    return f"{NAMES[dim][0]} {'missing' if missing else 'too many'}"


def error_mark(dim: int, missing: bool) -> dict[str, Any]:
    """The mark of an error, as arguments of matplotlib's ``plot``: its shape is the dimension, its color the kind."""
    return {
        "marker": _SHAPES[dim],
        "markersize": 12 + 2 * dim,
        "markerfacecolor": "none",
        "markeredgecolor": _COLORS[missing],
        "markeredgewidth": 2,
        "linestyle": "none",
    }
