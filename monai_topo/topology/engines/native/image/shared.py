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

import numpy as np

from monai_topo.topology.compiled.bits import BIT_COUNT, lowest_bit
from monai_topo.topology.compiled.kernel import at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import (
    LINK_BITS,
    critical_edge_count,
    critical_square_count,
    forest_edges,
    link_edges,
    link_of,
    roots,
    triangles,
)
from monai_topo.topology.engines.native.gradient.mixed import (
    critical_among,
    critical_mixed_edges,
    mixed_word,
    paired_with_mixed_edges,
    shared_word,
)
from monai_topo.topology.engines.native.gradient.saddles import HAS_CRITICAL_EDGE, HAS_CRITICAL_SQUARE
from monai_topo.topology.engines.native.gradient.squares import critical_squares, list_squares_of_voxel
from monai_topo.topology.engines.native.order.keys import fill_border, voxel_of
from monai_topo.topology.engines.native.order.neighbors import ALL_NEIGHBORS, FACES
from monai_topo.topology.engines.native.pairing.components import OUTSIDE, UNPAIRED, find_root
from monai_topo.topology.engines.native.types import (
    Cells,
    Codes,
    Forest,
    Grid,
    Int,
    Link,
    LinkTable,
    Mixed,
    Offsets,
    Partners,
    Scratch,
    Voxel,
    Word,
    Words,
)

_LINKS_DIFFER = np.int64(1 << 28)
"""Flag of a word: the voxel has squares in the second order that it has not in both."""
_SQUARE_FLAGS = HAS_CRITICAL_SQUARE | _LINKS_DIFFER


@kernel
def share_words(
    lower_a: Words, lower_b: Words, table: LinkTable, offsets: Offsets, mixed: Mixed, words: Words
) -> tuple[Int, Int]:
    """Write the mixed words, and the words of the neighbors that both orders have before a voxel, with flags.

    The latter keep all face neighbors of the first order, because they tell to which voxel an edge belongs.

    Args:
        lower_a: the first order's words of lower neighbors, with the flags of ``saddles.classify_volume``.
        lower_b: the second order's.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        mixed: int32, filled; see ``mixed``.
        words: int32, filled.

    Returns:
        How many voxels have critical edges in the first order, and how many edges these are.
    """
    voxels = count = 0
    for voxel in range(words.size):
        mixed[voxel] = 0
        if lower_a[voxel] == lower_b[voxel]:  # and with it all that is known of the link
            words[voxel] = lower_a[voxel]
            if lower_a[voxel] & HAS_CRITICAL_EDGE:
                voxels += 1
                count += critical_edge_count(link_of(table, np.int64(lower_a[voxel])))
        else:
            critical = _share_word(voxel, lower_a, lower_b, table, offsets, mixed, words)
            voxels += 1 if critical else 0
            count += BIT_COUNT[critical]
    return voxels, count


@kernel
def _share_word(
    voxel: Voxel, lower_a: Words, lower_b: Words, table: LinkTable, offsets: Offsets, mixed: Mixed, words: Words
) -> Int:
    """Write both words of a voxel whose neighbors come in two orders; return its critical edges, as bits."""
    first, second = np.int64(lower_a[voxel]) & ALL_NEIGHBORS, np.int64(lower_b[voxel]) & ALL_NEIGHBORS
    shared, edges = first & second, first & ~second & FACES
    if edges:
        mixed[voxel] = mixed_word(voxel, edges, lower_a, lower_b, offsets)
    link = link_of(table, shared)
    critical = _critical_edges(link, np.int64(mixed[voxel]))
    word = shared | (first & FACES)
    if critical:
        word |= HAS_CRITICAL_EDGE
    if critical_square_count(link, shared):
        word |= HAS_CRITICAL_SQUARE
    if link_edges(second) & ~link_edges(shared):
        word |= _LINKS_DIFFER
    words[voxel] = word
    return critical


@inlined_kernel
def _critical_edges(link: Link, mixed: Word) -> Int:
    """The voxel's critical edges in the first order, as bits: all but one root of the shared link, and mixed ones."""
    return (roots(link) & (roots(link) - 1)) | critical_mixed_edges(mixed)


