"""The voxels whose likelihood decides that a segmentation has extra or missing components, loops and cavities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology import ESSENTIAL, Status, betti_numbers, diagram, nearest_corner, persistence_pairs, to_array

_ROUNDING = 1e-5


@dataclass(frozen=True)
class CriticalVoxel:
    """The voxel that decides about one feature that is wrong.

    Attributes:
        dim: 0 component, 1 loop, 2 cavity.
        status: ``"missing"`` if the prediction lacks the feature, ``"extra"`` if it should not have it.
        voxel: index of the voxel.
        birth: likelihood at which the feature is born.
        death: likelihood at which it dies.

    Example:
        >>> from monai_topo.visualize import find_critical_voxels
        >>> likelihood = np.array([[0.9, 0.2, 0.9]])
        >>> find_critical_voxels(likelihood, np.ones((1, 3)))
        [CriticalVoxel(dim=0, status='extra', voxel=(0, 1), birth=0.9, death=0.2)]
    """

    dim: int
    status: Status
    voxel: tuple[int, ...]
    birth: float
    death: float


@dataclass(frozen=True)
class Features:
    """All features of one dimension of a likelihood, and which of them are wrong at a threshold.

    Attributes:
        dim: homology dimension.
        points: ``(n, 2)``, births and deaths.
        exists: ``(n,)``, whether the thresholded likelihood has the feature.
        wrong: ``(n,)``, whether it is extra (if it exists) or missing (if not).
        voxels: ``(n,)``, flat index of the voxel that decides whether the feature exists.
        true_count: the label's Betti number.
    """

    dim: int
    points: NDArray[np.float64]
    exists: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    voxels: NDArray[np.int64]
    true_count: int


def find_critical_voxels(
    likelihood: ArrayLike | torch.Tensor,
    label: ArrayLike | torch.Tensor,
    threshold: float = 0.5,
    connectivity: int | None = None,
    frame: bool = False,
    min_persistence: float = 0.05,
) -> list[CriticalVoxel]:
    """The critical voxels of the features by which a thresholded likelihood's Betti numbers differ from a label's.

    Where the prediction has extra features, those are wrong whose points are farthest from the corner (birth 1, death
    0); where it has too few, those that do not exist at the threshold and are nearest to it. Of an extra feature the
    voxel of its birth is given if that is background in the label (a speck, a bridge), otherwise that of its death (a
    break in a vessel, a hole in a membrane). Of a missing one it is the voxel on the wrong side of the threshold. Only
    numbers are compared: as many loops at other places are no error.

    Args:
        likelihood: ``(H, W[, D])`` in [0, 1].
        label: the same shape, 0 and 1.
        threshold: the prediction is where the likelihood is at least this, above 0 and at most 1.
        connectivity: connectivity of the foreground: None is full, 1 is face.
        frame: count relative to a frame of foreground.
        min_persistence: features of less are noise: never the ones that are missing.

    Returns:
        One for each wrong feature, the most persistent first within each dimension. A feature that is missing without
        a trace in the likelihood has none.

    Raises:
        ValueError: when the shapes differ, the label is no mask, the likelihood has NaN or values outside [0, 1], or
            the threshold is not in (0, 1].

    Example:
        >>> find_critical_voxels([[0.9, 0.2, 0.7]], [[1, 1, 1]])[0].voxel  # lift it, and the two components are one
        (0, 1)
    """
    found = compare_features(likelihood, label, threshold, connectivity, frame, min_persistence)
    return wrong_voxels(found, np.shape(label))


def wrong_voxels(found: Sequence[Features], shape: tuple[int, ...]) -> list[CriticalVoxel]:
    """The critical voxels of the wrong features, the most persistent first within each dimension."""
    voxels = []
    for features in found:
        rows = np.flatnonzero(features.wrong)
        births, deaths = features.points[rows].T
        for row in rows[np.argsort(deaths - births, kind="stable")]:
            voxel = tuple(int(index) for index in np.unravel_index(features.voxels[row], shape))
            status: Status = "extra" if features.exists[row] else "missing"
            voxels.append(CriticalVoxel(features.dim, status, voxel, *features.points[row].tolist()))
    return voxels


def compare_features(
    likelihood: ArrayLike | torch.Tensor,
    label: ArrayLike | torch.Tensor,
    threshold: float = 0.5,
    connectivity: int | None = None,
    frame: bool = False,
    min_persistence: float = 0.05,
) -> list[Features]:
    """The features of each dimension; arguments and errors are those of :func:`find_critical_voxels`."""
    field = torch.from_numpy(_check(to_array(likelihood), np.shape(label), threshold))
    true_counts = betti_numbers(label, connectivity, frame=frame)
    pairs = persistence_pairs(field, connectivity=connectivity, frame=frame)
    found = []
    for dim, count in enumerate(true_counts):
        points = diagram(field, pairs, dim).double().numpy()
        exists = (points[:, 0] >= threshold) & (points[:, 1] < threshold)
        wrong = _find_wrong(points, exists, count, min_persistence)
        is_false = np.ravel(to_array(label))[pairs.birth[dim]] == 0
        birth_decides = np.where(exists, is_false, points[:, 0] < threshold) | (pairs.death[dim] == ESSENTIAL)
        voxels = np.where(birth_decides, pairs.birth[dim], pairs.death[dim])
        found.append(Features(dim, points, exists, wrong, voxels, count))
    return found


def _find_wrong(
    points: NDArray[np.float64], exists: NDArray[np.bool_], count: int, min_persistence: float
) -> NDArray[np.bool_]:
    """Which features are extra, or missing: as many as the number that exist differs from ``count``."""
    surplus = int(exists.sum()) - count
    wrong = np.zeros(len(points), bool)
    if surplus > 0:
        rows = np.flatnonzero(exists)
        wrong[rows[nearest_corner(points[rows], count).unmatched_first]] = True
    elif surplus < 0:
        rows = np.flatnonzero(~exists & (points[:, 0] - points[:, 1] > min_persistence))
        wrong[rows[nearest_corner(points[rows], -surplus).matched[:, 0]]] = True
    return wrong


def _check(likelihood: NDArray[np.floating], shape: tuple[int, ...], threshold: float) -> NDArray[np.floating]:
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, got {threshold!r}.")
    if likelihood.shape != shape:
        raise ValueError(f"likelihood and label must have one shape, got {likelihood.shape} and {shape}.")
    if not np.isfinite(likelihood).all():
        raise ValueError("likelihood holds NaN or infinity: the network has diverged, or its input holds them.")
    if likelihood.size and not (likelihood.min() >= -_ROUNDING and likelihood.max() <= 1 + _ROUNDING):
        raise ValueError(
            f"likelihood must be in [0, 1], got {likelihood.min():.4g} to {likelihood.max():.4g}: apply the network's "
            "activation first (in a handler: set sigmoid, softmax or other_act)."
        )
    return likelihood
