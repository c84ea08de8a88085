"""Skeletons in the segments of a segmentation: which steps are correct, split, merged or omitted, and their runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.graphs import skeleton_graph, trace_points
from monai_topo.topology import renumber_ids

if TYPE_CHECKING:
    import networkx

COMPONENTS = ("erl", "normalized", "correct", "split", "merged", "omitted", "num_splits", "num_merges")


class Skeletons(NamedTuple):
    """Skeletons point by point.

    Attributes:
        voxels: ``(n, ndim)`` voxel of each point.
        skeleton: ``(n,)`` number of the skeleton that each belongs to, from 0.
        steps: ``(m, 2)`` from point to point.
        lengths: ``(m,)`` of the steps.
        scored: ``(n,)`` whether a point counts; a step does if both its points do.
    """

    voxels: NDArray[np.int64]
    skeleton: NDArray[np.int64]
    steps: NDArray[np.int64]
    lengths: NDArray[np.float64]
    scored: NDArray[np.bool_]


def traced_skeletons(
    truth: networkx.Graph | Sequence[networkx.Graph],
    shape: Sequence[int],
    spacing: Sequence[float] | float | None,
    max_step: float | None,
) -> Skeletons:
    """Skeletons of tracings: the components of one graph, or the graphs of a sequence.

    Points outside of the volume are not scored.
    """
    each_is_one = isinstance(truth, Sequence)
    parts = []
    for number, graph in enumerate(truth if isinstance(truth, Sequence) else [truth]):
        points = trace_points(graph, spacing, max_step)
        if len(points.positions) and points.positions.shape[1] != len(shape):
            raise ValueError(
                f"segmentation must have the {points.positions.shape[1]} axes of the graph, got shape {tuple(shape)}."
            )
        voxels = points.voxels.reshape(-1, len(shape))
        within = np.asarray(((voxels >= 0) & (voxels < np.asarray(shape))).all(axis=1))
        skeleton = np.full(len(voxels), number) if each_is_one else points.skeleton
        parts.append(Skeletons(voxels, skeleton, points.steps, points.lengths, within))
    return _joined(parts, len(shape))


def object_skeletons(ids: NDArray[Any], spacing: Sequence[float] | float, smoothing: float, method: str) -> Skeletons:
    """The skeleton of each object of a label map.

    Points in a cavity of the object, where another may lie, are not scored.

    Args:
        ids: ``(H, W[, D])`` integers of at least 0, 0 for no object.
        spacing: size of a voxel.
        smoothing: smoothing of the skeletons, see :func:`monai_topo.graphs.skeleton_graph`.
        method: way the centerline is found, see :func:`monai_topo.graphs.centerline_mask`.
    """
    numbers = renumber_ids(ids)
    parts: list[Skeletons] = []
    for box in ndimage.find_objects(numbers):
        mask = numbers[box] == len(parts) + 1
        points = trace_points(skeleton_graph(mask, spacing=spacing, smoothing=smoothing, method=method))
        voxels = points.voxels.reshape(-1, ids.ndim)
        number = np.full(len(voxels), len(parts))
        first = np.array([side.start for side in box])
        parts.append(Skeletons(voxels + first, number, points.steps, points.lengths, mask[tuple(voxels.T)]))
    return _joined(parts, ids.ndim)


def _joined(parts: Iterable[Skeletons], ndim: int) -> Skeletons:
    empty = Skeletons(
        np.empty((0, ndim), np.int64),
        np.empty(0, np.int64),
        np.empty((0, 2), np.int64),
        np.empty(0),
        np.empty(0, bool),
    )
    some = [empty, *parts]
    first = np.cumsum([0, *(len(part.voxels) for part in some)])
    steps = [part.steps + begin for part, begin in zip(some, first[:-1], strict=True)]
    columns = [np.concatenate(column) for column in zip(*some, strict=True)]
    return Skeletons(columns[0], columns[1], np.concatenate(steps), columns[3], columns[4])


def run_lengths(skeletons: Skeletons, segmentation: NDArray[Any], merge_tolerance: int = 0) -> dict[str, float]:
    """All numbers of :data:`COMPONENTS`; :class:`ExpectedRunLengthMetric` says what they are.

    Args:
        skeletons: the truth.
        segmentation: ids, 0 for no segment.
        merge_tolerance: number of points of another skeleton that make no merge.
    """
    segment = np.zeros(len(skeletons.voxels), np.int64)
    found = segmentation[tuple(skeletons.voxels[skeletons.scored].T)]
    ids = np.unique(found[found > 0])
    segment[skeletons.scored] = np.where(found > 0, np.searchsorted(ids, found) + 1, 0)
    steps = skeletons.scored[skeletons.steps].all(axis=1)
    lengths, ends = skeletons.lengths[steps], segment[skeletons.steps[steps]]
    owner = skeletons.skeleton[skeletons.steps[steps, 0]]
    total = float(lengths.sum())
    if not total:
        return dict.fromkeys(COMPONENTS, math.nan)
    held, num_splits = _held(skeletons.skeleton[segment > 0], segment[segment > 0], len(ids), merge_tolerance)
    omitted = (ends == 0).any(axis=1)
    split = ~omitted & (ends[:, 0] != ends[:, 1])
    merged = ~omitted & ~split & (held[ends[:, 0]] > 1)
    correct = ~(omitted | split | merged)
    _, run = np.unique(np.stack([owner[correct], ends[correct, 0]]), axis=1, return_inverse=True)
    squares = float((np.bincount(run.ravel(), lengths[correct]) ** 2).sum())
    perfect = float((np.bincount(owner, lengths) ** 2).sum())
    shares = (float(lengths[kind].sum()) / total for kind in (correct, split, merged, omitted))
    merges = float(np.maximum(held - 1, 0).sum())
    values = (squares / total, squares / perfect, *shares, num_splits, merges)
    return dict(zip(COMPONENTS, values, strict=True))


def _held(
    skeleton: NDArray[np.int64], segment: NDArray[np.int64], count: int, tolerance: int
) -> tuple[NDArray[np.int64], float]:
    """How many skeletons each segment holds, ``(count + 1,)``, and all segments beyond the first of a skeleton."""
    pairs, points = np.unique(np.stack([skeleton, segment]), axis=1, return_counts=True)
    held = np.bincount(pairs[1, points > tolerance], minlength=count + 1)
    return held, float(pairs.shape[1] - len(np.unique(pairs[0])))
