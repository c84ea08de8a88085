"""Voxels of a grid: the steps to their neighbors, their index in a padded grid, labels of what touches."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray


def neighbor_steps(ndim: int) -> NDArray[np.int64]:
    """The steps to all neighbors of a voxel: first those to the neighbors that share a face, last to the corners.

    Those that share a face come in opposite pairs, axis by axis: ``-z, +z, -y, +y, -x, +x``.

    Returns:
        ``(8, 2)`` or ``(26, 3)``.

    Example:
        >>> neighbor_steps(2)[:4].tolist()
        [[-1, 0], [1, 0], [0, -1], [0, 1]]
    """
    return np.array(_steps(ndim))


@cache  # each call of a loss asks for them; the array is made anew, because kernels are not compiled for read-only ones
def _steps(ndim: int) -> list[tuple[int, ...]]:
    steps = [step for step in product((-1, 0, 1), repeat=ndim) if any(step)]
    return sorted(steps, key=lambda step: (sum(map(abs, step)), [axis == 0 for axis in step], step))


def neighbor_offsets(shape: tuple[int, ...], full: bool = True) -> NDArray[np.int64]:
    """What is added to a voxel's flat index to get those of its neighbors, in the order of :func:`neighbor_steps`.

    Args:
        shape: shape of the grid, padded where voxels at its border are asked for.
        full: all neighbors, otherwise only those that share a face.

    Example:
        >>> neighbor_offsets((9, 5), full=False)
        array([-5,  5, -1,  1])
    """
    steps = neighbor_steps(len(shape))
    strides = np.cumprod([1, *shape[:0:-1]])[::-1]
    return np.asarray((steps if full else steps[: 2 * len(shape)]) @ strides, dtype=np.int64)


def padded_index(index: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Flat indices of voxels after one layer has been put around the grid.

    Example:
        >>> padded_index(np.array([0, 4]), (2, 3))
        array([ 6, 12])
    """
    where = [axis + 1 for axis in np.unravel_index(index, shape)]
    return np.ravel_multi_index(where, [size + 2 for size in shape]).astype(np.int64)


def label_components(mask: NDArray[Any], full: bool) -> NDArray[Any]:
    """Labels of the components of a mask, 0 elsewhere; neighbors are all voxels that touch, or share a face.

    In an image of whole numbers neighbors have the same number, and 0 is elsewhere.

    Example:
        >>> label_components(np.eye(2, dtype=bool), full=False).tolist()
        [[1, 0], [0, 2]]
    """
    from skimage.measure import label

    labels: NDArray[Any] = label(mask, connectivity=mask.ndim if full else 1)
    return labels
