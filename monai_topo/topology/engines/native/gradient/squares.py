"""The critical squares of one voxel in 3D, and the two upper sides that each of them separates.

The complement of the lower link on the sphere around the voxel falls into regions, one for each component of its upper
neighbors (26-connectivity). Tree and cotree: link edges outside the forest connect the triangles and regions of the
sphere to one piece. Triangles that are there grow onto a region through such an edge, which pairs the square with the
cube; the edges that are left then join different regions and are the critical squares.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import (
    EDGE_SIDES,
    LINK_BITS,
    TRIANGLE_BITS,
    forest_edges,
    link_edges,
    triangles,
)
from monai_topo.topology.engines.native.types import Cells, Int, Link, Offsets, Scratch, Voxel, Word, Words

_UNKNOWN = -1


def _regions() -> NDArray[np.int32]:
    edges = np.arange(1 << 12)
    names = np.tile(np.arange(8), (len(edges), 1))
    for _ in range(7):
        for e, (first, second) in enumerate(EDGE_SIDES):
            joint = np.minimum(names[:, first], names[:, second])
            for t in (first, second):
                names[:, t] = np.where(edges >> e & 1, names[:, t], joint)
    return np.asarray((names << 3 * np.arange(8)).sum(axis=1), np.int32)


_REGIONS = _regions()
"""For each set of link edges the region of every triangle, three bits each: its first one, through edges not in it."""


def _region_cubes() -> NDArray[np.uint8]:
    names = _REGIONS[:, None] >> 3 * np.arange(8) & 7
    return np.packbits(names[:, :, None] == names[:, None, :], axis=2, bitorder="little")[:, :, 0]


_REGION_CUBES = _region_cubes()
"""For each set of link edges and each triangle the triangles of its region, as bits."""


@kernel
def critical_squares(word: Word, lower: Word, link: Link, region: Scratch, found: Scratch) -> Int:
    """List the critical squares of a voxel as link edges.

    Args:
        word: the voxel's lower neighbors.
        lower: likewise, but with those that are lower in only one of two orders: regions are connected through
            squares that are not there either.
        link: its link, from ``link_of``.
        region: int64 of 8, filled with the region of every link triangle, named by one of its missing triangles.
        found: int64 of 12, filled with the link edges.

    Returns:
        How many there are.
    """
    edges = link_edges(word)
    cotree = edges & ~forest_edges(link)
    around = edges if lower == word else link_edges(lower)
    name_regions(around, triangles(link) & (word >> LINK_BITS), region)
    cotree = attach_triangles(cotree, region)
    count = 0
    while cotree:
        found[count] = lowest_bit(cotree)
        cotree &= cotree - 1
        count += 1
    return count


@kernel
def upper_neighbor(word: Word, triangle: Int) -> Int:
    """The bit index of an upper neighbor of the voxel within the cube of a missing link triangle."""
    return lowest_bit(TRIANGLE_BITS[at(triangle)] & ~word)


@kernel
def name_regions(edges: Int, present: Int, region: Scratch) -> None:
    """Name the regions: missing triangles are connected through missing edges."""
    names = np.int64(_REGIONS[edges])
    for t in range(8):
        region[t] = _UNKNOWN if (present >> t) & 1 else (names >> (3 * t)) & 0x7


@kernel
def attach_triangles(cotree: Int, region: Scratch) -> Int:
    """Grow the regions over the triangles that are there; return the cotree edges that were not needed."""
    changed = True
    while changed:
        changed = False
        left = cotree
        while left:
            e = at(lowest_bit(left))
            first, second = at(EDGE_SIDES[e, 0]), at(EDGE_SIDES[e, 1])
            if (region[first] == _UNKNOWN) != (region[second] == _UNKNOWN):
                region[first] = region[second] = max(region[first], region[second])
                cotree &= ~(left & -left)
                changed = True
            left &= left - 1
    return cotree


@inlined_kernel
def list_squares_of_voxel(
    voxel: Voxel, squares: Int, paired: Int, owned: Int, lower: Words, offsets: Offsets, cells: Cells, found: Int
) -> Int:
    """List some critical squares of a voxel, link edges as bits.

    Args:
        voxel: the voxel.
        squares: its squares.
        paired: those that are paired with edges: regions are connected through all squares but these two kinds.
        owned: cubes that belong to the voxel, as bits.
        lower: words of lower neighbors.
        offsets: offset of each neighbor, by bit.
        cells: int32 ``(4, n)``: owner, the two sides, link edge.
        found: number of squares that are listed already.

    Returns:
        How many are listed now.
    """
    around, word = at(squares | paired), np.int64(lower[at(voxel)])
    while squares:
        e = lowest_bit(squares)
        squares &= squares - 1
        cells[0, at(found)], cells[3, at(found)] = voxel, e
        for side in range(2):
            region = np.int64(_REGION_CUBES[around, at(EDGE_SIDES[at(e), side])])
            cells[1 + side, at(found)] = _side(voxel, region, owned, word, offsets)
        found += 1
    return found


@inlined_kernel
def _side(voxel: Voxel, region: Int, owned: Int, word: Word, offsets: Offsets) -> Int:
    """An upper voxel in a region, or if all its cubes belong to the voxel a negative number that stands for it."""
    others = region & ~owned
    if others == 0:
        return ~lowest_bit(region)
    upper = TRIANGLE_BITS[at(lowest_bit(others))] & ~word
    return int(voxel + offsets[at(lowest_bit(upper))])
