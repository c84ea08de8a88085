"""Where anything critical happens: one pass over the field finds the saddles, one more per kind lists their cells.

In 3D the words of lower neighbors carry two flags, set by the first pass: the voxel has critical edges; it has critical
squares. Cells are listed in the total order of the voxels that own them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.circle import IS_SADDLE, SADDLE_EDGES, SADDLE_SIDES
from monai_topo.topology.engines.native.gradient.links import (
    EDGE_SIDES,
    critical_edge_count,
    critical_square_count,
    link_of,
    roots,
)
from monai_topo.topology.engines.native.gradient.squares import critical_squares, upper_neighbor
from monai_topo.topology.engines.native.order.keys import order_code, sort_codes, voxel_of
from monai_topo.topology.engines.native.order.neighbors import mark_lower
from monai_topo.topology.engines.native.types import (
    Array,
    Cells,
    Codes,
    CriticalCounts,
    Grid,
    Int,
    Keys,
    LinkTable,
    Offsets,
    Scratch,
    Voxel,
    Words,
)

ABOVE: Any = np.bool_(True)
BELOW: Any = np.bool_(False)
"""Of which neighbors ``list_runs`` lists the runs: upper or lower ones."""
HAS_CRITICAL_EDGE = np.int64(1 << 26)
HAS_CRITICAL_SQUARE = np.int64(1 << 27)


@allocating_kernel
def saddles_of_plane(keys: Keys, lower: Words, height: Int, row: Int, scratch: Scratch) -> tuple[Any, Int]:
    """Write the words of a 2D field and find its saddles.

    Args:
        keys: int32, flat, padded.
        lower: int32, the words to write.
        height: rows of the field.
        row: voxels in a padded row.
        scratch: int32, as long as the keys, overwritten.

    Returns:
        Their order codes, in the total order, and how many critical edges they have.
    """
    codes = np.empty(_find_saddles(keys, lower, height, row, scratch), np.int64)
    edges = _write_codes(keys, lower, scratch, codes)
    return sort_codes(codes), edges


@kernel
def _find_saddles(keys: Keys, lower: Words, height: Int, row: Int, voxels: Array) -> Int:
    saddles = 0
    for y in range(1, height + 1):
        start, stop = y * row + 1, (y + 1) * row - 1
        mark_lower(keys, lower, start, stop, row)
        words = lower[start:stop]
        for x in range(words.size):  # one that is no saddle is overwritten: there is no branch to guess
            voxels[at(saddles)] = start + x
            saddles += IS_SADDLE[at(words[x])]
    return saddles


@kernel
def _write_codes(keys: Keys, lower: Words, voxels: Array, codes: Codes) -> Int:
    edges = 0
    for i in range(codes.size):
        voxel = np.int64(voxels[i])
        codes[i] = order_code(keys, voxel)
        edges += SADDLE_EDGES[at(lower[at(voxel)])]
    return edges


@kernel
def classify_volume(keys: Keys, lower: Words, grid: Grid, table: LinkTable, counts: Scratch) -> CriticalCounts:
    """Write the words of a 3D field and flag its saddles; ``counts`` is overwritten."""
    return classify_planes(keys, lower, grid, table, counts, np.int64(0), grid[0])


@kernel
def classify_planes(
    keys: Keys, lower: Words, grid: Grid, table: LinkTable, counts: Scratch, begin: Int, end: Int
) -> CriticalCounts:
    """:func:`classify_volume` of the planes of the padded grid from ``begin`` to ``end``.

    The words of a plane are classified while they are in the cache.
    """
    depth, height, row = grid
    plane = height * row
    for i in range(counts.size):
        counts[i] = 0
    for z in range(max(begin, 1), min(end, depth - 1)):
        mark_lower(keys, lower, z * plane + row + 1, (z + 1) * plane - row - 1, row, plane)
        for y in range(1, height - 1):
            start = z * plane + y * row
            lower[start] = 0
            lower[start + row - 1] = 0
            _classify_row(lower[start + 1 : start + row - 1], table, counts)
    return CriticalCounts(counts[0], counts[1], counts[2], counts[3])


@kernel
def _classify_row(words: Words, table: LinkTable, counts: Scratch) -> None:
    for x in range(words.size):
        word = np.int64(words[x])
        link = link_of(table, word)
        edges = critical_edge_count(link)
        squares = critical_square_count(link, word)
        if edges:
            words[x] |= HAS_CRITICAL_EDGE
            counts[0] += 1
            counts[1] += edges
        if squares:
            words[x] |= HAS_CRITICAL_SQUARE
            counts[2] += 1
            counts[3] += squares


@allocating_kernel
def sorted_saddles(keys: Keys, lower: Array, flag: Int, count: Int) -> Any:
    """Order codes of the voxels that carry a flag, in the total order."""
    codes = np.empty(count, np.int64)
    _collect(keys, lower, flag, codes)
    return sort_codes(codes)


@kernel
def _collect(keys: Keys, lower: Array, flag: Int, codes: Codes) -> None:
    found = 0
    for voxel in range(lower.size):
        if lower[voxel] & flag:
            codes[found] = order_code(keys, voxel)
            found += 1


@kernel
def list_runs(saddles: Codes, lower: Words, offsets: Offsets, above: bool, cells: Cells) -> None:
    """List the critical cells of a 2D field: runs of lower (upper) neighbors, the first with each other.

    Args:
        saddles: order codes.
        lower: the words of lower neighbors.
        offsets: offset of each neighbor, by bit.
        above: upper neighbors.
        cells: int32 ``(3, n)``, filled with owner and two sides.
    """
    found = np.int64(0)
    for i in range(saddles.size):
        voxel = voxel_of(saddles[i])
        sides = SADDLE_SIDES[lower[at(voxel)] & 0xFF] >> (8 if above else 0)
        found = _join_sides(voxel, sides & 0xFF, offsets, cells, found)


@kernel
def list_edges(saddles: Codes, lower: Words, table: LinkTable, offsets: Offsets, cells: Cells) -> None:
    """List the critical edges of a 3D field: components of the link, the first with each other; see ``list_runs``."""
    found = np.int64(0)
    for i in range(saddles.size):
        voxel = voxel_of(saddles[i])
        found = _join_sides(voxel, roots(link_of(table, np.int64(lower[at(voxel)]))), offsets, cells, found)


@inlined_kernel
def _join_sides(voxel: Voxel, side_bits: Int, offsets: Offsets, cells: Cells, found: Int) -> Int:
    first = voxel + offsets[at(lowest_bit(side_bits))]
    others = side_bits & (side_bits - 1)
    while others:
        cells[0, at(found)] = voxel
        cells[1, at(found)] = first
        cells[2, at(found)] = voxel + offsets[at(lowest_bit(others))]
        others &= others - 1
        found += 1
    return found


@kernel
def list_squares(
    saddles: Codes, lower: Words, table: LinkTable, offsets: Offsets, scratch: Scratch, cells: Cells
) -> None:
    """List the critical squares of a 3D field: owner, two upper sides, link edge.

    Args:
        saddles: order codes.
        lower: the words of lower neighbors.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        scratch: int64 of 20.
        cells: int32 ``(4, n)``, filled.
    """
    region, edges = scratch[:8], scratch[8:]
    found = 0
    for i in range(saddles.size):
        voxel = voxel_of(saddles[i])
        word = np.int64(lower[at(voxel)])
        for k in range(critical_squares(word, word, link_of(table, word), region, edges)):
            cells[0, found] = voxel
            for side in range(2):
                neighbor = upper_neighbor(word, region[at(EDGE_SIDES[at(edges[k]), side])])
                cells[1 + side, found] = voxel + offsets[at(neighbor)]
            cells[3, found] = edges[k]
            found += 1
