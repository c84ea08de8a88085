"""What post-processing does to a likelihood: docs/images/post_processing.png.

``python -m tests.benchmarks.figure_post_processing``

For a tree of vessels and for membranes in 2D, faint at some places and noisy: the likelihood, the mask over 0.5,
that of the likelihood without its features of persistence up to 0.55 (what came in blue, what went in red), and the
places that proof-readers are shown, red for components and blue for loops: a ring where a feature of the mask hardly
is one, a square where one is hardly missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from monai_topo.data import phantoms
from monai_topo.topology import betti_numbers
from monai_topo.transforms import RemoveLowPersistence, TopologyUncertainty
from monai_topo.visualize.figure import new_figure, save_png

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "post_processing.png"
PERSISTENCE = 0.55
WHITE, GRAY, BLUE, RED = (1, 1, 1), (0.45, 0.45, 0.45), (0.13, 0.4, 0.9), (0.84, 0.19, 0.15)


def likelihoods():
    """Of vessels and of membranes, as a network gives them that is far from done."""
    vessels = phantoms.tree((80, 100), num_branches=6, num_gaps=5, noise=0.12, seed=5).image
    walls = 1 - phantoms.membranes((80, 100), num_cells=14, num_gaps=10, noise=0.12, seed=4).image
    return [ndimage.gaussian_filter(np.clip((image - 0.2) / 0.6, 0, 1), 0.8) for image in (vessels, walls)]


def colored(before, after):
    """The mask after, with what changed in colors."""
    picture = np.empty((*before.shape, 3))
    for mask, color in (
        (~after & ~before, WHITE),
        (after & before, GRAY),
        (after & ~before, BLUE),
        (before & ~after, RED),
    ):
        picture[mask] = color
    return picture


def draw(path=PICTURE):
    """A row for each likelihood."""
    figure, axes = new_figure(2, 4, size=2.6)
    for row, likelihood in zip(axes, likelihoods(), strict=True):
        before = likelihood >= 0.5
        after = RemoveLowPersistence(PERSISTENCE)(likelihood[None])[0] >= 0.5
        pictures = [np.repeat(likelihood[..., None], 3, -1), colored(before, before), colored(before, after)]
        names = ["likelihood", f"over 0.5: Betti {betti_numbers(before)}", f"simplified: {betti_numbers(after)}"]
        for cell, picture, name in zip(row, [*pictures, pictures[0]], [*names, "to proof-read"], strict=True):
            cell.imshow(picture, interpolation="nearest")
            cell.set(xticks=[], yticks=[])
            cell.set_title(name, fontsize="small")
        for feature in TopologyUncertainty(margin=0.1, min_persistence=0.15).features(likelihood[None]):
            marker = "o" if feature.kind == "vanishes" else "s"
            row[3].plot(
                *feature.index[::-1], marker, color=BLUE if feature.dim else RED, fillstyle="none", markersize=6
            )
    save_png(figure, path)


if __name__ == "__main__":
    draw()
