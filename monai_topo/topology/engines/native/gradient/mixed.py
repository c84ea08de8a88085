"""Edges that belong to different voxels in two orders, in one word a voxel.

The mixed word of a voxel says which of its edges in the first order are another voxel's in the second (bits 0 to 5),
for each of them toward which neighbor the square lies that it is paired with (three bits each), and which have none and
stay critical (the last six bits). See ``shared`` for the gradient that this is part of.
"""

from __future__ import annotations

import numpy as np

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import (
    BESIDE,
    EDGE_BETWEEN,
    EDGE_ENDS,
    EDGE_SIDES,
    TRIANGLE_BITS,
    link_edges,
)
from monai_topo.topology.engines.native.order.neighbors import FACES
from monai_topo.topology.engines.native.types import Int, Mixed, Offsets, Voxel, Word, Words

_CRITICAL_BITS = 24


def _edges_toward(direction: int, others: int) -> int:
    return sum(1 << max(EDGE_BETWEEN[direction, j], 0) for j in range(6) if others >> j & 1)


_EDGES_TOWARD = np.array([[_edges_toward(i, others) for others in range(1 << 6)] for i in range(6)], np.int64)
"""For a link vertex and others, as bits, the link edges between it and them."""

_CUBES_AROUND = np.array([[t for t in range(8) if TRIANGLE_BITS[t] >> i & 1] for i in range(6)])
"""For a link vertex the four link triangles at it."""


def _connected(direction: int, cubes: int, start: int) -> int:
    reached = 1 << start
    links = [
        int(TRIANGLE_BITS[_CUBES_AROUND[at(direction), k]]) & FACES & ~(1 << direction)
        for k in range(4)
        if cubes >> k & 1
    ]
    for _ in range(4):
        for link in links:
            reached |= link if link & reached else 0
    return reached


_CONNECTED = np.array(
    [[[_connected(i, cubes, j) for j in range(6)] for cubes in range(16)] for i in range(6)], np.uint8
)
"""For a link vertex, some cubes around it (bits in the order of ``_CUBES_AROUND``) and a direction beside it: all
directions that these cubes connect with that one, as bits."""


@inlined_kernel
def mixed_word(voxel: Voxel, edges: Int, lower_a: Words, lower_b: Words, offsets: Offsets) -> Int:
    """The mixed word of a voxel, of whose edges in the first order some are another voxel's in the second."""
    word = edges
    own = link_edges(np.int64(lower_a[at(voxel)]))
    for i in range(6):
        if (edges >> i) & 1:
            squares = _squares_around(i, own, link_edges(np.int64(lower_b[at(voxel + offsets[at(i)])])))
            word |= lowest_bit(squares) << (6 + 3 * i) if squares else 1 << (_CRITICAL_BITS + i)
    return word


@inlined_kernel
def _squares_around(direction: Int, own: Int, across: Int) -> Int:
    """The squares of the same two voxels as a mixed edge, as bits of the directions in which they lie from it.

    Args:
        direction: step from the voxel that the edge belongs to in the first order to that in the second.
        own: link edges of the first voxel in the first order.
        across: link edges of the second voxel in the second order.
    """
    return int(np.int64(BESIDE[at(direction), at(own)]) & np.int64(BESIDE[at(direction ^ 1), at(across)]))


@kernel
def paired_with_mixed_edges(voxel: Voxel, mixed: Mixed, offsets: Offsets) -> Int:
    """The squares, link edges of a voxel in the second order, that are paired with mixed edges."""
    squares = 0
    for i in range(6):
        word = np.int64(mixed[at(voxel + offsets[at(i)])])
        if (mixed_edges(word) & ~critical_mixed_edges(word)) >> (i ^ 1) & 1:
            squares |= 1 << EDGE_BETWEEN[i, at(mixed_parent(word, i ^ 1))]
    return squares


