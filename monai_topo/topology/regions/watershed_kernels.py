"""Kernels of the exact watershed: steepest descent, the saddles between basins, and merging across them.

Every voxel goes down to its first neighbor, until a minimum; those that end at one minimum are its basin. Basins merge
at the voxel that is the last to come in on the lowest path between them. There its lower link, the neighbors before it,
has several components, which is what tells these few voxels, the saddles, from the many where basins touch. An edge of
a saddle leads to the first voxel of a component; those of a saddle come in the order of these, and the first leads on
down.

One int32 for each voxel holds first the descent, then the basins, then their numbers. Only edges are listed beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import Int, allocating_kernel, at, entry_kernel, inlined_kernel, kernel
from monai_topo.topology.regions.lower_links import (
    MAX_COMPONENTS,
    Surroundings,
    find_lower_links,
    is_before,
    is_saddle,
    list_ends,
    overlap,
)

_FEWEST = np.int64(1 << 10)


@entry_kernel
def descend(values: Any, shape: Any, around: Surroundings) -> Any:
    """Find the basin of every voxel, and the saddles between basins.

    Args:
        values: float32 or float64, flat.
        shape: shape of the image, three numbers; 2D has a depth of 1.
        around: the :class:`Surroundings` of a voxel.

    Returns:
        int32, flat, the minimum that each voxel ends at; int32 ``(3, n)``, the edges between basins in the order of
        their saddles' indices: the saddle, its basin's minimum, and that of the other basin.
    """
    below = np.empty(values.size, np.int32)
    _step_down(values, below, shape, around, np.empty(shape[2], values.dtype))
    _find_minima(below)
    edges, count = np.empty((3, _FEWEST), np.int32), np.int64(0)
    touches, lower = np.empty(shape[2], np.bool_), np.empty(shape[2], np.int32)
    ends = np.empty(MAX_COMPONENTS, np.int64)
    for z in range(shape[0]):
        for y in range(shape[1]):
            if count + MAX_COMPONENTS * shape[2] > edges.shape[1]:
                edges = _lengthen(edges, count, MAX_COMPONENTS * shape[2])
            if _mark_touching(values, below, z, y, shape, around, touches):
                find_lower_links(values, z, y, shape, around, lower)
                row = (z * shape[1] + y) * shape[2]
                count = _list_edges(values, below, touches, lower, row, around, ends, edges, count)
    return below, edges[:, :count]


@entry_kernel
def merge_along(edges: Any, values: Any, below: Any, threshold: float) -> Int:
    """Merge basins where the shallower one is at most so deep under the saddle, and number what is left.

    Args:
        edges: int32 ``(3, n)``, from :func:`descend`, in the order (value, index) of their saddles.
        values: float32 or float64, flat.
        below: int32, flat, from :func:`descend`; receives the numbers, from 1 on in the order of first voxels.
        threshold: threshold of the depth.

    Returns:
        How many basins there are.
    """
    for edge in range(edges.shape[1]):
        a, b = _root(below, np.int64(edges[1, edge])), _root(below, np.int64(edges[2, edge]))
        if a != b:
            elder, younger = (a, b) if is_before(values, a, b) else (b, a)
            if np.float64(values[edges[0, edge]]) - np.float64(values[younger]) <= threshold:
                below[younger] = elder
    return _number(below)


@entry_kernel
def mark_walls(labels: Any, shape: Any, around: Surroundings) -> Any:
    """Voxels with a neighbor of another label.

    Args:
        labels: int32, flat.
        shape: shape of the image, three numbers.
        around: the :class:`Surroundings` of a voxel.

    Returns:
        bool, flat.
    """
    mask = np.zeros(labels.size, np.bool_)
    for z in range(shape[0]):
        for y in range(shape[1]):
            for bit in around.order:
                here, there, size = overlap(z, y, shape, around, bit)
                _mark_different(labels[here : here + size], labels[there : there + size], mask[here : here + size])
    return mask


@kernel
def _mark_different(labels: Any, others: Any, mask: Any) -> None:
    for i in range(mask.size):
        mask[i] |= labels[i] != others[i]


@kernel
def _step_down(values: Any, below: Any, shape: Any, around: Any, lowest: Any) -> None:
    """Write the first neighbor of every voxel, itself at a minimum; row by row, which becomes vector code."""
    for z in range(shape[0]):
        for y in range(shape[1]):
            row = (z * shape[1] + y) * shape[2]
            for x in range(shape[2]):
                lowest[x], below[row + x] = values[row + x], row + x
            for bit in around.order:
                here, there, size = overlap(z, y, shape, around, bit)
                part, first = lowest[here - row : here - row + size], below[here : here + size]
                if there < here:
                    _take_lower_or_equal(values[there : there + size], np.int32(there), part, first)
                else:
                    _take_lower(values[there : there + size], np.int32(there), part, first)


@kernel
def _take_lower_or_equal(values: Any, start: Int, lowest: Any, first: Any) -> None:
    """Of equal neighbors of lower index the one that is taken last has the lowest."""
    for i in range(first.size):
        better = values[i] <= lowest[i]
        lowest[i] = values[i] if better else lowest[i]
        first[i] = start + np.int32(i) if better else first[i]


@kernel
def _take_lower(values: Any, start: Int, lowest: Any, first: Any) -> None:
    for i in range(first.size):
        better = values[i] < lowest[i]
        lowest[i] = values[i] if better else lowest[i]
        first[i] = start + np.int32(i) if better else first[i]


@kernel
def _find_minima(below: Any) -> None:
    for voxel in range(below.size):
        below[voxel] = _root(below, voxel)


@inlined_kernel
def _root(below: Any, voxel: Int) -> Int:
    while below[at(voxel)] != voxel:
        below[at(voxel)] = below[at(below[at(voxel)])]
        voxel = np.int64(below[at(voxel)])
    return voxel


@allocating_kernel
def _lengthen(edges: Any, count: Int, more: Int) -> Any:
    longer = np.empty((3, edges.shape[1] + max(edges.shape[1] // 2, more)), np.int32)
    for row in range(3):
        for place in range(count):
            longer[row, place] = edges[row, place]
    return longer


@kernel
def _mark_touching(values: Any, below: Any, z: Int, y: Int, shape: Any, around: Any, touches: Any) -> bool:
    """Mark the voxels of a row with a neighbor in another basin that is not higher; whether there is any."""
    row = (z * shape[1] + y) * shape[2]
    for x in range(shape[2]):
        touches[x] = False
    for bit in around.order:
        here, there, size = overlap(z, y, shape, around, bit)
        _mark_lower_in_another(
            values[here : here + size],
            values[there : there + size],
            below[here : here + size],
            below[there : there + size],
            touches[here - row : here - row + size],
        )
    found = False
    for x in range(shape[2]):
        found |= touches[x]
    return found


@kernel
def _mark_lower_in_another(values: Any, other_values: Any, basins: Any, other_basins: Any, touches: Any) -> None:
    for i in range(touches.size):
        touches[i] |= (basins[i] != other_basins[i]) & (other_values[i] <= values[i])


@kernel
def _list_edges(
    values: Any, below: Any, touches: Any, lower: Any, row: Int, around: Any, ends: Any, edges: Any, count: Int
) -> Int:
    """Append the edges of the saddles of a row that lead to another basin."""
    for x in range(touches.size):
        if touches[x] and is_saddle(np.int64(lower[x]), around):
            found = list_ends(values, row + x, np.int64(lower[x]), around, ends)
            for k in range(1, found):
                a, b = below[ends[0]], below[ends[k]]
                if a != b:
                    edges[0, count], edges[1, count], edges[2, count] = row + x, a, b
                    count += 1
    return count


@kernel
def _number(below: Any) -> Int:
    """Replace roots by numbers, in place: a root whose number is known holds it as a negative one."""
    count = np.int64(0)
    for voxel in range(below.size):
        root = np.int64(voxel)
        while below[root] >= 0 and below[root] != root:
            root = np.int64(below[root])
        if below[root] == root:
            count += 1
            below[root] = -count
        below[voxel] = below[root]
    for voxel in range(below.size):
        below[voxel] = -below[voxel]
    return count
