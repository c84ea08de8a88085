"""Merging components in one order where another tells which of two is the elder.

Each tree of a forest has a voxel that stands for its component: of the extrema of the other order in it, the first
minimum or the last maximum.
"""

from __future__ import annotations

import numpy as np

from monai_topo.topology.compiled.kernel import kernel
from monai_topo.topology.engines.native.order.keys import order_code
from monai_topo.topology.engines.native.pairing.components import OUTSIDE, UNPAIRED, find_root
from monai_topo.topology.engines.native.types import Cells, Forest, Int, Keys, Partners, Words

_NO_ELDER = -1


@kernel
def choose_minima(lower: Words, faces: Int, keys: Keys, forest: Forest, elder: Forest) -> None:
    """For each tree its first voxel among the minima of another order; the border's is the outside."""
    for voxel in range(elder.size):
        elder[voxel] = _NO_ELDER
    elder[OUTSIDE] = OUTSIDE
    for voxel in range(elder.size):
        if not lower[voxel] & faces:
            root = find_root(voxel, forest)
            if elder[root] == _NO_ELDER or order_code(keys, voxel) < order_code(keys, elder[root]):
                elder[root] = voxel


@kernel
def choose_maxima(lower: Words, neighbors: Int, keys: Keys, forest: Forest, elder: Forest) -> None:
    """For each tree its last voxel among the maxima of another order; the border's is the outside."""
    for voxel in range(elder.size):
        elder[voxel] = _NO_ELDER
    elder[OUTSIDE] = OUTSIDE
    for voxel in range(elder.size):
        if lower[voxel] & neighbors == neighbors:
            root = find_root(voxel, forest)
            if elder[root] == _NO_ELDER or order_code(keys, voxel) > order_code(keys, elder[root]):
                elder[root] = voxel


@kernel
def merge_by_elder(cells: Cells, partner: Partners, parent: Forest, elder: Forest, keys: Keys, ascending: bool) -> None:
    """Merge as ``merge_in_order`` does, but the elder of two components is told by another order.

    Args:
        cells: critical cells in the order of merging.
        partner: int32, filled: the voxel that stands for the component that each cell merges away, or ``UNPAIRED``.
        parent: the forest, updated.
        elder: voxel that stands for the component of each root, or none.
        keys: the order that tells which component is the elder.
        ascending: the first is the elder and cells are taken from first to last; otherwise the other way around.
    """
    for i in range(partner.size):
        cell = i if ascending else partner.size - 1 - i
        a, b = find_root(np.int64(cells[1, cell]), parent), find_root(np.int64(cells[2, cell]), parent)
        partner[cell] = UNPAIRED
        if a == b:
            continue
        first, second = elder[a], elder[b]
        a_is_elder = second == _NO_ELDER or (
            first != _NO_ELDER and (order_code(keys, first) < order_code(keys, second)) == ascending
        )
        parent[b if a_is_elder else a] = a if a_is_elder else b
        younger = second if a_is_elder else first
        if younger != _NO_ELDER:
            partner[cell] = younger
