"""Instance maps of cells: where they touch, and cells without the specks and slivers that a grid leaves of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_SLAB = 1 << 24
"""Voxels that are renumbered at once."""


def renumber_ids(ids: NDArray[Any]) -> NDArray[np.int32]:
    """Ids from 1 on in rising order, 0 where they are 0; what it takes beside the result is a small part of it.

    Args:
        ids: Integers of at least 0, of any shape and number type.

    Example:
        >>> renumber_ids(np.array([7, 0, 2**64 - 1, 7], np.uint64))
        array([1, 0, 2, 1], dtype=int32)
    """
    flat = ids.ravel()
    slabs = [slice(begin, begin + _SLAB) for begin in range(0, flat.size, _SLAB)]
    values = np.unique(np.concatenate([flat[:0], *(np.unique(flat[slab][_run_starts(flat[slab])]) for slab in slabs)]))
    numbers = np.cumsum(values > 0, dtype=np.int32)
    small = np.empty(flat.size, np.int32)
    for slab in slabs:
        starts = _run_starts(flat[slab])
        lengths = np.diff(np.append(starts, len(flat[slab])))
        small[slab] = np.repeat(numbers[np.searchsorted(values, flat[slab][starts])], lengths)
    return small.reshape(ids.shape)


def _run_starts(values: NDArray[Any]) -> NDArray[np.int64]:
    """Where another value begins."""
    return np.flatnonzero(np.append(True, values[1:] != values[:-1]))


def instance_boundaries(instances: NDArray[Any], axes: Sequence[int] | None = None) -> NDArray[np.bool_]:
    """Voxels with a face neighbor of another id: a boundary two voxels thick, one on each side.

    Args:
        instances: ids, any shape.
        axes: axes along which neighbors are compared; None is all of them.

    Example:
        >>> instance_boundaries(np.array([[1, 1, 2, 2]])).astype(int)
        array([[0, 1, 1, 0]])
    """
    boundary = np.zeros(instances.shape, bool)
    for axis in range(instances.ndim) if axes is None else axes:
        lower, upper = [slice(None)] * instances.ndim, [slice(None)] * instances.ndim
        lower[axis], upper[axis] = slice(None, -1), slice(1, None)
        differs = instances[tuple(lower)] != instances[tuple(upper)]
        boundary[tuple(lower)] |= differs
        boundary[tuple(upper)] |= differs
    return boundary


def distance_to_boundary(
    instances: NDArray[Any], spacing: Sequence[float], axes: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """Distance of every voxel's center to the nearest face between two ids.

    Args:
        instances: ids, any shape.
        spacing: voxel size along each axis.
        axes: axes along which ids are compared, and distances go; None is all of them.

    Returns:
        Distances between the center of the voxel and that of the face, in units of ``spacing``; infinite where there
        is no face.

    Example:
        >>> distance_to_boundary(np.array([[1, 1, 2, 2]]), (1.0, 2.0))
        array([[3., 1., 1., 3.]])
    """
    compared = range(instances.ndim) if axes is None else axes
    # No distance goes across an axis that is not compared: its voxels are put too far apart.
    far = 1e6 * max(spacing) * max(instances.shape)
    steps = [size if axis in compared else far for axis, size in enumerate(spacing)]
    nearest = np.full(instances.shape, np.inf)
    for axis in compared:
        nearest = np.minimum(nearest, _distance_to_faces(instances, steps, axis))
    return np.where(nearest < far / 2, nearest, np.inf)


def _distance_to_faces(instances: NDArray[Any], steps: Sequence[float], axis: int) -> NDArray[Any]:
    """Distance to the faces across one axis: on a grid twice as fine along it, with the faces at its odd places."""
    along = np.moveaxis(instances, axis, 0)
    differs = along[1:] != along[:-1]
    if not differs.any():
        return np.full(instances.shape, np.inf)
    away = np.ones((2 * len(along) - 1, *along.shape[1:]), bool)
    away[1::2] = ~differs
    others = [step for other, step in enumerate(steps) if other != axis]
    distance: NDArray[Any] = ndimage.distance_transform_edt(away, sampling=[steps[axis] / 2, *others])
    return np.moveaxis(distance[::2], 0, axis)


def round_cells(inside: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Morphological opening of cells by a ball, which continue beyond the border of the volume.

    Args:
        inside: mask of the cells' insides.
        radius: radius of the ball in voxels (1 is a voxel and its face neighbors); 0 changes nothing.
    """
    if radius == 0:
        return inside
    ball = np.square(np.indices((2 * radius + 1,) * inside.ndim) - radius).sum(axis=0) <= radius**2
    margin = 2 * radius
    opened = ndimage.binary_opening(np.pad(inside, margin, mode="edge"), ball)
    return np.asarray(opened[(slice(margin, -margin),) * inside.ndim])


def largest_parts(cells: NDArray[np.integer]) -> NDArray[np.bool_]:
    """The largest face-connected part of each cell: the tip of a sharp cell falls into pieces on a grid.

    Args:
        cells: ids, 0 between cells; no two cells touch.
    """
    parts, num_parts = ndimage.label(cells)
    owner = np.zeros(num_parts + 1, dtype=np.int64)
    owner[parts.ravel()] = cells.ravel()
    by_size = np.argsort(np.bincount(parts.ravel()), kind="stable")
    largest = dict(zip(owner[by_size].tolist(), by_size.tolist(), strict=True))  # later entries are larger
    return np.isin(parts, [part for cell, part in largest.items() if cell])


def remove_small_cells(inside: NDArray[np.bool_], min_size: int) -> NDArray[np.bool_]:
    """Take out face-connected cells of fewer than ``min_size`` voxels."""
    parts, _ = ndimage.label(inside)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(sizes[parts] >= max(min_size, 1))
