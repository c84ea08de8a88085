"""Components and when they merge: union-find with the elder rule, for dimension 0 and for the dual top dimension.

In ascending order, components of the sublevel sets are born at minima and merge across critical edges: dimension 0.
In descending order the same happens to the upper voxels, which with the outside are the dual complex: components
merge across critical cells of codimension 1, and a merge at voxel s of a component with summit m is a class of the
top dimension that is born at s and dies at m.

Invariant: ``parent`` is a forest; following it from a voxel stays in the voxel's component and ends at its minimum
(maximum). It starts as one step to any lower (upper) neighbor from every voxel, which merges nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.engines.native.neighbors import lowest_bit
from monai_topo.topology.engines.native.order import fill_border, order_code
from monai_topo.topology.kernel import allocating_kernel, inlined_kernel, kernel

UNPAIRED = -1
OUTSIDE = 0
"""The padded voxel that stands for all of the border."""


@allocating_kernel
def plant_forest(lower: Any, offsets: Any, kind: tuple[int, int, int], ascending: bool, grid: Any, parent: Any) -> None:
    """Set the forest to one step from every voxel to a lower (upper) neighbor; the border is one tree, ``OUTSIDE``.

    Args:
        lower: the words of lower neighbors.
        offsets: offset of each neighbor, by bit.
        kind: the first and the number of the bits to look at first, by table, and the bits to look at if none is set.
            Diagonal steps first make short paths.
        ascending: step to lower neighbors.
        grid: shape of the padded grid.
        parent: int32, flat, padded, filled.
    """
    first, count, others = kind
    step = np.zeros(1 << count, np.int32)
    for bit in range(count):
        for word in range(1 << bit, 1 << (bit + 1)):
            step[word] = offsets[first + bit]
    flip = 0 if ascending else -1
    _step_by_table(lower, parent, step, first, flip)
    if others:
        _step_by_bit(lower, parent, offsets, others, flip)
    fill_border(parent, grid, OUTSIDE)


@kernel
def _step_by_table(lower: Any, parent: Any, step: Any, first: int, flip: int) -> None:
    last = step.size - 1
    for voxel in range(parent.size):
        parent[voxel] = voxel + step[((lower[voxel] ^ flip) >> first) & last]


@kernel
def _step_by_bit(lower: Any, parent: Any, offsets: Any, others: int, flip: int) -> None:
    for voxel in range(parent.size):
        if parent[voxel] == voxel:
            sought = np.int64(lower[voxel] ^ flip) & others
            if sought:
                parent[voxel] = voxel + offsets[lowest_bit(sought)]


@kernel
def merge_in_order(cells: Any, partner: Any, parent: Any, keys: Any, ascending: bool) -> None:
    """Merge the components on the two sides of each critical cell, the younger into the elder.

    Args:
        cells: critical cells in the total order: row 1 and row 2 hold a voxel on either side of each.
        partner: int32, filled: the minimum (maximum) whose component each cell merges away, or ``UNPAIRED``.
        parent: the forest, updated.
        keys: int32, flat, padded.
        ascending: sublevel components; otherwise the superlevel ones, cells taken from last to first.
    """
    for i in range(partner.size):
        cell = i if ascending else partner.size - 1 - i
        a = find_root(cells[1, cell], parent)
        b = find_root(cells[2, cell], parent)
        if a == b:
            partner[cell] = UNPAIRED
            continue
        a_is_elder = (order_code(keys, a) < order_code(keys, b)) == ascending
        elder, younger = (a, b) if a_is_elder else (b, a)
        parent[younger] = elder
        partner[cell] = younger


@inlined_kernel
def find_root(voxel: int, parent: Any) -> int:
    """The elder minimum (maximum) of the voxel's component; shortens the path on the way.

    Four steps at a time: a short path then costs no branch that the processor guesses wrong.
    """
    voxel = np.int64(voxel)
    while True:
        third = parent[parent[parent[voxel]]]
        root = parent[third]
        parent[voxel] = root
        voxel = np.int64(root)
        if root == third:
            return voxel
