"""A discrete gradient that two total orders share, and the cells that it leaves critical, in 3D.

A cell belongs to one voxel in each order, its last. The cells that belong to one voxel v in both orders, those whose
other voxels are before v in both, pair up by the table of ``gradient``. A cell that belongs to two different voxels is
mixed, and may pair only with one that belongs to the same two: an edge with the first such square around it, the other
squares around it with the cubes between, a square with either of its cubes. Every step down the gradient is one in both
orders, so the cells that are left hold both filtrations.

Source: Allili, Kaczynski, Landi, "Reducing complexes in multidimensional persistent homology theory", Journal of
Symbolic Computation 78 (2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.bits import BIT_COUNT, lowest_bit
from monai_topo.topology.compiled.kernel import allocating_kernel, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import (
    LINK_MASK,
    critical_square_count,
    forest_edges,
    link_edges,
    link_of,
    roots,
)
from monai_topo.topology.engines.native.gradient.mixed import (
    critical_among,
    critical_mixed_edges,
    paired_with_mixed_edges,
    shared_word,
)
from monai_topo.topology.engines.native.gradient.saddles import sorted_saddles
from monai_topo.topology.engines.native.gradient.squares import critical_squares, list_squares_of_voxel
from monai_topo.topology.engines.native.order.keys import order_code, sort_codes, voxel_of
from monai_topo.topology.engines.native.pairing.components import UNPAIRED, find_root
from monai_topo.topology.engines.native.types import (
    Array,
    Cells,
    Codes,
    Forest,
    Int,
    Keys,
    LinkTable,
    Mixed,
    Offsets,
    Partners,
    Scratch,
    Voxel,
    Words,
)

_COUNT_BITS = 12


@inlined_kernel
def _critical_edges(words: Words, mixed: Mixed, voxel: Voxel, table: LinkTable) -> Int:
    """The voxel's critical edges in the first order, as bits: all but one root of the shared link, and mixed ones."""
    tops = roots(link_of(table, shared_word(words, mixed, voxel)))
    return (tops & (tops - 1)) | critical_mixed_edges(np.int64(mixed[voxel]))


@allocating_kernel
def list_shared_edges(keys: Keys, words: Words, mixed: Mixed, table: LinkTable, offsets: Offsets) -> Any:
    """The critical edges in the first order: int32 ``(3, n)``, the voxel that each belongs to and its two ends.

    Args:
        keys: keys of the first order.
        words: words of the first order, from ``mixed.share_words``.
        mixed: words from ``mixed.share_words``.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
    """
    voxels, count = _count_edges(words, mixed, table)
    codes = np.empty(voxels, np.int64)
    _collect_edges(keys, words, mixed, table, codes)
    cells = np.empty((3, count), np.int32)
    _list_edges(sort_codes(codes), words, mixed, table, offsets, cells)
    return cells


@kernel
def _count_edges(words: Words, mixed: Mixed, table: LinkTable) -> tuple[Int, Int]:
    voxels = count = 0
    for voxel in range(words.size):
        critical = _critical_edges(words, mixed, voxel, table)
        voxels += 1 if critical else 0
        count += BIT_COUNT[critical]
    return voxels, count


@kernel
def _collect_edges(keys: Keys, words: Words, mixed: Mixed, table: LinkTable, codes: Codes) -> None:
    found = 0
    for voxel in range(words.size):
        if _critical_edges(words, mixed, voxel, table):
            codes[found] = order_code(keys, voxel)
            found += 1


@kernel
def _list_edges(codes: Codes, words: Words, mixed: Mixed, table: LinkTable, offsets: Offsets, cells: Cells) -> None:
    found = 0
    for i in range(codes.size):
        voxel = voxel_of(codes[i])
        critical = _critical_edges(words, mixed, voxel, table)
        while critical:
            cells[0, found], cells[1, found] = voxel, voxel
            cells[2, found] = voxel + offsets[lowest_bit(critical)]
            critical &= critical - 1
            found += 1


@inlined_kernel
def _mixed_squares(voxel: Voxel, lower_a: Words, lower_b: Words, shared: Int, mixed: Mixed, offsets: Offsets) -> Int:
    """The voxel's critical mixed squares in the second order, as link edges."""
    if (np.int64(lower_b[voxel]) ^ shared) & LINK_MASK == 0:
        return 0
    return _critical_mixed_squares(voxel, lower_a, lower_b, shared, mixed, offsets)


@inlined_kernel
def _critical_mixed_squares(
    voxel: Voxel, lower_a: Words, lower_b: Words, shared: Int, mixed: Mixed, offsets: Offsets
) -> Int:
    squares = link_edges(np.int64(lower_b[voxel])) & ~link_edges(shared)
    return critical_among(squares, voxel, lower_a, lower_b, offsets, mixed) if squares else 0


