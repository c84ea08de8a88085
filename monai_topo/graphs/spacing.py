"""The size of a voxel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def check_spacing(spacing: Sequence[float] | float, ndim: int) -> NDArray[np.float64]:
    """Voxel size along each axis, from one number for all axes or one for each.

    Raises:
        ValueError: when the count is neither 1 nor ``ndim``, or a size is not positive and finite.
    """
    sizes = np.asarray(spacing, dtype=np.float64)
    if sizes.ndim > 1 or sizes.size not in (1, ndim) or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise ValueError(f"spacing must be one positive number or one for each of the {ndim} axes, got {spacing!r}.")
    return np.broadcast_to(sizes, (ndim,)).astype(np.float64)
