"""Where anything critical happens: one pass over the field finds the saddles, one more per kind lists their cells.

The words of lower neighbors carry two flags, set by the first pass: the voxel has critical edges; it has critical
squares (3D only). Cells are listed in the total order of the voxels that own them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.engines.native.circle import SADDLE_SIDES
from monai_topo.topology.engines.native.gradient import (
    BIT_COUNT,
    EDGE_SIDES,
    critical_edge_count,
    critical_square_count,
    link_of,
    roots,
)
from monai_topo.topology.engines.native.kernel import kernel
from monai_topo.topology.engines.native.neighbors import mark_lower
from monai_topo.topology.engines.native.order import order_code, sort_codes, voxel_of
from monai_topo.topology.engines.native.squares import critical_squares, upper_neighbor

HAS_CRITICAL_EDGE = 1 << 26
HAS_CRITICAL_SQUARE = 1 << 27


@kernel
def classify_plane(keys: Any, lower: Any, height: int, row: int) -> int:
    """Write the words of a 2D field and flag its saddles; return how many there are."""
    saddles = 0
    for y in range(1, height + 1):
        start, stop = y * row + 1, (y + 1) * row - 1
        mark_lower(keys, lower, start, stop, row, 0, False)
        for voxel in range(start, stop):
            if SADDLE_SIDES[lower[voxel]]:
                lower[voxel] |= HAS_CRITICAL_EDGE
                saddles += 1
    return saddles


@kernel
def classify_volume(keys: Any, lower: Any, shape: tuple[int, int, int], table: Any) -> Any:
    """Write the words of a 3D field and flag its saddles.

    The words of a plane are classified while they are in the cache.

    Returns:
        Voxels with critical edges, critical edges, voxels with critical squares, critical squares.
    """
    depth, height, row = shape
    plane = height * row
    counts = np.zeros(4, np.int64)
    for z in range(1, depth - 1):
        mark_lower(keys, lower, z * plane + row + 1, (z + 1) * plane - row - 1, row, plane, True)
        for y in range(1, height - 1):
            start = z * plane + y * row
            lower[start] = 0
            lower[start + row - 1] = 0
            _classify_row(lower[start + 1 : start + row - 1], table, counts)
    return counts


@kernel
def _classify_row(words: Any, table: Any, counts: Any) -> None:
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


@kernel
def sorted_saddles(keys: Any, lower: Any, flag: int, count: int) -> Any:
    """Order codes of the voxels that carry a flag, in the total order."""
    codes = np.empty(count, np.int64)
    found = 0
    for voxel in range(lower.size):
        if lower[voxel] & flag:
            codes[found] = order_code(keys, voxel)
            found += 1
    return sort_codes(codes)


@kernel
def sides_in_plane(saddles: Any, lower: Any, offsets: Any, above: bool) -> Any:
    """Owner and two sides of each critical cell of a 2D field: runs of lower (upper) neighbors, the first with each other."""
    count = 0
    for i in range(saddles.size):
        count += _side_bits(lower[voxel_of(saddles[i])], above)[1] - 1
    cells = np.empty((3, count), np.int32)
    found = 0
    for i in range(saddles.size):
        voxel = voxel_of(saddles[i])
        found = _join_sides(voxel, _side_bits(lower[voxel], above)[0], offsets, cells, found)
    return cells


@kernel
def _side_bits(word: int, above: bool) -> tuple[int, int]:
    bits = (SADDLE_SIDES[word & 0xFF] >> (8 if above else 0)) & 0xFF
    return bits, BIT_COUNT[bits]


@kernel
def edge_sides(saddles: Any, count: int, lower: Any, table: Any, offsets: Any) -> Any:
    """Owner and two sides of each critical edge of a 3D field: the link's components, the first with each other."""
    cells = np.empty((3, count), np.int32)
    found = 0
    for i in range(saddles.size):
        voxel = voxel_of(saddles[i])
        found = _join_sides(voxel, roots(link_of(table, np.int64(lower[voxel]))), offsets, cells, found)
    return cells


@kernel
def _join_sides(voxel: int, side_bits: int, offsets: Any, cells: Any, found: int) -> int:
    first, bits, bit = -1, side_bits, 0
    while bits:
        if bits & 1:
            if first < 0:
                first = voxel + offsets[bit]
            else:
                cells[0, found] = voxel
                cells[1, found] = first
                cells[2, found] = voxel + offsets[bit]
                found += 1
        bits >>= 1
        bit += 1
    return found


@kernel
def square_sides(saddles: Any, count: int, lower: Any, table: Any, offsets: Any) -> Any:
    """Owner, two upper sides and link edge of each critical square of a 3D field."""
    cells = np.empty((4, count), np.int32)
    region = np.empty(8, np.int64)
    edges = np.empty(12, np.int64)
    found = 0
    for i in range(saddles.size):
        voxel = voxel_of(saddles[i])
        word = np.int64(lower[voxel])
        for k in range(critical_squares(word, link_of(table, word), region, edges)):
            cells[0, found] = voxel
            for side in range(2):
                neighbor = upper_neighbor(word, region[EDGE_SIDES[edges[k], side]])
                cells[1 + side, found] = voxel + offsets[neighbor]
            cells[3, found] = edges[k]
            found += 1
    return cells
