"""The picture of docs/finished.md: ``python -m tests.benchmarks.figure_finished IMAGE LIKELIHOOD LABEL [SECTION]``.

The files are volumes of one shape that ``read_volume`` reads; the likelihood is that of membranes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from monai_topo.data import read_volume
from monai_topo.topology import label_components
from monai_topo.transforms import CloseWalls, SegmentCells
from monai_topo.visualize import save_png
from monai_topo.visualize.figure import new_figure
from tests.benchmarks.sections import DOCS

PERSISTENCE, FINE, LEVEL = 0.02, 0.03, 0.3


def main(image, likelihood, label, section=None):
    """Draw one section: the image, and four answers to what its cells are."""
    image, likelihood, label = (np.asarray(read_volume(Path(path)).array) for path in (image, likelihood, label))
    section = image.shape[2] // 2 if section is None else int(section)
    closed = CloseWalls(persistence_threshold=PERSISTENCE)(likelihood[None])[0] > 0
    panels = {
        "threshold 0.5": label_components(likelihood < 0.5, full=False),
        "CloseWalls": label_components(~closed, full=False),
        "SegmentCells": SegmentCells(FINE, level=LEVEL)(likelihood[None])[0],
        "label": label_components(label == 0, full=False),
    }
    figure, axes = new_figure(1, len(panels) + 1, size=3)
    axes[0, 0].imshow(image[..., section], cmap="gray")
    axes[0, 0].set_title("image")
    for axis, (name, ids) in zip(axes[0, 1:], panels.items(), strict=True):
        axis.imshow(in_colors(ids)[..., section, :])
        axis.set_title(name)
    for axis in axes.flat:
        axis.set_axis_off()
    return save_png(figure, DOCS / "images" / "finished_fib25.png")


def in_colors(ids):
    """A random color for each id, black for none."""
    colors = np.random.default_rng(3).uniform(0.25, 1, (int(ids.max()) + 1, 3))
    colors[0] = 0
    return colors[ids]


if __name__ == "__main__":
    sys.stdout.write(f"{main(*sys.argv[1:])}\n")
