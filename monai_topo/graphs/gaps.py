"""Gaps of a mask of tubes: ways along the ridges of a likelihood that would join two of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.neighbors import background_distance, neighbor_pairs

_WINDOW = 4.0
"""Radii around a place of the surface within which the tube's direction is looked at."""
_NEARBY = 1.5
"""Radii from a place of the surface within which the largest ball is looked for: ends are rounded."""
_END = 0.35
"""Of the window: how far the middle of what is in it lies from the end of a tube. On the side of one it is nearer."""


@dataclass(frozen=True)
class Gap:
    """A way through the background that would join two places of a mask.

    Attributes:
        components: numbers, from 1 on, of the two components that it would join, the same twice where it would close a
            loop.
        path: ``(n, ndim)`` voxels from one place to the other, both of the mask, those between not.
        length: along the path, in the unit of the spacing.
        weakest: the lowest likelihood of the voxels between.
        mean: their mean likelihood.
        radii: radii of the tubes at the two places, each that of the largest ball in the mask about the place.
        num_ends: number of the two places that are ends of a tube (or small components), and not its side.
        angle: the larger of the angles, in degrees, between the ends' own directions and the way from end to end; NaN
            where neither has a direction.

    Example:
        >>> likelihood = np.array([[0.9, 0.9, 0.4, 0.3, 0.9, 0.9]])
        >>> (gap,) = find_ways(likelihood > 0.5, likelihood < 0.5, likelihood)
        >>> gap.path.tolist(), gap.weakest
        ([[0, 1], [0, 2], [0, 3], [0, 4]], 0.3)
    """

    components: tuple[int, int]
    path: NDArray[np.int64]
    length: float
    weakest: float
    mean: float
    radii: tuple[float, float]
    num_ends: int
    angle: float


def find_ways(
    mask: NDArray[np.bool_],
    passable: NDArray[np.bool_],
    likelihood: NDArray[np.floating],
    spacing: Sequence[float] | float = 1.0,
) -> list[Gap]:
    """The ways through passable voxels from each place where these touch the mask to the places next to it.

    Of the ways between two places the one is taken that is shortest where the likelihood is high (a step counts twice
    where it is 0), and every passable voxel belongs to the place that it is nearest to: places that others lie between
    have no way of their own.

    Args:
        mask: bool ``(H, W[, D])``; full connectivity.
        passable: voxels of the background that ways may go through, such as the ridges above a floor.
        likelihood: the same shape, in [0, 1].
        spacing: size of a voxel along each axis, or one size for all.

    Returns:
        The ways, in the order of their voxels. A place is a component of the mask's voxels that touch passable ones.

    Example:
        >>> likelihood = np.array([[0.9, 0.9, 0.4, 0.3, 0.9, 0.9]])
        >>> (gap,) = find_ways(likelihood > 0.5, likelihood < 0.5, likelihood)
        >>> gap.components, gap.length, gap.weakest, gap.num_ends
        ((1, 2), 3.0, 0.3, 2)
    """
    from scipy.ndimage import binary_dilation, label

    full = np.ones((3,) * mask.ndim)
    touching = mask & binary_dilation(passable, full)
    components, places = label(mask, full)[0], label(touching, full)[0]
    nodes = np.argwhere(passable | touching)
    if not touching.any():
        return []
    at = tuple(nodes.T)
    paths = _paths(nodes, places[at], likelihood[at], mask.shape)
    surroundings = _Surroundings(mask, components, np.broadcast_to(np.asarray(spacing, float), mask.ndim))
    return [_gap(path, components, likelihood, surroundings) for path in paths]


def _paths(
    nodes: NDArray[np.int64], place: NDArray[np.int32], likelihood: NDArray[np.floating], shape: tuple[int, ...]
) -> list[NDArray[np.int64]]:
    """The best path between each two places that meet, as voxels."""
    pairs = neighbor_pairs(nodes, shape)
    pairs = pairs[(place[pairs] == 0).any(axis=1)]
    steps = np.linalg.norm(np.diff(nodes[pairs], axis=1)[:, 0], axis=1) * (2 - likelihood[pairs].mean(axis=1))
    distance, before, source = _nearest_places(pairs, steps, place)
    owner = np.where(source >= 0, place[np.maximum(source, 0)], 0)
    meeting = np.flatnonzero((owner[pairs] > 0).all(axis=1) & (owner[pairs[:, 0]] != owner[pairs[:, 1]]))
    total = distance[pairs[meeting]].sum(axis=1) + steps[meeting]
    low, high = np.sort(owner[pairs[meeting]], axis=1).T
    order = np.lexsort((total, high, low))
    new = np.append(True, (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0))[: len(order)]
    return [
        nodes[[*reversed(_back(before, first)), *_back(before, second)]]
        for first, second in pairs[meeting[order[new]]].tolist()
    ]


