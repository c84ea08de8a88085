"""Figures without a screen and without global state, and their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.data import written_whole

Figure, _ = optional_import("matplotlib.figure", name="Figure")
FigureCanvasAgg, _ = optional_import("matplotlib.backends.backend_agg", name="FigureCanvasAgg")

_DPI = 110


def new_figure(rows: int, columns: int, size: float = 4.0, aspects: Sequence[float] | None = None) -> tuple[Any, Any]:
    """A figure and its ``(rows, columns)`` array of axes.

    Args:
        rows: number of rows.
        columns: number of columns.
        size: width of an axes in inches.
        aspects: height over width of the axes of each row; None is 1.
    """
    heights = [1.0] * rows if aspects is None else list(aspects)
    figure = Figure(figsize=(size * columns, size * sum(heights)), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, gridspec_kw={"height_ratios": heights})


def save_png(figure: Any, path: PathLike) -> Path:
    """Write the figure; a half-written file never stands under ``path``.

    Example:
        >>> from monai_topo.visualize import prediction_figure
        >>> figure = prediction_figure(np.eye(3), np.eye(3), np.eye(3))
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = save_png(figure, f"{folder}/picture.png")
        ...     path.name
        'picture.png'
    """
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=_DPI)
    return Path(path)


def figure_pixels(figure: Any) -> NDArray[np.uint8]:
    """The figure as :func:`save_png` writes it, ``(rows, columns, 3)``.

    Example:
        >>> from monai_topo.visualize import prediction_figure
        >>> figure_pixels(prediction_figure(np.eye(3), np.eye(3), np.eye(3))).shape[-1]
        3
    """
    figure.set_dpi(_DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba(), np.uint8)[..., :3]
