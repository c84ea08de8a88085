"""The reduction of squares: chains of edges pushed down until their last edge is one that nobody else took.

One thread may do this, or several at once, each with squares, heap, keys and states of its own. An edge is taken only
by one who knows whose it was. The chain kept for a square changes only after the square has lost its edge to an earlier
one, and an edge that was lost never comes back: so whoever has read where a chain lies, and then finds the edge still
with the same square, has read both its ends.

Source: Morozov, Nigmetov, "Towards lockfree persistent homology", SPAA (2020).
"""

from __future__ import annotations

import numpy as np

from monai_topo.topology.compiled.atomic import load, replace
from monai_topo.topology.compiled.kernel import at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import link_of, roots
from monai_topo.topology.engines.native.pairing.boundaries import (
    CHAIN,
    CHAIN_BITS,
    PUSHES_PER_VOXEL,
    WITHOUT_CHAIN,
    add_square,
    ends_of_paths,
    last_critical_edge,
    push_down,
    without_mixed,
)
from monai_topo.topology.engines.native.pairing.chains import (
    DOWN,
    POP_WORK,
    UNTAKEN,
    add_kept,
    clear,
    fetch_around,
    keep,
    pop,
    set_state,
    state_of,
)
from monai_topo.topology.engines.native.pairing.components import UNPAIRED
from monai_topo.topology.engines.native.types import (
    Allowance,
    Cells,
    Codes,
    CriticalCells,
    Int,
    KeptChains,
    Keyed,
    LinkTable,
    Mask,
    Mixed,
    Offsets,
    Partners,
    Taken,
)

_AHEAD = 8
"""How many squares before its turn the surroundings of one are fetched."""
_FREE = 2 * PUSHES_PER_VOXEL
"""Places of the heap that stay free: for one push, and for one more when a chain that was kept is taken up again."""


@kernel
def forget_pairs(edges: Cells, taken: Taken) -> None:
    """Nothing is paired yet. The first critical edge of a voxel is defined only where it owns one."""
    for i in range(taken.partner.size):
        taken.partner[i] = UNPAIRED
    for i in range(taken.taker.size - 1, -1, -1):
        taken.taker[i] = UNTAKEN
        taken.first[edges[0, i]] = i


@kernel
def tell_partners(edges: Cells, taken: Taken) -> None:
    """Tell the squares that took an edge which voxel owns it."""
    for edge in range(taken.taker.size):
        if taken.taker[edge] != UNTAKEN:
            taken.partner[at(taken.taker[edge])] = edges[0, edge]