@inlined_kernel
def critical_among(squares: Int, voxel: Voxel, lower_a: Words, lower_b: Words, offsets: Offsets, mixed: Mixed) -> Int:
    """Those of some mixed squares, link edges of their voxel in the second order, that no edge and no cube takes."""
    critical = alone = squares
    lower, own = np.int64(lower_b[at(voxel)]), link_edges(np.int64(lower_b[at(voxel)]))
    beside = lower & ~np.int64(lower_a[at(voxel)]) & FACES
    while beside:
        i = lowest_bit(beside)
        beside &= beside - 1
        owner = voxel + offsets[at(i)]
        around = _squares_around(i ^ 1, link_edges(np.int64(lower_a[at(owner)])), own)
        if around:
            start = mixed_parent(np.int64(mixed[at(owner)]), i ^ 1)
            taken = around if around == 1 << start else _squares_connected(voxel, i, start, lower_a, lower_b, offsets)
            alone &= ~_EDGES_TOWARD[at(i), at(around)]
            critical &= ~_EDGES_TOWARD[at(i), at(taken)]
    while alone:
        edge = lowest_bit(alone)
        alone &= alone - 1
        if _has_mixed_cube(voxel, edge, lower_a, lower_b, offsets):
            critical &= ~(1 << edge)
    return int(critical)


@inlined_kernel
def _has_mixed_cube(voxel: Voxel, edge: Int, lower_a: Words, lower_b: Words, offsets: Offsets) -> bool:
    """Whether a cube on a side of a mixed square belongs to the same two voxels, which are opposite in it."""
    ends = EDGE_ENDS[at(edge)]
    owner = voxel + offsets[ends[0]] + offsets[ends[1]]
    for side in range(2):
        cube = EDGE_SIDES[at(edge), side]
        across = cube ^ (4 >> (ends[0] >> 1)) ^ (4 >> (ends[1] >> 1))
        if _has_cube(np.int64(lower_b[at(voxel)]), cube) and _has_cube(np.int64(lower_a[at(owner)]), across):
            return True
    return False


@inlined_kernel
def _squares_connected(
    voxel: Voxel, direction: Int, start: Int, lower_a: Words, lower_b: Words, offsets: Offsets
) -> Int:
    """The squares around a mixed edge that cubes of the same two voxels connect with one, as bits of directions.

    Args:
        voxel: the voxel that the edge belongs to in the second order.
        direction: step from it to the other.
        start: the direction of the square to start from.
        lower_a: words of the first order.
        lower_b: words of the second order.
        offsets: offset of each neighbor, by bit.
    """
    own, across = np.int64(lower_b[at(voxel)]), np.int64(lower_a[at(voxel + offsets[at(direction)])])
    cubes = 0
    for k in range(4):
        cube = _CUBES_AROUND[at(direction), k]
        if _has_cube(own, cube) and _has_cube(across, cube ^ (4 >> (direction >> 1))):
            cubes |= 1 << k
    return int(_CONNECTED[at(direction), at(cubes), at(start)])


@inlined_kernel
def _has_cube(lower: Word, cube: Int) -> bool:
    return bool(TRIANGLE_BITS[at(cube)] & ~lower == 0)


@inlined_kernel
def mixed_parent(mixed_word: Word, direction: Int) -> Int:
    """The direction in which the square of a mixed edge lies that is not critical."""
    return (mixed_word >> (6 + 3 * direction)) & 0x7


@inlined_kernel
def mixed_edges(mixed_word: Word) -> Int:
    """The voxel's mixed edges, as bits."""
    return mixed_word & FACES


@inlined_kernel
def critical_mixed_edges(mixed_word: Word) -> Int:
    """The voxel's mixed edges that have no square, as bits."""
    return mixed_word >> _CRITICAL_BITS


@inlined_kernel
def shared_word(words: Words, mixed: Mixed, voxel: Voxel) -> Int:
    """The neighbors that both orders have before a voxel."""
    return int(np.int64(words[at(voxel)]) & ~mixed_edges(np.int64(mixed[at(voxel)])))
