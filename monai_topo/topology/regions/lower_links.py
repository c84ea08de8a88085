"""Kernels of the neighbors of a voxel: those that are before it, its lower link, and the components of that.

A voxel is before another if its value is smaller, or equal with a smaller index. The neighbors of a row of voxels are
parts of other rows, so that what is done with them becomes vector code.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import Int, at, inlined_kernel, kernel

MAX_COMPONENTS = 8
"""Most components of a lower link: the eight corners around a voxel in 3D."""


class Surroundings(NamedTuple):
    """The neighbors of a voxel, by bit, and which of them are connected around it.

    Attributes:
        steps: int64 ``(n, 3)``, to each neighbor.
        offsets: int64, the same in flat indices.
        links: int64, for each neighbor the bits of those that it is connected with.
        vertices: int64, the bits of the neighbors that a path can step to. In face connectivity the others only connect
            these: two faces are connected by the voxel that shares an edge with both.
        order: int64, the bits of the vertices as numbers: the lower indices first, the nearest of either first.
    """

    steps: NDArray[np.int64]
    offsets: NDArray[np.int64]
    links: NDArray[np.int64]
    vertices: np.int64
    order: NDArray[np.int64]


@inlined_kernel
def overlap(z: Int, y: Int, shape: Any, around: Any, bit: Int) -> Any:
    """Where the part of a row begins that has neighbors in one direction, where those begin, and how many there are."""
    dz, dy, dx = around.steps[bit]
    inside = 0 <= z + dz < shape[0] and 0 <= y + dy < shape[1]
    here = (z * shape[1] + y) * shape[2] + max(-dx, 0)
    return (here, here + around.offsets[bit], shape[2] - abs(dx)) if inside else (np.int64(0), np.int64(0), np.int64(0))


@kernel
def find_lower_links(values: Any, z: Int, y: Int, shape: Any, around: Any, lower: Any) -> None:
    """The bits of the neighbors that are before each voxel of a row."""
    row = (z * shape[1] + y) * shape[2]
    for x in range(shape[2]):
        lower[x] = 0
    for bit in range(around.offsets.size):
        here, there, size = overlap(z, y, shape, around, bit)
        part, word = lower[here - row : here - row + size], np.int32(1 << bit)
        if there < here:
            _set_where_lower_or_equal(values[here : here + size], values[there : there + size], word, part)
        else:
            _set_where_lower(values[here : here + size], values[there : there + size], word, part)


@kernel
def _set_where_lower_or_equal(values: Any, others: Any, word: Int, lower: Any) -> None:
    for i in range(lower.size):
        lower[i] |= word if others[i] <= values[i] else np.int32(0)


@kernel
def _set_where_lower(values: Any, others: Any, word: Int, lower: Any) -> None:
    for i in range(lower.size):
        lower[i] |= word if others[i] < values[i] else np.int32(0)


@inlined_kernel
def is_saddle(lower: Int, around: Any) -> bool:
    """Whether a lower link has several components; no more of the first is found than has to be."""
    left = lower & around.vertices
    if left & (left - 1) == 0:
        return False
    frontier = left & -left
    found = frontier
    while frontier and left & ~found:
        reached = around.links[at(lowest_bit(frontier))] & lower & ~found
        found |= reached
        frontier = (frontier & (frontier - 1)) | reached
    return bool(left & ~found)


@inlined_kernel
def is_before(values: Any, voxel: Int, other: Int) -> bool:
    """Whether a voxel comes before another in the total order."""
    here, there = values[at(voxel)], values[at(other)]
    return bool(here < there or (here == there and voxel < other))


@inlined_kernel
def _component(bit: Int, lower: Int, links: Any) -> Int:
    """The bits of a lower link that are connected with one of them."""
    found = frontier = np.int64(1) << bit
    while frontier:
        reached = links[at(lowest_bit(frontier))] & lower & ~found
        found |= reached
        frontier = (frontier & (frontier - 1)) | reached
    return found


@kernel
def list_ends(values: Any, saddle: Int, lower: Int, around: Any, ends: Any) -> Int:
    """The first voxel of each component of a saddle's lower link, in the order of voxels; their number."""
    left = lower & around.vertices
    count = np.int64(0)
    while left:
        component = _component(lowest_bit(left), lower, around.links)
        end = _first_of(values, saddle, component & around.vertices, around)
        place = count
        while place and is_before(values, end, ends[place - 1]):
            ends[place] = ends[place - 1]
            place -= 1
        ends[place] = end
        left &= ~component
        count += 1
    return count


@inlined_kernel
def _first_of(values: Any, voxel: Int, bits: Int, around: Any) -> Int:
    first = voxel
    while bits:
        other = voxel + around.offsets[lowest_bit(bits)]
        first = other if is_before(values, other, first) else first
        bits &= bits - 1
    return first
