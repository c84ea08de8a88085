"""A discrete gradient that keeps apart the cells with a voxel that another order has last, in 3D.

Two orders agree on all voxels but some, the late ones, which the one has in their place and the other behind all else:
upside down these are a field and its comparison with a binary target, whose foreground is late. A cell is late if one
of its voxels is. How late cells are ordered among themselves changes no bar that is not empty, so all cells follow the
one order, and it is enough that no early cell is paired with a late one: the lower link of an early voxel is divided,
early cells first, and what the late ones add is paired up among itself.

Invariant: the gradient is perfect in each voxel. What stays critical are the relative classes of the link and its early
part: a component without an early vertex leaves an edge, a new cycle that no late triangle fills leaves a square.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from monai_topo.topology.compiled.bits import BIT_COUNT, lowest_bit
from monai_topo.topology.compiled.kernel import allocating_kernel, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import (
    BESIDE,
    EDGE_BETWEEN,
    LINK_BITS,
    TRIANGLE_BITS,
    critical_square_count,
    forest_edges,
    link_edges,
    link_of,
    roots,
    triangles,
)
from monai_topo.topology.engines.native.gradient.saddles import sorted_saddles
from monai_topo.topology.engines.native.gradient.squares import (
    attach_triangles,
    critical_squares,
    list_squares_of_voxel,
)
from monai_topo.topology.engines.native.order.keys import fill_border, voxel_of
from monai_topo.topology.engines.native.order.neighbors import ALL_NEIGHBORS, FACES
from monai_topo.topology.engines.native.pairing.components import OUTSIDE
from monai_topo.topology.engines.native.types import (
    Cells,
    Codes,
    Forest,
    Grid,
    Int,
    Keys,
    Link,
    Links,
    LinkTable,
    Offsets,
    Scratch,
    Voxel,
    Word,
    Words,
)

_PARENT_BITS, _FOREST_BITS, _ROOT_BITS = 17, 35, 47  # of a packed link; see gradient
_SQUARES, _EDGES, _EARLY_BITS, _LATE_BITS = 0xFFF, 0xFFF000, 12, 6  # of a voxel's critical cells
_UNKNOWN = -1


class _Counts(NamedTuple):
    """How many voxels have critical edges or squares, and how many cells these are."""

    edge_voxels: Int
    early_edges: Int
    late_edges: Int
    square_voxels: Int
    squares: Int


@kernel
def write_early_words(keys_a: Keys, keys_b: Keys, lower_b: Words, early: Words) -> None:
    """Divide the links: write which lower neighbors of a voxel make early cells with it.

    A late voxel has late cells only; its word is the whole one, because nothing is to be kept apart.

    Args:
        keys_a: keys of the order that has the late voxels last; elsewhere the same as the others.
        keys_b: keys of the other order.
        lower_b: words of the second order.
        early: words of the first order, overwritten.
    """
    for voxel in range(early.size):
        word = lower_b[voxel] if keys_a[voxel] != keys_b[voxel] else early[voxel]
        early[voxel] = word & ALL_NEIGHBORS


@inlined_kernel
def _divided_link(table: LinkTable, early: Word, lower: Word) -> Int:
    """The link of a voxel, by ``link_of`` for the early part, with its forest grown over what is late.

    Args:
        table: the links, from ``new_link_table``.
        early: the neighbors that make early cells.
        lower: all neighbors before the voxel.

    Returns:
        A packed integer, read by ``roots`` (of the early components), ``_late_roots`` and those of ``gradient``.
    """
    link = link_of(table, early)
    return link if early == lower & ALL_NEIGHBORS else _grow_over_late(link, early, lower)


@kernel
def _grow_over_late(link: Link, early: Word, lower: Word) -> Int:
    """Hang late vertices on reached ones until none is left; where none is beside any, the lowest is a root."""
    edges = link_edges(lower)
    reached, left = early & FACES, lower & ~early & FACES
    while left:
        grown, candidates = 0, left
        while candidates:
            i = lowest_bit(candidates)
            candidates &= candidates - 1
            beside = np.int64(BESIDE[i, edges]) & reached
            if beside:
                parent = lowest_bit(beside)
                link |= (parent << (_PARENT_BITS + 3 * i)) | (1 << (_FOREST_BITS + EDGE_BETWEEN[i, parent]))
                grown |= 1 << i
        if grown == 0:
            grown = left & -left
            link |= (grown << _ROOT_BITS) | (lowest_bit(grown) << (_PARENT_BITS + 3 * lowest_bit(grown)))
        reached |= grown
        left &= ~grown
    return link


@inlined_kernel
def _late_roots(link: Link) -> Int:
    """One vertex (bits 0 to 5) of every component of the link that has no early one: critical edges."""
    return (link >> _ROOT_BITS) & FACES


@inlined_kernel
def _critical_squares(early: Word, lower: Word, link: Link, table: LinkTable, region: Scratch, found: Scratch) -> Int:
    """The voxel's critical squares, as link edges, bits 0 to 11: the early ones, and the late ones."""
    squares = 0
    has_early = critical_square_count(link, early) != 0
    if has_early:
        for k in range(critical_squares(early, early, link, region, found)):
            squares |= 1 << found[k]
    # Where early cells do not part the sphere and not all of it is lower, there can be no closed surface.
    if early != lower and (
        has_early or lower == ALL_NEIGHBORS or _count_if_open(early, lower, link, link_of(table, lower))
    ):
        cotree = link_edges(lower) & ~link_edges(early) & ~forest_edges(link)
        squares |= _without_late_triangles(cotree, early, lower, region)
    return int(squares)


