"""Dimension 1 in 3D: which critical edge each critical square ends.

The boundary of a critical square is a chain of edges. The chain is pushed down the gradient: an edge paired with a
square is replaced by the rest of that square's boundary, an edge paired with a vertex (or with a component) closes no
loop and is left out. What stays are critical edges; the last of them, if no earlier square took it, is the loop that
the square fills. Otherwise the earlier square's chain is added and the push goes on. Invariant: the last edges of all
chains kept are different, so this is the reduction of the boundary matrix, done only where it can change a pair.

A chain is six bits per voxel, the edges from the voxel to its lower face neighbors; see ``chains``. Squares of the top
dimension never enter (clearing), edges that close no loop never do, and a push stops at the first edge that no one else
took: the rest of the chain is kept as it is, for squares that will add it. All that a step needs to know of a voxel is
in one word: the bits of the lower link, then which of its edges close no loop, then the chain and whether the voxel is
queued.

Sources: Robins, Wood, Sheppard 2011 for the chains over a discrete gradient; Guillou, Vidal, Tierny, "Discrete Morse
Sandwich", IEEE TVCG (2023) for dimension 1 between the two union-finds and for stopping early.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.bits import BIT_COUNT, lowest_bit
from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import (
    EDGE_ENDS,
    LINK_BITS,
    LINK_MASK,
    link_of,
    roots,
    tree_parent,
)
from monai_topo.topology.engines.native.gradient.mixed import critical_mixed_edges, mixed_edges, mixed_parent
from monai_topo.topology.engines.native.order.keys import fill_border
from monai_topo.topology.engines.native.pairing.chains import (
    DOWN,
    FIRST_HEAP,
    FIRST_KEPT,
    QUEUED,
    UNTAKEN,
    add_kept,
    alternate,
    clear,
    copy_into,
    fetch_around,
    keep,
    longer,
    pop,
    queue,
    set_state,
    state_of,
)
from monai_topo.topology.engines.native.pairing.components import UNPAIRED
from monai_topo.topology.engines.native.types import (
    Cells,
    Codes,
    CriticalCells,
    Grid,
    Int,
    KeptChains,
    Keyed,
    Keys,
    Link,
    LinkTable,
    Mixed,
    Offsets,
    Partners,
    Taken,
    Voxel,
    Word,
    Words,
)

_EDGES = 0x3F
_NO_LOOP_BITS = LINK_BITS
_CHAIN_BITS = LINK_BITS + 6
_CHAIN = _EDGES << _CHAIN_BITS
_WITHOUT_CHAIN = ~(_CHAIN | QUEUED)
_PUSHES_PER_VOXEL = 32
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
        mixed: None, or for each voxel (int32, flat, padded) a mixed word; see ``mixed``. An argument of its own: numba
            leaves out what ``mixed is None`` rules out only where it is one.

    Returns:
        For each square the voxel that owns the edge it is paired with, or ``UNPAIRED``.
    """
    count = cells.squares.shape[1]
    taken = Taken(np.empty(count, np.int32), np.empty(cells.edges.shape[1], np.int32), first_edge)
    _mark_edges_without_loop(cells.edges, cells.merged, words, offsets, grid, mixed)
    copy_into(first_edge, keys)  # out of the way: they may lie in ``keyed``
    alternate(first_edge, words, keyed)
    _forget_pairs(cells.edges, taken)
    heap, start = np.empty(FIRST_HEAP, np.int64), np.empty(count + 1, np.int64)
    start[0] = 0
    kept = KeptChains(start, np.empty(FIRST_KEPT, np.int32), np.empty(FIRST_KEPT, np.uint8))
    square = np.int64(0)
    while square < count:
        square, heap_is_full, kept_is_full = _reduce(square, cells, taken, heap, kept, keyed, table, offsets, mixed)
        if heap_is_full:
            heap = np.empty(2 * heap.size, np.int64)
        if kept_is_full:
            kept = KeptChains(start, longer(kept.voxels), longer(kept.bits))
    return taken.partner


@kernel
def _mark_edges_without_loop(
    edges: Cells, merged: Partners, words: Words, offsets: Offsets, grid: Grid, mixed: Mixed | None
) -> None:
    """Write into the words which edges close no loop.

    These are the edge paired with the voxel itself, at its first link vertex; the critical edges that merge components;
    and all of the border.
    """
    for voxel in range(words.size):
        link = words[voxel] & LINK_MASK
        faces = _without_mixed(link, mixed, voxel) & _EDGES
        words[voxel] = link | ((faces & -faces) << _NO_LOOP_BITS)
    fill_border(words, grid, _EDGES << _NO_LOOP_BITS)
    for i in range(merged.size):
        if merged[i] != UNPAIRED:
            direction = 0
            while offsets[direction] != edges[2, i] - edges[0, i]:
                direction += 1
            words[edges[0, i]] |= 1 << (_NO_LOOP_BITS + direction)


