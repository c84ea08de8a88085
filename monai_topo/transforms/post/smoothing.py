"""What the transforms that finish a segmentation share: the likelihood smoothed a little, masks without specks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.topology import label_components


def check_sigma(sigma: Sequence[float] | float) -> Sequence[float] | float:
    """Return ``sigma`` if it is 0 or more, one number or one for each axis.

    Raises:
        ValueError: when it is not.
    """
    numbers = np.atleast_1d(sigma)
    if numbers.ndim != 1 or not ((numbers >= 0) & (numbers < np.inf)).all():
        raise ValueError(f"sigma must be 0 or more voxels, one number or one for each axis, got {sigma!r}.")
    return sigma


def smooth(likelihood: NDArray[Any], sigma: Sequence[float] | float) -> NDArray[Any]:
    """One channel after a Gaussian filter, of the same dtype; mirrored at its border.

    Raises:
        ValueError: when there are not as many sigmas as axes.
    """
    if np.ndim(sigma) and np.size(sigma) != likelihood.ndim:
        raise ValueError(f"sigma must be one number or one for each of {likelihood.ndim} axes, got {sigma!r}.")
    return np.asarray(ndimage.gaussian_filter(likelihood, sigma)) if np.any(sigma) else likelihood


def without_small(mask: NDArray[np.bool_], min_size: int, full: bool = True) -> NDArray[np.bool_]:
    """The mask without its components of fewer voxels, in full or face connectivity."""
    if min_size <= 1:
        return mask
    numbers = label_components(mask, full)
    large = np.bincount(numbers.ravel()) >= min_size
    large[0] = False
    return np.asarray(large[numbers])
