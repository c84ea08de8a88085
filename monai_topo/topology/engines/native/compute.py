"""From fields to the entry kernels and back: the engine's two functions, and the manifolds that its pairs point at."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.engines.native.descent import neighborhood
from monai_topo.topology.engines.native.gradient import new_link_table
from monai_topo.topology.engines.native.manifolds import (
    IS_SADDLE,
    IS_SHALLOW,
    STARTS_LOOP,
    mark_curves,
    mark_sheets,
)
from monai_topo.topology.engines.native.order import to_integers
from monai_topo.topology.engines.native.pairs import pairs_of_planes, pairs_of_volumes
from monai_topo.topology.engines.registry import ESSENTIAL, IndexPairs

LARGEST_FIELD = 2**31 - 1
"""Voxels, with one layer of border, that 32-bit indices can name."""

_logger = logging.getLogger("monai_topo")
_link_table: list[NDArray[np.int64]] = []
_announced: set[int] = set()


def compute_pairs(
    field: NDArray[Any], *, full_connectivity: bool, dims: tuple[int, ...], frame: bool
) -> dict[int, IndexPairs]:
    """Persistence pairs of the sublevel filtration of one field; see ``registry.Engine``.

    Raises:
        ValueError: for a field of more than 2**31 voxels.
    """
    return compute_pairs_stack(field[None], full_connectivity=full_connectivity, dims=dims, frame=frame)


def compute_pairs_stack(
    stack: NDArray[Any], *, full_connectivity: bool, dims: tuple[int, ...], frame: bool
) -> dict[int, IndexPairs]:
    """Persistence pairs of fields of one shape, the loop over them inside the kernel; see ``registry.StackEngine``.

    Raises:
        ValueError: for fields of more than 2**31 voxels.
    """
    ndim = stack.ndim - 1
    _check_size(stack.shape[1:])
    _announce_compilation(ndim)
    # Full connectivity is face connectivity upside down: dimensions, the frame and the outside change places.
    of_dim = {k: ndim - 1 - k if full_connectivity else k for k in dims}
    wanted = np.isin(np.arange(ndim), list(of_dim.values()))
    framed = frame != full_connectivity
    values, is_float = to_integers(stack)
    if ndim == 2:
        found = pairs_of_planes(values[:, None], is_float, framed, full_connectivity, wanted)
    else:
        found = pairs_of_volumes(values, is_float, framed, full_connectivity, wanted, _shared_link_table())
    return {k: (found[of_dim[k]][0], found[of_dim[k]][1]) for k in dims}


def compute_manifolds(
    field: NDArray[Any], *, full_connectivity: bool, dim: int, persistence_threshold: float
) -> NDArray[np.bool_]:
    """Stable manifolds of the sublevel filtration of one field, from its persistence pairs.

    Args:
        field: float32 or float64, 2D or 3D, finite, without negative zeros.
        full_connectivity: of the sublevel sets.
        dim: 1 for the curves down from the saddles, 2 for the sheets between the basins.
        persistence_threshold: what lives longer than this counts.

    Returns:
        Mask of the field's shape.

    Raises:
        ValueError: for a field of more than 2**31 voxels.
    """
    dims = (0, 1) if dim == 1 else (0,)
    pairs = compute_pairs(field, full_connectivity=full_connectivity, dims=dims, frame=False)
    flags = np.pad(_flag_critical_voxels(field, pairs, persistence_threshold), 1)
    flat = (1,) * (3 - field.ndim)
    grid = (*flat, *flags.shape)
    integers, is_float = to_integers(field.reshape(flat + field.shape))
    mark = mark_curves if dim == 1 else mark_sheets
    mask = mark(integers, is_float, flags.ravel(), grid, neighborhood(grid, full_connectivity))
    return np.ascontiguousarray(mask.reshape(flags.shape)[(slice(1, -1),) * field.ndim])


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


def _check_size(shape: Sequence[int]) -> None:
    padded = int(np.prod([size + 2 for size in shape], dtype=object))
    if padded > LARGEST_FIELD:
        raise ValueError(
            f"the native engine indexes up to 2**31 voxels, borders included; a field of shape {tuple(shape)} has "
            f"{padded}. Compute it in blocks, or at lower resolution."
        )


def _announce_compilation(ndim: int) -> None:
    if ndim not in _announced:
        _announced.add(ndim)
        _logger.info(
            "Loading the %dD persistence kernels. The first time on a machine they are compiled, which takes "
            "several seconds; later processes read them from numba's cache.",
            ndim,
        )


def _shared_link_table() -> NDArray[np.int64]:
    if not _link_table:
        _link_table.append(new_link_table())
    return _link_table[0]
