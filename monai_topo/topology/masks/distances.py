"""Exact Euclidean distances of a mask's voxels to the nearest one outside of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import check_mask


def distance_to_background(mask: ArrayLike | torch.Tensor) -> NDArray[np.float32]:
    """Distance in voxels from each voxel of a mask to the nearest one that is not in it.

    What is outside of the image is no background. The same as SciPy's ``distance_transform_edt`` for voxels of size 1,
    in less time where structures are thin: each voxel looks only as far as the nearest background may be.

    Args:
        mask: ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1.

    Returns:
        float32, the same shape; 0 outside of the mask, infinite where there is nothing outside.

    Raises:
        ValueError: for another number of axes or other values.

    Example:
        >>> distance_to_background([[0, 1, 1, 1, 1]])
        array([[0., 1., 2., 3., 4.]], dtype=float32)
    """
    from monai_topo.topology.masks.distance_kernels import FAR, squared_distances

    inside = check_mask(mask)
    squares: NDArray[Any] = squared_distances(np.ascontiguousarray(inside).ravel(), np.array(inside.shape))
    distances = np.sqrt(squares.astype(np.float32)).reshape(inside.shape)
    if squares.size and squares[0] == FAR:  # then all are
        distances[:] = np.inf
    return distances
