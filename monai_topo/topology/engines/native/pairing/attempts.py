"""Dimension 1 in 3D by whichever of the two ways is short: chains of edges pushed down, or of squares pushed up.

Which one is short depends on the field. A plateau that comes last is crossed by every chain that is pushed down, one
that comes first by every chain pushed up: there the other way takes time in proportion to the number of voxels, and
this one far more. So the work is counted. What takes more than most fields do goes on in one of two ways, with all that
is paired so far: squares that take long are put off, or where a sample of the field shows a plateau that comes last,
all is pushed up. Neither is needed for most fields, so both are left to kernels of their own; see ``finish``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, kernel
from monai_topo.topology.engines.native.order.keys import ABOVE_ALL
from monai_topo.topology.engines.native.pairing.chains import FIRST_HEAP
from monai_topo.topology.engines.native.pairing.loops import allow, begin_loops, go_on, without_end
from monai_topo.topology.engines.native.types import (
    CriticalCells,
    Effort,
    Forest,
    Grid,
    Int,
    Keyed,
    Keys,
    LinkTable,
    Mask,
    Offsets,
    Partners,
    Reduction,
    Words,
)

DONE, DOWNWARD, UPWARD = 0, 1, 2
"""What is left to do, and which way first."""
_STRIDE = 7


@allocating_kernel
def attempt_loops(
    cells: CriticalCells,
    keys: Keys,
    lower: Words,
    table: LinkTable,
    offsets: Offsets,
    grid: Grid,
    forest: Forest,
    memory: Keyed,
    effort: Effort,
) -> Any:
    """Pair the critical edges that merge nothing with the critical squares that fill their loops, unless it takes long.

    Args:
        cells: critical edges from ``list_edges`` and squares from ``list_squares``, with their partners.
        keys: int32, flat, padded.
        lower: the words of lower neighbors.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        grid: shape of the padded grid.
        forest: int32, flat, padded, overwritten with the first critical edge of each voxel.
        memory: int32, twice as long, overwritten with keys and states: where the keys and behind them the words lie.
        effort: amount of work that goes into this.

    Returns:
        ``DONE``, or how to go on, and the state of the reduction.
    """
    order, state = begin_loops(cells, keys, lower, offsets, grid, forest, memory, None)
    allowance = allow(effort, order.size, forest.size)
    turn, end, heap = np.int64(0), np.int64(0), np.empty(FIRST_HEAP, np.int64)
    way = DONE
    while True:
        turn, end, heap, state = go_on(turn, end, heap, order, state, forest, memory, table, offsets, allowance, None)
        if allowance.pay == 0 or allowance.left[0] >= 0:
            return way, state
        way, allowance = DOWNWARD, without_end(allowance)
        if _last_is_a_plateau(memory, effort.plateau):
            _put_off(order[turn:], state.put_off)
            return UPWARD, state


@allocating_kernel
def nothing_to_reduce() -> Any:
    """The state of a reduction of nothing."""
    cells, few, chains = np.empty((4, 0), np.int32), np.empty(0, np.int32), np.empty(0, np.int64)
    marks, bits = np.empty(0, np.bool_), np.empty(0, np.uint8)
    return Reduction(cells, few, cells, few, few, few, marks, chains, chains, few, bits)


@kernel
def _put_off(squares: Partners, put_off: Mask) -> None:
    for i in range(squares.size):
        put_off[squares[i]] = True


@kernel
def _last_is_a_plateau(keyed: Keyed, percent: Int) -> bool:
    """Whether the last value is that of many voxels; every seventh voxel is looked at."""
    last, equal, voxels = np.int32(-(2**31)), 0, 0
    for place in range(0, keyed.size, 2 * _STRIDE):
        if keyed[place] < ABOVE_ALL:
            last = max(last, keyed[place])
            voxels += 1
    for place in range(0, keyed.size, 2 * _STRIDE):
        equal += keyed[place] == last
    return bool(100 * equal >= percent * voxels)
