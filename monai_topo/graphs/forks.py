"""Forks of a skeleton: voxels that touch where branches meet, merged as far as that closes no loop.

Seen as closed cubes, voxels that all touch one another fill what is between them, so three in a triangle are no loop,
and four in a circle are one if they do not touch across it. Merging two voxels that touch changes no topology unless
they are part of such a circle: so a loop around a hole of one voxel survives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def merge_forks(pairs: NDArray[np.int64], num_voxels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which node each voxel belongs to, and which nodes are joined.

    A voxel is part of a fork if it has more than two neighbors, or two that touch each other (a corner). Voxels of
    forks that touch are merged.

    Args:
        pairs: ``(m, 2)`` voxels that touch.
        num_voxels: number of voxels.

    Returns:
        ``(num_voxels,)`` numbers of nodes, from 0, and ``(k, 2)`` pairs of nodes, a voxel of one of which touches one
        of the other. Sides of triangles that are left are not among the pairs.

    Example:
        >>> nodes, ends = merge_forks(np.array([[0, 1], [1, 2], [2, 3], [1, 3], [3, 4]]), 5)
        >>> nodes.tolist(), ends.tolist()
        ([0, 1, 1, 1, 2], [[0, 1], [1, 2]])
    """
    in_fork = _in_fork(pairs, num_voxels)
    near_fork = in_fork.copy()
    near_fork[pairs[in_fork[pairs].any(axis=1)]] = True
    neighbors: dict[int, set[int]] = {voxel: set() for voxel in np.flatnonzero(near_fork).tolist()}
    for a, b in pairs[near_fork[pairs].all(axis=1)].tolist():
        neighbors[a].add(b)
        neighbors[b].add(a)
    owner = np.arange(num_voxels)
    for voxel, other in _merge(neighbors, pairs[in_fork[pairs].all(axis=1)].tolist()).items():
        owner[voxel] = other
    joined = {(a, b) for a, b in np.sort(owner[pairs], axis=1).tolist() if a != b} - _drop_sides(neighbors)
    voxels, nodes = np.unique(owner, return_inverse=True)
    ends = np.searchsorted(voxels, np.array(sorted(joined), dtype=np.int64).reshape(-1, 2))
    return nodes.astype(np.int64), ends.astype(np.int64)


def _in_fork(pairs: NDArray[np.int64], num_voxels: int) -> NDArray[np.bool_]:
    from scipy.sparse import coo_array

    both_ways = np.concatenate([pairs, pairs[:, ::-1]])
    shape = (num_voxels, num_voxels)
    neighbors = coo_array((np.ones(len(both_ways), np.int32), both_ways.T), shape=shape).tocsr()
    degree = np.bincount(pairs.ravel(), minlength=num_voxels)
    in_triangle = ((neighbors @ neighbors) * neighbors).sum(axis=1) > 0
    return np.asarray((degree > 2) | ((degree == 2) & in_triangle))


def _merge(neighbors: dict[int, set[int]], pairs: list[tuple[int, int]]) -> dict[int, int]:
    """Merge pairs until none is left that can be; ``neighbors`` becomes that of the merged. Voxel to what it became."""
    owner = {voxel: voxel for pair in pairs for voxel in pair}
    waiting = -1
    while waiting != len(pairs):
        waiting, left = len(pairs), []
        for pair in pairs:
            a, b = sorted(_owner(owner, voxel) for voxel in pair)
            if a == b:
                continue
            if _in_circle(neighbors, a, b):
                left.append((a, b))
                continue
            owner[b] = a
            for voxel in neighbors.pop(b):
                neighbors[voxel].discard(b)
                if voxel != a:
                    neighbors[voxel].add(a)
                    neighbors[a].add(voxel)
        pairs = left
    return {voxel: _owner(owner, voxel) for voxel in owner}


def _owner(owner: dict[int, int], voxel: int) -> int:
    while owner[voxel] != voxel:
        owner[voxel] = owner[owner[voxel]]
        voxel = owner[voxel]
    return voxel


def _in_circle(neighbors: dict[int, set[int]], a: int, b: int) -> bool:
    """Whether two neighbors are sides of a circle of four that do not touch across it."""
    only_b = neighbors[b] - neighbors[a] - {a}
    return any(neighbors[voxel] & only_b for voxel in neighbors[a] - neighbors[b] - {b})


def _drop_sides(neighbors: dict[int, set[int]]) -> set[tuple[int, int]]:
    """Open the triangles that are left: drop a side if one node touches all that touch both its ends."""
    sides = [(a, b) for a in sorted(neighbors) for b in sorted(neighbors[a]) if a < b and neighbors[a] & neighbors[b]]
    dropped: set[tuple[int, int]] = set()
    before = -1
    while before != len(dropped):
        before = len(dropped)
        for a, b in sides:
            shared = neighbors[a] & neighbors[b]
            if (a, b) not in dropped and any(shared <= neighbors[c] | {c} for c in shared):
                neighbors[a].discard(b)
                neighbors[b].discard(a)
                dropped.add((a, b))
    return dropped
