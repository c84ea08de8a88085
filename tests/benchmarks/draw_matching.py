"""Draws docs/images/matching.png: gradient descent by two losses where matching by value is fooled.

Run as ``python -m tests.benchmarks.draw_matching``.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from monai_topo.losses import BettiMatchingLoss, TopoLoss
from tests.losses import images

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "matching.png"


def panels(make, dim):
    """Ground truth, likelihood, and what descent on its logits makes of it; of a volume the middle slice."""
    likelihood, truth = make()
    shown = {
        "ground truth": truth,
        "likelihood": likelihood,
        "TopoLoss": images.descend(TopoLoss(sigmoid=True, dims=dim, frame=False), likelihood, truth),
        "BettiMatchingLoss": images.descend(BettiMatchingLoss(sigmoid=True, dims=dim), likelihood, truth),
    }
    return {name: field[0, 0] if field.ndim == 4 else field[0, 0, 4] for name, field in shown.items()}


def main():
    figure = Figure(figsize=(10, 3.6), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 4)
    rows = {"a ring and a false one": panels(images.two_rings, 1), "a cell and a void": panels(images.two_cells, 2)}
    for row, (label, fields) in zip(axes, rows.items(), strict=True):
        for axis, field in zip(row, fields.values(), strict=True):
            axis.imshow(field.numpy(), cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(label)
    for axis, name in zip(axes[0], fields, strict=True):
        axis.set_title(name)
    figure.savefig(PICTURE)


if __name__ == "__main__":
    main()