@inlined_kernel
def _without_mixed(word: Word, mixed: Mixed | None, voxel: Voxel) -> Int:
    """The voxel's word without the neighbors that only one of two orders has before it."""
    if mixed is None:
        return word
    return word & ~mixed_edges(np.int64(mixed[voxel]))


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
    heap: Codes,
    kept: KeptChains,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    mixed: Mixed | None,
) -> tuple[Int, bool, bool]:
    """Reduce the squares from ``begin`` on, in the total order.

    Long, because the heap's size is a local variable that every step changes. Columns are squares, chains end at edges;
    the rest is as in :func:`pair_loops`.

    Returns:
        The number of squares, or the first one to do again; whether the heap or the place to keep chains was too small.
    """
    squares, start, taker = cells.squares, kept.start, taken.taker
    for square in range(begin, squares.shape[1]):
        start[square + 1] = start[square]
        fetch_around(np.int64(squares[0, min(square + _AHEAD, squares.shape[1] - 1)]), keyed, offsets)
        if cells.enclosed[square] != UNPAIRED:
            continue
        size = _add_square(np.int64(squares[0, square]), squares[3, square], heap, keyed, offsets)
        while size:
            voxel, size = pop(heap, size, DOWN)
            link = link_of(table, _without_mixed(state_of(keyed, voxel), mixed, voxel))
            critical = roots(link)
            if mixed is not None:
                critical |= critical_mixed_edges(np.int64(mixed[voxel]))
            size = _push_down(voxel, link, critical, heap, size, keyed, offsets, mixed)
            edge = _last_critical_edge(voxel, critical & ~(roots(link) & -roots(link)), keyed, taken.first)
            while edge >= 0 and taker[at(edge)] != UNTAKEN:
                first, last = start[at(taker[at(edge)])], start[at(taker[at(edge)] + 1)]
                if size + last - first + _PUSHES_PER_VOXEL > heap.size:
                    clear(voxel, heap, size, keyed, _CHAIN, DOWN)
                    return square, True, False
                size = add_kept(kept.voxels[first:last], kept.bits[first:last], heap, size, keyed, _CHAIN_BITS, DOWN)
                edge = _last_critical_edge(voxel, critical & ~(roots(link) & -roots(link)), keyed, taken.first)
            if edge >= 0:
                if start[square] + size >= kept.voxels.size:
                    clear(voxel, heap, size, keyed, _CHAIN, DOWN)
                    return square, False, True
                start[square + 1] = keep(voxel, heap, size, start[square], kept, keyed, _CHAIN_BITS, _CHAIN, DOWN)
                taker[at(edge)] = square
                taken.partner[square] = voxel
                size = 0
            elif size + _PUSHES_PER_VOXEL > heap.size:
                clear(voxel, heap, size, keyed, _CHAIN, DOWN)
                return square, True, False
            set_state(keyed, voxel, state_of(keyed, voxel) & _WITHOUT_CHAIN)
    return int(squares.shape[1]), False, False


@kernel
def _add_square(voxel: Voxel, link_edge: Int, heap: Codes, keyed: Keyed, offsets: Offsets) -> Int:
    """Add the four edges of a square to the empty chain; return the heap's new size."""
    size = np.int64(0)
    for side in range(2):
        direction, across = EDGE_ENDS[link_edge, side], offsets[EDGE_ENDS[link_edge, 1 - side]]
        for start in (voxel, voxel + across):
            size = _add_edge(start, direction, heap, size, keyed, offsets)
    return int(size)


@inlined_kernel
def _add_edge(voxel: Voxel, direction: Int, heap: Codes, size: Int, keyed: Keyed, offsets: Offsets) -> Int:
    """Add the edge from a voxel to a face neighbor, modulo 2, unless it closes no loop.

    It belongs to the later of the two, which is queued.
    """
    neighbor_is_later = 1 - ((state_of(keyed, voxel) >> direction) & 1)
    owner = voxel + offsets[at(direction)] * neighbor_is_later
    bit = direction ^ neighbor_is_later
    word = state_of(keyed, owner)
    if (word >> (_NO_LOOP_BITS + bit)) & 1:
        return size
    set_state(keyed, owner, (word ^ (1 << (_CHAIN_BITS + bit))) | QUEUED)
    if word & QUEUED:
        return size
    fetch_around(owner, keyed, offsets)
    return queue(owner, heap, size, keyed, DOWN)


@inlined_kernel
def _push_down(
    voxel: Voxel, link: Link, critical: Int, heap: Codes, size: Int, keyed: Keyed, offsets: Offsets, mixed: Mixed | None
) -> Int:
    """Push the voxel's edges down the gradient until only critical ones are left.

    Within the voxel that is a walk of every link vertex along the forest to its root.
    """
    word = state_of(keyed, voxel)
    closing, between = ~(word >> _NO_LOOP_BITS), _EDGES & ~critical
    chain = (word >> _CHAIN_BITS) & _EDGES
    while chain & between:
        i = lowest_bit(chain & between)
        j = tree_parent(link, i)
        if mixed is not None and (np.int64(mixed[voxel]) >> i) & 1:
            j = mixed_parent(np.int64(mixed[voxel]), i)
        chain ^= (1 << i) | ((1 << j) & closing)
        for start, direction in ((i, j), (j, i)):
            size = _add_edge(voxel + offsets[at(start)], direction, heap, size, keyed, offsets)
    set_state(keyed, voxel, (word & _WITHOUT_CHAIN) | (chain << _CHAIN_BITS) | QUEUED)
    return size


@inlined_kernel
def _last_critical_edge(voxel: Voxel, critical: Int, keyed: Keyed, first_edge: Partners) -> Int:
    """The last critical edge of the voxel in the chain, or -1; after ``_push_down`` there are no others.

    ``critical`` are the voxel's critical edges, as bits.
    """
    chain = (state_of(keyed, voxel) >> _CHAIN_BITS) & _EDGES
    if chain == 0:
        return -1
    last = 5
    while not (chain >> last) & 1:
        last -= 1
    return int(first_edge[at(voxel)] + BIT_COUNT[critical & ((1 << last) - 1)])
