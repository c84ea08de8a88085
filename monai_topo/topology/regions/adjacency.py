"""The graph of regions that touch: their shared walls, what is measured on these, and merging by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import is_full_connectivity
from monai_topo.topology.field import to_array
from monai_topo.topology.grid import neighbor_steps

MERGES = ("saddle", "mean", "quantile")
"""What regions can be merged by."""


def steps_forward(ndim: int, full: bool) -> NDArray[np.int64]:
    """One of the two steps between each pair of neighbors: the one that leads to the higher flat index.

    Example:
        >>> steps_forward(2, full=False).tolist(), len(steps_forward(3, full=True))
        ([[1, 0], [0, 1]], 13)
    """
    steps = neighbor_steps(ndim)
    steps = steps if full else steps[: 2 * ndim]
    return steps[[tuple(step) > (0,) * ndim for step in steps]]


def crossing_edges(labels: NDArray[Any], full: bool) -> NDArray[np.int64]:
    """Neighbor voxels of two regions.

    Args:
        labels: numbers of regions, ``(H, W)`` or ``(H, W, D)``; 0 is none.
        full: whether voxels that share an edge or a corner are neighbors too.

    Returns:
        ``(2, n)`` flat indices, each pair once.

    Example:
        >>> crossing_edges(np.array([[1, 1, 2, 0, 1]]), full=False)
        array([[1],
               [2]])
    """
    index = np.arange(labels.size).reshape(labels.shape)
    found = [np.empty((2, 0), np.int64)]
    for step in steps_forward(labels.ndim, full):
        here = tuple(slice(max(-s, 0), size - max(s, 0)) for s, size in zip(step, labels.shape, strict=True))
        there = tuple(slice(max(s, 0), size - max(-s, 0)) for s, size in zip(step, labels.shape, strict=True))
        differs = (labels[here] != labels[there]) & (labels[here] > 0) & (labels[there] > 0)
        found.append(np.stack([index[here][differs], index[there][differs]]))
    return np.concatenate(found, axis=1)


@dataclass(frozen=True)
class RegionGraph:
    """Regions that touch, and what was measured on their shared walls.

    A wall holds the steps from a voxel of the one region to a neighbor in the other; a step has the larger of the two
    likelihoods.

    Attributes:
        regions: int32 ``(2, walls)``, the numbers of the regions on both sides, the lower first.
        counts: int64, steps of each wall.
        totals: float64, sums of their likelihoods.
        below: int64, how many of them are under the level.
        passes: int64 ``(2, walls)``, flat indices of the weakest step: the voxel of its likelihood, and the other.

    Example:
        >>> regions = np.array([[1, 1, 2]], dtype=np.int32)
        >>> graph = region_graph(regions, np.array([[0.1, 0.7, 0.2]]))
        >>> graph.regions.T, graph.counts, graph.totals
        (array([[1, 2]], dtype=int32), array([1]), array([0.7]))
    """

    regions: NDArray[np.int32]
    counts: NDArray[np.int64]
    totals: NDArray[np.float64]
    below: NDArray[np.int64]
    passes: NDArray[np.int64]


def region_graph(
    labels: NDArray[Any], likelihood: ArrayLike, *, connectivity: int | None = None, level: float = 0.0
) -> RegionGraph:
    """Measure the walls between all pairs of regions that touch.

    Args:
        labels: numbers of regions, ``(H, W)`` or ``(H, W, D)``; 0 is none.
        likelihood: likelihood of the walls, the same shape.
        connectivity: Connectivity of the walls: None or the number of axes for full, 1 for face. Neighbors in the
            regions are those of the dual one.
        level: likelihood under which steps are counted.

    Raises:
        ValueError: for two shapes, or a connectivity that there is not.

    Example:
        >>> labels = np.array([[1, 1, 2], [1, 2, 2]])
        >>> graph = region_graph(labels, [[0.0, 0.5, 0.25], [0.75, 0.0, 0.0]], level=0.6)
        >>> graph.regions.T, graph.counts, graph.totals, graph.below
        (array([[1, 2]], dtype=int32), array([3]), array([1.75]), array([2]))
    """
    from monai_topo.topology.regions.wall_kernels import measure_walls

    values = to_array(likelihood)
    if values.shape != labels.shape:
        raise ValueError(f"labels and likelihood must have one shape, got {labels.shape} and {values.shape}.")
    steps = steps_forward(labels.ndim, not is_full_connectivity(connectivity, labels.ndim))
    missing = 3 - labels.ndim
    numbers = np.ascontiguousarray(labels, np.int32).reshape((1,) * missing + labels.shape)
    padded = np.ascontiguousarray(np.pad(steps, ((0, 0), (missing, 0))))
    walls, totals = measure_walls(numbers, values.reshape(numbers.shape), padded, float(level))
    regions, passes = walls[:, :2].T.astype(np.int32), walls[:, 4:].T.copy()
    return RegionGraph(regions, walls[:, 2].copy(), totals, walls[:, 3].copy(), passes)


def merge_regions(
    labels: NDArray[np.int32],
    likelihood: ArrayLike,
    *,
    by: str | None,
    level: float = 0.0,
    quantile: float = 0.5,
    min_size: int = 0,
    connectivity: int | None = None,
    overwrite_labels: bool = False,
) -> NDArray[np.int32]:
    """Merge regions that touch, by the likelihood on their shared walls, and then those that are too small.

    - ``"saddle"``: in the order of the weakest steps two regions are merged where the shallower of them lies at most
      ``level`` under that step: of :func:`catchment_basins` it makes those of the larger persistence.
    - ``"mean"``: the two regions with the lowest mean on their wall are merged as long as that is under ``level``.
    - ``"quantile"``: the same where the ``quantile`` of a wall is under ``level``, that is, where at least that share
      of the wall is; the largest share first.

    Two merged regions' walls to a third are one wall. Of equal ones the wall with the weakest step comes first.

    Args:
        labels: numbers of regions, ``(H, W)`` or ``(H, W, D)``; 0 is none and stays.
        likelihood: likelihood of the walls, the same shape.
        by: one of these; None merges small regions only.
        level: see there, in units of the likelihood.
        quantile: share of a wall, from 0 (the weakest step) to 1 (all of it).
        min_size: Voxels from which a region stays; a smaller one goes, the smallest first, to the neighbor behind the
            wall of the lowest score (mean, or share), and stays where it has none.
        connectivity: Connectivity of the walls: None or the number of axes for full, 1 for face.
        overwrite_labels: whether the result may take the place of ``labels``, which saves 4 bytes for each voxel.

    Returns:
        Numbers of the merged regions, consecutive from 1 on in the order of their first voxels.

    Raises:
        ValueError: for an unknown ``by``, two shapes, or a connectivity that there is not.

    Example:
        >>> merge_regions(np.array([[1, 1, 2, 3]], np.int32), [[0.0, 0.2, 0.1, 0.9]], by="mean", level=0.5)
        array([[1, 1, 1, 2]], dtype=int32)
    """
    from monai_topo.topology.regions.agglomeration import merge_by_depth, merge_by_score
    from monai_topo.topology.regions.wall_kernels import measure_regions, renumber

    if by is not None and by not in MERGES:
        raise ValueError(f"by must be None or one of {MERGES}, got {by!r}.")
    merged = np.array(labels, np.int32, order="C", copy=None if overwrite_labels else True)
    values = to_array(likelihood)
    sizes, lowest = measure_regions(merged.ravel(), values.ravel(), int(merged.max(initial=0)))
    graph = region_graph(merged, values, connectivity=connectivity, level=level)
    if by == "saddle":
        order = _order(graph, values.ravel())
        heights = values.ravel()[graph.passes[0, order]].astype(np.float64)
        renumber(merged.ravel(), merge_by_depth(graph.regions[:, order], heights, lowest, float(level)))
        if min_size <= 1:
            return merged
        sizes, lowest = measure_regions(merged.ravel(), values.ravel(), int(merged.max(initial=0)))
        graph = region_graph(merged, values, connectivity=connectivity)
    sums, limit = _scores(graph, by, level, quantile)
    ranks = np.empty(len(sums))
    ranks[_order(graph, values.ravel())] = np.arange(len(sums))
    counts = graph.counts.astype(np.float64)
    parent = merge_by_score(graph.regions.copy(), counts, sums, ranks, limit, sizes, lowest, int(min_size))
    renumber(merged.ravel(), parent)
    return merged


def _order(graph: RegionGraph, values: NDArray[Any]) -> NDArray[np.intp]:
    """The walls in the order in which their weakest steps enter."""
    later, earlier = graph.passes
    return np.lexsort((earlier, values[earlier], later, values[later]))


def _scores(graph: RegionGraph, by: str | None, level: float, quantile: float) -> tuple[NDArray[np.float64], float]:
    """Sums of each wall that divided by its steps are its score, and up to which score it is opened."""
    if by == "quantile":  # of nothing under the level no share is enough
        return -graph.below.astype(np.float64), -max(float(quantile), np.finfo(float).tiny)
    return graph.totals.copy(), float(np.nextafter(float(level), -np.inf)) if by == "mean" else -np.inf
