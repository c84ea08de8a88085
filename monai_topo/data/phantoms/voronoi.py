"""Cells nearest to given centers, and the distance to the walls between them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from monai_topo.data.phantoms.drawing import offset_from

_VOXELS = 2**21
"""Of a slab that is looked up at once: it bounds the memory."""


def voronoi_cells(
    centers: NDArray[np.float64], shape: Sequence[int], spacing: Sequence[float] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The center nearest to every voxel, and how far the voxel is from the wall to the next cell.

    Args:
        centers: ``(N, ndim)`` positions, index times ``spacing``, at least one.
        shape: shape of the volume.
        spacing: size of a voxel along each axis; None is 1.

    Returns:
        ``shape`` ids from 1 on, by the order of the centers; and ``shape`` distances to the plane halfway between the
        nearest two centers, infinite where there is one center only.

    Example:
        >>> ids, distance = voronoi_cells(np.array([[0.0, 0.0], [0.0, 3.0]]), (1, 4))
        >>> ids, distance
        (array([[1, 1, 2, 2]], dtype=int32), array([[1.5, 0.5, 0.5, 1.5]]))
    """
    sizes = np.ones(len(shape)) if spacing is None else np.asarray(spacing, dtype=float)
    tree = cKDTree(centers)
    step = max(1, _VOXELS // max(math.prod(shape[1:]), 1))
    ids, walls = np.empty(shape, np.int32), np.empty(shape)
    for first in range(0, shape[0], step):
        slab = slice(first, min(first + step, shape[0]))
        corner = [-first, *[0] * (len(shape) - 1)]
        points = offset_from(np.array(corner, dtype=float), (slab.stop - first, *shape[1:])) * sizes
        ids[slab], walls[slab] = _nearest_two(tree, centers, points)
    return ids, walls


def _nearest_two(
    tree: cKDTree, centers: NDArray[np.float64], points: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    if len(centers) < 2:
        return np.ones(points.shape[:-1], np.int32), np.full(points.shape[:-1], np.inf)
    distance, nearest = tree.query(points, k=2)
    between = np.linalg.norm(centers[nearest[..., 0]] - centers[nearest[..., 1]], axis=-1)
    to_plane = (distance[..., 1] ** 2 - distance[..., 0] ** 2) / (2 * between)
    return (nearest[..., 0] + 1).astype(np.int32), to_plane
