"""Dimension 1 in 3D: which critical edge each critical square ends.

The boundary of a critical square is a chain of edges. The chain is pushed down the gradient: an edge paired with a
square is replaced by the rest of that square's boundary, an edge paired with a vertex (or with a component) closes no
loop and is left out. What stays are critical edges; the last of them, if no earlier square took it, is the loop that
the square fills. Otherwise the earlier square's chain is added and the push goes on. Invariant: the last edges of all
chains kept are different, so this is the reduction of the boundary matrix, done only where it can change a pair.

The squares take their turns brick by brick, so that what they touch stays in the cache, and a square may meet an edge
that a later one took. It takes the edge over, and the later one goes on from the chain that was kept for it. Any order
of turns gives the same pairs, because only the chains of earlier squares are added to those of later ones.

A square whose push takes much longer than most is put off once the squares together have taken long: chains that are
added to chains grow, and then all of this is quadratic. What is put off is left to ``sweep``, with the chain that it
has come to. Squares of the top dimension never enter (clearing), edges that close no loop never do, and a push stops at
the first edge that no one else took: the rest of the chain is kept as it is, for squares that will add it.

Sources: Robins, Wood, Sheppard 2011 for the chains over a discrete gradient; Guillou, Vidal, Tierny, "Discrete Morse
Sandwich", IEEE TVCG (2023) for dimension 1 between the two union-finds and for stopping early; Morozov, Nigmetov,
"Towards lockfree persistent homology", SPAA (2020) for taking edges over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, kernel
from monai_topo.topology.engines.native.pairing.boundaries import mark_edges_without_loop
from monai_topo.topology.engines.native.pairing.bricks import in_bricks
from monai_topo.topology.engines.native.pairing.chains import (
    FIRST_HEAP,
    FIRST_KEPT,
    alternate,
    copy_into,
    longer,
)
from monai_topo.topology.engines.native.pairing.components import UNPAIRED
from monai_topo.topology.engines.native.pairing.reduction import forget_pairs, reduce_squares, tell_partners
from monai_topo.topology.engines.native.pairing.remainder import pair_remainder
from monai_topo.topology.engines.native.pairing.sweep import sweep_down
from monai_topo.topology.engines.native.types import (
    Allowance,
    Codes,
    CriticalCells,
    Effort,
    Grid,
    Int,
    KeptChains,
    Keyed,
    Keys,
    LinkTable,
    Mask,
    Mixed,
    Offsets,
    Partners,
    Reduction,
    Taken,
    Words,
)

_ADVANCE = 10
"""What part of the work that squares may take is there from the start; all of it is given out turn by turn.

