"""The whole computation for a stack of fields of one shape: the two entry kernels, one for 2D and one for 3D.

Everything is computed for the complex whose vertices are the voxels (face connectivity), surrounded by a border: above
all values it stands for nothing, below all values for the frame, whose own cells are left out (relative homology).
Full connectivity is the same complex upside down. By Alexander duality a class of dimension k of the sublevel sets in
full connectivity, born at b and dying at d, is one of dimension ndim - 1 - k of the superlevel sets in face
connectivity, born at d and dying at b; the outside of the one is the frame of the other, and what never dies in the
one is born with the frame in the other.

Source: Bleile, Garin, Heiss, Maggs, Robins, "The persistent homology of dual digital image constructions" (2022).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, entry_kernel, kernel
from monai_topo.topology.engines.native.gradient.saddles import (
    ABOVE,
    BELOW,
    HAS_CRITICAL_EDGE,
    HAS_CRITICAL_SQUARE,
    classify_volume,
    list_edges,
    list_runs,
    list_squares,
    saddles_of_plane,
    sorted_saddles,
)
from monai_topo.topology.engines.native.order.keys import ABOVE_ALL, BELOW_ALL, fill_border, surround
from monai_topo.topology.engines.native.order.neighbors import ALL_NEIGHBORS
from monai_topo.topology.engines.native.pairing.attempts import DONE, attempt_loops, nothing_to_reduce
from monai_topo.topology.engines.native.pairing.components import (
    ASCENDING,
    DESCENDING,
    UNPAIRED,
    find_root,
    merge_in_order,
    plant_forest,
)
from monai_topo.topology.engines.native.types import (
    Array,
    CriticalCells,
    Effort,
    Forest,
    ForestSteps,
    Int,
    LinkTable,
    Mask,
    Offsets,
    Pairs,
    Partners,
    Place,
    Stack,
    Voxel,
)

_NONE = np.int64(0)
FACES_2D, FACES_3D = ForestSteps(_NONE, np.int64(4), _NONE), ForestSteps(_NONE, np.int64(6), _NONE)
ALL_2D = ForestSteps(_NONE, np.int64(8), _NONE)
ALL_3D = ForestSteps(np.int64(6), np.int64(18), np.int64(ALL_NEIGHBORS))
"""What the forests of each dimension step to; see ``plant_forest``."""

_NEVER, _FRAME = -1, -2
_FLAT, _FEW, _ROOM = np.int64(1), np.int64(20), np.int64(64)
"""Depth of an image; places for counts; places for pairs to begin with."""


@entry_kernel
def pairs_of_planes(
    stack: Stack, is_float: bool, framed: bool, upside_down: bool, wanted: Mask, memory: Array, offsets: Offsets
) -> Any:
    """Persistence pairs of 2D fields in face connectivity.

    Args:
        stack: int32 ``(N, 1, H, W)`` from ``field.to_integers``.
        is_float: whether they are the bits of float32 numbers.
        framed: the border is a frame.
        upside_down: turn the total order around first, and the answer back.
        wanted: bool, one for each dimension.
        memory: int32, flat, three for each voxel of the padded grid, overwritten.
        offsets: steps to the neighbors, from ``neighbor_offsets``.

    Returns:
        int64 ``(2, n)`` of births and deaths for each dimension, as flat indices in the stack.
    """
    shape = stack.shape[1:]
    height, row = shape[1], shape[2] + 2
    grid = (_FLAT, height + 2, row)
    size = memory.size // 3
    keys, lower, forest = memory[:size], memory[size : 2 * size], memory[2 * size :]
    fill_border(lower, grid, np.int64(0))  # nothing comes before it
    low, high = np.empty((2, _ROOM), np.int64), np.empty((2, _ROOM), np.int64)
    counts = np.empty(_FEW, np.int64)
    counts[0] = counts[1] = 0
    for n in range(stack.shape[0]):
        surround(stack[n], is_float, keys, BELOW_ALL if framed else ABOVE_ALL, upside_down)
        place = Place(n, upside_down, grid, shape)
        saddles, edge_count = saddles_of_plane(keys, lower, height, row, forest)
        cells = np.empty((3, edge_count), np.int32)
        if wanted[0]:
            list_runs(saddles, lower, offsets, BELOW, cells)
            plant_forest(lower, offsets, FACES_2D, ASCENDING, grid, forest)
            partner = merge_in_order(cells, forest, keys, ASCENDING)
            low, counts[0] = append_pairs(low, counts[0], partner, cells[0], place)
            if not framed:
                counts[0] = append_outer(low, counts[0], forest, upside_down, place)
        if wanted[1]:
            list_runs(saddles, lower, offsets, ABOVE, cells)
            plant_forest(lower, offsets, ALL_2D, DESCENDING, grid, forest)
            partner = merge_in_order(cells, forest, keys, DESCENDING)
            high, counts[1] = append_pairs(high, counts[1], cells[0], partner, place)
            if framed:
                counts[1] = append_outer(high, counts[1], forest, not upside_down, place)
    return low[:, : counts[0]], high[:, : counts[1]]


@entry_kernel
def pairs_of_volumes(
    stack: Stack,
    is_float: bool,
    framed: bool,
    upside_down: bool,
    wanted: Mask,
    memory: Array,
    offsets: Offsets,
    table: LinkTable,
    effort: Effort,
    begin: Int,
) -> Any:
    """Persistence pairs of 3D fields in face connectivity, up to the first field whose dimension 1 takes long.

    Dimension 1 needs the edges that dimension 0 leaves unpaired and the squares that dimension 2 does. It is
    long because it is the list of steps.

    Args:
        stack: int32 ``(N, D, H, W)`` from ``field.to_integers``.
        is_float: whether they are the bits of float32 numbers.
        framed: the border is a frame.
        upside_down: turn the total order around first, and the answer back.
        wanted: bool, one for each dimension.
        memory: int32, flat, three for each voxel of the padded grid, overwritten.
        offsets: steps to the neighbors, from ``neighbor_offsets``.
        table: the links, from ``new_link_table``.
        effort: amount of work that goes into dimension 1 before it is left to ``finish``.
        begin: field to begin with.

    Returns:
        What is left to do, see ``attempts``; the field after the last one; int64 ``(2, n)`` of births and deaths for
        each dimension, as flat indices in the stack; and the state of dimension 1 of the last field.
    """
    shape = stack.shape[1:]
    grid = (shape[0] + 2, shape[1] + 2, shape[2] + 2)
    size = memory.size // 3
    keys, lower, forest = memory[:size], memory[size : 2 * size], memory[2 * size :]
    low, mid, high = np.empty((2, _ROOM), np.int64), np.empty((2, _ROOM), np.int64), np.empty((2, _ROOM), np.int64)
    counts, scratch = np.empty(_FEW, np.int64), np.empty(_FEW, np.int64)
    counts[0] = counts[1] = counts[2] = 0
    way, state, n = np.int64(DONE), nothing_to_reduce(), begin
    while n < stack.shape[0] and way == DONE:
        surround(stack[n], is_float, keys, BELOW_ALL if framed else ABOVE_ALL, upside_down)
        fill_border(lower, grid, np.int64(0))  # nothing comes before it
        place = Place(n, upside_down, grid, shape)
        critical = classify_volume(keys, lower, grid, table, scratch)
        edges, squares = np.empty((3, critical.edges), np.int32), np.empty((4, critical.squares), np.int32)
        if wanted[0] or wanted[1]:
            saddles = sorted_saddles(keys, lower, HAS_CRITICAL_EDGE, critical.edge_voxels)
            list_edges(saddles, lower, table, offsets, edges)
            plant_forest(lower, offsets, FACES_3D, ASCENDING, grid, forest)
            minima = merge_in_order(edges, forest, keys, ASCENDING)
            if wanted[0]:
                low, counts[0] = append_pairs(low, counts[0], minima, edges[0], place)
                if not framed:
                    counts[0] = append_outer(low, counts[0], forest, upside_down, place)
        if wanted[1] or wanted[2]:
            saddles = sorted_saddles(keys, lower, HAS_CRITICAL_SQUARE, critical.square_voxels)
            list_squares(saddles, lower, table, offsets, scratch, squares)
            plant_forest(lower, offsets, ALL_3D, DESCENDING, grid, forest)
            maxima = merge_in_order(squares, forest, keys, DESCENDING)
            if wanted[2]:
                high, counts[2] = append_pairs(high, counts[2], squares[0], maxima, place)
                if framed:
                    counts[2] = append_outer(high, counts[2], forest, not upside_down, place)
        if wanted[1]:
            cells = CriticalCells(edges, minima, squares, maxima)
            way, state = attempt_loops(cells, keys, lower, table, offsets, grid, forest, memory[: 2 * size], effort)
            if way == DONE:
                mid, counts[1] = append_pairs(mid, counts[1], state.partner, squares[0], place)
        n += 1
    return way, n, low[:, : counts[0]], mid[:, : counts[1]], high[:, : counts[2]], state


@allocating_kernel
def append_pairs(found: Pairs, count: Int, births: Partners, deaths: Partners, place: Place) -> Any:
    """Append the pairs that have both sides; return the buffer, longer if it had to be, and the new count."""
    if count + births.size >= found.shape[1]:
        longer = np.empty((2, 2 * (count + births.size) + 1), np.int64)
        for i in range(count):
            longer[0, i], longer[1, i] = found[0, i], found[1, i]
        found = longer
    return found, _write_pairs(found, count, births, deaths, place)


@kernel
def _write_pairs(found: Pairs, count: Int, births: Partners, deaths: Partners, place: Place) -> Int:
    for i in range(births.size):
        if births[i] != UNPAIRED and deaths[i] != UNPAIRED:
            _write_pair(found, count, np.int64(births[i]), np.int64(deaths[i]), place)
            count += 1
    return count


@kernel
def append_outer(found: Pairs, count: Int, forest: Forest, born_with_frame: bool, place: Place) -> Int:
    """Append the class of dimension 0 that never dies, or the top class that the frame gives birth to.

    When all is merged, it is the root of the only tree beside the border's. There is room for it: ``append_pairs``
    leaves one place free.
    """
    grid = place.grid
    inside = ((grid[1] if grid[0] > 1 else 0) + 1) * grid[2] + 1
    root = find_root(inside, forest)
    _write_pair(found, count, root, root, place)
    found[0 if born_with_frame else 1, count] = _FRAME if born_with_frame else _NEVER
    return count + 1


@kernel
def _write_pair(found: Pairs, slot: Int, birth: Voxel, death: Voxel, place: Place) -> None:
    found[1 if place.upside_down else 0, slot] = _index_in_stack(birth, place)
    found[0 if place.upside_down else 1, slot] = _index_in_stack(death, place)


@kernel
def _index_in_stack(voxel: Voxel, place: Place) -> Int:
    """From an index in the padded, perhaps reversed grid to one in the stack of fields."""
    n, upside_down, grid, shape = place
    line = np.int64(np.uint32(voxel) // np.uint32(grid[2]))  # of 32 bits it takes half the time
    z = np.int64(np.uint32(line) // np.uint32(grid[1]))
    column, y = voxel - line * grid[2], line - z * grid[1]
    index = ((z - (grid[0] - shape[0]) // 2) * shape[1] + y - 1) * shape[2] + column - 1
    size = shape[0] * shape[1] * shape[2]
    return int(n * size + (size - 1 - index if upside_down else index))
