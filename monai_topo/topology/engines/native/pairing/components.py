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

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.order.keys import fill_border, order_code
from monai_topo.topology.engines.native.types import (
    Cells,
    Forest,
    ForestSteps,
    Grid,
    Int,
    Keys,
    Offsets,
    Partners,
    Voxel,
    Words,
)

UNPAIRED = -1
ASCENDING: Any = np.bool_(True)
DESCENDING: Any = np.bool_(False)
OUTSIDE = np.int64(0)
"""The padded voxel that stands for all of the border."""

_BLOCK = 4096
"""Voxels whose words and steps stay in the fastest cache meanwhile."""


@kernel
def plant_forest(
    lower: Words, offsets: Offsets, kind: ForestSteps, ascending: bool, grid: Grid, parent: Forest
) -> None:
    """Set the forest to one step from every voxel to a lower (upper) neighbor; the border is one tree, ``OUTSIDE``.

    Args:
        lower: the words of lower neighbors.
        offsets: offset of each neighbor, by bit.
        kind: neighbors to look at first, and those to look at if none of these is lower (upper).
        ascending: step to lower neighbors.
        grid: shape of the padded grid.
        parent: int32, flat, padded, filled.
    """
    flip = np.int32(0 if ascending else -1)
    for start in range(0, parent.size, _BLOCK):
        words, steps = lower[start : start + _BLOCK], parent[start : start + _BLOCK]
        steps[:] = 0
        for bit in range(kind.first, kind.stop, 2):
            neighbors = np.int32(offsets[bit]), np.int32(offsets[bit + 1])
            _step_to_either(words, flip, (np.int32(1 << bit), np.int32(2 << bit)), neighbors, steps)
        if kind.others:
            _step_to_any(words, flip, kind.others, offsets, steps)
        _add_places(steps, np.int32(start))
    fill_border(parent, grid, OUTSIDE)


@kernel
def _step_to_either(words: Words, flip: Int, bits: tuple[Int, Int], neighbors: tuple[Int, Int], steps: Forest) -> None:
    """Step to one of two neighbors from where it is lower (upper): a loop that the compiler turns into vector code."""
    for i in range(steps.size):
        step = neighbors[0] if (words[i] ^ flip) & bits[0] else steps[i]
        steps[i] = neighbors[1] if (words[i] ^ flip) & bits[1] else step


@kernel
def _step_to_any(words: Words, flip: Int, bits: Int, offsets: Offsets, steps: Forest) -> None:
    for i in range(steps.size):
        if steps[i] == 0:
            sought = np.int64(words[i] ^ flip) & bits
            if sought:
                steps[i] = offsets[lowest_bit(sought)]


@kernel
def _add_places(steps: Forest, start: Int) -> None:
    for i in range(steps.size):
        steps[i] += start + np.int32(i)


@allocating_kernel
def merge_in_order(cells: Cells, parent: Forest, keys: Keys, ascending: bool) -> Any:
    """Merge the components on the two sides of each critical cell, the younger into the elder.

    Args:
        cells: critical cells in the total order: row 1 and row 2 hold a voxel on either side of each.
        parent: the forest, updated.
        keys: int32, flat, padded.
        ascending: sublevel components; otherwise the superlevel ones, cells taken from last to first.

    Returns:
        The minimum (maximum) whose component each cell merges away, or ``UNPAIRED``: int32.
    """
    partner, sides = np.empty(cells.shape[1], np.int32), np.empty((2, cells.shape[1]), np.int32)
    _step_toward_roots(cells, parent, sides)
    _merge_sides(sides, partner, parent, keys, ascending)
    return partner


@kernel
def _step_toward_roots(cells: Cells, parent: Forest, sides: Cells) -> None:
    """Take four steps from the sides of all cells: no such walk waits for another, as they do between merges."""
    for i in range(cells.shape[1]):
        for side in range(2):
            second = parent[at(parent[at(cells[1 + side, i])])]
            sides[side, i] = parent[at(parent[at(second)])]


@kernel
def _merge_sides(sides: Cells, partner: Partners, parent: Forest, keys: Keys, ascending: bool) -> None:
    flip = 0 if ascending else -1
    cell, step = (0, 1) if ascending else (partner.size - 1, -1)
    for _ in range(partner.size):
        a = find_root(np.int64(sides[0, cell]), parent)
        b = find_root(np.int64(sides[1, cell]), parent)
        if a == b:
            partner[cell] = UNPAIRED
        else:
            a_is_elder = order_code(keys, a) ^ flip < order_code(keys, b) ^ flip
            elder, younger = (a, b) if a_is_elder else (b, a)
            parent[at(younger)] = elder
            partner[cell] = younger
        cell += step


@inlined_kernel
def find_root(voxel: Voxel, parent: Forest) -> Int:
    """The elder minimum (maximum) of the voxel's component; shortens the path on the way.

    Four steps at a time: a short path then costs no branch that the processor guesses wrong.
    """
    while True:
        third = parent[at(parent[at(parent[at(voxel)])])]
        root = parent[at(third)]
        parent[at(voxel)] = root
        voxel = np.int64(root)
        if root == third:
            return voxel
