"""What a threshold leaves of ridges and walls: docs/images/manifolds.png.

``python -m tests.benchmarks.figure_manifolds``

Above, membranes in 2D with weak places, and the ridges (S1) that two thresholds leave. Below, the middle section of a
pierced closed surface in 3D, and its walls (S2) with the same thresholds: the hole stands out of the background by a
likelihood between the two.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from monai_topo.data import phantoms
from monai_topo.topology import stable_manifolds
from monai_topo.visualize.figure import new_figure, save_png
from tests.benchmarks.sections import DOCS

THRESHOLDS = (0.05, 0.2)


def membranes():
    """A likelihood of membranes in 2D, faint at some places."""
    image = phantoms.membranes((80, 100), num_cells=14, num_gaps=9, noise=0.06, seed=4).image
    return ndimage.gaussian_filter(np.clip((0.8 - image) / 0.6, 0, 1), 0.7)


def pierced_shell():
    """A likelihood of a ball's surface, with a hole where it is 0.2, above a background of 0.05."""
    z, y, x = np.indices((40, 40, 50)) - np.array([20, 20, 25])[:, None, None, None]
    wall = np.exp(-((np.sqrt(z**2 + y**2 + (0.8 * x) ** 2) - 14) ** 2) / 4)
    hole = np.exp(-(z**2 + y**2 + (x - 17.5) ** 2) / 20)
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=wall.shape), 1.0)
    return 0.05 + wall * (0.85 - 0.75 * hole) + 0.03 * noise


def draw():
    """A row for each: likelihood, what is over 0.5, and the manifolds in red over the likelihood."""
    figure, axes = new_figure(2, 4, size=2.2)
    for row, likelihood, dim in zip(axes, (membranes(), pierced_shell()), (1, 2), strict=True):
        middle = len(likelihood) // 2 if likelihood.ndim == 3 else ...
        masks = [stable_manifolds(likelihood, persistence_threshold=eps, dims=dim)[middle] for eps in THRESHOLDS]
        shown = likelihood[middle]
        gray = np.repeat(np.clip(shown, 0, 1)[..., None], 3, axis=-1)
        over = [np.where(mask[..., None], (0.84, 0.19, 0.15), 0.6 * gray + 0.4) for mask in masks]
        for cell, picture in zip(
            row, [gray, np.repeat((shown < 0.5)[..., None] * 1.0, 3, axis=-1), *over], strict=True
        ):
            cell.imshow(picture, interpolation="nearest")
            cell.set(xticks=[], yticks=[])
        for cell, eps in zip(row[2:], THRESHOLDS, strict=True):
            cell.set_title(f"S{dim}, threshold {eps}", fontsize="small")
        row[0].set_title("likelihood", fontsize="small")
        row[1].set_title("over 0.5", fontsize="small")
    save_png(figure, DOCS / "images" / "manifolds.png")


if __name__ == "__main__":
    draw()
