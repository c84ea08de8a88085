"""Matching the instances of two label maps one to one, by how much they overlap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_SLAB = 1 << 22
"""Voxels whose pairs of ids are counted at once: as 64-bit words they take 64 MB."""

_ROUNDING = 1e-12
"""An overlap that exceeds a threshold by no more is equal to it: two thirds, or steps of 0.05 added up."""


class Overlaps(NamedTuple):
    """The instances of two label maps, and the pairs of them that share voxels.

    Attributes:
        true: ``(n,)`` ids of the true instances, uint64, rising.
        predicted: ``(m,)`` ids of the predicted ones.
        pairs: ``(k, 2)`` places in ``true`` and ``predicted`` of two instances that share voxels.
        iou: ``(k,)`` intersection over union of each pair, in (0, 1].
    """

    true: NDArray[np.uint64]
    predicted: NDArray[np.uint64]
    pairs: NDArray[np.int64]
    iou: NDArray[np.float64]


class InstanceMatches(NamedTuple):
    """The matches of two label maps.

    Attributes:
        true: ``(k,)`` true ids that are matched, uint64.
        predicted: ``(k,)`` predicted id that each is matched with.
        iou: ``(k,)`` their intersection over union.
        num_true: number of all true instances.
        num_predicted: number of all predicted ones.

    Example:
        >>> found = match_instances([[7, 7, 7, 0]], [[1, 1, 1, 1]])
        >>> found.iou, found.num_true
        (array([0.75]), 1)
    """

    true: NDArray[np.uint64]
    predicted: NDArray[np.uint64]
    iou: NDArray[np.float64]
    num_true: int
    num_predicted: int


def match_instances(
    prediction: ArrayLike, target: ArrayLike, *, iou_threshold: float = 0.5, min_size: int = 0
) -> InstanceMatches:
    """Match predicted with true instances; :class:`InstanceF1Metric` says how.

    Args:
        prediction: Ids of any shape, integers from 0 to 2^64 - 1, 0 for no instance.
        target: True ids, the same shape.
        iou_threshold: Intersection over union that a match must exceed, at least 0 and below 1.
        min_size: Number of voxels below which an instance is background, on both sides.

    Returns:
        The matched ids with their intersection over union, and how many instances there are. Counts of several volumes
        can be added up: ``len(true)`` matches, ``num_predicted`` and ``num_true`` instances.

    Raises:
        ValueError: when the shapes differ, ids are no integers of at least 0, or the threshold is out of range.

    Example:
        >>> found = match_instances([[7, 7, 7, 0], [0, 0, 4, 4]], [[1, 1, 1, 1], [0, 2, 2, 0]])
        >>> found.true, found.predicted, found.iou, found.num_true, found.num_predicted
        (array([1], dtype=uint64), array([7], dtype=uint64), array([0.75]), 2, 2)
    """
    predicted, true = np.asarray(prediction), np.asarray(target)
    check_iou_threshold(iou_threshold)
    if predicted.shape != true.shape:
        raise ValueError(f"prediction and target must have one shape, got {predicted.shape} and {true.shape}.")
    for name, ids in (("prediction", predicted), ("target", true)):
        check_integer_ids(ids, name)
    overlaps = find_overlaps(predicted, true, min_size)
    chosen = matched_pairs(overlaps, iou_threshold)
    first, second = overlaps.pairs[chosen].T
    sizes = len(overlaps.true), len(overlaps.predicted)
    return InstanceMatches(overlaps.true[first], overlaps.predicted[second], overlaps.iou[chosen], *sizes)


def find_overlaps(predicted: NDArray[Any], true: NDArray[Any], min_size: int = 0) -> Overlaps:
    """The instances of two label maps of one shape that have ``min_size`` voxels, and which of them overlap.

    Example:
        >>> find_overlaps(np.array([5, 5, 0]), np.array([0, 9, 9])).iou
        array([0.33333333])
    """
    first, second, shared = _count_pairs_in_slabs(predicted.ravel(), true.ravel())
    predicted_ids, predicted_place, predicted_sizes = _sizes(first, shared)
    true_ids, true_place, true_sizes = _sizes(second, shared)
    kept_predicted = (predicted_ids > 0) & (predicted_sizes >= min_size)
    kept_true = (true_ids > 0) & (true_sizes >= min_size)
    kept = kept_predicted[predicted_place] & kept_true[true_place]
    first_place, second_place, shared = predicted_place[kept], true_place[kept], shared[kept]
    union = predicted_sizes[first_place] + true_sizes[second_place] - shared
    place = np.stack([(np.cumsum(kept_true) - 1)[second_place], (np.cumsum(kept_predicted) - 1)[first_place]], axis=1)
    order = np.lexsort(place.T[::-1])
    return Overlaps(true_ids[kept_true], predicted_ids[kept_predicted], place[order], (shared / union)[order])


def matched_pairs(overlaps: Overlaps, threshold: float) -> NDArray[np.int64]:
    """Which pairs of :class:`Overlaps` are matches: as many as can be, and of those the largest sum of their overlaps.

    Args:
        overlaps: instances and their overlaps.
        threshold: intersection over union that a match exceeds.
    """
    good = np.flatnonzero(overlaps.iou > threshold + _ROUNDING)
    if threshold >= 0.5:
        return good  # more than half of the union is one pair's alone
    true, predicted = overlaps.pairs[good].T
    alone = (np.bincount(true)[true] == 1) & (np.bincount(predicted)[predicted] == 1)
    rivals = good[~alone]
    chosen = rivals[_assign(overlaps.pairs[rivals], overlaps.iou[rivals])]
    return np.sort(np.concatenate([good[alone], chosen]))


def check_iou_threshold(threshold: float) -> None:
    """Refuse a threshold out of [0, 1).

    Raises:
        ValueError: naming it.
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"iou_threshold must be at least 0 and below 1, got {threshold}.")


