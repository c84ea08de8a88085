"""Counting in binary volumes: components by runs of equal voxels, and the Euler characteristic by cells.

Both pass over the volume row by row and keep nothing the size of the volume: the components are those of a union-find
over runs, the Euler characteristic is the alternating number of vertices, edges, squares and cubes of the complex whose
vertices are the voxels. The tests hold them against scikit-image and gudhi.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.kernel import allocating_kernel, at, entry_kernel, inlined_kernel, kernel


@entry_kernel
def count_components(volume: Any, value: int, diagonal: bool, joins_outside: bool, planar: bool) -> int:
    """Number of components of the voxels of one value.

    Args:
        volume: uint8 ``(D, H, W)``, 0 and 1; an image has D = 1.
        value: 0 or 1.
        diagonal: voxels that share only an edge or a corner are neighbors too.
        joins_outside: what touches the border is one component with the outside, which is not counted.
        planar: the volume is an image, whose first and last plane are no border.
    """
    first, start, stop = _find_runs(volume, value)
    parent = np.arange(start.size + 1)
    return int(start.size - _merge_all(volume.shape, first, start, stop, parent, diagonal, joins_outside, planar))


@kernel
def _merge_all(
    shape: Any, first: Any, start: Any, stop: Any, parent: Any, diagonal: bool, joins_outside: bool, planar: bool
) -> int:
    """Merge runs that are neighbors, and with the outside, the last in ``parent``; return how many merges."""
    depth, height, width = shape
    outside = start.size
    merges = 0
    for z in range(depth):
        for y in range(height):
            row = z * height + y
            if joins_outside:
                whole = y in (0, height - 1) or (not planar and z in (0, depth - 1))
                for run in range(first[row], first[row + 1]):
                    if whole or start[run] == 0 or stop[run] == width:
                        merges += _merge(run, outside, parent)
            if y > 0:
                merges += _merge_rows(row, row - 1, first, start, stop, parent, diagonal)
            if z > 0:
                merges += _merge_rows(row, row - height, first, start, stop, parent, diagonal)
                if diagonal and y > 0:
                    merges += _merge_rows(row, row - height - 1, first, start, stop, parent, diagonal)
                if diagonal and y < height - 1:
                    merges += _merge_rows(row, row - height + 1, first, start, stop, parent, diagonal)
    return merges


@allocating_kernel
def _find_runs(volume: Any, value: int) -> Any:
    """For each row the number of its first run, and for each run its first voxel and the one after its last."""
    depth, height, width = volume.shape
    rows = volume.reshape(depth * height, width)
    first = np.zeros(rows.shape[0] + 1, np.int64)
    _count_runs(rows, value, first)
    start, stop = np.empty(first[-1], np.int32), np.empty(first[-1], np.int32)
    _write_runs(rows, value, first, start, stop)
    return first, start, stop


@kernel
def _count_runs(rows: Any, value: int, first: Any) -> None:
    for row in range(rows.shape[0]):
        voxels = rows[row]
        count = np.int32(voxels[0] == value)
        for x in range(1, voxels.size):
            count += np.int32((voxels[x] != voxels[x - 1]) & (voxels[x] == value))
        first[row + 1] = first[row] + count


@kernel
def _write_runs(rows: Any, value: int, first: Any, start: Any, stop: Any) -> None:
    for row in range(rows.shape[0]):
        voxels = rows[row]
        x = 0
        for run in range(first[row], first[row + 1]):
            while voxels[x] != value:
                x += 1
            start[run] = x
            while x < voxels.size and voxels[x] == value:
                x += 1
            stop[run] = x


@kernel
def _merge_rows(row: int, other: int, first: Any, start: Any, stop: Any, parent: Any, diagonal: bool) -> int:
    """Merge the runs of two rows that overlap, or with ``diagonal`` touch at a corner; return how many merges."""
    reach = 1 if diagonal else 0
    merges = 0
    a, b = first[row], first[other]
    last_a, last_b = first[row + 1], first[other + 1]
    while a < last_a and b < last_b:
        if start[at(a)] < stop[at(b)] + reach and start[at(b)] < stop[at(a)] + reach:
            merges += _merge(a, b, parent)
        if stop[at(a)] < stop[at(b)]:
            a += 1
        else:
            b += 1
    return merges


@inlined_kernel
def _merge(a: int, b: int, parent: Any) -> int:
    """Put two runs into one tree; 1 if they were in two."""
    while parent[at(a)] != a:
        parent[at(a)] = parent[at(parent[at(a)])]
        a = parent[at(a)]
    while parent[at(b)] != b:
        parent[at(b)] = parent[at(parent[at(b)])]
        b = parent[at(b)]
    parent[at(min(a, b))] = max(a, b)
    return int(a != b)


@entry_kernel
def face_euler_characteristic(volume: Any) -> int:
    """Euler characteristic of the voxels of value 1 in face connectivity.

    Args:
        volume: uint8 ``(D, H, W)``, 0 and 1; an image has D = 1.
    """
    depth, height, width = volume.shape
    nothing = np.zeros(width, np.uint8)
    total = 0
    for z in range(depth):
        for y in range(height):
            before = volume[z, y - 1] if y > 0 else nothing
            above = volume[z - 1, y] if z > 0 else nothing
            both = volume[z - 1, y - 1] if y > 0 and z > 0 else nothing
            total += _row_euler(volume[z, y], before, above, both)
    return int(total)


@kernel
def _row_euler(row: Any, before: Any, above: Any, both: Any) -> int:
    """Alternating number of the cells whose last vertex lies in a row, from that row and three before it."""
    total = 0
    for x in range(row.size):
        a, b, c, d = np.int64(row[x]), np.int64(before[x]), np.int64(above[x]), np.int64(both[x])
        total += a - (a & b) - (a & c) + (a & b & c & d)
    for x in range(1, row.size):
        a, b, c, d = row[x] & row[x - 1], before[x] & before[x - 1], above[x] & above[x - 1], both[x] & both[x - 1]
        total -= np.int64(a) - np.int64(a & b) - np.int64(a & c) + np.int64(a & b & c & d)
    return total
