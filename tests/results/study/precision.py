"""Vessels at one centerline precision: what each network finds where it is right as often as Dice+CE."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.graphs import centerline_mask, fill_cavities
from tests.results.finished.steps import PATCH_SIZE
from tests.results.study.counts import patch_counts, scores_of

LOWER = 0.85
"""Centerline precision of a second comparison, at which networks find more than at 0.5."""
COLUMNS = {
    "threshold": "threshold",
    "Dice": "dice",
    "clDice": "cldice",
    "sensitivity": "sensitivity",
    "F1": "f1",
    "length": "length",
    "branches": "branches",
}
"""Heading to number; sensitivity is that of the centerline."""
CARRIED_COLUMNS = {
    "precision at 0.5": "own_precision",
    **COLUMNS,
    "threshold by validation": "carried.threshold",
    "clDice there": "carried.cldice",
    "branches there": "carried.branches",
}
"""The same beside the precision at 0.5, and numbers at the threshold of the best Dice score on the validation part."""
METRICS = ("pixel", "tree_length_detected", "branches_detected")
_HALVINGS = 9
_MOST = 12.0
"""Log-odds, which are halved and not thresholds, because likelihoods crowd near 0 and 1; the last step is of 0.05."""


def centerline(mask, label):
    """Precision, sensitivity and clDice."""
    scores = score_masks(mask, label, Options(metrics=("centerline_dice",)))
    return {name.removeprefix("centerline_dice."): number for name, number in scores.items()}


def centerline_precision(mask, label):
    """Share of the mask's centerline that lies in the label, which has no cavities; NaN without a mask."""
    line = centerline_mask(fill_cavities(mask))
    return float(label[line].mean()) if line.any() else np.nan


def threshold_of(likelihood, label, precision):
    """The threshold from which on the centerline is that precise."""
    low, high, filled = -_MOST, _MOST, fill_cavities(label)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_little = centerline_precision(likelihood > expit(middle), filled) < precision
        low, high = (middle, high) if too_little else (low, middle)
    return float(expit(high))


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
    """Numbers of a likelihood at the threshold that gives a centerline precision, and the counts of its patches."""
    threshold = threshold_of(likelihood, label, precision)
    mask = likelihood > threshold
    scores = score_masks(mask, label, Options(metrics=METRICS, spacing=tuple(spacing)))
    counts = patch_counts(mask, label, PATCH_SIZE)
    return {
        "threshold": threshold,
        "dice": scores["pixel.dice"],
        **centerline(mask, label),
        "f1": scores_of(counts)["f1"],
        "length": scores["tree_length_detected.detected"],
        "branches": scores["branches_detected.detected"],
    }, counts
