"""Junctions of a graph, and which of two sets of points belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.network import Network

if TYPE_CHECKING:
    import networkx


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
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial import cKDTree

    if not len(points) or not len(others):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    limit = radius * (1 + 1e-9)
    near = cKDTree(points).query_ball_tree(cKDTree(others), limit)
    pairs = np.array([(a, b) for a, found in enumerate(near) for b in found], dtype=np.int64).reshape(-1, 2)
    group = _groups(pairs + np.array([0, len(points)]), len(points) + len(others))[pairs[:, 0]]
    matched: list[tuple[int, int]] = []
    for number in np.unique(group):  # what is near nothing in common is matched apart
        rows, columns = (np.unique(side) for side in pairs[group == number].T)
        distance = np.linalg.norm(points[rows, None] - others[None, columns], axis=2)
        far = distance > limit
        distance[far] = 1 + limit * (min(distance.shape) + 1)  # more than all near ones together: as few as can be
        chosen = zip(*linear_sum_assignment(distance), strict=True)
        matched += [(rows[a], columns[b]) for a, b in chosen if not far[a, b]]
    first, second = np.array(sorted(matched), dtype=np.int64).reshape(-1, 2).T
    return first, second


def _groups(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = coo_array((np.ones(len(pairs)), pairs.T), shape=(count, count))
    return np.asarray(connected_components(joined, directed=False)[1], dtype=np.int64)
