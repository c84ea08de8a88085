"""Centerlines of masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def skeletonize_mask(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """scikit-image's skeleton (Zhang's in 2D, Lee's in 3D), in which no component goes missing.

    In 3D Lee's thinning deletes bars and boxes whose sides are even altogether, a straight 2 x 2 x 20 vessel for
    instance. A component that lost all its voxels is thinned once more on a grid of half the voxel size, on which all
    sides are odd.

    Args:
        mask: bool, ``(H, W)`` or ``(H, W, D)``.

    Returns:
        Mask of the same shape, with a voxel in every component (full connectivity) of ``mask``.

    Example:
        >>> int(skeletonize_mask(np.ones((2, 2, 20), bool)).sum())
        19
    """
    from skimage.morphology import skeletonize

    skeleton = np.asarray(skeletonize(mask), dtype=bool)
    parts, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    thinned = np.zeros(count + 1, dtype=bool)
    thinned[parts[skeleton]] = True
    for part, box in enumerate(ndimage.find_objects(parts), start=1):
        if not thinned[part]:
            fine = np.argwhere(skeletonize(_on_half_grid(parts[box] == part)))
            skeleton[box][tuple(fine.T // 2)] = True
    return skeleton


def _on_half_grid(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxel 2i of every axis is voxel i; one in between is set if both its neighbors along the axis are."""
    fine = mask
    for axis in range(mask.ndim):
        coarse = np.moveaxis(fine, axis, 0)
        rows = np.empty((2 * len(coarse) - 1, *coarse.shape[1:]), dtype=bool)
        rows[::2], rows[1::2] = coarse, coarse[:-1] & coarse[1:]
        fine = np.moveaxis(rows, 0, axis)
    return fine