def check_integer_ids(values: NDArray[Any], name: str) -> None:
    """Refuse what is no id of an instance.

    Raises:
        ValueError: naming the argument.
    """
    wrong = values.dtype.kind not in "bu" and not ((values >= 0) & (values < np.inf)).all()
    if wrong or (values.dtype.kind not in "biu" and (values % 1 != 0).any()):
        raise ValueError(f"{name} must hold instance ids, integers of at least 0: threshold or label it first.")


def _count_pairs_in_slabs(
    first: NDArray[Any], second: NDArray[Any]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
    """Each pair of ids that is not of two zeros, and how many voxels have it."""
    from monai_topo.topology import count_pairs

    found = [
        (np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.int64)),
        *(count_pairs(one, other, np.empty(0, np.int64)) for one, other in _slabs(first, second)),
    ]
    firsts, seconds, counts = zip(*found, strict=True)
    one, other, voxels = count_pairs(np.concatenate(firsts), np.concatenate(seconds), np.concatenate(counts))
    some = (one > 0) | (other > 0)
    order = np.lexsort((other[some], one[some]))
    return one[some][order], other[some][order], voxels[some][order]


def _slabs(first: NDArray[Any], second: NDArray[Any]) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint64]]]:
    for begin in range(0, first.size, _SLAB):
        slab = slice(begin, begin + _SLAB)
        yield first[slab].astype(np.uint64), second[slab].astype(np.uint64)


def _sizes(
    ids: NDArray[np.uint64], voxels: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """The ids once each, the place of each of the given ones among them, and their voxels."""
    once, place = np.unique(ids, return_inverse=True)
    sizes = np.zeros(len(once), np.int64)
    np.add.at(sizes, place, voxels)
    return once, place, sizes


def _assign(pairs: NDArray[np.int64], iou: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which pairs make the most matches and, of those choices, the largest sum of overlaps.

    A column of its own for each row, dearer than any pair, makes an assignment of all rows out of one of some; that a
    match is there counts more than all overlaps together.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    if not len(pairs):
        return np.empty(0, np.int64)
    (rows, row), (columns, column) = (np.unique(side, return_inverse=True) for side in pairs.T)
    cost = 1 - iou / (min(len(rows), len(columns)) + 1)
    nobody = np.arange(len(rows))
    table = csr_array(
        (
            np.append(cost, np.full(len(rows), 2.0)),
            (np.append(row, nobody), np.append(column, len(columns) + nobody)),
        ),
        shape=(len(rows), len(columns) + len(rows)),
    )
    chosen = dict(zip(*(side.tolist() for side in min_weight_full_bipartite_matching(table)), strict=True))
    return np.flatnonzero([chosen[r] == c for r, c in zip(row.tolist(), column.tolist(), strict=True)])
