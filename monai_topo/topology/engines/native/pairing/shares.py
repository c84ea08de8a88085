"""One 3D field in several threads: what each of them does of each step.

What is local goes by planes of the padded grid. The dimensions 0 and 2 are independent of each other. In dimension 1
each thread reduces squares of its own, brick by brick, with keys and states of its own; see ``reduction``. One that is
through with its squares goes on with those of another. A step begins when all are through with the one before it.

The memory holds the keys, the words of lower neighbors, and a place for each thread: for its forest first, and later
for its keys and states. When these are written, the first edge of each voxel takes the place of the keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.atomic import load, replace
from monai_topo.topology.compiled.kernel import allocating_kernel, entry_kernel, kernel
from monai_topo.topology.engines.native.gradient.saddles import classify_planes
from monai_topo.topology.engines.native.order.keys import ABOVE_ALL, BELOW_ALL, fill_border_of_planes, surround_planes
from monai_topo.topology.engines.native.pairing.boundaries import mark_planes_without_loop
from monai_topo.topology.engines.native.pairing.bricks import in_bricks
from monai_topo.topology.engines.native.pairing.chains import FIRST_HEAP, alternate, copy_into
from monai_topo.topology.engines.native.pairing.ends import (
    ENCLOSED,
    FEW,
    MERGED,
    ORDER,
    PARTNER,
    TAKER,
    Share,
    Shared,
    pair_maxima,
    pair_minima,
)
from monai_topo.topology.engines.native.pairing.loops import allow, mark_open
from monai_topo.topology.engines.native.pairing.pairs import append_pairs
from monai_topo.topology.engines.native.pairing.reduction import forget_pairs, reduce_squares, tell_partners
from monai_topo.topology.engines.native.types import (
    Array,
    Cells,
    CriticalCells,
    Effort,
    Field,
    Grid,
    Int,
    KeptChains,
    Keyed,
    Keys,
    LinkTable,
    Mixed,
    Offsets,
    Partners,
    Place,
    Taken,
    Words,
)

KEYS, CRITICAL, MINIMA, MAXIMA, MARK, COPY, ORDER_TURNS, REDUCE, LOOPS = range(9)
"""The steps: keys; critical voxels; dimension 0; dimension 2; and of dimension 1 edges that close no loop; keys and
states for each thread; the order of the squares; their reduction; the pairs.

``MINIMA``, ``MAXIMA``, ``ORDER_TURNS`` and ``LOOPS`` are each for one thread.
"""
ORDERED, TURN, LAST, END, ROOM, LEFT = range(4, 10)
"""Counts of a thread after those of ``CriticalCounts``: squares left to dimension 1, of the first thread only; the turn
that it is at, and the one after the last it has begun; end and limit of the chains that it keeps; work that is left.
"""
_AT_ONCE = 128
"""How many turns a thread begins at once."""


@entry_kernel
def share_of_volume(
    field: Field,
    is_float: bool,
    framed: bool,
    upside_down: bool,
    memory: Array,
    offsets: Offsets,
    table: LinkTable,
    effort: Effort,
    share: Share,
    shared: Shared,
) -> Any:
    """Do a thread's share of a step.

    Args:
        field: int32 ``(D, H, W)``; this and the other arguments as in ``pairs.pairs_of_volumes``.
        is_float: whether they are the bits of float32 numbers.
        framed: the border is a frame.
        upside_down: turn the total order around first, and the answer back.
        memory: int32, flat, for each voxel of the padded grid two, and two more for each thread.
        offsets: steps to the neighbors.
        table: the links.
        effort: amount of work that goes into dimension 1 before it is given up.
        share: step to do, and the thread that does it.
        shared: cells, chains and counts that the threads share.

    Returns:
        Whether it was not given up, and the pairs that it found.
    """
    shape = field.shape
    grid = (shape[0] + 2, shape[1] + 2, shape[2] + 2)
    size, done, found = grid[0] * grid[1] * grid[2], True, np.empty((2, FEW), np.int64)[:, :0]
    keys, lower, own = memory[:size], memory[size : 2 * size], memory[2 * size * (1 + share.number) :][: 2 * size]
    place = Place(np.int64(0), upside_down, grid, shape)
    begin, end = planes_of(share, grid)
    if share.step == KEYS:
        surround_planes(field, is_float, keys, BELOW_ALL if framed else ABOVE_ALL, upside_down, begin, end)
        fill_border_of_planes(lower, grid, np.int64(0), begin, end)  # nothing comes before it
    elif share.step == CRITICAL:
        classify_planes(keys, lower, grid, table, shared.counts[share.number], begin, end)
    elif share.step == MINIMA:
        found = pair_minima(keys, lower, shared, table, offsets, own[:size], place, not framed)
    elif share.step == MAXIMA:
        found = pair_maxima(keys, lower, shared, table, offsets, own[:size], place, framed)
    elif share.step == REDUCE:
        done = _reduce_share(keys, own, table, offsets, effort, share, shared, None)
    else:
        found = _share_loops(keys, lower, own, offsets, effort, share, shared, place, None)
    return done, found


@kernel
def planes_of(share: Share, grid: Grid) -> tuple[Int, Int]:
    """The first of a thread's planes, and the one after its last."""
    return share.number * grid[0] // share.threads, (share.number + 1) * grid[0] // share.threads


