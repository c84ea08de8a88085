"""Figures without a screen and without global state, written to a temporary name and moved into place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from monai.config import PathLike
from monai.utils import optional_import

Figure, _ = optional_import("matplotlib.figure", name="Figure")


def new_figure(rows: int, columns: int, size: float = 4.0) -> tuple[Any, Any]:
    """A figure and its ``(rows, columns)`` array of axes, each ``size`` inches wide."""
    figure = Figure(figsize=(size * columns, size * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def save_png(figure: Any, path: PathLike) -> Path:
    """Write the figure; a half-written file never stands under ``path``."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(f"{os.fspath(target)}.part")
    figure.savefig(temporary, format="png", dpi=110)
    temporary.replace(target)
    return target
