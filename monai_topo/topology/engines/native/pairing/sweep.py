"""Squares that were put off, once all others have their edges: from chains on the grid to a small matrix.

The chains of all these squares are pushed down at once, in one sweep over the voxels from the last to the first. Each
edge knows the set of chains it is in, by number, and when it is replaced by others the whole set goes to each of them.
So paths that many chains take are walked once. Where the sweep meets an edge that an earlier square took, that
square's chain is added to all chains of the set. What is left are edges that nobody took: rows of a matrix whose
columns are the squares that were put off, each complete when the sweep meets it. A square that is met and comes later
than one of the set has to yield: it gives its edge back and becomes a column itself, because pairs come about only by
adding earlier columns to later ones. ``remainder`` pairs the rows of the matrix.

Sources: Bauer, Kerber, Reininghaus, "Clear and compress: computing persistent homology in chunks" (2014). There the
columns to leave to the matrix are known beforehand; here they are those that take long.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.bits import BIT_COUNT
from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import link_of, roots
from monai_topo.topology.engines.native.pairing.additions import add_chain, add_some, last_edge, push_sets
from monai_topo.topology.engines.native.pairing.boundaries import (
    ends_of_paths,
    without_mixed,
)
from monai_topo.topology.engines.native.pairing.bricks import in_bricks
from monai_topo.topology.engines.native.pairing.chains import (
    DOWN,
    QUEUED,
    UNTAKEN,
    longer,
    pop,
    set_state,
    state_of,
)
from monai_topo.topology.engines.native.pairing.components import UNPAIRED
from monai_topo.topology.engines.native.pairing.front import (
    COUNT,
    END,
    FREE,
    ROWS,
    SET,
    SIZE,
    STEPS,
    VOXEL,
    Front,
    fewer_sets,
    larger_front,
    new_front,
    slot_of,
)
from monai_topo.topology.engines.native.pairing.sets import Sets, has_room, no_sets, single, write_members
from monai_topo.topology.engines.native.types import (
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
    Rows,
    Scratch,
    Taken,
)

_NOTHING, _FRONT, _SETS, _ROOM = range(4)
"""What it wants more of."""


@allocating_kernel
def sweep_down(
    cells: CriticalCells,
    taken: Taken,
    put_off: Mask,
    kept: KeptChains,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    grid: Grid,
    mixed: Mixed | None,
) -> Any:
    """Write the rows of all edges that nobody took.

    Args:
        cells: cells as in ``loops.pair_loops``, like all that is not named here.
        taken: pairs found so far; pairs of squares that yield are undone.
        put_off: the squares that were put off; those that yield are added.
        kept: the chains of the squares.
        keyed: keys and states.
        table: the links.
        offsets: offset of each neighbor, by bit.
        grid: shape of the padded grid.
        mixed: None or mixed words.

    Returns:
        The rows, the last edge first, and the square of each column.
    """
    order = in_bricks(cells.squares[0], put_off, grid)
    columns, following = np.empty(put_off.size, np.int32), np.empty(order.size, np.int32)
    status = np.zeros(9, np.int64)
    front = new_front(keyed.size // 2, order.size + STEPS, status)
    sets = no_sets(np.int64(1 << 12), np.int64(1 << 14))
    rows = Rows(
        np.empty(taken.taker.size, np.int32), np.zeros(taken.taker.size + 1, np.int64), np.empty(1 << 12, np.int32)
    )
    _begin(order, columns, following, cells, kept, keyed, front, status)
    wanted = np.int64(_FRONT)
    while wanted != _NOTHING:
        wanted = _sweep(
            columns, following, cells, taken, put_off, kept, keyed, table, offsets, front, sets, rows, status, mixed
        )
        if wanted == _FRONT:
            front = larger_front(front, status)
        elif wanted == _SETS:
            sets = fewer_sets(sets, front, status)
        elif wanted == _ROOM:
            rows = Rows(rows.edges, rows.start, longer(rows.members))
    count = status[ROWS]
    return Rows(rows.edges[:count], rows.start[: count + 1], rows.members), columns[: status[COUNT]]


@kernel
def _begin(
    order: Partners,
    columns: Partners,
    following: Partners,
    cells: CriticalCells,
    kept: KeptChains,
    keyed: Keyed,
    front: Front,
    status: Scratch,
) -> None:
    """Queue the last voxel of each chain, with a list of the chains that begin there."""
    for column in range(order.size):
        square = np.int64(order[column])
        first = kept.start[square]
        voxel = np.int64(cells.squares[0, square] if first == kept.stop[square] else kept.voxels[first])
        slot = slot_of(voxel, keyed, front, status)
        following[column] = front.begins[slot]
        front.begins[slot] = column
        columns[column] = square
    status[COUNT] = order.size


@kernel
def _sweep(
    columns: Partners,
    following: Partners,
    cells: CriticalCells,
    taken: Taken,
    put_off: Mask,
    kept: KeptChains,
    keyed: Keyed,
    table: LinkTable,
    offsets: Offsets,
    front: Front,
    sets: Sets,
    rows: Rows,
    status: Scratch,
    mixed: Mixed | None,
) -> Int:
    """Go on with the sweep until it ends or wants more room, which is returned. After each step it can be taken up."""
    while True:
        if status[FREE] < STEPS:
            return _FRONT
        if not has_room(sets, np.int64(STEPS), STEPS * ((status[COUNT] >> 6) + 1)):
            return _SETS
        if status[END] + status[COUNT] >= rows.members.size:
            return _ROOM
        if status[SET]:
            add_some(cells, kept, keyed, offsets, front, sets, status)
            continue
        if status[VOXEL] < 0:
            if status[SIZE] == 0:
                return _NOTHING
            status[VOXEL], status[SIZE] = pop(front.heap, status[SIZE], DOWN)
        voxel = status[VOXEL]
        slot = np.int64(front.slot[at(voxel)])
        if front.begins[at(slot)] >= 0:
            column = np.int64(front.begins[at(slot)])
            front.begins[at(slot)] = following[at(column)]
            add_chain(np.int64(columns[at(column)]), single(column, sets), kept, status)
            continue
        link = link_of(table, without_mixed(state_of(keyed, voxel), mixed, voxel))
        critical = ends_of_paths(link, mixed, voxel)
        push_sets(voxel, slot, link, critical, keyed, offsets, front, sets, status, mixed)
        bit = last_edge(slot, front)
        if bit < 0:
            set_state(keyed, voxel, state_of(keyed, voxel) & ~QUEUED)
            front.free[at(status[FREE])] = slot
            status[FREE] += 1
            status[VOXEL] = -1
            continue
        critical &= ~(roots(link) & -roots(link))
        edge = taken.first[at(voxel)] + BIT_COUNT[critical & ((1 << bit) - 1)]
        _end_at(edge, slot, bit, columns, taken, put_off, kept, front, sets, rows, status)


@inlined_kernel
def _end_at(
    edge: Int,
    slot: Int,
    bit: Int,
    columns: Partners,
    taken: Taken,
    put_off: Mask,
    kept: KeptChains,
    front: Front,
    sets: Sets,
    rows: Rows,
    status: Scratch,
) -> None:
    """At a critical edge: add the chain of the square that took it, or write its row."""
    number, owner = np.int64(front.sets[at(slot), at(bit)]), np.int64(taken.taker[at(edge)])
    first = status[END]
    end = write_members(number, sets, rows.members, first)
    if owner != UNTAKEN and _is_before(owner, columns, rows.members[first:end]):
        add_chain(owner, number, kept, status)
        return
    front.sets[at(slot), at(bit)] = 0
    if owner != UNTAKEN:
        column = status[COUNT]
        columns[at(column)] = owner
        status[COUNT] = column + 1
        taken.taker[at(edge)] = UNTAKEN
        taken.partner[at(owner)] = UNPAIRED
        put_off[at(owner)] = True
        front.sets[at(slot), at(bit)] = single(column, sets)
        add_chain(owner, np.int64(front.sets[at(slot), at(bit)]), kept, status)
        rows.members[at(end)] = column
        end += 1
    row = status[ROWS]
    rows.edges[at(row)], rows.start[at(row + 1)] = edge, end
    status[ROWS], status[END] = row + 1, end


@inlined_kernel
def _is_before(owner: Int, columns: Partners, members: Partners) -> bool:
    """Whether a square is before all columns of a set."""
    before = True
    for k in range(members.size):
        before &= columns[at(members[k])] >= owner
    return bool(before)