@kernel
def reduce_squares(
    begin: Int,
    end: Int,
    room: Int,
    order: Partners,
    cells: CriticalCells,
    taken: Taken,
    put_off: Mask,
    heap: Codes,
    kept: KeptChains,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    allowance: Allowance,
    mixed: Mixed | None,
) -> tuple[Int, Int, bool, bool]:
    """Reduce the squares whose turns are the one called ``begin`` and those after it.

    Long, because the heap's size is a local variable that every step changes. Columns are squares, chains end at edges;
    the rest is as in ``loops.pair_loops``. A square that takes more than it may is put off, with the chain
    that it has come to; where each turn is paid for, a total that takes more than it may ends here.

    Args:
        begin: first turn.
        end: place where the kept chains end.
        room: place where they must end.
        order: squares in the order of their turns; one that lost its edge replaces the one that took it.
        cells: critical edges and squares.
        taken: pairs so far.
        put_off: marks of the squares that are put off.
        heap: places for a chain.
        kept: kept chains.
        keyed: keys and states.
        table: links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        allowance: work that may be done.
        mixed: None or mixed words.

    Returns:
        The number of turns, or the first one still to do; where the kept chains end; whether the heap or the place to
        keep chains was too small.
    """
    start, stop, taker = kept.start, kept.stop, taken.taker
    left, pay, shortest = allowance
    turn = begin
    while turn < order.size and (pay == 0 or left[0] >= 0) and _fits(order[turn], heap, kept):
        fetch_around(np.int64(cells.squares[0, at(order[min(turn + _AHEAD, order.size - 1)])]), keyed, offsets)
        square, owner = np.int64(order[turn]), np.int64(UNTAKEN)
        left[0] += pay
        work, limit = 0, max(left[0], 0) + shortest
        size = begin_chain(square, cells.squares, heap, kept, keyed, offsets)
        while size:
            voxel, size = pop(heap, size, DOWN)
            work += POP_WORK
            link = link_of(table, without_mixed(state_of(keyed, voxel), mixed, voxel))
            critical = ends_of_paths(link, mixed, voxel)
            size = push_down(voxel, link, critical, heap, size, keyed, offsets, mixed)
            edge = last_critical_edge(voxel, critical & ~(roots(link) & -roots(link)), keyed, taken.first)
            owner = _taker_of(edge, taker)
            while owner != UNTAKEN and owner < square:
                first, last = _kept_chain(owner, edge, kept, taker)
                if size + last - first + _FREE > heap.size:
                    clear(voxel, heap, size, keyed, CHAIN, DOWN)
                    return turn, end, True, False
                work += last - first
                size = add_kept(kept.voxels[first:last], kept.bits[first:last], heap, size, keyed, CHAIN_BITS, DOWN)
                edge = last_critical_edge(voxel, critical & ~(roots(link) & -roots(link)), keyed, taken.first)
                owner = _taker_of(edge, taker)
            if edge >= 0 or work > limit:
                if end + size >= room:
                    clear(voxel, heap, size, keyed, CHAIN, DOWN)
                    return turn, end, False, True
                start[square] = end
                end = keep(voxel, heap, size, end, kept, keyed, CHAIN_BITS, CHAIN, DOWN)
                stop[square] = end
                put_off[square] = edge < 0
                if edge >= 0 and not replace(taker, at(edge), owner, square):
                    owner = square  # it goes on from the chain that is kept for it
                size = 0
            elif size + _FREE > heap.size:
                clear(voxel, heap, size, keyed, CHAIN, DOWN)
                return turn, end, True, False
            set_state(keyed, voxel, state_of(keyed, voxel) & WITHOUT_CHAIN)
        left[0] -= max(work - shortest, 0)
        turn = _next_turn(turn, owner, order)
    return turn, end, bool(turn < order.size and (pay == 0 or left[0] >= 0)), False


@inlined_kernel
def _fits(square: Int, heap: Codes, kept: KeptChains) -> bool:
    """Whether the heap has place for the chain that is kept for a square, perhaps by a thread with a larger one."""
    return bool(kept.stop[at(square)] - kept.start[at(square)] + _FREE <= heap.size)


@inlined_kernel
def begin_chain(square: Int, squares: Cells, heap: Codes, kept: KeptChains, keyed: Keyed, offsets: Offsets) -> Int:
    """Begin with the boundary of a square, or with the chain that was kept for it; return the heap's new size."""
    first, last = kept.start[at(square)], kept.stop[at(square)]
    if first == last:
        return add_square(np.int64(squares[0, at(square)]), squares[3, at(square)], heap, keyed, offsets)
    return add_kept(kept.voxels[first:last], kept.bits[first:last], heap, np.int64(0), keyed, CHAIN_BITS, DOWN)


@inlined_kernel
def _kept_chain(owner: Int, edge: Int, kept: KeptChains, taker: Partners) -> tuple[Int, Int]:
    """Where the chain lies that has an edge as its last one; nowhere if another thread has taken the edge over."""
    first, last = kept.start[at(owner)], kept.stop[at(owner)]
    return (first, last) if load(taker, at(edge)) == owner else (last, last)


@inlined_kernel
def _taker_of(edge: Int, taker: Partners) -> Int:
    """The square that took an edge, or ``UNTAKEN``; the edge may be -1."""
    return int(load(taker, at(edge))) if edge >= 0 else np.int64(UNTAKEN)


@inlined_kernel
def _next_turn(turn: Int, loser: Int, order: Partners) -> Int:
    """The turn after this one, or the same one again for a later square that lost its edge."""
    if loser == UNTAKEN:
        return turn + 1
    order[at(turn)] = loser
    return turn
