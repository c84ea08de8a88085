"""The picture of an experiment: one section, the likelihood's leaks or gaps, and what the steps make of them."""

from __future__ import annotations

import numpy as np

from monai_topo.data import read_volume
from monai_topo.topology import label_components
from monai_topo.transforms import CloseWalls, SegmentCells
from monai_topo.visualize import save_png
from monai_topo.visualize.figure import new_figure
from tests.results.datasets import divided
from tests.results.finished.laboratory import key_of
from tests.results.finished.networks import tested
from tests.results.finished.steps import THRESHOLD
from tests.results.finished.tubes import ridges
from tests.results.finished.walls import WALLS

ADDED = (0.9, 0.1, 0.1)
"""Color of what a step adds to the mask."""


def draw(experiment, data, work, records, path):
    """Draw the first test volume, by the last kind of likelihood and the arguments of the records."""
    held_out = divided(experiment, data, work, 0) / "held_out"
    kind = experiment.kind.likelihoods[-1]
    name, likelihood, label = next(tested(work / kind, held_out))
    image = np.asarray(read_volume(held_out / "images" / f"{name}.nii.gz").array)
    chosen = {step: records[key_of(kind, step)]["arguments"] for step in experiment.kind.steps}
    panels_of = walls if experiment.kind is WALLS else tubes
    panels = panels_of(np.asarray(likelihood.array), label.array > 0, label.spacing, chosen)
    shape = image.shape[:2]
    across = shape[1] > 2 * shape[0]  # wide panels stand above each other
    grid = (len(panels) + 1, 1) if across else (1, len(panels) + 1)
    figure, axes = new_figure(*grid, size=6 if across else 3, aspects=[shape[0] / shape[1]] * grid[0])
    show(axes.flat[0], "image", flat(image), cmap="gray")
    for axis, (title, panel) in zip(axes.flat[1:], panels.items(), strict=True):
        show(axis, title, panel)
    return save_png(figure, path)


def walls(likelihood, label, spacing, chosen):
    """Cells in random colors: of the leaking mask, of the closed one, with its new walls in red, of the basins."""
    closed = CloseWalls(**chosen["close_walls"])(likelihood[None])[0] > 0
    plain = likelihood >= THRESHOLD
    cells = label_components(~closed, full=False)
    added = in_colors(cells)
    added[closed & ~plain] = ADDED
    return {
        "threshold 0.5": section(in_colors(label_components(~plain, full=False))),
        "CloseWalls, added in red": section(added),
        "SegmentCells": section(in_colors(SegmentCells(**chosen["segment_cells"])(likelihood[None])[0])),
        "label": section(in_colors(label_components(~label, full=False))),
    }


def tubes(likelihood, label, spacing, chosen):
    """Components in random colors, seen along the last axis: before and after the bridges, which are red."""
    (result,) = ridges(likelihood, spacing, **chosen["bridge_gaps"])
    bridged = projection(in_colors(label_components(result.mask, full=True)))
    bridged[(result.mask & ~result.before).any(axis=2)] = ADDED
    return {
        "components": projection(in_colors(label_components(result.before, full=True))),
        "BridgeGaps, bridges in red": bridged,
        "label": projection(in_colors(label_components(label, full=True))),
    }


def flat(image):
    """A middle section."""
    return image if image.ndim == 2 else image[..., image.shape[2] // 2]


def section(colors):
    """The same of colors."""
    return colors if colors.ndim == 3 else colors[..., colors.shape[2] // 2, :]


def projection(colors):
    """The brightest color along the last axis."""
    return colors.max(axis=2)


def in_colors(ids):
    """A random color for each id, black for none."""
    colors = np.random.default_rng(3).uniform(0.25, 1, (int(ids.max()) + 1, 3))
    colors[0] = 0
    return colors[ids]


def show(axis, title, panel, **options):
    """One panel."""
    axis.imshow(panel, interpolation="nearest", **options)
    axis.set_title(title, fontsize="small")
    axis.set_axis_off()
