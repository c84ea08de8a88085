"""Walls and cells from likelihoods of membranes: the steps, their arguments, and their scores."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.feature import peak_local_max

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.data import controls
from monai_topo.topology import instance_boundaries, label_components
from monai_topo.transforms import CloseWalls, SegmentCells
from tests.results.finished.networks import FLIPS, PLAIN
from tests.results.finished.steps import PATCH_SIZE, THRESHOLD, Kind, Step

SIGMA = 0.7
SEED_DISTANCE = 5
"""Voxels between seeds, for the watershed from the middles of what is not wall."""

COLUMNS = {
    "Dice": "pixel.dice",
    "VOI": "variation_of_information.sum",
    "split": "variation_of_information.split",
    "merge": "variation_of_information.merge",
    "Rand": "adapted_rand_error",
    "cells right": "cells",
    "F1": "betti_matching_f1.f1",
}
"""Heading to number."""


def threshold(likelihood, spacing=None):
    return likelihood >= THRESHOLD


def smoothed(likelihood, spacing=None):
    return gaussian_filter(likelihood, SIGMA) >= THRESHOLD


def from_middles(likelihood, spacing=None):
    """The usual watershed: from seeds in the middle of what is not wall."""
    distance = gaussian_filter(distance_transform_edt(~smoothed(likelihood)), 1)
    places = peak_local_max(distance, min_distance=SEED_DISTANCE, exclude_border=False)
    seeds = np.zeros(likelihood.shape, int)
    seeds[tuple(places.T)] = np.arange(1, len(places) + 1)
    return SegmentCells(sigma=SIGMA)(likelihood[None], seeds=seeds[None])[0]


def close_walls(likelihood, spacing=None, **arguments):
    return CloseWalls(**arguments)(likelihood[None])[0] > 0


def segment_cells(likelihood, spacing=None, **arguments):
    return SegmentCells(**arguments)(likelihood[None])[0]


def grown(likelihood, spacing=None, **arguments):
    """The cells between closed walls, grown into the walls until they meet."""
    seeds = label_components(~close_walls(likelihood, **arguments), full=False)
    return SegmentCells(sigma=SIGMA)(likelihood[None], seeds=seeds[None])[0]


STEPS = {
    "threshold": Step("threshold 0.5", threshold),
    "smoothed": Step(f"smoothed ({SIGMA}), threshold 0.5", smoothed),
    "middles": Step("watershed from the middles of cells", from_middles),
    "close_walls": Step(
        "`CloseWalls`",
        close_walls,
        "close_walls",
        {"threshold": (0.5, 0.6, 0.7), "sigma": (0.5, 0.7), "persistence_threshold": (0.01, 0.02, 0.03, 0.05)},
        {"pixel.dice": -0.02},
    ),
    "segment_cells": Step(
        "`SegmentCells`",
        segment_cells,
        "segment_cells",
        {"persistence_threshold": (0.01, 0.02, 0.03), "level": (0.3, 0.4, 0.5, 0.6)},
    ),
    "grown": Step("cells between `CloseWalls` as seeds of `SegmentCells`", grown, like="close_walls"),
}
"""Name to step, in the order of the rows."""


def score(result, label, spacing=None):
    """Column to number, of a mask of walls or of ids of cells; the true cells are the parts between the true walls."""
    true = label_components(~label, full=False)
    walls = result if result.dtype == bool else instance_boundaries(result)
    ids = label_components(~walls, full=False) if result.dtype == bool else result.astype(np.int64)
    found = score_masks(walls, label, Options(metrics=("pixel",)))
    found |= score_masks(
        ids, true, Options(metrics=("variation_of_information", "adapted_rand_error"), instances="labels")
    )
    found |= score_masks(walls, label, Options(metrics=("betti_matching_f1",), patch_size=PATCH_SIZE, frame=True))
    right, number = cells_right(ids, true)
    return {**{column: round(float(found[column]), 5) for column in found}, "cells": right, "true cells": number}


def cells_right(ids, true):
    """How many true cells have a cell that shares more with them than half of both together, and how many there are."""
    pairs, shared = np.unique(np.stack([true.ravel(), ids.ravel()]), axis=1, return_counts=True)
    sizes = [np.bincount(cells.ravel()) for cells in (true, ids)]
    union = sizes[0][pairs[0]] + sizes[1][pairs[1]] - shared
    return int(((shared / union > 0.5) & (pairs > 0).all(axis=0)).sum()), int(true.max())


def random_cells(label, seed=0):
    """As many cells as the label has, of random middles: what a score is worth."""
    number = int(label_components(~label, full=False).max())
    return controls.random_partition(label.shape, number, seed=seed).astype(np.int64)


WALLS = Kind(STEPS, COLUMNS, score, frozenset({"cells", "true cells"}), (PLAIN, FLIPS))
