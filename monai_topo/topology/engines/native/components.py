"""Components and when they merge: union-find with the elder rule, for dimension 0 and for the dual top dimension.

In ascending order, components of the sublevel sets are born at minima and merge across critical edges; that is
dimension 0. In descending order the same happens to the upper voxels, which with the outside are the dual complex: their
components merge across critical cells of codimension 1, and a merge at voxel s of a component with summit m is a class
of the top dimension that is born at s and dies at m.

Invariant: ``parent`` is a forest over the voxels visited so far. An entry below zero was not visited; its parent is any
lower (upper) neighbor, which lies in the same component, so a voxel is looked at only when a path leads over it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.engines.native.kernel import allocating_kernel, kernel
from monai_topo.topology.engines.native.order import fill_border, order_code

UNPAIRED = -1
OUTSIDE = 0
"""The padded voxel that stands for all of the border."""
_UNVISITED = -1


@allocating_kernel
def new_forest(size: int, grid: tuple[int, int, int]) -> Any:
    """A forest of unvisited voxels over a padded grid, with all of its border in one tree, ``OUTSIDE``."""
    parent = np.empty(size, np.int32)
    for voxel in range(size):
        parent[voxel] = _UNVISITED
    fill_border(parent, grid, OUTSIDE)
    return parent


@kernel
def merge_in_order(
    cells: Any, partner: Any, parent: Any, keys: Any, lower: Any, offsets: Any, allowed: int, ascending: bool
) -> None:
    """Merge the components on the two sides of each critical cell, the younger into the elder.

    Args:
        cells: critical cells in the total order: row 1 and row 2 hold a voxel on either side of each.
        partner: int32, filled: the minimum (maximum) whose component each cell merges away, or ``UNPAIRED``.
        parent: the forest, updated.
        keys: int32, flat, padded.
        lower: the words of lower neighbors.
        offsets: offset of each neighbor, by bit.
        allowed: bits of the neighbors that count as connected.
        ascending: sublevel components; otherwise the superlevel ones, cells taken from last to first.
    """
    for i in range(partner.size):
        cell = i if ascending else partner.size - 1 - i
        a = find_root(cells[1, cell], parent, lower, offsets, allowed, ascending)
        b = find_root(cells[2, cell], parent, lower, offsets, allowed, ascending)
        if a == b:
            partner[cell] = UNPAIRED
            continue
        a_is_elder = (order_code(keys, a) < order_code(keys, b)) == ascending
        elder, younger = (a, b) if a_is_elder else (b, a)
        parent[younger] = elder
        partner[cell] = younger


@kernel
def find_root(voxel: int, parent: Any, lower: Any, offsets: Any, allowed: int, ascending: bool) -> int:
    """The elder minimum (maximum) of the voxel's component; halves the path on the way."""
    voxel = np.int64(voxel)
    while True:
        above = _parent(voxel, parent, lower, offsets, allowed, ascending)
        if above == voxel:
            return voxel
        top = _parent(above, parent, lower, offsets, allowed, ascending)
        parent[voxel] = top
        voxel = top


@kernel
def _parent(voxel: int, parent: Any, lower: Any, offsets: Any, allowed: int, ascending: bool) -> int:
    if parent[voxel] == _UNVISITED:
        sought = np.int64(lower[voxel] if ascending else ~lower[voxel]) & allowed
        parent[voxel] = voxel + offsets[_lowest_bit(sought)] if sought else voxel
    return np.int64(parent[voxel])


@kernel
def _lowest_bit(word: int) -> int:
    bit = 0
    while not (word >> bit) & 1:
        bit += 1
    return bit