@allocating_kernel
def list_shared_squares(
    keys: Keys, lower_a: Words, lower_b: Words, words: Words, mixed: Mixed, table: LinkTable, offsets: Offsets
) -> Any:
    """The critical squares in the second order.

    Args:
        keys: keys of the second order.
        lower_a: the first order's words of lower neighbors.
        lower_b: the second order's.
        words: words from ``mixed.share_words``.
        mixed: likewise.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.

    Returns:
        int32 ``(4, n)``: the voxel that each square belongs to, an upper voxel on either side (negative, the complement
        of a cube's number, if all that side is cubes of the same voxel), and the link edge.
    """
    critical = np.empty(words.size, np.int16)
    voxels, count = _count_squares(lower_a, lower_b, words, mixed, table, offsets, critical)
    cells = np.empty((4, count), np.int32)
    codes = sorted_saddles(keys, critical, -1, voxels)
    _list_squares(codes, critical, lower_b, words, mixed, table, offsets, np.empty(20, np.int64), cells)
    return cells


@kernel
def _count_squares(
    lower_a: Words, lower_b: Words, words: Words, mixed: Mixed, table: LinkTable, offsets: Offsets, critical: Array
) -> tuple[Int, Int]:
    """Count, and note in ``critical`` the mixed ones as bits and above them the number of the others."""
    voxels = total = 0
    for voxel in range(words.size):
        shared = shared_word(words, mixed, voxel)
        squares = _mixed_squares(voxel, lower_a, lower_b, shared, mixed, offsets)
        count = critical_square_count(link_of(table, shared), shared)
        critical[voxel] = squares | (count << _COUNT_BITS)
        count += BIT_COUNT[squares & 0xFF] + BIT_COUNT[squares >> 8]
        voxels += 1 if count else 0
        total += count
    return voxels, total


@kernel
def _list_squares(
    codes: Codes,
    critical: Array,
    lower_b: Words,
    words: Words,
    mixed: Mixed,
    table: LinkTable,
    offsets: Offsets,
    scratch: Scratch,
    cells: Cells,
) -> None:
    region, edges = scratch[:8], scratch[8:]
    found = 0
    for i in range(codes.size):
        voxel = voxel_of(codes[i])
        shared = shared_word(words, mixed, voxel)
        link = link_of(table, shared)
        squares = np.int64(critical[voxel]) & ((1 << _COUNT_BITS) - 1)
        if np.int64(critical[voxel]) >> _COUNT_BITS:
            for k in range(critical_squares(shared, np.int64(lower_b[voxel]), link, region, edges)):
                squares |= 1 << edges[k]
        around = forest_edges(link) | paired_with_mixed_edges(voxel, mixed, offsets)
        found = list_squares_of_voxel(voxel, squares, around, lower_b, offsets, region, cells, found)


@kernel
def clear_squares(squares: Cells, enclosed: Partners, forest: Forest, cube: Scratch) -> None:
    """Find squares that fill no loop: those that merge two components of upper voxels of the second order.

    No other square is reduced to nothing. Of a voxel's squares those paired with edges come before the critical ones,
    and those paired with cubes, which change no homology, after them. Taken backward from all cells of later voxels, a
    critical square gives birth to a class of the top dimension exactly if it joins two components of what comes after
    it. So regions are connected through all squares but the critical ones and those paired with edges; one that has
    only cubes of the voxel itself is a component of its own until a square merges it away.

    Args:
        squares: squares, from ``list_shared_squares``.
        enclosed: int32, filled: ``UNPAIRED``, or a voxel for the squares to leave out.
        forest: one step from every voxel to an upper neighbor; updated.
        cube: int64 of 8, overwritten: what each cube of the voxel at hand was merged with.
    """
    for i in range(enclosed.size - 1, -1, -1):
        if i == enclosed.size - 1 or squares[0, i + 1] != squares[0, i]:
            for k in range(8):
                cube[k] = ~k
        a, b = _find(squares[1, i], forest, cube), _find(squares[2, i], forest, cube)
        enclosed[i] = UNPAIRED if a == b else squares[0, i]
        if a < 0:
            cube[~a] = b
        elif b < 0:
            cube[~b] = a
        else:
            forest[a] = b


@kernel
def _find(side: Int, forest: Forest, cube: Scratch) -> Int:
    """What stands for the component on a side of a square."""
    side = np.int64(side)
    while side < 0 and cube[~side] != side:
        side = cube[~side]
    return side if side < 0 else find_root(side, forest)
