"""Points with intervals: a panel for each number, a row for each loss, every run a point."""

from __future__ import annotations

from dataclasses import dataclass

from monai_topo.visualize.figure import new_figure, save_png

OFFSET = 0.15
"""Of a series from the middle of its row."""
SHARE = 0.05
"""Of the largest value, that an axis shows at least."""


@dataclass(frozen=True)
class Panel:
    """What stands in one panel.

    Attributes:
        title: the number.
        series: color to the numbers of each row, one for each run.
        line: a number to compare with, or None.
    """

    title: str
    series: dict[str, list[list[float]]]
    line: float | None = None


def draw_points(names, grid, path, note=""):
    """A figure of panels on plain axes.

    Args:
        names: of the rows.
        grid: title to panels of each row of them.
        path: file to write.
        note: what the colors mean.
    """
    figure, axes = new_figure(
        len(grid), len(next(iter(grid.values()))), size=3.6, aspects=[0.12 * len(names) + 0.3] * len(grid)
    )
    for row, (title, panels) in zip(axes, grid.items(), strict=True):
        row[0].set_ylabel(title)
        for place, (axis, panel) in enumerate(zip(row, panels, strict=True)):
            fill(axis, panel)
            axis.set_yticks(range(len(names)), names if place == 0 else [])
            axis.invert_yaxis()
            axis.set_title(panel.title)
            axis.grid(axis="x", linewidth=0.4)
    figure.supxlabel(note, fontsize="small")
    return save_png(figure, path)


def fill(axis, panel):
    """Every run, and a bar from the least to the greatest."""
    for number, (color, rows) in enumerate(panel.series.items()):
        shift = OFFSET * (2 * number - len(panel.series) + 1)
        for place, values in enumerate(rows):
            if values:
                axis.plot([min(values), max(values)], [place + shift] * 2, color=color, linewidth=1)
                axis.scatter(values, [place + shift] * len(values), s=16, color=color)
    widen(axis)
    if panel.line is not None:
        axis.axvline(panel.line, color="gray", linewidth=0.8, linestyle=":")


def widen(axis):
    """An axis shows at least a twentieth of its values, so that noise looks like noise."""
    low, high = axis.get_xlim()
    missing = max(0.0, SHARE * max(abs(low), abs(high)) - (high - low)) / 2
    axis.set_xlim(low - missing, high + missing)
