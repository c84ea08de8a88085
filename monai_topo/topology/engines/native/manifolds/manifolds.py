"""The stable manifolds of a field: the curves down from its saddles, and the sheets between its basins.

The forest of a threshold has the edge of steepest descent of every voxel that is no minimum, and those edges of saddles
that merge away a minimum whose persistence is at most the threshold. Each tree holds one minimum that lives longer and
is rooted there. Which minima live longer, and at which voxels a loop is born that does, is what persistence pairs say:
the kernels are given it as flags and compute no persistence.

All is for sublevel sets; of a likelihood, which is filtered by superlevel sets, the minima are the peaks.

Source: Dey, Wang, Wang, "Graph reconstruction by discrete Morse theory", SoCG (2018).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, entry_kernel, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.saddles import sorted_saddles
from monai_topo.topology.engines.native.manifolds.descent import MAX_EDGES, Neighborhood, list_saddle_edges, step_down
from monai_topo.topology.engines.native.order.keys import ABOVE_ALL, fill_border, surround, voxel_of
from monai_topo.topology.engines.native.pairing.components import ASCENDING, UNPAIRED, find_root, merge_in_order
from monai_topo.topology.engines.native.types import (
    Array,
    Cells,
    Codes,
    Field,
    Flags,
    Forest,
    Grid,
    Int,
    Keys,
    Mask,
    Offsets,
    Partners,
    Voxel,
)

IS_SADDLE = 1
"""Flag of a voxel where components merge or a loop is born."""
STARTS_LOOP = 2
"""Flag of a voxel where a loop of more persistence than the threshold is born."""
IS_SHALLOW = 4
"""Flag of a minimum of at most the threshold's persistence."""

_NONE = -1


@entry_kernel
def mark_curves(field: Field, is_float: bool, flags: Flags, grid: Grid, around: Neighborhood) -> Any:
    """Mark the paths down the forest from both ends of every edge of more persistence than the threshold.

    Args:
        field: int32 ``(D, H, W)`` from ``field.to_integers``; 2D fields have D = 1.
        is_float: whether they are the bits of float32 numbers.
        flags: uint8, flat, padded.
        grid: shape of the padded grid.
        around: the ``Neighborhood`` in it.

    Returns:
        bool, flat, padded.
    """
    keys, below = _descend(field, is_float, grid, around)
    edges = _saddle_edges(keys, flags, around)
    basins, merged = _merge_basins(edges, below, keys)
    _root_trees(below, edges, basins, merged, flags)
    mask = np.zeros(below.size, np.bool_)
    for i in range(merged.size):
        if _lasts(edges[0, i], merged[i], flags):
            _mark_path(edges[1, i], below, mask)
            _mark_path(edges[2, i], below, mask)
    return mask


@entry_kernel
def mark_sheets(field: Field, is_float: bool, flags: Flags, grid: Grid, around: Neighborhood) -> Any:
    """Mark both voxels of every edge between two trees of the forest; see :func:`mark_curves`."""
    keys, trees = _descend(field, is_float, grid, around)
    edges = _saddle_edges(keys, flags, around)
    _, merged = _merge_basins(edges, trees, keys)
    _join_trees(trees, edges, merged, flags)
    _name_trees(trees, grid)
    mask = np.zeros(trees.size, np.bool_)
    _mark_borders(trees, grid, around.steps[around.num_before :], mask)
    return mask


@allocating_kernel
def _descend(field: Field, is_float: bool, grid: Grid, around: Neighborhood) -> Any:
    """The keys of a field, and the steepest step from every voxel."""
    keys = np.empty(grid[0] * grid[1] * grid[2], np.int32)
    surround(field, is_float, keys, ABOVE_ALL, False)
    below = np.empty(keys.size, np.int32)
    step_down(keys, grid, around, below, np.empty(grid[2], np.int32))
    return keys, below


@allocating_kernel
def _saddle_edges(keys: Keys, flags: Flags, around: Neighborhood) -> Any:
    """The edges of all saddles in the order in which they enter, rows as in ``merge_in_order``."""
    saddles = sorted_saddles(keys, flags, IS_SADDLE, _count_saddles(flags))
    edges = np.empty((3, MAX_EDGES * saddles.size), np.int32)
    count = _list_edges(saddles, keys, around, np.empty(MAX_EDGES + 1, np.int64), edges)
    return edges[:, :count]


@allocating_kernel
def _merge_basins(edges: Cells, below: Forest, keys: Keys) -> Any:
    """Merge the components that the edges join.

    Returns:
        The basins of both ends, named by their minima; and the minimum that each edge merges away, or ``UNPAIRED``.
    """
    basins = np.empty((2, edges.shape[1]), np.int32)
    roots = below.copy()
    _find_basins(edges, roots, basins)
    return basins, merge_in_order(edges, roots, keys, ASCENDING)


@kernel
def _count_saddles(flags: Flags) -> Int:
    count = 0
    for voxel in range(flags.size):
        count += 1 if flags[voxel] & IS_SADDLE else 0
    return count


