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
    voxel: Voxel, squares: Int, paired: Int, lower: Words, offsets: Offsets, region: Scratch, cells: Cells, found: Int
) -> Int:
    """List some critical squares of a voxel, link edges as bits; ``paired`` are those that are paired with edges.

    Regions are connected through all squares but these two kinds, so also through those paired with cubes.
    """
    name_regions(squares | paired, 0, region)
    _name_by_upper_cubes(np.int64(lower[voxel]), region)
    while squares:
        e = lowest_bit(squares)
        squares &= squares - 1
        cells[0, found], cells[3, found] = voxel, e
        for side in range(2):
            cells[1 + side, found] = _side(voxel, region[EDGE_SIDES[e, side]], lower, offsets)
        found += 1
    return found


@kernel
def _name_by_upper_cubes(lower: Word, region: Scratch) -> None:
    """Name each region by a cube that does not belong to the voxel, where it has one."""
    for cube in range(8):
        name = region[cube]
        if name < 8 and TRIANGLE_BITS[cube] & ~lower:
            for other in range(8):
                if region[other] == name:
                    region[other] = 8 + cube
    for cube in range(8):
        region[cube] &= 7


@inlined_kernel
def _side(voxel: Voxel, cube: Int, lower: Words, offsets: Offsets) -> Int:
    """An upper voxel in a cube, or if the cube belongs to the voxel a negative number that stands for it."""
    upper = TRIANGLE_BITS[cube] & ~np.int64(lower[voxel])
    return int(voxel + offsets[lowest_bit(upper)] if upper else ~cube)
