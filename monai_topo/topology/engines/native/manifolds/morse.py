"""From a field and its pairs to the masks of its stable manifolds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.engines.native.compute import compute_pairs
from monai_topo.topology.engines.native.manifolds.descent import neighborhood
from monai_topo.topology.engines.native.manifolds.manifolds import (
    IS_SADDLE,
    IS_SHALLOW,
    STARTS_LOOP,
    mark_curves,
    mark_sheets,
)
from monai_topo.topology.engines.registry import ESSENTIAL, IndexPairs
from monai_topo.topology.field import to_integers


def compute_manifolds(
    field: NDArray[Any], *, full_connectivity: bool, dim: int, persistence_threshold: float
) -> NDArray[np.bool_]:
    """Stable manifolds of the sublevel filtration of one field, from its persistence pairs.

    Args:
        field: float32 or float64, 2D or 3D, finite, without negative zeros.
        full_connectivity: whether it is the full connectivity of the sublevel sets.
        dim: 1 for the curves down from the saddles, 2 for the sheets between the basins.
        persistence_threshold: persistence above which a feature counts.

    Returns:
        Mask of the field's shape.

    Raises:
        ValueError: for a field of more than 2**31 voxels.
    """
    mark = mark_curves if dim == 1 else mark_sheets
    mask = mark(*_arguments(field, full_connectivity, (0, 1) if dim == 1 else (0,), persistence_threshold))
    return _inside(mask, field.shape)


def _arguments(
    field: NDArray[Any], full_connectivity: bool, dims: tuple[int, ...], threshold: float
) -> tuple[Any, ...]:
    """What the entry kernels take."""
    pairs = compute_pairs(field, full_connectivity=full_connectivity, dims=dims, frame=False)
    flags = np.pad(_flag_critical_voxels(field, pairs, threshold), 1)
    flat = (1,) * (3 - field.ndim)
    grid = (*flat, *flags.shape)
    integers, is_float = to_integers(field.reshape(flat + field.shape))
    return integers, is_float, flags.ravel(), grid, neighborhood(grid, full_connectivity)


def _inside(padded: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The field's part of a flat array of the padded grid."""
    grid = [size + 2 for size in shape]
    return np.ascontiguousarray(padded.reshape(grid)[(slice(1, -1),) * len(shape)])


def _flag_critical_voxels(
    field: NDArray[Any], pairs: dict[int, IndexPairs], persistence_threshold: float
) -> NDArray[np.uint8]:
    values, flags = field.ravel(), np.zeros(field.size, np.uint8)
    for k, (birth, death) in pairs.items():
        mortal = death != ESSENTIAL
        birth, death = birth[mortal], death[mortal]
        lasts = values[death].astype(np.float64) - values[birth] > persistence_threshold
        if k == 0:
            flags[death] |= IS_SADDLE
            flags[birth[~lasts]] |= IS_SHALLOW
        else:
            flags[birth] |= IS_SADDLE
            flags[birth[lasts]] |= STARTS_LOOP
    return flags.reshape(field.shape)
