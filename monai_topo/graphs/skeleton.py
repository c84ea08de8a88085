"""From a mask to the graph of its centerlines: thinned, forks merged, branches as edges.

1. The voxels of its centerline, see :mod:`monai_topo.graphs.centerline`, are joined to their 8 (26) neighbors.
2. Voxels that touch where branches meet are merged into one node, see :mod:`monai_topo.graphs.forks`.
3. Chains of nodes with two neighbors become edges, with their voxels as the path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_topo.graphs.centerline import centerline_mask
from monai_topo.graphs.chains import trace_chains
from monai_topo.graphs.forks import merge_forks
from monai_topo.graphs.neighbors import neighbor_pairs
from monai_topo.graphs.spacing import check_spacing
from monai_topo.graphs.voxel_chains import VoxelChains

if TYPE_CHECKING:
    import networkx


def skeleton_graph(
    mask: ArrayLike, *, spacing: Sequence[float] | float = 1.0, smoothing: float = 0.0, method: str = "exact"
) -> networkx.MultiGraph:
    """Graph of the centerlines of a mask.

    The graph has the components and the loops of the mask (in 3D with its cavities filled), and a branch for each of
    its own. Thinning knows voxels and not ``spacing``.

    Args:
        mask: ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1, in full connectivity.
        spacing: size of a voxel along each axis, or one size for all.
        smoothing: standard deviation, in voxels along the branch, of the Gaussian that paths are smoothed by; nodes
            stay. 0, as papers have it, goes from voxel to voxel: a slanting branch is then up to 8% (2D) or 13% (3D)
            too long, and more if voxels are anisotropic. With 2 the length of straight and gently curved branches is
            right within 2%: take it to compare with a tracing, or to report lengths.
        method: way the centerline is found, see :func:`monai_topo.graphs.centerline_mask`; ``"scikit-image"`` loses
            components, loops and branches.

    Returns:
        Graph with nodes 0, 1, ...: ends, forks (three edges or more), isolated voxels (no edge), and one node on each
        closed curve without forks (a self loop). ``pos`` is the index of the voxel, or the mean index of the fork's
        voxels, times ``spacing``. Edges have ``path``, the voxels of the branch between the ``pos`` of its two nodes,
        ``length``, that of the path, and ``voxels``, the voxels of the skeleton from one node to the other, of which
        those of forks are no points of the path. Branches between the same two nodes are edges of their own.

    Raises:
        ValueError: for another number of axes, values other than 0 and 1, an unknown ``method``, or a bad ``spacing``
            or ``smoothing``.

    Example:
        >>> cross = np.zeros((9, 11))
        >>> cross[4, 1:10] = cross[1:8, 5] = 1
        >>> graph = skeleton_graph(cross, spacing=0.5)
        >>> sorted(degree for _, degree in graph.degree), graph.size("length")
        ([1, 1, 1, 1, 4], 7.0)
    """
    volume = _as_mask(mask)
    voxel = check_spacing(spacing, volume.ndim)
    if not 0 <= smoothing < np.inf:
        raise ValueError(f"smoothing must be at least 0 and finite, got {smoothing}.")
    voxels = np.argwhere(centerline_mask(volume, method))
    return _graph_of_voxels(voxels, volume.shape, voxel, smoothing)


def _as_mask(mask: ArrayLike) -> NDArray[np.bool_]:
    values = np.asarray(mask)
    if values.ndim not in (2, 3):
        raise ValueError(f"mask must have shape (H, W) or (H, W, D), got {values.shape}.")
    volume = values.astype(bool)
    if values.dtype != bool and not np.array_equal(values, volume):
        raise ValueError("mask must hold only 0 and 1: threshold probabilities first.")
    return volume


def _graph_of_voxels(
    indices: NDArray[np.int64], shape: Sequence[int], spacing: NDArray[np.float64], smoothing: float
) -> networkx.MultiGraph:
    import networkx

    pairs = neighbor_pairs(indices, shape)
    fork, ends = merge_forks(pairs, len(indices))
    num_nodes = int(fork.max(initial=-1)) + 1
    sums = np.stack([np.bincount(fork, weights=column, minlength=num_nodes) for column in indices.T], axis=1)
    positions = sums / np.bincount(fork, minlength=num_nodes)[:, None] * spacing
    voxels = VoxelChains(indices, pairs, fork, positions / spacing)
    graph = networkx.MultiGraph(spacing=tuple(spacing.tolist()))
    chains = trace_chains(ends, num_nodes)
    runs = [np.append(ends.flat[chain], ends.flat[chain[-1] ^ 1]) for chain in chains]
    degree = np.bincount(ends.ravel(), minlength=num_nodes)
    kept = np.union1d(np.flatnonzero(degree != 2), [run[0] for run in runs]).astype(np.int64)
    graph.add_nodes_from((number, {"pos": positions[node]}) for number, node in enumerate(kept))
    number = {node: number for number, node in enumerate(kept.tolist())}
    for run in runs:
        path = _smooth(positions[run], smoothing)
        length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
        graph.add_edge(number[int(run[0])], number[int(run[-1])], path=path, length=length, voxels=voxels.along(run))
    return graph


def _smooth(path: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Blur a path along itself; mirrored through its ends, so that they stay and a straight path stays straight."""
    from scipy.ndimage import gaussian_filter1d

    reach = min(int(4 * sigma), len(path) - 1)
    if not reach:
        return path
    before, after = path[reach:0:-1], path[-2 : -reach - 2 : -1]
    mirrored = np.concatenate([2 * path[0] - before, path, 2 * path[-1] - after])
    return np.asarray(gaussian_filter1d(mirrored, sigma, axis=0, radius=reach)[reach : reach + len(path)])
