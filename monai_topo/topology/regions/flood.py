"""Flooding: the kernels that collect the voxels of a feature's region, and that level it or bridge to it.

All take flat arrays of an image with one layer around it. A voxel is before another if its value is smaller, or equal
with a smaller index.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.kernel import Int, entry_kernel, kernel
from monai_topo.topology.regions.lower_links import is_before


@entry_kernel
def flood_regions(
    values: NDArray[np.float64],
    labels: NDArray[np.int32],
    starts: NDArray[np.int64],
    barriers: NDArray[np.int64],
    order: NDArray[np.int64],
    offsets: NDArray[np.int64],
) -> None:
    """Label the voxels that are connected to each start through voxels before its barrier.

    Args:
        values: float64, flat, padded by one layer.
        labels: int32, flat: -1 in the image, 0 on the layer around it; receives 1 + the number of the region.
        starts: a voxel of each region.
        barriers: the voxel that ends each.
        order: order in which to flood; a start that a region before it holds is left to that.
        offsets: flat offsets of the neighbors.
    """
    stack = np.empty(values.size, np.int64)
    for region in order:
        barrier = barriers[region]
        if labels[starts[region]] > 0:
            continue
        labels[starts[region]] = region + 1
        stack[0] = starts[region]
        height = 1
        while height > 0:
            height -= 1
            voxel = stack[height]
            for offset in offsets:
                other = voxel + offset
                if labels[other] != -1:
                    continue
                if is_before(values, other, barrier):
                    labels[other] = region + 1
                    stack[height] = other
                    height += 1


@entry_kernel
def flatten_or_bridge(
    values: NDArray[np.float64],
    labels: NDArray[np.int32],
    births: NDArray[np.int64],
    deaths: NDArray[np.int64],
    limits: NDArray[np.int64],
    offsets: NDArray[np.int64],
    outside: bool,
) -> None:
    """Make every region one with an elder: by a path lowered to its birth, or by raising it to its death.

    Args:
        values: float64, flat, padded; changed.
        labels: int32, flat: 1 + the number of the region, 0 elsewhere, -1 on the layer around the image.
        births: the first voxel of each region.
        deaths: the voxel that joins each to an elder.
        limits: a path is taken if it changes fewer voxels than this: the size of the region. 0 takes none.
        offsets: flat offsets of the neighbors.
        outside: the layer around the image is an elder of all.
    """
    came_from = np.full(values.size, -1, np.int64)
    queue = np.empty(values.size + 1, np.int64)
    for region in range(births.size):
        birth, death, label = births[region], deaths[region], region + 1
        if labels[birth] != label:
            continue  # a larger region held it
        bridged = False
        if limits[region] > 1:
            came_from[death] = death
            inward, count = _search(
                values, labels, birth, death, label, offsets, False, True, limits[region], came_from, queue, 0
            )
            outward, total = _search(
                values, labels, birth, death, label, offsets, outside, False, limits[region], came_from, queue, count
            )
            if inward >= 0 and outward >= 0:
                level = values[birth]
                cost = _path_cost(values, came_from, inward, death, level)
                cost += _path_cost(values, came_from, outward, death, level) - 1
                if cost < limits[region]:
                    _lower_path(values, came_from, inward, death, level)
                    _lower_path(values, came_from, outward, death, level)
                    bridged = True
            came_from[death] = -1
            for place in range(total):
                came_from[queue[place]] = -1
        if not bridged:
            _flatten(values, labels, birth, label, values[death], offsets, queue)


@entry_kernel
def lower_to_elder(
    values: NDArray[np.float64],
    labels: NDArray[np.int32],
    births: NDArray[np.int64],
    deaths: NDArray[np.int64],
    bite: Int,
    offsets: NDArray[np.int64],
    outside: bool,
) -> None:
    """Lower the death of each pair to its birth, with a path from there to a voxel before its birth.

    Args:
        values: float64, flat, padded; changed.
        labels: int32, flat: 0 in the image, -1 on the layer around it.
        births: the voxel whose level is lowered to.
        deaths: the voxel that is lowered.
        bite: number of voxels around the death, between the levels, that are lowered with it.
        offsets: flat offsets of the neighbors.
        outside: the layer around the image is before all.
    """
    came_from = np.full(values.size, -1, np.int64)
    queue = np.empty(values.size + 1, np.int64)
    for pair in range(births.size):
        birth, death = births[pair], deaths[pair]
        if not is_before(values, birth, death):
            continue  # an earlier path has gone through
        level, height = values[birth], values[death]
        came_from[death] = death
        end, total = _search(values, labels, birth, death, 1, offsets, outside, False, values.size, came_from, queue, 0)
        if end >= 0:
            _lower_path(values, came_from, end, death, level)
            _lower_around(values, labels, death, level, height, bite, offsets, queue, total)
        came_from[death] = -1
        for place in range(total):
            came_from[queue[place]] = -1


@kernel
def _lower_around(
    values: NDArray[np.float64],
    labels: NDArray[np.int32],
    voxel: Int,
    level: float,
    height: float,
    bite: Int,
    offsets: NDArray[np.int64],
    queue: NDArray[np.int64],
    start: Int,
) -> None:
    """Lower the nearest voxels that are connected to one and lie above the level, up to the height."""
    bite = min(bite, queue.size - start)
    queue[start] = voxel
    place, stop = start, start + 1
    while place < stop:
        for offset in offsets:
            other = queue[place] + offset
            if stop - start < bite and labels[other] != -1 and level < values[other] <= height:
                values[other] = level
                queue[stop] = other
                stop += 1
        place += 1


@kernel
def _search(
    values: NDArray[np.float64],
    labels: NDArray[np.int32],
    birth: Int,
    death: Int,
    label: Int,
    offsets: NDArray[np.int64],
    outside: bool,
    inward: bool,
    limit: Int,
    came_from: NDArray[np.int64],
    queue: NDArray[np.int64],
    start: Int,
) -> Any:
    """Breadth first from the death: inward through the region to its birth, or outward to the nearest elder voxel.

    Returns:
        The last voxel of the path, -1 if there is none of at most ``limit`` steps, and where the queue ends.
    """
    stop = start
    first, last = start, start
    for step in range(limit):
        for place in range(first, last) if step > 0 else range(start, start + 1):
            voxel = queue[place] if step > 0 else death
            for offset in offsets:
                other = voxel + offset
                if labels[other] == -1:
                    if outside:
                        return voxel, stop
                    continue
                if came_from[other] >= 0 or (labels[other] == label) != inward:
                    continue
                if not inward and not is_before(values, other, death):
                    continue
                came_from[other] = voxel
                queue[stop] = other
                stop += 1
                if other == birth if inward else is_before(values, other, birth):
                    return other, stop
        first, last = last, stop
        if first == last:
            break
    return np.int64(-1), stop


@kernel
def _path_cost(values: NDArray[np.float64], came_from: NDArray[np.int64], end: Int, death: Int, level: float) -> Int:
    """How many voxels of a path, with the death, are above the level."""
    cost = np.int64(values[death] > level)
    voxel = end
    while voxel != death:
        cost += np.int64(values[voxel] > level)
        voxel = came_from[voxel]
    return int(cost)


@kernel
def _lower_path(values: NDArray[np.float64], came_from: NDArray[np.int64], end: Int, death: Int, level: float) -> None:
    voxel = end
    while voxel != death:
        values[voxel] = min(values[voxel], level)
        voxel = came_from[voxel]
    values[death] = min(values[death], level)


@kernel
def _flatten(
    values: NDArray[np.float64],
    labels: NDArray[np.int32],
    birth: Int,
    label: Int,
    height: float,
    offsets: NDArray[np.int64],
    stack: NDArray[np.int64],
) -> None:
    """Raise a region to a height, and forget its label."""
    labels[birth] = 0
    stack[0] = birth
    size = 1
    while size > 0:
        size -= 1
        voxel = stack[size]
        values[voxel] = max(values[voxel], height)
        for offset in offsets:
            if labels[voxel + offset] == label:
                labels[voxel + offset] = 0
                stack[size] = voxel + offset
                size += 1
