"""Vessels in 3D: the steps from likelihood to bridged tubes, their scores, and answers without a network."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.data.controls import moved, random_trees
from monai_topo.topology import label_components
from tests.results.finished import tubes
from tests.results.finished.pictures import in_colors, projection
from tests.results.finished.steps import PATCH_SIZE
from tests.results.study.counts import patch_counts, scores_of
from tests.results.study.kind import Subject, stretched

COLUMNS = {
    "Dice": "dice",
    "clDice": "cldice",
    "F1": "f1",
    "precision": "precision",
    "recall": "recall",
    "APLS": "apls",
    "TLTS": "tlts",
    "length": "length",
    "branches": "branches",
    "gaps": "gaps",
    "false joints": "joints",
    "matching": "matching_error",
    "framed": "betti_error",
}
"""Heading to number; "length" and "branches" are the shares of the true tree that are detected."""


def steps(sigma):
    """The steps for voxels that want this smoothing."""
    named = tubes.tubes(sigma).steps
    return {"plain": named["threshold"], "before": named["before"], "bridge_gaps": named["bridge_gaps"]}


def score(results, label, spacing):
    """Numbers of a mask with its bridges, and the counts of its patches."""
    (result,) = results
    counts = patch_counts(result.mask, label, PATCH_SIZE)
    gaps, joints = broken_and_joined(result.mask, label)
    masks = score_masks(result.mask, label, Options(metrics=("pixel", "centerline_dice")))
    graphs = score_masks(result.mask, label, graph_options(spacing))
    return {
        "dice": masks["pixel.dice"],
        "cldice": masks["centerline_dice.cldice"],
        **scores_of(counts),
        "apls": graphs["apls"],
        "tlts": graphs["tlts"],
        "length": graphs["tree_length_detected.detected"],
        "branches": graphs["branches_detected.detected"],
        "gaps": gaps,
        "joints": joints,
    }, counts


def graph_options(spacing):
    """Radii and lengths as many voxels as the defaults have, of the longest side."""
    unit = max(spacing)
    return Options(
        metrics=("apls", "tlts", "tree_length_detected", "branches_detected"),
        spacing=tuple(spacing),
        max_snap=4 * min(spacing) + unit,
        min_path_length=10 * unit,
        max_node_dist=25 * unit,
    )


def broken_and_joined(mask, label):
    """How many joints the parts of true components lack, and how many joints the predicted components have too many.

    A part belongs to the component of the other mask that most of its shared voxels are of.
    """
    parts, true = label_components(mask, full=True), label_components(label, full=True)
    return too_many(tubes.owners(parts, true)), too_many(tubes.owners(true, parts))


def too_many(owner):
    """Members beyond the first of each owner."""
    counts = np.bincount(owner[1:])[1:]
    return int((counts[counts > 0] - 1).sum())


def controls(label):
    """Title to answers that no network gives."""
    answers = {
        "nothing anywhere": [np.zeros_like(label)],
        "random trees of the label's branches": [random_trees(label, seed=seed) for seed in range(tubes.NUM_DRAWS)],
        "the label, moved by one voxel": [moved(label, 0)],
    }
    return {title: [[tubes.Bridged(mask, mask)] for mask in masks] for title, masks in answers.items()}


def bright(image):
    """How bright the smoothed image is."""
    return stretched(gaussian_filter(image.astype(np.float32), (1, 1, 0.3)))


def mask_of(results):
    """With its bridges."""
    return results[0].mask


def brightest(image):
    """Projection of a stack."""
    return stretched(image.max(axis=2))


def trees_in_colors(mask):
    """Projection of the components."""
    return projection(in_colors(label_components(mask, full=True)))


VESSELS = Subject(
    steps((1.0, 1.0, 0.3)),
    COLUMNS,
    score,
    controls,
    bright,
    counts=frozenset({"gaps", "joints"}),
    shown={"F1": "f1", "clDice": "cldice", "branches": "branches", "Dice": "dice"},
    mask_of=mask_of,
    flat=brightest,
    colors=trees_in_colors,
    at_precision=True,
)
