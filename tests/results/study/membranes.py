"""Membranes in 3D: the steps from likelihood to walls and cells, their scores, and answers without a network."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.data.controls import moved, random_membranes
from monai_topo.topology import instance_boundaries, label_components
from tests.results.finished import walls
from tests.results.finished.pictures import flat, in_colors, section
from tests.results.finished.steps import PATCH_SIZE, Step
from tests.results.study.counts import patch_counts, scores_of
from tests.results.study.kind import Subject, stretched

COLUMNS = {
    "Dice": "dice",
    "F1": "f1",
    "precision": "precision",
    "recall": "recall",
    "VOI split": "split",
    "VOI merge": "merge",
    "cells right": "cells",
    "Rand": "rand",
    "matching": "matching_error",
    "framed": "betti_error",
}
NUM_DRAWS = 3
"""Of random cells."""

STEPS = {
    "plain": walls.STEPS["threshold"],
    "smoothed": walls.STEPS["smoothed"],
    "close_walls": Step(
        "`CloseWalls`",
        walls.close_walls,
        "close_walls",
        {"threshold": (0.5, 0.6, 0.7), "sigma": (walls.SIGMA,), "persistence_threshold": (0.02, 0.03, 0.05)},
        {"pixel.dice": -0.02},
    ),
    "segment_cells": walls.STEPS["segment_cells"],
}


def score(result, label, spacing=None):
    """Numbers of a mask of walls, or of ids of cells, and the counts of its patches."""
    true = label_components(~label, full=False)
    mask = mask_of(result)
    ids = label_components(~result, full=False) if result.dtype == bool else result.astype(np.int64)
    partition = score_masks(
        ids, true, Options(metrics=("variation_of_information", "adapted_rand_error"), instances="labels")
    )
    counts = patch_counts(mask, label, PATCH_SIZE)
    right, number = walls.cells_right(ids, true)
    return {
        "dice": score_masks(mask, label, Options(metrics=("pixel",)))["pixel.dice"],
        **scores_of(counts),
        "split": partition["variation_of_information.split"],
        "merge": partition["variation_of_information.merge"],
        "rand": partition["adapted_rand_error"],
        "cells": right,
        "true cells": number,
    }, counts


def mask_of(result):
    """Walls, or those between cells."""
    return result if result.dtype == bool else instance_boundaries(result)


def cells_in_colors(mask):
    """A section of the cells that the walls separate."""
    return section(in_colors(label_components(~mask, full=False)))


def controls(label):
    """Title to answers that no network gives, some of them of several draws."""
    return {
        "nothing anywhere": [np.zeros_like(label)],
        "random cells, as many as there are": [random_membranes(label, seed=seed) for seed in range(NUM_DRAWS)],
        "the label, moved by one voxel": [moved(label, 0)],
    }


def dark(image):
    """How dark the smoothed image is."""
    return stretched(-gaussian_filter(image.astype(np.float32), 1))


MEMBRANES = Subject(
    STEPS,
    COLUMNS,
    score,
    controls,
    dark,
    counts=frozenset({"cells", "true cells"}),
    shown={"F1": "f1", "VOI": "voi", "cells right": "cells", "Dice": "dice"},
    mask_of=mask_of,
    flat=flat,
    colors=cells_in_colors,
)
