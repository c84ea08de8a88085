"""Kernels of the region graph: what is measured on the walls between regions, and on the regions themselves.

An edge of the voxel grid crosses a wall where its two voxels are in two regions. It has the larger of their values and
belongs to the later of them in the total order (value, flat index); edges enter in the order of their later voxel and
then of their earlier one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, at, entry_kernel, inlined_kernel, kernel

FIRST, SECOND, COUNT, BELOW, LATER, EARLIER = range(6)
"""Columns of a wall's numbers: its two regions, its edges, those of them under the level, the voxels of its pass."""

EMPTY = np.int64(-1)
"""Key of a free place in a table of pairs."""
_GOLDEN = np.int64(-7046029254386353131)
_FEWEST = np.int64(1 << 10)


@inlined_kernel
def pair_key(a: int, b: int) -> int:
    """One number for a pair of regions, in either order."""
    return int((np.int64(min(a, b)) << 32) | np.int64(max(a, b)))


@inlined_kernel
def place_of(key: int, keys: Any) -> int:
    """Where a key is in a table, or the free place where it belongs; the size is a power of 2."""
    last = keys.size - 1
    place = ((key * _GOLDEN) >> 20) & last
    while keys[at(place)] != EMPTY and keys[at(place)] != key:
        place = (place + 1) & last
    return int(place)


@entry_kernel
def measure_walls(labels: Any, values: Any, steps: Any, level: float) -> Any:
    """Measure the walls between all regions that touch.

    Args:
        labels: int32 ``(D, H, W)``, numbers of regions, 0 for none.
        values: float32 or float64, the same shape.
        steps: int64 ``(n, 3)``, to the neighbors of higher flat index.
        level: edges under it are counted.

    Returns:
        int64 ``(walls, 6)``, columns as named above, and float64, the sums of the edges' values.
    """
    depth, height, width = labels.shape
    keys, owners = np.full(2 * _FEWEST, EMPTY, np.int64), np.empty(2 * _FEWEST, np.int32)
    walls, totals, count = np.empty((_FEWEST, 6), np.int64), np.empty(_FEWEST, np.float64), 0
    for k in range(steps.shape[0]):
        dz, dy, dx = steps[k]
        for z in range(depth - dz):
            for y in range(max(-dy, 0), height - max(dy, 0)):
                if count + width > totals.size:
                    walls, totals = _lengthen(walls, totals, count, width)
                    keys, owners = _index(walls, count, totals.size)
                row, other = (z * height + y) * width, ((z + dz) * height + y + dy) * width + dx
                span = max(-dx, 0), width - max(dx, 0)
                count = _measure_row(
                    labels.ravel(), values.ravel(), row, other, span, level, keys, owners, walls, totals, count
                )
    return walls[:count], totals[:count]


@allocating_kernel
def _lengthen(walls: Any, totals: Any, count: int, more: int) -> Any:
    longer = 2 * max(totals.size, more)
    new_walls, new_totals = np.empty((longer, 6), np.int64), np.empty(longer, np.float64)
    for wall in range(count):
        new_totals[wall] = totals[wall]
        for column in range(6):
            new_walls[wall, column] = walls[wall, column]
    return new_walls, new_totals


@allocating_kernel
def _index(walls: Any, count: int, room: int) -> Any:
    """A table of the walls with places for as many as there is room for."""
    size = np.int64(1)
    while size < 2 * room:
        size *= 2
    keys, owners = np.full(size, EMPTY, np.int64), np.empty(size, np.int32)
    for wall in range(count):
        place = place_of(pair_key(walls[wall, FIRST], walls[wall, SECOND]), keys)
        keys[place], owners[place] = pair_key(walls[wall, FIRST], walls[wall, SECOND]), wall
    return keys, owners


@kernel
def _measure_row(
    labels: Any,
    values: Any,
    row: int,
    other: int,
    span: Any,
    level: float,
    keys: Any,
    owners: Any,
    walls: Any,
    totals: Any,
    count: int,
) -> int:
    for x in range(span[0], span[1]):
        a, b = labels[row + x], labels[other + x]
        if a == b or a == 0 or b == 0:
            continue
        key = pair_key(a, b)
        place = place_of(key, keys)
        if keys[place] == EMPTY:
            keys[place], owners[place] = key, count
            walls[count, FIRST], walls[count, SECOND] = min(a, b), max(a, b)
            walls[count, COUNT] = walls[count, BELOW] = 0
            walls[count, LATER] = walls[count, EARLIER] = EMPTY
            totals[count] = 0.0
            count += 1
        wall = owners[place]
        _add_edge(values, row + x, other + x, level, walls[wall])
        totals[wall] += max(values[row + x], values[other + x])
    return count


@inlined_kernel
def _add_edge(values: Any, low: int, high: int, level: float, wall: Any) -> None:
    """Count an edge; ``low`` has the lower index, so of equal values it is the earlier voxel."""
    later, earlier = (high, low) if values[low] <= values[high] else (low, high)
    wall[COUNT] += 1
    wall[BELOW] += 1 if values[later] < level else 0
    if wall[LATER] == EMPTY or _comes_before(values, later, earlier, wall[LATER], wall[EARLIER]):
        wall[LATER], wall[EARLIER] = later, earlier


@inlined_kernel
def _comes_before(values: Any, later: int, earlier: int, other_later: int, other_earlier: int) -> bool:
    if later != other_later:
        return bool(
            values[later] < values[other_later] or (values[later] == values[other_later] and later < other_later)
        )
    here, there = values[earlier], values[other_earlier]
    return bool(here < there or (here == there and earlier < other_earlier))


@entry_kernel
def measure_regions(labels: Any, values: Any, count: int) -> Any:
    """Size and lowest value of each region.

    Args:
        labels: int32, flat, numbers of regions up to ``count``, 0 for none.
        values: float32 or float64, flat.
        count: number of regions.

    Returns:
        int64 and float64, ``count`` + 1 each; the first stands for no region.
    """
    sizes, lowest = np.zeros(count + 1, np.int64), np.full(count + 1, np.inf)
    for voxel in range(labels.size):
        sizes[labels[voxel]] += 1
        lowest[labels[voxel]] = min(lowest[labels[voxel]], values[voxel])
    return sizes, lowest


@entry_kernel
def renumber(labels: Any, parent: Any) -> int:
    """Give every region the number of its root, numbered anew in the order of first voxels, in place.

    Args:
        labels: int32, flat, 0 for none.
        parent: int32, by region; a root is its own.

    Returns:
        How many there are.
    """
    numbers, count = np.zeros(parent.size, np.int32), 0
    for voxel in range(labels.size):
        if labels[voxel] > 0:
            root = labels[voxel]
            while parent[root] != root:
                parent[root] = parent[parent[root]]
                root = parent[root]
            if numbers[root] == 0:
                count += 1
                numbers[root] = count
            labels[voxel] = numbers[root]
    return count