def _nearest_places(
    pairs: NDArray[np.int64], steps: NDArray[np.float64], place: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]:
    """Of each node the distance from the nearest place, the node before it on the way and the way's first node."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    both_ways = np.concatenate([pairs, pairs[:, ::-1]]).T
    graph = coo_array((np.concatenate([steps, steps]), both_ways), shape=(len(place), len(place))).tocsr()
    distance, before, source = dijkstra(graph, indices=np.flatnonzero(place), min_only=True, return_predecessors=True)
    return distance, before, source


def _back(before: NDArray[np.int32], node: int) -> list[int]:
    way = [node]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    return way


def _gap(
    path: NDArray[np.int64],
    components: NDArray[np.int32],
    likelihood: NDArray[np.floating],
    surroundings: _Surroundings,
) -> Gap:
    values = likelihood[tuple(path[1:-1].T)]
    ends = [surroundings.end(path[0]), surroundings.end(path[-1])]
    chord = (path[-1] - path[0]) * surroundings.spacing
    angles = [
        _degrees(direction, way)
        for (_, _, direction), way in zip(ends, (chord, -chord), strict=True)
        if direction.any()
    ]
    return Gap(
        components=(int(components[tuple(path[0])]), int(components[tuple(path[-1])])),
        path=path,
        length=float(np.linalg.norm(np.diff(path, axis=0) * surroundings.spacing, axis=1).sum()),
        weakest=float(values.min()),
        mean=float(values.mean()),
        radii=(ends[0][0], ends[1][0]),
        num_ends=sum(int(is_end) for _, is_end, _ in ends),
        angle=max(angles, default=float("nan")),
    )


def _degrees(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


class _Surroundings:
    """Radius and direction of the tubes of a mask at places of its surface."""

    def __init__(self, mask: NDArray[np.bool_], components: NDArray[np.int32], spacing: NDArray[np.float64]) -> None:
        from scipy.spatial import cKDTree

        voxels = np.argwhere(mask)
        self.spacing = spacing
        self._components = components[tuple(voxels.T)]
        self._sizes = np.bincount(self._components)
        self._voxels = voxels
        self._radius = background_distance(mask, voxels, spacing.tolist())
        self._largest = float(self._radius.max())
        self._points = voxels * spacing
        self._tree = cKDTree(self._points)

    def end(self, place: NDArray[np.int64]) -> tuple[float, bool, NDArray[np.float64]]:
        """Radius there, whether it is an end of a tube or a small component, and the end's direction or zeros."""
        point = place * self.spacing
        around = np.array(self._tree.query_ball_point(point, _NEARBY * self._largest), dtype=np.int64)
        covers = np.linalg.norm(self._points[around] - point, axis=1) <= _NEARBY * self._radius[around]
        distance = self._radius[around[covers]].max()
        window = _WINDOW * distance + 2 * float(self.spacing.min())
        near = self._connected(place, np.array(self._tree.query_ball_point(point, window), dtype=np.int64))
        direction = point - self._points[near].mean(axis=0)
        radius = float(distance - self.spacing.min() / 4)  # the background's voxels are not points
        if np.linalg.norm(direction) > _END * window:
            return radius, True, direction
        whole = len(near) == self._sizes[self._components[near[0]]]
        return radius, whole, np.zeros_like(direction)

    def _connected(self, place: NDArray[np.int64], near: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some voxels that are joined to a place among them."""
        from scipy.ndimage import label

        voxels = self._voxels[near]
        low = voxels.min(axis=0)
        box = np.zeros(np.ptp(voxels, axis=0) + 1, bool)
        box[tuple((voxels - low).T)] = True
        parts = label(box, np.ones((3,) * box.ndim))[0]
        return np.asarray(near[parts[tuple((voxels - low).T)] == parts[tuple(place - low)]])
