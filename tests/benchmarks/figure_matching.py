"""Gradient descent by two losses where matching by value is fooled: docs/images/matching.png.

``python -m tests.benchmarks.figure_matching``
"""

from __future__ import annotations

from monai_topo.losses import BettiMatchingLoss, TopoLoss
from monai_topo.visualize.figure import new_figure, save_png
from tests.benchmarks.sections import DOCS
from tests.losses import images


def panels(make, dim):
    """Ground truth, likelihood, and what descent on its logits makes of it; of a volume the middle slice."""
    likelihood, truth = make()
    shown = {
        "ground truth": truth,
        "likelihood": likelihood,
        "TopoLoss": images.descend(TopoLoss(sigmoid=True, dims=dim, frame=False), likelihood, truth),
        "BettiMatchingLoss": images.descend(BettiMatchingLoss(sigmoid=True, dims=dim, frame=False), likelihood, truth),
    }
    return {name: field[0, 0] if field.ndim == 4 else field[0, 0, 4] for name, field in shown.items()}


def main():
    """Descend and draw."""
    rows = {"a ring and a false one": panels(images.two_rings, 1), "a cell and a void": panels(images.two_cells, 2)}
    figure, axes = new_figure(2, 4, 2.3, aspects=[0.6, 0.6])
    for row, (label, fields) in zip(axes, rows.items(), strict=True):
        for axis, field in zip(row, fields.values(), strict=True):
            axis.imshow(field.numpy(), cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(label.replace(" and ", "\nand "), fontsize="small")
    for axis, name in zip(axes[0], fields, strict=True):
        axis.set_title(name)
    save_png(figure, DOCS / "images" / "matching.png")


if __name__ == "__main__":
    main()