@kernel
def list_shared_edges(
    saddles: Codes, words: Words, mixed: Mixed, table: LinkTable, offsets: Offsets, cells: Cells
) -> None:
    """List the critical edges in the first order.

    Args:
        saddles: order codes of the voxels that have any.
        words: words of the first order, from ``share_words``.
        mixed: likewise.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        cells: int32 ``(3, n)``, filled: the voxel that each belongs to and its two ends.
    """
    found = 0
    for i in range(saddles.size):
        voxel = voxel_of(saddles[i])
        critical = _critical_edges(link_of(table, shared_word(words, mixed, voxel)), np.int64(mixed[voxel]))
        while critical:
            cells[0, found], cells[1, found] = voxel, voxel
            cells[2, found] = voxel + offsets[lowest_bit(critical)]
            critical &= critical - 1
            found += 1


@kernel
def count_shared_squares(
    lower_a: Words, lower_b: Words, words: Words, mixed: Mixed, table: LinkTable, offsets: Offsets, critical: Words
) -> tuple[Int, Int]:
    """Find the critical squares in the second order; those of the shared link are known already.

    Args:
        lower_a: the first order's words of lower neighbors.
        lower_b: the second order's.
        words: words from ``share_words``; the flag of critical squares is set where there are mixed ones only.
        mixed: mixed words.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        critical: int32, flat, padded, written where there are any: the mixed ones, as link edges.

    Returns:
        How many voxels have any, and how many squares these are.
    """
    voxels = total = 0
    for voxel in range(words.size):
        if words[voxel] & _SQUARE_FLAGS:
            squares, shared = 0, shared_word(words, mixed, voxel)
            if words[voxel] & _LINKS_DIFFER:
                differing = link_edges(np.int64(lower_b[voxel])) & ~link_edges(shared)
                squares = critical_among(differing, voxel, lower_a, lower_b, offsets, mixed)
            count = critical_square_count(link_of(table, shared), shared)
            count += BIT_COUNT[squares & 0xFF] + BIT_COUNT[squares >> 8]
            if count:
                words[voxel] |= HAS_CRITICAL_SQUARE
                critical[at(voxel)] = squares
                voxels += 1
                total += count
    return voxels, total


@kernel
def list_shared_squares(
    saddles: Codes,
    critical: Words,
    lower_b: Words,
    words: Words,
    mixed: Mixed,
    table: LinkTable,
    offsets: Offsets,
    scratch: Scratch,
    cells: Cells,
) -> None:
    """List the critical squares in the second order.

    Args:
        saddles: order codes of the voxels that have any.
        critical: the mixed ones, from ``count_shared_squares``.
        lower_b: the second order's words of lower neighbors.
        words: words from ``share_words``.
        mixed: likewise.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        scratch: int64 of 20.
        cells: int32 ``(4, n)``, filled: the voxel that each square belongs to, an upper voxel on either side (negative,
            the complement of a cube's number, if all that side is cubes of the same voxel), and the link edge.
    """
    region, edges = scratch[:8], scratch[8:]
    found = 0
    for i in range(saddles.size):
        voxel = voxel_of(saddles[i])
        shared = shared_word(words, mixed, voxel)
        link, squares = link_of(table, shared), np.int64(critical[at(voxel)])
        if critical_square_count(link, shared):
            for k in range(critical_squares(shared, np.int64(lower_b[voxel]), link, region, edges)):
                squares |= 1 << edges[k]
        paired, word = forest_edges(link) | paired_with_mixed_edges(voxel, mixed, offsets), np.int64(lower_b[at(voxel)])
        owned = triangles(link_of(table, word)) & (word >> LINK_BITS)
        found = list_squares_of_voxel(voxel, squares, paired, owned, lower_b, offsets, cells, found)


@kernel
def plant_shared_forest(words: Words, mixed: Mixed, offsets: Offsets, grid: Grid, forest: Forest) -> None:
    """One step from every voxel to the lowest face neighbor that both orders have before it, if any."""
    for voxel in range(words.size):
        faces = shared_word(words, mixed, voxel) & FACES
        forest[voxel] = voxel
        if faces:
            forest[voxel] = voxel + offsets[lowest_bit(faces)]
    fill_border(forest, grid, OUTSIDE)


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
