"""Dimension 1 in 3D: which critical edge each critical square ends.

The boundary of a critical square is a chain of edges. The chain is pushed down the gradient: an edge paired with a
square is replaced by the rest of that square's boundary, an edge paired with a vertex (or with a component) closes no
loop and is left out. What stays are critical edges; the last of them, if no earlier square took it, is the loop that
the square fills. Otherwise the earlier square's chain is added and the push goes on. Invariant: the last edges of all
chains kept are different, so this is the reduction of the boundary matrix, done only where it can change a pair.

A square whose push takes much longer than most is put off once the squares together have taken long: chains that are
added to chains grow, and then all of this is quadratic. What is put off is left to ``compression``. Squares of the top
dimension never enter (clearing), edges that close no loop never do, and a push stops at the first edge that no one else
took: the rest of the chain is kept as it is, for squares that will add it.

Sources: Robins, Wood, Sheppard 2011 for the chains over a discrete gradient; Guillou, Vidal, Tierny, "Discrete Morse
Sandwich", IEEE TVCG (2023) for dimension 1 between the two union-finds and for stopping early.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, at, kernel
from monai_topo.topology.engines.native.gradient.links import link_of, roots
from monai_topo.topology.engines.native.pairing.boundaries import (
    CHAIN,
    CHAIN_BITS,
    PUSHES_PER_VOXEL,
    WITHOUT_CHAIN,
    add_square,
    ends_of_paths,
    last_critical_edge,
    mark_edges_without_loop,
    push_down,
    without_mixed,
)
from monai_topo.topology.engines.native.pairing.chains import (
    DOWN,
    FIRST_HEAP,
    FIRST_KEPT,
    POP_WORK,
    UNTAKEN,
    add_kept,
    alternate,
    clear,
    copy_into,
    fetch_around,
    keep,
    longer,
    pop,
    set_state,
    state_of,
)
from monai_topo.topology.engines.native.pairing.components import UNPAIRED
from monai_topo.topology.engines.native.pairing.compression import compress_columns
from monai_topo.topology.engines.native.pairing.remainder import pair_remainder
from monai_topo.topology.engines.native.types import (
    Cells,
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
    Scratch,
    Taken,
    Words,
)

_AHEAD = 8
"""How many squares before its turn the surroundings of one are fetched."""


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

    The buffers of ``_reduce`` are fixed while it runs, because rebinding an array in a hot loop costs reference counts;
    when one is too small, it returns the square that it was at, and is called again with a larger one.

    Args:
        cells: critical edges from ``list_edges`` and squares from ``list_squares``, with their partners.
        keys: int32, flat, padded.
        words: the words of lower neighbors; overwritten beyond the bits of the link.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        grid: shape of the padded grid.
        first_edge: int32, flat, padded, overwritten.
        keyed: int32, twice as long, overwritten; the keys and behind them the words may lie in it.
        effort: rule when to put squares off, and when to give up.
        patient: True takes up again what was put off, None gives up then. Only what is asked for is compiled.
        mixed: None, or for each voxel (int32, flat, padded) a mixed word; see ``mixed``. An argument of its own: numba
            leaves out what ``mixed is None`` rules out only where it is one.

    Returns:
        Whether all is paired, and if so for each square the voxel that owns its edge, or ``UNPAIRED``.
    """
    count = cells.squares.shape[1]
    taken = Taken(np.empty(count, np.int32), np.empty(cells.edges.shape[1], np.int32), first_edge)
    mark_edges_without_loop(cells.edges, cells.merged, words, offsets, grid, mixed)
    copy_into(first_edge, keys)  # out of the way: they may lie in ``keyed``
    alternate(first_edge, words, keyed)
    _forget_pairs(cells.edges, taken)
    heap, start = np.empty(FIRST_HEAP, np.int64), np.empty(count + 1, np.int64)
    start[0] = 0
    kept = KeptChains(start, np.empty(FIRST_KEPT, np.int32), np.empty(FIRST_KEPT, np.uint8))
    put_off, left = np.zeros(count, np.bool_), np.empty(1, np.int64)
    left[0] = (effort.first if patient is None else effort.patience) * keys.size
    shortest = np.int64(0) if patient is None else effort.column
    square = np.int64(0)
    while square < count:
        square, heap_is_full, kept_is_full = _reduce(
            square, cells, taken, put_off, heap, kept, keyed, table, offsets, left, shortest, mixed
        )
        if heap_is_full:
            heap = np.empty(2 * heap.size, np.int64)
        if kept_is_full:
            kept = KeptChains(start, longer(kept.voxels), longer(kept.bits))
    if patient is None:
        return not put_off.any(), taken.partner
    left[0] = effort.attempt * keys.size
    done, ends, rows = compress_columns(cells, taken, put_off, heap, kept, keyed, table, offsets, left, mixed)
    if done:
        pair_remainder(ends, rows, cells.edges, taken.partner)
    return done, taken.partner