@inlined_kernel
def _count_if_open(early: Word, lower: Word, link: Link, whole: Word) -> Int:
    """Number of late critical squares, by Euler's formula, where no late triangles are a closed surface.

    Args:
        early: the neighbors that make early cells.
        lower: all neighbors before the voxel.
        link: link from ``_divided_link``.
        whole: the link of all of ``lower``.
    """
    edges = link_edges(lower) & ~link_edges(early)
    late_triangles = BIT_COUNT[triangles(whole) & (lower >> LINK_BITS)]
    late_triangles -= BIT_COUNT[triangles(link) & (early >> LINK_BITS)]
    vertices = BIT_COUNT[lower & ~early & FACES]
    return int(
        BIT_COUNT[_late_roots(link)] - vertices + BIT_COUNT[edges & 0xFF] + BIT_COUNT[edges >> 8] - late_triangles
    )


@kernel
def _without_late_triangles(cotree: Int, early: Word, lower: Word, region: Scratch) -> Int:
    """The squares that are left when every late triangle has one; where they are a closed surface, one has none."""
    for t in range(8):
        is_late = TRIANGLE_BITS[t] & ~lower == 0 and TRIANGLE_BITS[t] & ~early != 0
        region[t] = _UNKNOWN if is_late else t
    cotree = attach_triangles(cotree, region)
    for t in range(8):
        if region[t] == _UNKNOWN:
            region[t] = t
            cotree = attach_triangles(cotree, region)
    return cotree


@allocating_kernel
def list_divided_cells(
    keys_a: Keys, keys_b: Keys, lower: Words, early: Words, table: LinkTable, offsets: Offsets
) -> Any:
    """The critical edges and squares, each belonging to its last voxel in the second order.

    Args:
        keys_a: see ``write_early_words``.
        keys_b: likewise.
        lower: words of the second order.
        early: words from ``write_early_words``.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.

    Returns:
        The edges, int32 ``(3, n)`` of owner and two ends, the early ones before the late ones and each in the second
        order; how many are early; the squares, int32 ``(4, n)`` as from ``shared.list_shared_squares``; the link of
        every voxel, int64.
    """
    critical, links = np.empty(early.size, np.int32), np.empty(early.size, np.int64)
    scratch = np.empty(20, np.int64)
    counts = _find_critical(keys_a, keys_b, lower, early, table, scratch, links, critical)
    edges = np.empty((3, counts.early_edges + counts.late_edges), np.int32)
    codes = sorted_saddles(keys_b, critical, _EDGES, counts.edge_voxels)
    _list_edges(codes, critical, offsets, counts.early_edges, edges)
    squares = np.empty((4, counts.squares), np.int32)
    codes = sorted_saddles(keys_b, critical, _SQUARES, counts.square_voxels)
    _list_squares(codes, critical, lower, links, offsets, scratch[:8], squares)
    return edges, counts.early_edges, squares, links


@kernel
def _find_critical(
    keys_a: Keys,
    keys_b: Keys,
    lower: Words,
    early: Words,
    table: LinkTable,
    scratch: Scratch,
    links: Links,
    critical: Words,
) -> _Counts:
    """Write the links, and the critical cells of each voxel as bits."""
    region, found = scratch[:8], scratch[8:]
    edge_voxels = early_edges = late_edges = square_voxels = num_squares = 0
    for voxel in range(early.size):
        word, whole = np.int64(early[voxel]), np.int64(lower[voxel]) & ALL_NEIGHBORS
        link = _divided_link(table, word, whole)
        edges = roots(link) & (roots(link) - 1)
        if keys_a[voxel] != keys_b[voxel]:
            edges <<= _LATE_BITS
        edges |= _late_roots(link) << _LATE_BITS
        squares = _critical_squares(word, whole, link, table, region, found)
        links[voxel], critical[voxel] = link, squares | (edges << _EARLY_BITS)
        if edges:
            edge_voxels += 1
            early_edges += BIT_COUNT[edges & FACES]
            late_edges += BIT_COUNT[edges >> _LATE_BITS]
        if squares:
            square_voxels += 1
            num_squares += BIT_COUNT[squares & 0xFF] + BIT_COUNT[squares >> 8]
    return _Counts(edge_voxels, early_edges, late_edges, square_voxels, num_squares)


@kernel
def _list_edges(codes: Codes, critical: Words, offsets: Offsets, num_early: Int, cells: Cells) -> None:
    early, late = 0, num_early
    for i in range(codes.size):
        voxel = voxel_of(codes[i])
        edges = np.int64(critical[voxel]) >> _EARLY_BITS
        early = _append_edges(voxel, edges & FACES, offsets, cells, early)
        late = _append_edges(voxel, edges >> _LATE_BITS, offsets, cells, late)


@inlined_kernel
def _append_edges(voxel: Voxel, edges: Int, offsets: Offsets, cells: Cells, found: Int) -> Int:
    while edges:
        cells[0, found], cells[1, found] = voxel, voxel
        cells[2, found] = voxel + offsets[lowest_bit(edges)]
        edges &= edges - 1
        found += 1
    return found


@kernel
def _list_squares(
    codes: Codes, critical: Words, lower: Words, links: Links, offsets: Offsets, region: Scratch, cells: Cells
) -> None:
    found = 0
    for i in range(codes.size):
        voxel = voxel_of(codes[i])
        squares, paired = np.int64(critical[voxel]) & _SQUARES, forest_edges(links[voxel])
        found = list_squares_of_voxel(voxel, squares, paired, lower, offsets, region, cells, found)


@kernel
def plant_divided_forest(early: Words, offsets: Offsets, grid: Grid, forest: Forest) -> None:
    """One step along the edge that each voxel is paired with."""
    for voxel in range(early.size):
        faces = early[voxel] & FACES
        forest[voxel] = voxel
        if faces:
            forest[voxel] = voxel + offsets[lowest_bit(faces)]
    fill_border(forest, grid, OUTSIDE)
