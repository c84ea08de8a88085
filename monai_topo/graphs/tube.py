"""Skeletons of masks, thickened to tubes: what losses on skeletons are computed on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.centerline import centerline_mask

SKELETONS = ("curve", "surface")


def check_skeleton(kind: str) -> None:
    """Refuse an unknown kind of skeleton.

    Raises:
        ValueError: then.
    """
    if kind not in SKELETONS:
        raise ValueError(f"kind must be one of {SKELETONS}, got {kind!r}.")


def skeleton_tube(mask: NDArray[np.bool_], kind: str = "curve", dilations: int = 0) -> NDArray[np.bool_]:
    """The skeleton of a mask, dilated within it.

    Args:
        mask: bool ``(H, W)`` or ``(H, W, D)``; full connectivity.
        kind: ``"curve"`` for vessels and neurites: :func:`centerline_mask`; ``"surface"`` for membranes in 3D: the
            middle of their walls (:func:`medial_surface`). In 2D walls are curves.
        dilations: number of times that the skeleton is dilated by the voxels at its faces; what leaves the mask is cut
            off.

    Returns:
        Voxels of the mask, the same shape. Curves lie in a cavity of a 3D mask if that is where its middle is; what
        is not of the mask is left out.

    Raises:
        ValueError: for an unknown kind.

    Example:
        >>> skeleton_tube(np.ones((5, 9), bool), dilations=1).sum(axis=1)
        array([0, 5, 7, 5, 0])
    """
    check_skeleton(kind)
    if kind == "surface" and mask.ndim == 3:
        from monai_topo.graphs.surfaces import medial_surface

        skeleton = medial_surface(mask)
    else:
        skeleton = centerline_mask(mask)
    if dilations and skeleton.any():
        from scipy.ndimage import binary_dilation

        skeleton = binary_dilation(skeleton, iterations=dilations)
    return np.asarray(skeleton & mask)
