"""What the first kernel for 3D leaves: fields whose dimension 1 takes long, taken over where it has stopped.

Each of the two ways on has a kernel of its own, which is compiled when it is first needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.kernel import entry_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import LINK_MASK
from monai_topo.topology.engines.native.pairing.attempts import DONE, UPWARD
from monai_topo.topology.engines.native.pairing.coboundaries import pair_loops_upward
from monai_topo.topology.engines.native.pairing.loops import finish_loops
from monai_topo.topology.engines.native.pairing.pairs import append_pairs, pairs_of_volumes
from monai_topo.topology.engines.native.types import (
    CriticalCells,
    Effort,
    Int,
    Keyed,
    Keys,
    LinkTable,
    Mask,
    Offsets,
    Place,
    Reduction,
    Stack,
    Words,
)


def pairs_of_stack(
    stack: Stack,
    is_float: bool,
    framed: bool,
    upside_down: bool,
    wanted: Mask,
    memory: NDArray[np.int32],
    offsets: Offsets,
    table: LinkTable,
    effort: Effort,
) -> list[NDArray[np.int64]]:
    """Persistence pairs of 3D fields, also of those that take long; for the arguments see ``pairs.pairs_of_volumes``.

    Returns:
        int64 ``(2, n)`` of births and deaths for each dimension, as flat indices in the stack.
    """
    depth, height, width = (np.int64(size + 2) for size in stack.shape[1:])
    parts: list[Any] = []
    begin, way = np.int64(0), UPWARD
    while way != DONE and (begin < len(stack) or not parts):
        way, begin, low, mid, high, state = pairs_of_volumes(
            stack, is_float, framed, upside_down, wanted, memory, offsets, table, effort, begin
        )
        parts.append((low, mid, high))
        if way != DONE:
            place = Place(np.int64(begin - 1), upside_down, (depth, height, width), stack.shape[1:])
            loops = _pairs_of_loops(way == UPWARD, state, memory, offsets, table, effort, place)
            parts.append((low[:, :0], loops, high[:, :0]))
    return [np.concatenate(found, axis=1) if len(parts) > 1 else found[0] for found in zip(*parts, strict=True)]


def _pairs_of_loops(
    upward: bool,
    state: Reduction,
    memory: NDArray[np.int32],
    offsets: Offsets,
    table: LinkTable,
    effort: Effort,
    place: Place,
) -> NDArray[np.int64]:
    """Pairs of dimension 1: upward unless that takes long, then downward."""
    size = memory.size // 3
    keyed, first_edge = memory[: 2 * size], memory[2 * size :]
    if upward:
        done, loops = _finish_upward(state, keyed, table, offsets, effort.attempt, place)
        if done:
            return loops  # type: ignore[no-any-return]
    return _finish_downward(state, first_edge, keyed, table, offsets, place)  # type: ignore[no-any-return]


@entry_kernel
def _finish_downward(
    state: Reduction, first_edge: Keys, keyed: Keyed, table: LinkTable, offsets: Offsets, place: Place
) -> Any:
    finish_loops(state, first_edge, keyed, table, offsets, place.grid, None)
    pairs, count = append_pairs(np.empty((2, 1), np.int64), np.int64(0), state.partner, state.squares[0], place)
    return pairs[:, :count]


@entry_kernel
def _finish_upward(
    state: Reduction, keyed: Keyed, table: LinkTable, offsets: Offsets, patience: Int, place: Place
) -> Any:
    size = keyed.size // 2
    keys, lower, first_square = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    _separate(keyed, keys, lower)
    cells = CriticalCells(state.edges, state.merged, state.squares, state.enclosed)
    done, loops = pair_loops_upward(cells, keys, lower, table, offsets, place.grid, first_square, patience)
    pairs, count = append_pairs(np.empty((2, 1), np.int64), np.int64(0), loops, state.squares[0], place)
    return done, pairs[:, :count]


@kernel
def _separate(keyed: Keyed, keys: Keys, lower: Words) -> None:
    """Take keys and words of lower neighbors apart again, of the words what belongs to the link."""
    for voxel in range(keys.size):
        keys[voxel] = keyed[2 * voxel]
        lower[voxel] = keyed[2 * voxel + 1] & LINK_MASK
