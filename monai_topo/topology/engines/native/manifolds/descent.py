"""Steepest descent over the graph of neighbor voxels, and the edges of a saddle.

The graph's edges join neighbors and belong to the later of the two in the total order. They enter in the order
(later voxel, earlier voxel), so that the first edge of a voxel is the one of steepest descent. That edge joins nothing
but the voxel itself; of the others only the first into each further component of the voxel's lower link can join two
components of the sublevel sets or close a loop that lives on. They are the edges of a saddle.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import inlined_kernel, kernel
from monai_topo.topology.engines.native.order.keys import order_code
from monai_topo.topology.engines.native.types import Codes, Forest, Grid, Int, Keys, Offsets, Voxel, Word
from monai_topo.topology.grid import neighbor_offsets, neighbor_steps

MAX_EDGES = 7
"""Most edges that a saddle can have: the eight corners around a voxel in 3D are a component each."""


class Neighborhood(NamedTuple):
    """The neighbors of a voxel in a padded grid, and which of them are connected in its link.

    Attributes:
        offsets: int64, offset of each neighbor, by bit as in ``neighbors``.
        links: int64, for each neighbor the bits of those that it is connected with in the link.
        vertices: the bits of the neighbors that an edge joins with the voxel. In face connectivity the others are only
            there to connect these: two faces are connected by the voxel that shares an edge with both.
        steps: int64, the offsets of those neighbors: the lower indices first, descending, then the higher ones.
        num_before: number of the steps that lead to lower indices.
    """

    offsets: NDArray[np.int64]
    links: NDArray[np.int64]
    vertices: int
    steps: NDArray[np.int64]
    num_before: int


def neighborhood(grid: tuple[int, int, int], full_connectivity: bool) -> Neighborhood:
    """The neighborhood of full or face connectivity in a padded grid; a depth of 1 is 2D."""
    shape = grid[1:] if grid[0] == 1 else grid
    steps, offsets = neighbor_steps(len(shape)), neighbor_offsets(shape)
    between, moved_axes = np.abs(steps[:, None] - steps), np.abs(steps).sum(axis=1)
    if full_connectivity:
        joined, linked = moved_axes > 0, between.max(axis=2) == 1
    else:
        joined, linked = moved_axes == 1, (between.sum(axis=2) == 1) & (moved_axes + moved_axes[:, None] == 3)
    before, after = -np.sort(-offsets[joined & (offsets < 0)]), np.sort(offsets[joined & (offsets > 0)])
    powers = 1 << np.arange(len(offsets))
    return Neighborhood(offsets, linked @ powers, int(joined @ powers), np.concatenate([before, after]), len(before))


@kernel
def step_down(keys: Keys, grid: Grid, around: Neighborhood, below: Forest, lowest: Keys) -> None:
    """Write the steepest step from every voxel: its neighbor that is first in the total order, or itself at a minimum.

    Rows are compared with shifted rows, which is what the compiler turns into vector code.

    Args:
        keys: int32, flat, padded.
        grid: shape of the padded grid.
        around: the :class:`Neighborhood`.
        below: int32, flat, padded, filled; a voxel of the border steps to itself.
        lowest: int32, scratch for one row.
    """
    depth, height, row = grid
    for voxel in range(below.size):
        below[voxel] = voxel
    for z in range(0 if depth == 1 else 1, max(depth - 1, 1)):
        for y in range(1, height - 1):
            start = (z * height + y) * row + 1
            _step_down_row(keys, below, start, lowest[: row - 2], around)


@kernel
def _step_down_row(keys: Keys, below: Forest, start: Int, lowest: Keys, around: Neighborhood) -> None:
    """Of equal keys the one that is taken last has the lowest index, before the voxel itself and after it alike."""
    here = below[start : start + lowest.size]
    for i in range(lowest.size):
        lowest[i] = keys[start + i]
    for k in range(around.steps.size):
        first = start + around.steps[k]
        there = keys[first : first + lowest.size]
        if k < around.num_before:
            _take_lower_or_equal(there, np.int32(first), lowest, here)
        else:
            _take_lower(there, np.int32(first), lowest, here)


@kernel
def _take_lower_or_equal(there: Keys, first: Int, lowest: Keys, here: Forest) -> None:
    for i in range(here.size):
        better = there[i] <= lowest[i]
        lowest[i] = there[i] if better else lowest[i]
        here[i] = first + np.int32(i) if better else here[i]


@kernel
def _take_lower(there: Keys, first: Int, lowest: Keys, here: Forest) -> None:
    for i in range(here.size):
        better = there[i] < lowest[i]
        lowest[i] = there[i] if better else lowest[i]
        here[i] = first + np.int32(i) if better else here[i]


@kernel
def list_saddle_edges(voxel: Voxel, keys: Keys, around: Neighborhood, ends: Codes) -> Int:
    """Write the earlier ends of the edges of a saddle, as order codes in the order in which the edges enter.

    Args:
        voxel: the saddle, which is the later end of them all.
        keys: int32, flat, padded.
        around: the :class:`Neighborhood`.
        ends: int64 of ``MAX_EDGES`` + 1, filled; the first is the end of the steepest edge, which is none of them.

    Returns:
        One more than the number of edges: the number of components of the lower link.
    """
    lower = _lower_neighbors(voxel, keys, around.offsets)
    left = lower & around.vertices
    count = 0
    while left:
        component = _component_of(lowest_bit(left), lower, around.links)
        ends[count] = _first_in_order(voxel, component & around.vertices, keys, around.offsets)
        left &= ~component
        count += 1
    _sort(ends, count)
    return count


@inlined_kernel
def _lower_neighbors(voxel: Voxel, keys: Keys, offsets: Offsets) -> Int:
    here, lower = order_code(keys, voxel), 0
    for bit in range(offsets.size):
        if order_code(keys, voxel + offsets[bit]) < here:
            lower |= 1 << bit
    return lower


@inlined_kernel
def _component_of(bit: Int, lower: Word, links: Offsets) -> Int:
    found = frontier = 1 << bit
    while frontier:
        reached = links[lowest_bit(frontier)] & lower & ~found
        found |= reached
        frontier = (frontier & (frontier - 1)) | reached
    return found


@inlined_kernel
def _first_in_order(voxel: Voxel, bits: Int, keys: Keys, offsets: Offsets) -> Int:
    first = order_code(keys, voxel)
    while bits:
        first = min(first, order_code(keys, voxel + offsets[lowest_bit(bits)]))
        bits &= bits - 1
    return first


@inlined_kernel
def _sort(codes: Codes, count: Int) -> None:
    for i in range(1, count):
        code, k = codes[i], i
        while k and codes[k - 1] > code:
            codes[k] = codes[k - 1]
            k -= 1
        codes[k] = code
