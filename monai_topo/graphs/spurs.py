"""Which ends of thinned curves are ends of branches, and which are spurs of a rough surface.

Branches are taken in the order of their length: the longest path of each tree, or all loops and what joins them; then
the end that is farthest from what was taken, with its way there, if it is far enough; and so on.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.neighbors import background_distance, neighbor_pairs

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_RADII = 1.75
"""The corner of a cube is 1.73 times as far from its middle as a face."""
_SPARE = 3.0
"""In voxels: one is the radius of a spur's end, two are for roughness."""


def ends_of_branches(curves: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels of curves that are on the way to an end that the mask has.

    An end counts when its distance from the branch that it leaves, and the mask's radius at the end, are together more
    than 1.75 of the mask's radii where it leaves and three voxels; or when nothing was thinned away at the end.

    Args:
        curves: bool ``(H, W[, D])``, the thinned mask.
        mask: the same shape; outside of it is background.

    Returns:
        Some of the curves' voxels, the same shape: the longest path of each tree, loops and what joins them, and the
        ways from there to the ends that count.
    """
    voxels = np.argwhere(curves)
    pairs = neighbor_pairs(voxels, curves.shape)
    graph = _weighted(voxels, pairs)
    kept = _trunks(graph, _core(curves))
    ends = np.flatnonzero((np.bincount(pairs.ravel(), minlength=len(voxels)) == 1) & ~kept)
    if len(ends):
        _keep_branches(kept, ends, graph, voxels, background_distance(mask, voxels), _is_bare(mask & ~curves, voxels))
    branches = np.zeros_like(curves)
    branches[curves] = kept
    return branches


def _keep_branches(
    kept: NDArray[np.bool_],
    ends: NDArray[np.int64],
    graph: csr_array,
    voxels: NDArray[np.int64],
    radius: NDArray[np.float64],
    bare: NDArray[np.bool_],
) -> None:
    distance, before = _ways(graph, np.flatnonzero(kept))
    for end in ends[np.argsort(-distance[ends], kind="stable")].tolist():
        *way, base = _way(before, end, kept)
        far = np.linalg.norm(voxels[end] - voxels[base]) + radius[end]
        if far > _RADII * radius[base] + _SPARE or (bare[end] and bare[before[end]]):
            kept[way] = True


def _core(curves: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For each voxel of the curves whether it is on a loop or joins two; of a tree, one voxel."""
    from monai_topo.graphs.thinning import retract

    volume = np.atleast_3d(curves)
    return np.asarray(retract(volume, np.zeros_like(volume))[volume])


def _trunks(graph: csr_array, core: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The core, and the longest path of each part of which the core is one voxel."""
    from scipy.sparse.csgraph import connected_components

    part = connected_components(graph, directed=False)[1]
    of_tree = core & (np.bincount(part, core) == 1)[part]
    trunk: NDArray[np.bool_] = core & ~of_tree
    if of_tree.any():
        tips = _farthest(part, _ways(graph, np.flatnonzero(of_tree))[0])
        distance, before = _ways(graph, tips)
        trunk[tips] = True
        for tip in _farthest(part, distance).tolist():
            trunk[_way(before, tip, trunk)] = True
    return trunk


def _farthest(part: NDArray[np.int32], distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Of each part that is reached, the voxel at the largest distance."""
    order = np.lexsort((distance, part))
    order = order[np.isfinite(distance[order])]
    return np.asarray(order[np.diff(part[order], append=-1) != 0])


def _way(before: NDArray[np.int32], voxel: int, until: NDArray[np.bool_]) -> list[int]:
    """Voxels from one of them to the first that is marked."""
    way = [voxel]
    while not until[way[-1]]:
        way.append(int(before[way[-1]]))
    return way


def _ways(graph: csr_array, starts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """For each voxel its distance along the curves from the nearest start, and the voxel before it on the way."""
    from scipy.sparse.csgraph import dijkstra

    distance, before, _ = dijkstra(graph, indices=starts, min_only=True, return_predecessors=True)
    return distance, before


def _weighted(voxels: NDArray[np.int64], pairs: NDArray[np.int64]) -> csr_array:
    """Symmetric matrix of the distances between voxels that touch."""
    from scipy.sparse import coo_array

    length = np.linalg.norm(np.diff(voxels[pairs], axis=1)[:, 0], axis=1)
    both_ways = np.concatenate([pairs, pairs[:, ::-1]]).T
    shape = (len(voxels), len(voxels))
    return coo_array((np.concatenate([length, length]), both_ways), shape=shape).tocsr()


def _is_bare(thinned_away: NDArray[np.bool_], voxels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether none of the voxels around each one was thinned away."""
    padded = np.pad(thinned_away, 1)
    bare = np.ones(len(voxels), dtype=bool)
    for step in product((0, 1, 2), repeat=thinned_away.ndim):
        bare &= ~padded[tuple((voxels + step).T)]
    return bare
