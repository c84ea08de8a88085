"""Numbers of a training over its epochs, one panel for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from monai.config import PathLike
from monai.utils import optional_import

from monai_topo.visualize.figure import new_figure, save_png

style, _ = optional_import("matplotlib.style")


def plot_training_curves(
    path: PathLike, curves: Mapping[str, Sequence[float | Sequence[float]]], classes: Sequence[str]
) -> Path:
    """Draw numbers over epochs, one panel below the other.

    Args:
        path: path of the PNG file to write.
        curves: title of each panel and its numbers: one for each epoch, or one for each class in each epoch. NaN is
            left out of a line.
        classes: names of the classes.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     curves = {"Betti error": [[9.0, 4.0], [5.0, 3.0]], "weight": [0.0, 0.01]}
        ...     plot_training_curves(f"{folder}/curves.png", curves, ["vessel", "wall"]).exists()
        True
    """
    with style.context("default"):
        figure, axes = new_figure(len(curves), 1, size=8, aspects=[0.3] * len(curves))
        for axis, (title, values) in zip(axes[:, 0], curves.items(), strict=True):
            columns = np.asarray(values, float).reshape(len(values), -1).T
            names = classes if len(columns) == len(classes) and np.ndim(values) == 2 else [None] * len(columns)
            for name, column in zip(names, columns, strict=True):
                axis.plot(np.arange(len(column)), column, marker="." if len(column) < 20 else "", label=name)
            axis.set_ylabel(title)
            axis.set_xlim(-0.5, len(values) - 0.5)
            if any(names):
                axis.legend(loc="best", fontsize="small")
        axes[-1, 0].set_xlabel("epoch")
        return save_png(figure, path)
