"""Dimension 1 in 3D by whichever of the two ways is short: chains of edges pushed down, or of squares pushed up.

Which one is short depends on the field. A plateau that comes last is crossed by every chain that is pushed down, one
that comes first by every chain pushed up: there the other way takes time in proportion to the number of voxels, and
this one far more. So a sample of the field tells where to begin, the work is counted, and what takes too much is given
up for the other way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import LINK_MASK
from monai_topo.topology.engines.native.order.keys import ABOVE_ALL
from monai_topo.topology.engines.native.pairing.coboundaries import pair_loops_upward
from monai_topo.topology.engines.native.pairing.loops import pair_loops
from monai_topo.topology.engines.native.types import (
    CriticalCells,
    Effort,
    Forest,
    Grid,
    Int,
    Keyed,
    Keys,
    LinkTable,
    Offsets,
    Words,
)

_STRIDE = 7
_MORE, _LEAST = 4, np.int64(1)


@allocating_kernel
def pair_loops_either_way(
    cells: CriticalCells,
    keys: Keys,
    lower: Words,
    table: LinkTable,
    offsets: Offsets,
    grid: Grid,
    forest: Forest,
    memory: Keyed,
    effort: Effort,
    patient: bool | None,
) -> Any:
    """Pair every critical edge that merges nothing with the critical square that fills its loop.

    Args:
        cells: critical edges from ``list_edges`` and squares from ``list_squares``, with their partners.
        keys: int32, flat, padded.
        lower: the words of lower neighbors.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        grid: shape of the padded grid.
        forest: int32, flat, padded, overwritten.
        memory: int32, twice as long, overwritten: where the keys and behind them the words lie.
        effort: amount of work that goes into each attempt.
        patient: None makes one simple attempt, which is enough for most fields; True goes on until all is paired. Only
            what is asked for is compiled.

    Returns:
        Whether all is paired, and if so for each square the voxel that owns its edge, or ``UNPAIRED``.
    """
    if patient is None:
        return pair_loops(cells, keys, lower, table, offsets, grid, forest, memory, effort)
    upward = _last_is_a_plateau(keys, effort.plateau)
    while True:
        if upward:
            done, loops = pair_loops_upward(cells, keys, lower, table, offsets, grid, forest, effort.attempt)
        else:
            done, loops = pair_loops(cells, keys, lower, table, offsets, grid, forest, memory, effort, True)
            if not done:
                keys, lower = np.empty(lower.size, np.int32), np.empty(lower.size, np.int32)
                _separate(memory, keys, lower)
        if done:
            return True, loops
        upward = not upward
        effort = Effort(
            effort.first, effort.patience, effort.column, max(_MORE * effort.attempt, _LEAST), effort.plateau
        )


@kernel
def _last_is_a_plateau(keys: Keys, percent: Int) -> bool:
    """Whether the last value is that of many voxels; every seventh voxel is looked at."""
    last, equal, voxels = np.int32(-(2**31)), 0, 0
    for voxel in range(0, keys.size, _STRIDE):
        if keys[voxel] < ABOVE_ALL:
            last = max(last, keys[voxel])
            voxels += 1
    for voxel in range(0, keys.size, _STRIDE):
        equal += keys[voxel] == last
    return bool(100 * equal >= percent * voxels)


@kernel
def _separate(keyed: Keyed, keys: Keys, lower: Words) -> None:
    """Take keys and words of lower neighbors apart again, of the words what belongs to the link."""
    for voxel in range(keys.size):
        keys[voxel] = keyed[2 * voxel]
        lower[voxel] = keyed[2 * voxel + 1] & LINK_MASK
