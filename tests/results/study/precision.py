"""Vessels at one centerline precision: what each network finds where it is right as often as Dice+CE at 0.5."""

from __future__ import annotations

import numpy as np

from monai_topo.commands.evaluation import Options, score_masks
from tests.results.finished.steps import PATCH_SIZE
from tests.results.study.counts import patch_counts, scores_of

COLUMNS = {
    "precision at 0.5": "own_precision",
    "threshold": "threshold",
    "Dice": "dice",
    "clDice": "cldice",
    "sensitivity": "sensitivity",
    "F1": "f1",
    "length": "length",
    "branches": "branches",
    "threshold by validation": "carried.threshold",
    "clDice there": "carried.cldice",
    "branches there": "carried.branches",
}
"""Heading to number; sensitivity is that of the centerline, the last three are of the threshold of the best Dice score
on the validation part.
"""
METRICS = ("pixel", "tree_length_detected", "branches_detected")
_HALVINGS = 7
"""After as many the threshold is known to 0.008, the precision to about 0.002."""


def centerline(mask, label):
    """Precision, sensitivity and clDice."""
    scores = score_masks(mask, label, Options(metrics=("centerline_dice",)))
    return {name.removeprefix("centerline_dice."): number for name, number in scores.items()}


def threshold_of(likelihood, label, precision):
    """The threshold from which on the centerline is that precise."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = centerline(likelihood > middle, label)["precision"] >= precision
        low, high = (low, middle) if enough else (middle, high)
    return high


def best_threshold(likelihood, label):
    """The threshold of the best Dice score, to 0.05."""
    thresholds = np.arange(1, 20) / 20
    overlaps = [2 * (label & mask).sum() / (label.sum() + mask.sum()) for mask in (likelihood > t for t in thresholds)]
    return float(thresholds[np.argmax(overlaps)])


def carried_over(likelihood, label, spacing, threshold):
    """Numbers of a likelihood at a threshold that was chosen on another volume."""
    mask = likelihood > threshold
    trees = score_masks(mask, label, Options(metrics=("branches_detected",), spacing=tuple(spacing)))
    return {
        "carried.threshold": threshold,
        "carried.cldice": centerline(mask, label)["cldice"],
        "carried.branches": trees["branches_detected.detected"],
    }


def at_precision(likelihood, label, spacing, precision):
    """Numbers of a likelihood at the threshold that gives a centerline precision."""
    threshold = threshold_of(likelihood, label, precision)
    mask = likelihood > threshold
    scores = score_masks(mask, label, Options(metrics=METRICS, spacing=tuple(spacing)))
    return {
        "own_precision": centerline(likelihood > 0.5, label)["precision"],
        "threshold": threshold,
        "dice": scores["pixel.dice"],
        **centerline(mask, label),
        "f1": scores_of(patch_counts(mask, label, PATCH_SIZE))["f1"],
        "length": scores["tree_length_detected.detected"],
        "branches": scores["branches_detected.detected"],
    }
