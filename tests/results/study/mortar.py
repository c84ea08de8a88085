"""Mortar in 2D: the steps from likelihood to mask, their scores, and answers without a network."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.data.controls import moved
from monai_topo.topology import label_components
from monai_topo.transforms import CloseWalls
from tests.results.finished.pictures import in_colors
from tests.results.finished.steps import THRESHOLD, Step
from tests.results.scoring import SPECK, without_specks
from tests.results.study.counts import patch_counts, scores_of
from tests.results.study.kind import Subject, stretched

COLUMNS = {
    "Betti 0": "betti_error.0",
    "Betti 1": "betti_error.1",
    "Dice": "dice",
    "F1": "f1",
    "precision": "precision",
    "recall": "recall",
    "matching": "matching_error",
}
"""Heading to number: errors are of whole images and without a frame, as the data set's paper has them."""


def threshold(likelihood, spacing=None):
    return likelihood >= THRESHOLD


def specks(likelihood, spacing=None):
    return without_specks(threshold(likelihood))


def ridges(likelihood, spacing=None, **arguments):
    return without_specks(CloseWalls(**arguments)(likelihood[None])[0] > 0)


STEPS = {
    "plain": Step("threshold 0.5", threshold),
    "specks": Step(f"without pieces and holes of at most {SPECK} pixels", specks),
    "ridges": Step(
        "united with ridges, then without these",
        ridges,
        "close_walls",
        {"threshold": (THRESHOLD,), "sigma": (1.0,), "persistence_threshold": (0.1, 0.2, 0.3, 0.5)},
        metric="betti_error.sum",
        frame=False,
    ),
}


def score(mask, label, spacing=None):
    """Numbers of a mask of a whole image, and the counts of its features."""
    counts = patch_counts(mask, label, None, frame=False)
    return {"dice": score_masks(mask, label, Options(metrics=("pixel",)))["pixel.dice"], **scores_of(counts)}, counts


def controls(label):
    """Title to answers that no network gives."""
    return {"nothing anywhere": [np.zeros_like(label)], "the label, moved by one pixel": [moved(label, 0)]}


def bright(image):
    """How bright the smoothed photograph ``(rows, columns, 1, colors)`` is."""
    return stretched(gaussian_filter(image[:, :, 0].mean(axis=-1, dtype=np.float32), 1))


def photograph(image):
    """As a picture has it: ``(rows, columns, colors)`` from 0 to 1."""
    return image[:, :, 0] / 255


def bricks_in_colors(mask):
    """What the mortar separates."""
    return in_colors(label_components(~mask, full=False)).reshape(*mask.shape[:2], 3)


MORTAR = Subject(
    STEPS,
    COLUMNS,
    score,
    controls,
    bright,
    counts=frozenset(),
    shown={"Betti 0": "betti_error.0", "Betti 1": "betti_error.1", "F1": "f1", "Dice": "dice"},
    mask_of=np.asarray,
    flat=photograph,
    colors=bricks_in_colors,
)