@kernel
def _list_edges(saddles: Codes, keys: Keys, around: Neighborhood, ends: Codes, edges: Cells) -> Int:
    found = 0
    for i in range(saddles.size):
        saddle = voxel_of(saddles[i])
        for k in range(1, list_saddle_edges(saddle, keys, around, ends)):
            edges[0, found] = edges[1, found] = saddle
            edges[2, found] = voxel_of(ends[k])
            found += 1
    return found


@kernel
def _find_basins(edges: Cells, roots: Forest, basins: Cells) -> None:
    for i in range(basins.shape[1]):
        basins[0, i] = find_root(np.int64(edges[1, i]), roots)
        basins[1, i] = find_root(np.int64(edges[2, i]), roots)


@inlined_kernel
def _is_in_forest(merged: Int, flags: Flags) -> bool:
    return merged != UNPAIRED and flags[merged] & IS_SHALLOW != 0


@inlined_kernel
def _lasts(saddle: Voxel, merged: Int, flags: Flags) -> bool:
    if merged == UNPAIRED:
        return bool(flags[saddle] & STARTS_LOOP != 0)
    return bool(flags[merged] & IS_SHALLOW == 0)


@allocating_kernel
def _root_trees(below: Forest, edges: Cells, basins: Cells, merged: Partners, flags: Flags) -> None:
    """Join basins to trees, every path of which ends at the minimum that lives longer than the threshold.

    ``leaving`` holds for every minimum the first of the half-edges that leave its basin, ``following`` for each half-
    edge the next one. Half-edge 2 i + side leaves the basin on that side of edge i.
    """
    leaving = np.full(below.size, _NONE, np.int32)
    following = np.empty(2 * merged.size, np.int32)
    for half in range(following.size):
        if _is_in_forest(merged[half >> 1], flags):
            minimum = basins[half & 1, half >> 1]
            following[half] = leaving[minimum]
            leaving[minimum] = half
    stack = np.empty(merged.size + 1, np.int32)
    for half in range(following.size):
        minimum = basins[half & 1, half >> 1]
        if leaving[minimum] != _NONE and flags[minimum] & IS_SHALLOW == 0:
            _turn_tree(minimum, below, edges, basins, leaving, following, stack)


@kernel
def _turn_tree(
    root: Voxel, below: Forest, edges: Cells, basins: Cells, leaving: Array, following: Array, stack: Array
) -> None:
    """Turn the basins around ``root``, so that each ends at the edge to the basin nearer to it."""
    stack[0], size = root, 1
    while size:
        size -= 1
        minimum = stack[size]
        half = leaving[minimum]
        leaving[minimum] = _NONE
        while half != _NONE:
            edge, side = half >> 1, half & 1
            other = basins[1 - side, edge]
            if leaving[other] != _NONE:  # otherwise it is the basin that this one was reached from
                _turn_path(edges[2 - side, edge], edges[1 + side, edge], below)
                stack[size] = other
                size += 1
            half = following[half]


@kernel
def _turn_path(voxel: Voxel, end: Int, below: Forest) -> None:
    """Turn the path from a voxel down to its minimum around, so that it leads to the voxel and on to ``end``."""
    following = below[voxel]
    while following != voxel:
        below[voxel] = end
        voxel, end, following = following, voxel, below[following]
    below[voxel] = end


@kernel
def _mark_path(voxel: Voxel, below: Forest, mask: Mask) -> None:
    while not mask[voxel]:
        mask[voxel] = True
        voxel = below[voxel]


@kernel
def _join_trees(below: Forest, edges: Cells, merged: Partners, flags: Flags) -> None:
    for i in range(merged.size):
        if _is_in_forest(merged[i], flags):
            below[find_root(np.int64(edges[1, i]), below)] = find_root(np.int64(edges[2, i]), below)


@kernel
def _name_trees(below: Forest, grid: Grid) -> None:
    """Let every voxel point at the root of its tree, and the border at nothing."""
    for voxel in range(below.size):
        below[voxel] = find_root(voxel, below)
    fill_border(below, grid, _NONE)


@kernel
def _mark_borders(trees: Forest, grid: Grid, steps: Offsets, mask: Mask) -> None:
    """Mark both voxels of every edge between two trees; ``steps`` lead to the neighbors of higher index."""
    depth, height, row = grid
    for z in range(0 if depth == 1 else 1, max(depth - 1, 1)):
        for y in range(1, height - 1):
            start = (z * height + y) * row + 1
            stop = start + row - 2
            for k in range(steps.size):
                first, last = start + steps[k], stop + steps[k]
                _mark_where_cut(trees[start:stop], trees[first:last], mask[start:stop])
                _mark_where_cut(trees[start:stop], trees[first:last], mask[first:last])


@kernel
def _mark_where_cut(trees: Forest, trees_there: Forest, mask: Mask) -> None:
    for i in range(mask.size):
        mask[i] |= (trees[i] != trees_there[i]) & (trees_there[i] != _NONE)