@kernel
def _forget_pairs(edges: Cells, taken: Taken) -> None:
    """Nothing is paired yet. The first critical edge of a voxel is defined only where it owns one."""
    for i in range(taken.partner.size):
        taken.partner[i] = UNPAIRED
    for i in range(taken.taker.size - 1, -1, -1):
        taken.taker[i] = UNTAKEN
        taken.first[edges[0, i]] = i


@kernel
def _reduce(
    begin: Int,
    cells: CriticalCells,
    taken: Taken,
    put_off: Mask,
    heap: Codes,
    kept: KeptChains,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    left: Scratch,
    shortest: Int,
    mixed: Mixed | None,
) -> tuple[Int, bool, bool]:
    """Reduce the squares from ``begin`` on, in the total order.

    Long, because the heap's size is a local variable that every step changes. Columns are squares, chains end at edges;
    the rest is as in :func:`pair_loops`. A square that takes more than what is left and ``shortest`` is put off.

    Returns:
        The number of squares, or the first one to do again; whether the heap or the place to keep chains was too small.
    """
    squares, start, taker = cells.squares, kept.start, taken.taker
    for square in range(begin, squares.shape[1]):
        start[square + 1] = start[square]
        fetch_around(np.int64(squares[0, min(square + _AHEAD, squares.shape[1] - 1)]), keyed, offsets)
        if cells.enclosed[square] != UNPAIRED:
            continue
        work, limit = 0, max(left[0], shortest)
        size = add_square(np.int64(squares[0, square]), squares[3, square], heap, keyed, offsets)
        while size:
            voxel, size = pop(heap, size, DOWN)
            work += POP_WORK
            link = link_of(table, without_mixed(state_of(keyed, voxel), mixed, voxel))
            critical = ends_of_paths(link, mixed, voxel)
            size = push_down(voxel, link, critical, heap, size, keyed, offsets, mixed)
            edge = last_critical_edge(voxel, critical & ~(roots(link) & -roots(link)), keyed, taken.first)
            while edge >= 0 and taker[at(edge)] != UNTAKEN:
                first, last = start[at(taker[at(edge)])], start[at(taker[at(edge)] + 1)]
                if size + last - first + PUSHES_PER_VOXEL > heap.size:
                    clear(voxel, heap, size, keyed, CHAIN, DOWN)
                    return square, True, False
                work += last - first
                size = add_kept(kept.voxels[first:last], kept.bits[first:last], heap, size, keyed, CHAIN_BITS, DOWN)
                edge = last_critical_edge(voxel, critical & ~(roots(link) & -roots(link)), keyed, taken.first)
            if edge >= 0:
                if start[square] + size >= kept.voxels.size:
                    clear(voxel, heap, size, keyed, CHAIN, DOWN)
                    return square, False, True
                start[square + 1] = keep(voxel, heap, size, start[square], kept, keyed, CHAIN_BITS, CHAIN, DOWN)
                taker[at(edge)] = square
                taken.partner[square] = voxel
                size = 0
            elif work > limit:
                clear(voxel, heap, size, keyed, CHAIN, DOWN)
                put_off[square] = True
                size = 0
            elif size + PUSHES_PER_VOXEL > heap.size:
                clear(voxel, heap, size, keyed, CHAIN, DOWN)
                return square, True, False
            set_state(keyed, voxel, state_of(keyed, voxel) & WITHOUT_CHAIN)
        left[0] -= work
    return int(squares.shape[1]), False, False
