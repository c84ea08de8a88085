"""Squares that were put off, once all others have their edges: from chains on the grid to a small matrix.

The chain of such a square is pushed all the way down, and wherever it meets an edge that an earlier square took, that
square's chain is added. What is left are edges that nobody took: a column of a matrix whose rows are few. A column that
is met and belongs to a later square has to yield: it gives its edge back and becomes a column of the matrix itself,
because pairs come about only by adding earlier columns to later ones. ``remainder`` pairs the rows of the matrix. The
squares take their turns brick by brick, as in ``loops``, and those that yield after them.

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
    ends_of_paths,
    push_down,
    without_mixed,
)
from monai_topo.topology.engines.native.pairing.bricks import in_bricks
from monai_topo.topology.engines.native.pairing.chains import (
    DOWN,
    FIRST_KEPT,
    POP_WORK,
    UNTAKEN,
    add_kept,
    clear,
    copy_into,
    longer,
    pop,
    set_state,
    state_of,
)
from monai_topo.topology.engines.native.pairing.components import UNPAIRED
from monai_topo.topology.engines.native.pairing.reduction import begin_chain
from monai_topo.topology.engines.native.types import (
    Codes,
    Columns,
    CriticalCells,
    Grid,
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
    grid: Grid,
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
        grid: shape of the padded grid.
        left: int64 of 1, the work that may be done.
        mixed: None or mixed words.

    Returns:
        Whether it is done, or too much work was left; the columns, whose rows are edges that nobody took.
    """
    size = put_off.size
    first, order, count = in_bricks(cells.squares[0], put_off, grid), np.empty(size, np.int32), np.empty(1, np.int64)
    copy_into(order[: first.size], first)
    count[0] = first.size
    columns = Columns(np.zeros(size, np.int64), np.zeros(size, np.int64), np.empty(FIRST_KEPT, np.int32))
    turn, end = np.int64(0), np.int64(0)
    while turn < count[0] and left[0] >= 0:
        turn, end, heap_is_full, rows_are_full = _compress(
            turn, end, order, count, cells, taken, put_off, heap, kept, keyed, table, offsets, left, columns, mixed
        )
        if heap_is_full:
            heap = np.empty(2 * heap.size, np.int64)
        if rows_are_full:
            columns = Columns(columns.start, columns.stop, longer(columns.rows))
    return left[0] >= 0, Columns(columns.start, columns.stop, columns.rows[:end])


@kernel
def _compress(
    begin: Int,
    end: Int,
    order: Partners,
    count: Scratch,
    cells: CriticalCells,
    taken: Taken,
    put_off: Mask,
    heap: Codes,
    kept: KeptChains,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    left: Scratch,
    columns: Columns,
    mixed: Mixed | None,
) -> tuple[Int, Int, bool, bool]:
    """Compress the squares whose turns are the one called ``begin`` and those after it; as long as ``loops._reduce``.

    Those that yield are written behind the ``count`` squares in ``order``. Returned is also where the rows end.
    """
    squares, turn, (start, stop, rows) = cells.squares, begin, columns
    while turn < count[0] and left[0] >= 0:
        square = np.int64(order[turn])
        work, start[square] = 0, end
        size = begin_chain(square, squares, heap, kept, keyed, offsets)
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
                owner = _earlier_taker(edge, square, taken, put_off, order, count)
                if owner == UNTAKEN:
                    set_state(keyed, voxel, state_of(keyed, voxel) ^ (1 << (CHAIN_BITS + bit)))
                    rows[at(end)] = edge
                    end += 1
                    continue
                first, last = kept.start[at(owner)], kept.stop[at(owner)]
                if size + last - first + PUSHES_PER_VOXEL > heap.size:
                    clear(voxel, heap, size, keyed, CHAIN, DOWN)
                    return turn, start[square], True, False
                work += last - first
                size = add_kept(kept.voxels[first:last], kept.bits[first:last], heap, size, keyed, CHAIN_BITS, DOWN)
            if size + PUSHES_PER_VOXEL > heap.size or end + _EDGES_OF_VOXEL >= rows.size:
                heap_is_full = bool(size + PUSHES_PER_VOXEL > heap.size)
                clear(voxel, heap, size, keyed, CHAIN, DOWN)
                return turn, start[square], heap_is_full, not heap_is_full
            set_state(keyed, voxel, state_of(keyed, voxel) & WITHOUT_CHAIN)
        left[0] -= work
        stop[square] = end
        turn += 1
    return turn, end, False, False


@inlined_kernel
def _earlier_taker(edge: Int, square: Int, taken: Taken, put_off: Mask, order: Partners, count: Scratch) -> Int:
    """The square before this one that took an edge, or ``UNTAKEN``: a later one yields."""
    owner = np.int64(taken.taker[at(edge)])
    if owner <= square:
        return owner
    taken.taker[at(edge)] = UNTAKEN
    taken.partner[at(owner)] = UNPAIRED
    put_off[at(owner)] = True
    order[at(count[0])] = owner
    count[0] += 1
    return UNTAKEN
