"""Squares that were put off, once all others have their edges: from chains on the grid to a small matrix.

The chain of such a square is pushed all the way down, and wherever it meets an edge that an earlier square took, that
square's chain is added. What is left are edges that nobody took: a column of a matrix whose rows are few. A column that
is met and belongs to a later square has to yield: it gives its edge back and becomes a column of the matrix itself,
because pairs come about only by adding earlier columns to later ones. ``remainder`` pairs the rows of the matrix.

Sources: Bauer, Kerber, Reininghaus, "Clear and compress: computing persistent homology in chunks" (2014). There the
columns to leave to the matrix are known beforehand; here they are those that take long.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.bits import BIT_COUNT
from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import link_of, roots
from monai_topo.topology.engines.native.pairing.boundaries import (
    CHAIN,
    CHAIN_BITS,
    PUSHES_PER_VOXEL,
    WITHOUT_CHAIN,
    add_square,
    ends_of_paths,
    push_down,
    without_mixed,
)
from monai_topo.topology.engines.native.pairing.chains import (
    DOWN,
    FIRST_KEPT,
    POP_WORK,
    UNTAKEN,
    add_kept,
    clear,
    longer,
    pop,
    set_state,
    state_of,
)
from monai_topo.topology.engines.native.pairing.components import UNPAIRED
from monai_topo.topology.engines.native.types import (
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
    Scratch,
    Taken,
)

_EDGES_OF_VOXEL = 6


@allocating_kernel
def compress_columns(
    cells: CriticalCells,
    taken: Taken,
    put_off: Mask,
    heap: Codes,
    kept: KeptChains,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    left: Scratch,
    mixed: Mixed | None,
) -> Any:
    """Write the columns of all squares that were put off, or have to yield to one of these.

    Args:
        cells: cells as in ``loops.pair_loops``, like all that is not named here.
        taken: pairs found so far; pairs of squares that yield are undone.
        put_off: the squares that were put off; those that yield are added.
        heap: places for a chain that is pushed.
        kept: the chains of the other squares.
        keyed: keys and states.
        table: the links.
        offsets: offset of each neighbor, by bit.
        left: int64 of 1, the work that may be done.
        mixed: None or mixed words.

    Returns:
        Whether it is done, or too much work was left; for each square where its column starts, and at last where the
        last one ends; the rows, int32: edges that nobody took.
    """
    start, rows = np.zeros(put_off.size + 1, np.int64), np.empty(FIRST_KEPT, np.int32)
    square = np.int64(0)
    while square < put_off.size and left[0] >= 0:
        square, heap_is_full, rows_are_full = _compress(
            square, cells, taken, put_off, heap, kept, keyed, table, offsets, left, start, rows, mixed
        )
        if heap_is_full:
            heap = np.empty(2 * heap.size, np.int64)
        if rows_are_full:
            rows = longer(rows)
    return left[0] >= 0, start, rows


@kernel
def _compress(
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
    start: Scratch,
    rows: Partners,
    mixed: Mixed | None,
) -> tuple[Int, bool, bool]:
    """Compress the squares from ``begin`` on, in the total order; long and with such returns as ``loops._reduce``."""
    squares = cells.squares
    for square in range(begin, put_off.size):
        start[square + 1] = start[square]
        if not put_off[square] or left[0] < 0:
            continue
        work, end = 0, start[square]
        size = add_square(np.int64(squares[0, square]), squares[3, square], heap, keyed, offsets)
        while size:
            voxel, size = pop(heap, size, DOWN)
            work += POP_WORK
            link = link_of(table, without_mixed(state_of(keyed, voxel), mixed, voxel))
            critical = ends_of_paths(link, mixed, voxel)
            size = push_down(voxel, link, critical, heap, size, keyed, offsets, mixed)
            critical &= ~(roots(link) & -roots(link))
            for bit in range(_EDGES_OF_VOXEL - 1, -1, -1):
                if not (state_of(keyed, voxel) >> (CHAIN_BITS + bit)) & 1:
                    continue
                edge = taken.first[at(voxel)] + BIT_COUNT[critical & ((1 << bit) - 1)]
                owner = _earlier_taker(edge, square, taken, put_off)
                if owner == UNTAKEN:
                    set_state(keyed, voxel, state_of(keyed, voxel) ^ (1 << (CHAIN_BITS + bit)))
                    rows[at(end)] = edge
                    end += 1
                    continue
                first, last = kept.start[at(owner)], kept.start[at(owner + 1)]
                if size + last - first + PUSHES_PER_VOXEL > heap.size:
                    clear(voxel, heap, size, keyed, CHAIN, DOWN)
                    return square, True, False
                work += last - first
                size = add_kept(kept.voxels[first:last], kept.bits[first:last], heap, size, keyed, CHAIN_BITS, DOWN)
            if size + PUSHES_PER_VOXEL > heap.size or end + _EDGES_OF_VOXEL >= rows.size:
                heap_is_full = bool(size + PUSHES_PER_VOXEL > heap.size)
                clear(voxel, heap, size, keyed, CHAIN, DOWN)
                return square, heap_is_full, not heap_is_full
            set_state(keyed, voxel, state_of(keyed, voxel) & WITHOUT_CHAIN)
        left[0] -= work
        start[square + 1] = end
    return int(put_off.size), False, False


@inlined_kernel
def _earlier_taker(edge: Int, square: Int, taken: Taken, put_off: Mask) -> Int:
    """The square before this one that took an edge, or ``UNTAKEN``: a later one yields."""
    owner = np.int64(taken.taker[at(edge)])
    if owner <= square:
        return owner
    taken.taker[at(edge)] = UNTAKEN
    taken.partner[at(owner)] = UNPAIRED
    put_off[at(owner)] = True
    return UNTAKEN
