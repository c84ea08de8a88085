"""Dimension 1 in 3D from the other end: which critical square each critical edge's loop ends at.

The mirror image of ``loops``, with the same pairs. The coboundary of a critical edge, the squares around it, is pushed
up the gradient: a square paired with an edge is replaced by the rest of that edge's coboundary; a square that fills no
loop, because it is paired with a cube or gives birth to a cavity, is left out. What stays are critical squares; the
first of them, if no later edge took it, fills the loop that the edge closes. Otherwise the later edge's chain is added
and the push goes on. Edges that merge components never enter.

A chain is twelve bits per voxel, the squares whose last voxel it is; see ``chains``. Of a voxel's state the bits below
say which of its squares may be in a chain at all.

This is the faster way where a field is constant over much of what comes last, the foreground of a binary target upside
down: chains pushed down all cross that region and what lies below it, while chains pushed up soon leave it.

Sources: de Silva, Morozov, Vejdemo-Johansson, "Dualities in persistent (co)homology" (2011) for the two ways to the
same pairs; otherwise those of ``loops``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import (
    EDGE_BETWEEN,
    EDGE_ENDS,
    forest_edges,
    link_edges,
    link_of,
    tree_parent,
)
from monai_topo.topology.engines.native.order.keys import fill_border
from monai_topo.topology.engines.native.pairing.chains import (
    FIRST_HEAP,
    FIRST_KEPT,
    POP_WORK,
    QUEUED,
    UNTAKEN,
    UP,
    add_kept,
    alternate,
    clear,
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
    Offsets,
    Partners,
    Scratch,
    Taken,
    Voxel,
    Words,
)

_SQUARES = 0xFFF
_CHAIN_BITS = 12
_CHAIN = _SQUARES << _CHAIN_BITS
_PUSHES_PER_VOXEL = 64

_AROUND = np.array([sum(1 << e for e, ends in enumerate(EDGE_ENDS) if i in ends) for i in range(6)])
"""For a link vertex the link edges at it: the voxel's own squares around an edge."""
_BESIDE = np.array([[j for j in range(6) if j // 2 != i // 2] for i in range(6)])
"""For the direction of an edge those in which the four squares around it lie."""


@allocating_kernel
def pair_loops_upward(
    cells: CriticalCells,
    keys: Keys,
    lower: Words,
    table: LinkTable,
    offsets: Offsets,
    grid: Grid,
    first_square: Partners,
    patience: Int,
) -> Any:
    """Pair every critical edge that merges nothing with the critical square that fills its loop.

    Args:
        cells: critical edges from ``list_edges`` and squares from ``list_squares``, with their partners.
        keys: int32, flat, padded.
        lower: the words of lower neighbors.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        grid: shape of the padded grid.
        first_square: int32, flat, padded, overwritten.
        patience: work for each voxel after which to give up.

    Returns:
        Whether all is paired, and if so for each square the voxel that owns its edge, or ``UNPAIRED``.
    """
    count, columns = cells.squares.shape[1], cells.edges.shape[1]
    taken = Taken(np.empty(count, np.int32), np.empty(count, np.int32), first_square)
    keyed = np.empty(2 * keys.size, np.int32)
    states = first_square  # which is not needed yet
    _write_states(cells.squares, cells.enclosed, lower, table, grid, states)
    alternate(keys, states, keyed)
    _forget_pairs(cells.squares, taken)
    heap, start = np.empty(FIRST_HEAP, np.int64), np.empty(columns + 1, np.int64)
    start[0] = 0
    kept = KeptChains(start[:columns], start[1:], np.empty(FIRST_KEPT, np.int32), np.empty(FIRST_KEPT, np.uint16))
    left = np.empty(1, np.int64)
    left[0] = patience * keys.size
    column = np.int64(0)
    while column < columns and left[0] >= 0:
        column, heap_is_full, kept_is_full = _reduce(
            column, cells, taken, heap, kept, keyed, lower, table, offsets, left
        )
        if heap_is_full:
            heap = np.empty(2 * heap.size, np.int64)
        if kept_is_full:
            kept = KeptChains(kept.start, kept.stop, longer(kept.voxels), longer(kept.bits))
    return left[0] >= 0, taken.partner


@kernel
def _write_states(
    squares: Cells, enclosed: Partners, lower: Words, table: LinkTable, grid: Grid, states: Words
) -> None:
    """Write which squares may be in a chain: those paired with edges, and the critical ones that enclose nothing."""
    for voxel in range(states.size):
        states[voxel] = forest_edges(link_of(table, np.int64(lower[voxel])))
    fill_border(states, grid, np.int64(0))
    for i in range(enclosed.size):
        if enclosed[i] == UNPAIRED:
            states[squares[0, i]] |= 1 << squares[3, i]


@kernel
def _forget_pairs(squares: Cells, taken: Taken) -> None:
    """Nothing is paired yet. The first critical square of a voxel is defined only where it owns one."""
    for i in range(taken.partner.size - 1, -1, -1):
        taken.partner[i] = UNPAIRED
        taken.taker[i] = UNTAKEN
        taken.first[squares[0, i]] = i


@kernel
def _reduce(
    begin: Int,
    cells: CriticalCells,
    taken: Taken,
    heap: Codes,
    kept: KeptChains,
    keyed: Keyed,
    lower: Words,
    table: LinkTable,
    offsets: Offsets,
    left: Scratch,
) -> tuple[Int, bool, bool]:
    """Reduce the edges, the last in the total order first, from the column ``begin`` on.

    Long, because the heap's size is a local variable that every step changes. Columns are edges, chains end at squares;
    the rest is as in :func:`pair_loops_upward`.

    Returns:
        The number of edges, or the first column to do again; whether the heap or the place to keep chains was too
        small.
    """
    edges, merged, start, stop, taker = cells.edges, cells.merged, kept.start, kept.stop, taken.taker
    for column in range(begin, merged.size):
        stop[column] = start[column]  # which is also where the next one starts
        edge = merged.size - 1 - column
        if merged[edge] != UNPAIRED or left[0] < 0:
            continue
        work = 0
        size = _add_edge(edge, edges, heap, keyed, lower, offsets)
        while size:
            voxel, size = pop(heap, size, UP)
            work += POP_WORK
            size = _push_up(voxel, link_of(table, np.int64(lower[at(voxel)])), heap, size, keyed, lower, offsets)
            square = _first_critical_square(voxel, keyed, cells.squares, taken.first)
            while square >= 0 and taker[square] != UNTAKEN:
                first, last = start[taker[square]], stop[taker[square]]
                if size + last - first + _PUSHES_PER_VOXEL > heap.size:
                    clear(voxel, heap, size, keyed, _CHAIN, UP)
                    return column, True, False
                work += last - first
                size = add_kept(kept.voxels[first:last], kept.bits[first:last], heap, size, keyed, _CHAIN_BITS, UP)
                square = _first_critical_square(voxel, keyed, cells.squares, taken.first)
            if square >= 0:
                if start[column] + size >= kept.voxels.size:
                    clear(voxel, heap, size, keyed, _CHAIN, UP)
                    return column, False, True
                stop[column] = keep(voxel, heap, size, start[column], kept, keyed, _CHAIN_BITS, _CHAIN, UP)
                taker[square] = column
                taken.partner[square] = edges[0, edge]
                size = 0
            elif size + _PUSHES_PER_VOXEL > heap.size:
                clear(voxel, heap, size, keyed, _CHAIN, UP)
                return column, True, False
            set_state(keyed, voxel, state_of(keyed, voxel) & _SQUARES)
        left[0] -= work
    return merged.size, False, False


@kernel
def _add_edge(edge: Int, edges: Cells, heap: Codes, keyed: Keyed, lower: Words, offsets: Offsets) -> Int:
    """Add the coboundary of a critical edge to the empty chain; return the heap's new size."""
    voxel = np.int64(edges[0, edge])
    direction = 0
    while offsets[direction] != edges[2, edge] - edges[0, edge]:
        direction += 1
    set_state(keyed, voxel, state_of(keyed, voxel) | QUEUED)
    size = queue(voxel, heap, np.int64(0), keyed, UP)
    return _add_coboundary(voxel, direction, heap, size, keyed, lower, offsets)


@inlined_kernel
def _push_up(voxel: Voxel, link: Link, heap: Codes, size: Int, keyed: Keyed, lower: Words, offsets: Offsets) -> Int:
    """Push the voxel's squares up the gradient until only critical ones are left.

    Within the voxel that is a walk along the forest of its link away from the roots.
    """
    between = forest_edges(link) << _CHAIN_BITS
    while state_of(keyed, voxel) & between:
        square = lowest_bit(state_of(keyed, voxel) & between) - _CHAIN_BITS
        near, far = EDGE_ENDS[at(square), 0], EDGE_ENDS[at(square), 1]
        paired = near if tree_parent(link, near) == far else far
        size = _add_coboundary(voxel, paired, heap, size, keyed, lower, offsets)
    return size


@inlined_kernel
def _add_coboundary(
    voxel: Voxel, direction: Int, heap: Codes, size: Int, keyed: Keyed, lower: Words, offsets: Offsets
) -> Int:
    """Add the four squares around an edge of a queued voxel; each belongs to the last of its voxels."""
    own = link_edges(np.int64(lower[at(voxel)])) & _AROUND[at(direction)]
    state = state_of(keyed, voxel)
    set_state(keyed, voxel, state ^ ((own & state) << _CHAIN_BITS))
    for k in range(4):
        side = _BESIDE[at(direction), k]
        if (own >> EDGE_BETWEEN[at(direction), at(side)]) & 1 == 0:
            owner = voxel + offsets[at(side)]
            back = direction
            if (np.int64(lower[at(owner)]) >> direction) & 1 == 0:
                owner += offsets[at(direction)]
                back ^= 1
            size = _add_square(owner, EDGE_BETWEEN[at(side ^ 1), at(back)], heap, size, keyed, offsets)
    return size


@inlined_kernel
def _add_square(owner: Voxel, square: Int, heap: Codes, size: Int, keyed: Keyed, offsets: Offsets) -> Int:
    """Add a square of another voxel, modulo 2, unless it may not be in a chain."""
    state = state_of(keyed, owner)
    if (state >> square) & 1 == 0:
        return size
    set_state(keyed, owner, (state ^ (1 << (_CHAIN_BITS + square))) | QUEUED)
    if state & QUEUED:
        return size
    fetch_around(owner, keyed, offsets)
    return queue(owner, heap, size, keyed, UP)


@inlined_kernel
def _first_critical_square(voxel: Voxel, keyed: Keyed, squares: Cells, first_square: Partners) -> Int:
    """The first critical square of the voxel in the chain, or -1; after ``_push_up`` there are no others."""
    chain = (state_of(keyed, voxel) & _CHAIN) >> _CHAIN_BITS
    if chain == 0:
        return -1
    square = np.int64(first_square[at(voxel)])
    while not (chain >> squares[3, at(square)]) & 1:
        square += 1
    return int(square)
