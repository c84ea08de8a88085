"""Paired differences of scores: a panel for each metric, with the cases, their mean and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike

from monai_topo.visualize.figure import new_figure, save_png
from monai_topo.visualize.marks import COLORS

_COLUMNS = 3
_EQUAL = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Differences:
    """One panel.

    Attributes:
        title: title of the panel.
        values: difference of each case.
        mean: their mean.
        low: lower end of its interval; NaN for none.
        high: upper end.
        higher_is_better: whether a positive difference is a gain.

    Example:
        >>> Differences("dice", [0.01, 0.03], mean=0.02, low=-0.01, high=0.05, higher_is_better=True).mean
        0.02
    """

    title: str
    values: Sequence[float]
    mean: float
    low: float
    high: float
    higher_is_better: bool


def plot_differences(
    path: PathLike, panels: Sequence[Differences], names: tuple[str, str] = ("A", "B"), title: str = ""
) -> Path:
    """Draw differences around a line at 0: green points are cases that gained, red ones cases that lost.

    Args:
        path: path of the PNG file to write.
        panels: panels, one for each metric.
        names: names of the two that are compared; differences are the second minus the first.
        title: title of the figure.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     panel = Differences("pixel.dice", [0.1, 0.02, -0.01], 0.04, -0.01, 0.1, True)
        ...     plot_differences(f"{folder}/a.png", [panel]).exists()
        True
    """
    columns = min(_COLUMNS, max(len(panels), 1))
    rows = max(math.ceil(len(panels) / columns), 1)
    figure, axes = new_figure(rows, columns, size=4, aspects=[0.5] * rows)
    for axis, panel in zip(axes.flat, panels, strict=False):
        _draw(axis, panel, names)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    figure.suptitle(title, fontsize="medium", parse_math=False)
    return save_png(figure, path)


def _draw(axis: Any, panel: Differences, names: tuple[str, str]) -> None:
    values = np.asarray(panel.values, float)
    gains = values if panel.higher_is_better else -values
    colors = [COLORS["matched"] if gain > 0 else COLORS["missing"] if gain < 0 else _EQUAL for gain in gains]
    heights = 0.3 + 0.1 * (np.arange(len(values)) % 5)
    axis.axvline(0, color="black", linewidth=1)
    axis.scatter(values, heights, s=22, color=colors, alpha=0.8)
    if not math.isnan(panel.low):
        axis.plot([panel.low, panel.high], [0, 0], color="black", linewidth=3, solid_capstyle="butt")
    axis.plot([panel.mean], [0], "D", color="black", markersize=7)
    reach = 1.15 * max([abs(x) for x in (*values, panel.low, panel.high) if not math.isnan(x)], default=0) or 1
    better, worse = (f"{names[1]} better", f"{names[0]} better")
    left, right = (worse, better) if panel.higher_is_better else (better, worse)
    axis.set(xlim=(-reach, reach), ylim=(-0.3, 1), yticks=[])
    for x, word, side in ((0.01, f"\N{LEFTWARDS ARROW} {left}", "left"), (0.99, f"{right} →", "right")):
        axis.text(x, 0.9, word, transform=axis.transAxes, ha=side, fontsize="small", color="0.35")
    axis.set_xlabel(f"{names[1]} − {names[0]}", fontsize="small")  # noqa: RUF001
    axis.locator_params(axis="x", nbins=5)
    axis.set_title(panel.title, fontsize="medium", parse_math=False)
    for side in ("left", "right", "top"):
        axis.spines[side].set_visible(False)