Bricks are alike, so an attempt that will take too long is known after a few of them.
"""


@allocating_kernel
def pair_loops(
    cells: CriticalCells,
    keys: Keys,
    words: Words,
    table: LinkTable,
    offsets: Offsets,
    grid: Grid,
    first_edge: Partners,
    keyed: Keyed,
    effort: Effort,
    patient: bool | None = None,
    mixed: Mixed | None = None,
) -> Any:
    """Pair every critical edge that merges nothing with the critical square that fills its loop.

    Args:
        cells: critical edges from ``list_edges`` and squares from ``list_squares``, with their partners.
        keys: int32, flat, padded.
        words: the words of lower neighbors; overwritten beyond the bits of the link.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        grid: shape of the padded grid.
        first_edge: int32, flat, padded, overwritten.
        keyed: int32, twice as long, overwritten; the keys and behind them the words may lie in it.
        effort: rule when to put squares off, or to give up.
        patient: True puts squares off and takes them up again, None gives up instead; only that is compiled.
        mixed: None, or for each voxel (int32, flat, padded) a mixed word; see ``mixed``. An argument of its own: numba
            leaves out what ``mixed is None`` rules out only where it is one.

    Returns:
        Whether all is paired, and if so for each square the voxel that owns its edge, or ``UNPAIRED``.
    """
    order, state = begin_loops(cells, keys, words, offsets, grid, first_edge, keyed, mixed)
    allowance = allow(effort, order.size, keys.size)
    turn, end, heap = np.int64(0), np.int64(0), np.empty(FIRST_HEAP, np.int64)
    if patient is None:
        turn, end, heap, state = go_on(
            turn, end, heap, order, state, first_edge, keyed, table, offsets, allowance, mixed
        )
        return allowance.left[0] >= 0, state.partner
    allowance = without_end(allowance)
    turn, end, heap, state = go_on(turn, end, heap, order, state, first_edge, keyed, table, offsets, allowance, mixed)
    finish_loops(state, first_edge, keyed, table, offsets, grid, mixed)
    return True, state.partner


@allocating_kernel
def begin_loops(
    cells: CriticalCells,
    keys: Keys,
    words: Words,
    offsets: Offsets,
    grid: Grid,
    first_edge: Partners,
    keyed: Keyed,
    mixed: Mixed | None,
) -> Any:
    """Order the open squares and write keys and states; nothing is paired yet. For the arguments see ``pair_loops``."""
    count = cells.squares.shape[1]
    partner, taker = np.empty(count, np.int32), np.empty(cells.edges.shape[1], np.int32)
    mark_edges_without_loop(cells.edges, cells.merged, words, offsets, grid, mixed)
    copy_into(first_edge, keys)  # out of the way: they may lie in ``keyed``
    alternate(first_edge, words, keyed)
    forget_pairs(cells.edges, Taken(partner, taker, first_edge))
    put_off, is_open = np.zeros(count, np.bool_), np.empty(count, np.bool_)
    mark_open(cells.enclosed, is_open)
    order = in_bricks(cells.squares[0], is_open, grid)
    edges, merged, squares, enclosed = cells
    start, stop = np.zeros(count, np.int64), np.zeros(count, np.int64)
    voxels, bits = np.empty(FIRST_KEPT, np.int32), np.empty(FIRST_KEPT, np.uint8)
    state = Reduction(edges, merged, squares, enclosed, partner, taker, put_off, start, stop, voxels, bits)
    return order, state


@allocating_kernel
def allow(effort: Effort, squares: Int, voxels: Int) -> Any:
    """The work that squares may take on a grid of some voxels."""
    left, work = np.empty(1, np.int64), effort.first * voxels
    left[0] = work // _ADVANCE
    return Allowance(left, max(work // max(squares, 1), 1), effort.column)


@allocating_kernel
def without_end(allowance: Allowance) -> Allowance:
    """The rule once the work is used up: from now on each square is put off that takes more than a little."""
    left, _, shortest = allowance
    left[0] = 0
    return Allowance(left, np.int64(0), shortest)


@allocating_kernel
def go_on(
    turn: Int,
    end: Int,
    heap: Codes,
    order: Partners,
    state: Reduction,
    first_edge: Partners,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    allowance: Allowance,
    mixed: Mixed | None,
) -> Any:
    """Reduce the squares in their order from a turn on, until all have had theirs or their work is used up.

    The buffers of ``reduce_squares`` are fixed while it runs, because rebinding an array in a hot loop costs reference
    counts; when one is too small, it returns the turn that it was at, and is called again with a larger one.

    Returns:
        The turn it stopped at, where the kept chains end, the heap and the state.
    """
    edges, merged, squares, enclosed, partner, taker, put_off, start, stop, voxels, bits = state
    cells, taken = CriticalCells(edges, merged, squares, enclosed), Taken(partner, taker, first_edge)
    while turn < order.size and (allowance.pay == 0 or allowance.left[0] >= 0):
        turn, end, heap_is_full, kept_is_full = reduce_squares(
            turn,
            end,
            np.int64(voxels.size),
            order,
            cells,
            taken,
            put_off,
            heap,
            KeptChains(start, stop, voxels, bits),
            keyed,
            table,
            offsets,
            allowance,
            mixed,
        )
        if heap_is_full:
            heap = np.empty(2 * heap.size, np.int64)
        if kept_is_full:
            voxels, bits = longer(voxels), longer(bits)
    tell_partners(edges, taken)
    state = Reduction(edges, merged, squares, enclosed, partner, taker, put_off, start, stop, voxels, bits)
    return turn, end, heap, state


@allocating_kernel
def finish_loops(
    state: Reduction,
    first_edge: Partners,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    grid: Grid,
    mixed: Mixed | None,
) -> None:
    """Pair the squares that were put off."""
    edges, merged, squares, enclosed, partner, taker, put_off, start, stop, voxels, bits = state
    cells, taken = CriticalCells(edges, merged, squares, enclosed), Taken(partner, taker, first_edge)
    kept = KeptChains(start, stop, voxels, bits)
    rows, columns = sweep_down(cells, taken, put_off, kept, keyed, table, offsets, grid, mixed)
    pair_remainder(rows, columns, edges, partner)


@kernel
def mark_open(enclosed: Partners, is_open: Mask) -> None:
    """Mark the squares that are left to dimension 1."""
    for i in range(enclosed.size):
        is_open[i] = enclosed[i] == UNPAIRED
