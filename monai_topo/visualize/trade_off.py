"""What a better score costs: the places of a grid by two scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monai.config import PathLike

from monai_topo.visualize.figure import new_figure, save_png


def plot_trade_off(
    path: PathLike,
    points: Sequence[tuple[float, float]],
    *,
    plain: tuple[float, float],
    chosen: int | None,
    floor: float,
    names: tuple[str, str],
) -> Path:
    """Draw the places of a grid of arguments by the score that must not fall and the score that chooses.

    Args:
        path: path of the PNG file to write.
        points: both scores of each place.
        plain: those of the plain threshold.
        chosen: the number of the place that was chosen; None for none.
        floor: floor of the first score.
        names: names of the two scores.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     points, names = [(0.8, 1.2), (0.7, 0.9)], ("Dice", "VOI")
        ...     plot_trade_off(f"{folder}/a.png", points, plain=(0.8, 4), chosen=0, floor=0.78, names=names).exists()
        True
    """
    figure, axes = new_figure(1, 1, size=5)
    axis = axes[0, 0]
    axis.scatter(*zip(*points, strict=True), color="tab:blue", label="tried")
    axis.scatter(*plain, color="tab:gray", marker="s", label="plain threshold")
    if chosen is not None:
        axis.scatter(*points[chosen], color="tab:red", marker="*", s=120, label="chosen")
    axis.axvline(floor, color="tab:gray", linestyle=":", label="floor")
    axis.set_xlabel(names[0])
    axis.set_ylabel(names[1])
    axis.legend()
    return save_png(figure, path)
