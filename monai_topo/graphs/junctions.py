"""Junctions of a graph, and which of two sets of points belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.network import Network

if TYPE_CHECKING:
    import networkx
    from scipy.sparse import coo_array


def junction_points(graph: networkx.Graph, merge_radius: float = 0.0) -> NDArray[np.float64]:
    """Where at least three branches meet.

    Args:
        graph: graph with the attributes of this package's graphs; a self loop is two branches of its node.
        merge_radius: junctions closer to each other than this, in the unit of ``pos``, are one, and so are all that
            a chain of such pairs joins.

    Returns:
        ``(k, ndim)`` positions, of merged junctions the mean.

    Example:
        >>> from monai_topo.graphs import skeleton_graph
        >>> cross = np.zeros((9, 11))
        >>> cross[4, 1:10] = cross[1:8, 5] = 1
        >>> junction_points(skeleton_graph(cross))
        array([[4., 5.]])
    """
    from scipy.spatial import cKDTree

    network = Network.from_graph(graph)
    points = network.positions[network.degree >= 3]
    if not merge_radius or len(points) < 2:
        return points
    pairs = cKDTree(points).query_pairs(merge_radius, output_type="ndarray")
    closer = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1) < merge_radius
    group = _groups(pairs[closer], len(points))
    sums = np.stack([np.bincount(group, column) for column in points.T], axis=1)
    return np.asarray(sums / np.bincount(group)[:, None])


def match_points(
    points: NDArray[np.float64], others: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One-to-one pairs of points no farther apart than a radius: as many as can be, of the least total distance.

    Args:
        points: ``(n, ndim)``.
        others: ``(m, ndim)``.
        radius: inclusive.

    Returns:
        Indices into ``points`` and, as many, into ``others``.

    Example:
        >>> match_points(np.array([[0.0], [2.0], [9.0]]), np.array([[1.9], [3.0]]), radius=2)
        (array([0, 1]), array([0, 1]))
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    if not len(points) or not len(others):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    near = _near(points, others, radius)
    count, columns = near.shape
    alone = np.arange(count)  # a column of its own for each that has no partner
    dear = (1 + radius) * (min(near.shape) + 1)  # more than all near ones together: as many pairs as can be
    cost = np.concatenate([near.data + 1, np.full(count, dear)])  # 1 is added since 0 is no entry
    rows = np.concatenate([near.row, alone]), np.concatenate([near.col, columns + alone])
    first, second = min_weight_full_bipartite_matching(coo_array((cost, rows), shape=(count, columns + count)).tocsr())
    matched = second < columns
    return first[matched].astype(np.int64), second[matched].astype(np.int64)


def count_matches(points: NDArray[np.float64], others: NDArray[np.float64], radius: float) -> int:
    """Number of pairs that :func:`match_points` finds, which is found much faster than the pairs of least distance.

    Args:
        points: ``(n, ndim)``.
        others: ``(m, ndim)``.
        radius: inclusive.

    Example:
        >>> count_matches(np.array([[0.0], [2.0], [9.0]]), np.array([[1.9], [3.0]]), radius=2)
        2
    """
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if not len(points) or not len(others):
        return 0
    near = _near(points, others, radius)
    near.data[:] = 1  # an entry of 0 would be none
    return int((maximum_bipartite_matching(near.tocsr(), perm_type="column") >= 0).sum())


def _near(points: NDArray[np.float64], others: NDArray[np.float64], radius: float) -> coo_array:
    """Distances of the pairs that are no farther apart than a radius."""
    from scipy.sparse import coo_array
    from scipy.spatial import cKDTree

    trees = cKDTree(points), cKDTree(others)
    pairs = trees[0].sparse_distance_matrix(trees[1], radius * (1 + 1e-9), output_type="ndarray")
    return coo_array((pairs["v"], (pairs["i"], pairs["j"])), shape=(len(points), len(others)))


def _groups(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = coo_array((np.ones(len(pairs)), pairs.T), shape=(count, count))
    return np.asarray(connected_components(joined, directed=False)[1], dtype=np.int64)