@allocating_kernel
def _share_loops(
    keys: Keys,
    lower: Words,
    keyed: Keyed,
    offsets: Offsets,
    effort: Effort,
    share: Share,
    shared: Shared,
    place: Place,
    mixed: Mixed | None,
) -> Any:
    """What precedes and what follows the reduction; the pairs, in the end."""
    edges, squares, found, count = shared.edges, shared.squares, np.empty((2, FEW), np.int64), np.int64(0)
    taken = Taken(squares[PARTNER], edges[TAKER], keys)
    if share.step == MARK:
        begin, end = planes_of(share, place.grid)
        mark_planes_without_loop(edges, edges[MERGED], lower, offsets, place.grid, mixed, begin, end)
    elif share.step == COPY:
        alternate(keys, lower, keyed)
    elif share.step == ORDER_TURNS:
        forget_pairs(edges, taken)
        shared.counts[0, ORDERED] = _order_squares(squares, place.grid)
        for thread in range(share.threads):
            shared.counts[thread, LEFT] = allow(effort, shared.counts[0, ORDERED], keys.size).left[0]
    else:
        tell_partners(edges, taken)
        found, count = append_pairs(found, count, squares[PARTNER], squares[0], place)
    return found[:, :count]


@allocating_kernel
def _order_squares(squares: Cells, grid: Grid) -> Int:
    """Write the numbers of the squares that are left to dimension 1 in the order of their turns; return how many."""
    is_open = np.empty(squares.shape[1], np.bool_)
    mark_open(squares[ENCLOSED], is_open)
    order = in_bricks(squares[0], is_open, grid)
    copy_into(squares[ORDER][: order.size], order)
    return int(order.size)


@allocating_kernel
def _reduce_share(
    first_edge: Partners,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    effort: Effort,
    share: Share,
    shared: Shared,
    mixed: Mixed | None,
) -> bool:
    """Reduce a thread's squares, as ``loops.go_on`` does all; False where they take long.

    It stops where its place to keep chains is full: others read there, so only when all have stopped may it move.
    """
    edges, squares, counts = shared.edges, shared.squares, shared.counts[share.number]
    cells = CriticalCells(edges, edges[MERGED], squares, squares[ENCLOSED])
    taken = Taken(squares[PARTNER], edges[TAKER], first_edge)
    kept = KeptChains(shared.spans[0], shared.spans[1], shared.voxels, shared.bits)
    put_off, heap = np.zeros(squares.shape[1], np.bool_), np.empty(FIRST_HEAP, np.int64)
    allowance = allow(effort, shared.counts[0, ORDERED], first_edge.size)
    allowance.left[0] = counts[LEFT]
    turn, last, end, kept_is_full = counts[TURN], counts[LAST], counts[END], False
    while allowance.left[0] >= 0 and not kept_is_full:
        if turn == last:
            turn, last = _begin_turns(share, shared.turns[0], shared.turns[1])
        if turn == last:
            break
        turn, end, heap_is_full, kept_is_full = reduce_squares(
            turn,
            end,
            counts[ROOM],
            squares[ORDER][:last],
            cells,
            taken,
            put_off,
            heap,
            kept,
            keyed,
            table,
            offsets,
            allowance,
            mixed,
        )
        if heap_is_full:
            heap = np.empty(2 * heap.size, np.int64)
    counts[TURN], counts[LAST], counts[END], counts[LEFT] = turn, last, end, allowance.left[0]
    return bool(allowance.left[0] >= 0)


@kernel
def _begin_turns(share: Share, next_turns: Array, last_turns: Array) -> tuple[Int, Int]:
    """Begin a few turns of the thread's own, or if none are left of another's: the first, and the one after the last.

    If none are left at all, both are 0.
    """
    for k in range(share.threads):
        thread = (share.number + k) % share.threads
        last = np.int64(last_turns[thread])
        turn = load(next_turns, thread)
        while turn < last:
            end = min(turn + _AT_ONCE, last)
            if replace(next_turns, thread, turn, end):
                return turn, end
            turn = load(next_turns, thread)
    return np.int64(0), np.int64(0)
