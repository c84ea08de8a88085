"""The exact watershed of a likelihood of walls: its basins, and the walls between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import is_full_connectivity
from monai_topo.topology.field import finite_field
from monai_topo.topology.grid import neighbor_steps
from monai_topo.topology.regions.morse import check_persistence_threshold

if TYPE_CHECKING:
    from monai_topo.topology.regions.lower_links import Surroundings

_LARGEST = 2**31 - 1


def catchment_basins(
    likelihood: ArrayLike | torch.Tensor, *, persistence_threshold: float, connectivity: int | None = None
) -> NDArray[np.int32]:
    """The basins of a likelihood of walls: the exact watershed of the valleys deeper than a threshold.

    Every voxel goes down to the neighbor that is first in the total order (value, flat index), until a minimum. Basins
    of minima of at most ``persistence_threshold`` are joined with the elder one across their lowest pass. The walls of
    ``stable_manifolds(dims=2)`` are the voxels with a neighbor in another basin.

    Beside the likelihood it holds 4 bytes for each voxel, the result, and some for each pass between basins.

    Args:
        likelihood: one channel, ``(H, W)`` or ``(H, W, D)``, high on walls; any finite values.
        persistence_threshold: persistence from which a feature counts, in units of the likelihood, 0 or more.
        connectivity: Connectivity of the walls: None or the number of axes for full, 1 for face. Basins have the dual
            one.

    Returns:
        int32 numbers from 1 on in the order of first voxels, of the same shape: every voxel is in a basin.

    Raises:
        ValueError: for a bad shape, more than 2**31 voxels, NaN or infinity, or an unknown option.

    Example:
        >>> profile = np.array([[0.0, 0.1, 0.0, 0.8, 0.2, 0.1]])
        >>> catchment_basins(profile, persistence_threshold=0.2)
        array([[1, 1, 1, 1, 2, 2]], dtype=int32)
    """
    from monai_topo.topology.regions.watershed_kernels import descend, merge_along

    field = finite_field(likelihood)
    check_persistence_threshold(persistence_threshold)
    if field.size > _LARGEST:
        raise ValueError(
            f"basins are numbered in up to 2**31 voxels, a likelihood of shape {field.shape} has {field.size}. Compute "
            "it in parts, or at lower resolution."
        )
    around, values = surroundings(field.shape, not is_full_connectivity(connectivity, field.ndim)), field.ravel()
    below, edges = descend(values, _in_3d(field.shape), around)
    in_order = np.ascontiguousarray(edges[:, np.argsort(values[edges[0]], kind="stable")])
    merge_along(in_order, values, below, float(persistence_threshold))
    return np.asarray(below.reshape(field.shape))


def basin_walls(
    likelihood: ArrayLike | torch.Tensor, *, persistence_threshold: float, connectivity: int | None = None
) -> NDArray[np.bool_]:
    """Voxels of a likelihood of walls with a neighbor in another of the :func:`catchment_basins`.

    In 3D they are those of ``stable_manifolds(dims=2)``. In 2D, other than the ridges of ``dims=1``, they end at the
    border only.

    Args:
        likelihood: one channel, ``(H, W)`` or ``(H, W, D)``, high on walls; any finite values.
        persistence_threshold: persistence from which a feature counts, in units of the likelihood, 0 or more; basins of
            at most this depth have no walls.
        connectivity: Connectivity of the walls: None or the number of axes for full, 1 for face.

    Returns:
        bool mask of the same shape: walls two voxels thick, without which no basin touches another.

    Raises:
        ValueError: as :func:`catchment_basins`.

    Example:
        >>> profile = np.array([[0.0, 0.1, 0.0, 0.8, 0.2, 0.1]])
        >>> basin_walls(profile, persistence_threshold=0.2).astype(int)
        array([[0, 0, 0, 1, 1, 0]])
    """
    from monai_topo.topology.regions.watershed_kernels import mark_walls

    basins = catchment_basins(likelihood, persistence_threshold=persistence_threshold, connectivity=connectivity)
    around = surroundings(basins.shape, not is_full_connectivity(connectivity, basins.ndim))
    return np.asarray(mark_walls(basins.ravel(), _in_3d(basins.shape), around).reshape(basins.shape))


def _in_3d(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1,) * (3 - len(shape)) + shape


def surroundings(shape: tuple[int, ...], full: bool) -> Surroundings:
    """The neighbors of a voxel in an image of this shape, in full or face connectivity.

    Example:
        >>> surroundings((4, 5), full=False).offsets[:4], bin(surroundings((4, 5), full=False).vertices)
        (array([-5,  5, -1,  1]), '0b1111')
    """
    from monai_topo.topology.regions.lower_links import Surroundings

    steps = neighbor_steps(len(shape))
    between, moved = np.abs(steps[:, None] - steps), np.abs(steps).sum(axis=1)
    if full:
        vertices, linked = moved > 0, between.max(axis=2) == 1
    else:
        vertices, linked = moved == 1, (between.sum(axis=2) == 1) & (moved + moved[:, None] == 3)
    in_3d = np.ascontiguousarray(np.pad(steps, ((0, 0), (3 - len(shape), 0))))
    offsets = steps @ np.array([math.prod(shape[axis + 1 :]) for axis in range(len(shape))])
    powers = 1 << np.arange(len(steps))
    order = np.flatnonzero(vertices)
    order = order[np.lexsort((np.abs(offsets[order]), offsets[order] > 0))]
    return Surroundings(in_3d, offsets, linked @ powers, np.int64(vertices @ powers), order)
