"""Centerlines of masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def skeletonize_mask(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """scikit-image's skeleton (Zhang's in 2D, Lee's in 3D), in which no component goes missing.

    In 3D scikit-image's thinning deletes bars and boxes of even sides altogether, a straight 2 x 2 x 20 vessel for
    instance. A component that lost all its voxels is thinned by :func:`monai_topo.graphs.thinning.thin` instead. The
    others are left as they are, so that scores are those of other programs that use scikit-image.

    Args:
        mask: bool, ``(H, W)`` or ``(H, W, D)``.

    Returns:
        Mask of the same shape, with a voxel in every component (full connectivity) of ``mask``.

    Example:
        >>> int(skeletonize_mask(np.ones((2, 2, 20), bool)).sum())
        18
    """
    from skimage.morphology import skeletonize

    from monai_topo.graphs.thinning import thin

    skeleton = np.asarray(skeletonize(mask), dtype=bool)
    parts, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    thinned = np.zeros(count + 1, dtype=bool)
    thinned[parts[skeleton]] = True
    for part, box in enumerate(ndimage.find_objects(parts), start=1):
        if not thinned[part]:
            skeleton[box] |= thin(parts[box] == part)
    return skeleton
