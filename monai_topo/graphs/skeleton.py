"""From a mask to the graph of its centerlines: thinned to one voxel, forks merged, branches as edges.

1. The mask is thinned to voxels, which are joined to their 8 (26) neighbors.
2. Voxels that touch where branches meet are merged into one node, see :mod:`monai_topo.graphs.forks`.
3. Chains of nodes with two neighbors become edges, with their voxels as the path.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_topo.graphs.chains import trace_chains
from monai_topo.graphs.forks import merge_forks
from monai_topo.graphs.spacing import check_spacing

if TYPE_CHECKING:
    import networkx


def skeleton_graph(mask: ArrayLike, *, spacing: Sequence[float] | float = 1.0) -> networkx.MultiGraph:
    """Graph of the centerlines of a mask.

    In 2D the mask is thinned by ``skimage.morphology.skeletonize`` (Zhang and Suen 1984). In 3D cavities are filled,
    because the skeleton of a shell is a surface, and the mask is thinned by :func:`monai_topo.graphs.thinning.thin`
    (Lee et al. 1994). Thinning knows voxels and not ``spacing``. The graph has the components and loops of the mask.

    Args:
        mask: ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1, in full connectivity.
        spacing: size of a voxel along each axis, or one size for all.

    Returns:
        Graph with nodes 0, 1, ...: ends, forks (three edges or more), isolated voxels (no edge), and one node on each
        closed curve without forks (a self loop). ``pos`` is the index of the voxel, or the mean index of the fork's
        voxels, times ``spacing``. Edges have ``path``, the voxels of the branch between the ``pos`` of its two nodes,
        and ``length``, that of the path. Branches between the same two nodes are edges of their own.

    Raises:
        ValueError: for another number of axes, values other than 0 and 1, or a bad ``spacing``.

    Example:
        >>> cross = np.zeros((9, 11))
        >>> cross[4, 1:10] = cross[1:8, 5] = 1
        >>> graph = skeleton_graph(cross, spacing=0.5)
        >>> sorted(degree for _, degree in graph.degree), graph.size("length")
        ([1, 1, 1, 1, 4], 7.0)
    """
    volume = _as_mask(mask)
    voxel = check_spacing(spacing, volume.ndim)
    return _graph_of_voxels(_skeleton_voxels(volume), volume.shape, voxel)


def _as_mask(mask: ArrayLike) -> NDArray[np.bool_]:
    values = np.asarray(mask)
    if values.ndim not in (2, 3):
        raise ValueError(f"mask must have shape (H, W) or (H, W, D), got {values.shape}.")
    volume = values.astype(bool)
    if values.dtype != bool and not np.array_equal(values, volume):
        raise ValueError("mask must hold only 0 and 1: threshold probabilities first.")
    return volume


def _skeleton_voxels(volume: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Indices of the voxels that thinning leaves, in C order."""
    from skimage.morphology import skeletonize

    occupied = [np.flatnonzero(volume.any(axis=tuple({*range(volume.ndim)} - {axis}))) for axis in range(volume.ndim)]
    if not len(occupied[0]):
        return np.empty((0, volume.ndim), dtype=np.int64)
    box = volume[tuple(slice(found[0], found[-1] + 1) for found in occupied)]
    if volume.ndim == 2:
        skeleton = skeletonize(box)
    else:
        from monai_topo.graphs.thinning import thin

        skeleton = thin(_without_cavities(box))
    return np.asarray(np.argwhere(skeleton) + [found[0] for found in occupied])


def _without_cavities(volume: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy.ndimage import label

    background, _ = label(np.pad(~volume, 1, constant_values=True))
    return np.asarray(background[1:-1, 1:-1, 1:-1] != background[0, 0, 0])


def _graph_of_voxels(
    indices: NDArray[np.int64], shape: Sequence[int], spacing: NDArray[np.float64]
) -> networkx.MultiGraph:
    import networkx

    pairs = _neighbor_pairs(indices, shape)
    fork, ends = merge_forks(pairs, len(indices))
    num_nodes = int(fork.max(initial=-1)) + 1
    sums = np.stack([np.bincount(fork, weights=column, minlength=num_nodes) for column in indices.T], axis=1)
    positions = sums / np.bincount(fork, minlength=num_nodes)[:, None] * spacing
    graph = networkx.MultiGraph(spacing=tuple(spacing.tolist()))
    chains = trace_chains(ends, num_nodes)
    runs = [np.append(ends.flat[chain], ends.flat[chain[-1] ^ 1]) for chain in chains]
    degree = np.bincount(ends.ravel(), minlength=num_nodes)
    kept = np.union1d(np.flatnonzero(degree != 2), [run[0] for run in runs]).astype(np.int64)
    graph.add_nodes_from((number, {"pos": positions[node]}) for number, node in enumerate(kept))
    number = {node: number for number, node in enumerate(kept.tolist())}
    for run in runs:
        path = positions[run]
        length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
        graph.add_edge(number[int(run[0])], number[int(run[-1])], path=path, length=length)
    return graph


def _neighbor_pairs(indices: NDArray[np.int64], shape: Sequence[int]) -> NDArray[np.int64]:
    """Pairs of voxels that share a face, an edge or a corner; the indices are in C order."""
    strides = np.append(np.cumprod(np.array(shape[:0:-1]) + 2)[::-1], 1)  # of the volume with a margin of one voxel
    flat = (indices + 1) @ strides
    pairs = []
    for step in product((-1, 0, 1), repeat=len(shape)):
        if step > (0,) * len(shape):
            neighbor = flat + np.array(step) @ strides
            place = np.searchsorted(flat, neighbor)
            found = np.flatnonzero(np.append(flat, -1)[place] == neighbor)
            pairs.append(np.stack([found, place[found]], axis=1))
    return np.concatenate(pairs)
