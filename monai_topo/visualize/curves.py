"""Scores as curves over a parameter: a panel for each, with a line for each case and their mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.config import PathLike

from monai_topo.visualize.figure import new_figure, save_png

_COLUMNS = 4
_COLOR = "tab:blue"
_MANY = 30
"""Counts that go beyond it are drawn on an axis that is linear to 1 and logarithmic from there on."""


@dataclass(frozen=True)
class CurvePanel:
    """One panel.

    Attributes:
        title: title of the panel.
        parameter: name of the parameter.
        values: values of the parameter, rising, at least one.
        means: mean over the cases at each value; NaN leaves a gap.
        cases: the numbers of each case at each value.
        given: value that is marked by a dotted line.
        higher_is_better: whether the upper end of the axis is good.

    Example:
        >>> CurvePanel("pixel.dice", "threshold", [0.3, 0.5], [0.6, 0.8], given=0.5).means
        [0.6, 0.8]
    """

    title: str
    parameter: str
    values: Sequence[float]
    means: Sequence[float]
    cases: Sequence[Sequence[float]] = ()
    given: float = math.nan
    higher_is_better: bool = True


def plot_curves(path: PathLike, panels: Sequence[CurvePanel]) -> Path:
    """Draw each panel's mean over a thin line for each case.

    Args:
        path: path of the PNG file to write.
        panels: the panels.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     panel = CurvePanel("pixel.dice", "threshold", [0.3, 0.5, 0.7], [0.6, 0.8, 0.7], given=0.5)
        ...     plot_curves(f"{folder}/a.png", [panel]).exists()
        True
    """
    columns = min(_COLUMNS, max(len(panels), 1))
    rows = max(math.ceil(len(panels) / columns), 1)
    figure, axes = new_figure(rows, columns, size=3, aspects=[0.75] * rows)
    for axis, panel in zip(axes.flat, panels, strict=False):
        _draw(axis, panel)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    return save_png(figure, path)


def _draw(axis: Any, panel: CurvePanel) -> None:
    for numbers in panel.cases:
        axis.plot(panel.values, numbers, color=_COLOR, linewidth=0.8, alpha=0.35)
    axis.plot(panel.values, panel.means, "o-", color=_COLOR, markersize=3, linewidth=2)
    margin = 0.04 * (panel.values[-1] - panel.values[0]) or 1
    axis.set_xlim(panel.values[0] - margin, panel.values[-1] + margin)
    if not math.isnan(panel.given):
        axis.axvline(panel.given, color="0.4", linestyle=":", linewidth=1)
    numbers = [number for line in (panel.means, *panel.cases) for number in line if not math.isnan(number)]
    if max(numbers, default=0) > _MANY and min(numbers) >= 0:
        axis.set_yscale("symlog", linthresh=1)
    axis.set_title(panel.title, fontsize="medium", parse_math=False)
    axis.set_xlabel(panel.parameter.replace("_", " "), fontsize="small")
    axis.set_ylabel("higher is better" if panel.higher_is_better else "lower is better", fontsize="x-small")
    axis.tick_params(labelsize="small")
    for side in ("right", "top"):
        axis.spines[side].set_visible(False)
