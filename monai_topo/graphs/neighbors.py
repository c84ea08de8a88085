"""Which voxels of a list touch each other, and how far the background is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray


def neighbor_pairs(indices: NDArray[np.int64], shape: Sequence[int]) -> NDArray[np.int64]:
    """Pairs of voxels that share a face, an edge or a corner.

    Args:
        indices: ``(n, ndim)`` of the voxels, in C order.
        shape: shape of the volume that they lie in.

    Returns:
        ``(m, 2)`` rows of ``indices``, each pair once.

    Example:
        >>> neighbor_pairs(np.array([[0, 0], [1, 1], [3, 1]]), (4, 2)).tolist()
        [[0, 1]]
    """
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


def background_distance(
    mask: NDArray[np.bool_], voxels: NDArray[np.int64], spacing: Sequence[float] | float = 1.0
) -> NDArray[np.float64]:
    """Distance from voxels of a mask to the nearest voxel of background; outside of the array is background.

    Args:
        mask: bool ``(H, W[, D])``.
        voxels: ``(n, ndim)`` indices.
        spacing: size of a voxel along each axis, or one size for all.

    Returns:
        ``(n,)`` in the unit of ``spacing``, between the voxels' centers.

    Example:
        >>> background_distance(np.ones((3, 9), bool), np.array([[1, 4], [0, 0]])).tolist()
        [2.0, 1.0]
    """
    from scipy.ndimage import binary_dilation
    from scipy.spatial import cKDTree

    padded = np.pad(mask, 1)
    around = np.argwhere(binary_dilation(padded) & ~padded) - 1
    return np.asarray(cKDTree(around * np.asarray(spacing)).query(voxels * np.asarray(spacing))[0])
