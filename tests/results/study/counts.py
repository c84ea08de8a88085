"""Features of a mask, patch by patch: what is predicted, true, and matched in place; and the scores made of them."""

from __future__ import annotations

import numpy as np

from monai_topo.topology import PatchLayout, count_features

TERMS = ("matched", "predicted", "true")


def patch_counts(mask, label, patch_size, frame=True):
    """``(patches, dimensions, 3)``: features of the patches of a grid that are matched, predicted and true."""
    patches = PatchLayout(patch_size).slices(label.shape)
    found = [count_features(mask[patch], label[patch], frame=frame) for patch in patches]
    return np.array([[[getattr(counts[k], term) for term in TERMS] for k in sorted(counts)] for counts in found])


def scores_of(counts):
    """F1, precision and recall of all features together; the mean error of a patch, in place and of numbers alone."""
    matched, predicted, true = counts.sum(axis=(0, 1))
    apart = np.abs(counts[..., 1] - counts[..., 2])
    return {
        "f1": f1_of(counts),
        "precision": matched / predicted if predicted else np.nan,
        "recall": matched / true if true else np.nan,
        "matching_error": (predicted + true - 2 * matched) / len(counts),
        "betti_error": apart.sum() / len(counts),
    } | {f"betti_error.{k}": apart[:, k].mean() for k in range(counts.shape[1])}


def f1_of(counts):
    """F1 score of matched features, the last axis as in :data:`TERMS`; NaN where there is none in either mask."""
    matched, predicted, true = counts.reshape(-1, len(TERMS)).sum(axis=0)
    return 2 * matched / (predicted + true) if predicted + true else np.nan
