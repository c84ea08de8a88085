"""Masks of exactly as many voxels as wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearest_voxels(distance: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """Mask of the ``count`` voxels of the smallest distances; of equal ones some.

    Example:
        >>> nearest_voxels(np.array([3.0, 1.0, 2.0]), 2)
        array([False,  True,  True])
    """
    mask = np.zeros(distance.size, bool)
    if count:
        mask[np.argpartition(distance, count - 1, axis=None)[:count]] = True
    return mask.reshape(distance.shape)
