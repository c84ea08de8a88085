"""Counting in binary volumes: components by runs of equal voxels, and the Euler characteristic by cells.

Both pass over the volume row by row, eight voxels at a time, and keep nothing the size of the volume but its bits: the
components are those of a union-find over runs, the Euler characteristic is the alternating number of vertices, edges,
squares and cubes of the complex whose vertices are the voxels. The tests hold them against scikit-image and gudhi.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.bits import BIT_COUNT, lowest_bit
from monai_topo.topology.compiled.kernel import Int, allocating_kernel, at, entry_kernel, inlined_kernel, kernel

_BYTE = 0xFF


def pack_rows(volume: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The bits of a volume: of ``(D, H, W)`` to ``(D, H, ceil(W / 8))``, the first voxel of eight the lowest bit.

    What is beyond the row is 0.
    """
    return np.packbits(np.ascontiguousarray(volume), axis=-1, bitorder="little")


@entry_kernel
def count_components(
    packed: NDArray[np.uint8], width: Int, value: Int, diagonal: bool, joins_outside: bool, planar: bool
) -> int:
    """Number of components of the voxels of one value.

    Args:
        packed: uint8 ``(D, H, bytes)`` from :func:`pack_rows`; an image has D = 1.
        width: voxels in a row.
        value: 0 or 1.
        diagonal: voxels that share only an edge or a corner are neighbors too.
        joins_outside: whether what touches the border is one component with the outside, which is not counted.
        planar: the volume is an image, whose first and last plane are no border.
    """
    shape = (packed.shape[0], packed.shape[1], width)
    first, ends = find_runs(packed.reshape(shape[0] * shape[1], packed.shape[2]), width, value)
    runs = first[-1]
    parent = np.arange(runs + 1)
    return int(runs - merge_runs(shape, first, ends, parent, diagonal, joins_outside, planar))


@kernel
def merge_runs(
    shape: tuple[Int, Int, Int],
    first: NDArray[np.int64],
    ends: NDArray[np.int32],
    parent: NDArray[np.int64],
    diagonal: bool,
    joins_outside: bool,
    planar: bool,
) -> Int:
    """Merge runs that are neighbors, and with the outside, the last in ``parent``; return how many merges."""
    depth, height, width = shape
    outside = parent.size - 1
    merges = 0
    for z in range(depth):
        for y in range(height):
            row = z * height + y
            if joins_outside:
                whole = y in (0, height - 1) or (not planar and z in (0, depth - 1))
                for run in range(first[row], first[row + 1]):
                    if whole or ends[2 * run] == 0 or ends[2 * run + 1] == width:
                        merges += _merge(run, outside, parent)
            if y > 0:
                merges += _merge_rows(row, row - 1, first, ends, parent, diagonal)
            if z > 0:
                merges += _merge_rows(row, row - height, first, ends, parent, diagonal)
                if diagonal and y > 0:
                    merges += _merge_rows(row, row - height - 1, first, ends, parent, diagonal)
                if diagonal and y < height - 1:
                    merges += _merge_rows(row, row - height + 1, first, ends, parent, diagonal)
    return merges


@allocating_kernel
def find_runs(rows: NDArray[np.uint8], width: Int, value: Int) -> Any:
    """For each row the number of its first run; for each run its first voxel and the one after its last, by turns."""
    first = np.empty(rows.shape[0] + 1, np.int64)
    _count_runs(rows, width, value, first)
    ends = np.empty(2 * first[-1], np.int32)
    _write_runs(rows, width, value, first, ends)
    return first, ends


@kernel
def _count_runs(rows: NDArray[np.uint8], width: Int, value: Int, first: NDArray[np.int64]) -> None:
    first[0] = 0
    for row in range(rows.shape[0]):
        count, last = 0, 0
        for k in range(rows.shape[1]):
            byte = _byte_of(rows, row, k, width, value)
            count += _starts(byte, last)
            last = byte >> 7
        first[row + 1] = first[row] + count


@kernel
def _write_runs(
    rows: NDArray[np.uint8], width: Int, value: Int, first: NDArray[np.int64], ends: NDArray[np.int32]
) -> None:
    for row in range(rows.shape[0]):
        end, last = 2 * first[row], 0
        for k in range(rows.shape[1]):
            byte = _byte_of(rows, row, k, width, value)
            changes = (byte ^ (byte << 1 | last)) & _BYTE
            while changes:
                ends[at(end)] = 8 * k + lowest_bit(changes)
                changes &= changes - 1
                end += 1
            last = byte >> 7
        if last:
            ends[at(end)] = width


@inlined_kernel
def _byte_of(rows: NDArray[np.uint8], row: Int, k: Int, width: Int, value: Int) -> Int:
    """Which of eight voxels have the value; what is beyond the row has not."""
    byte = np.int64(rows[row, k])
    return int(byte if value else ~byte & (_BYTE >> max(0, 8 * (k + 1) - width)))


@kernel
def _merge_rows(
    row: Int, other: Int, first: NDArray[np.int64], ends: NDArray[np.int32], parent: NDArray[np.int64], diagonal: bool
) -> Int:
    """Merge the runs of two rows that overlap, or with ``diagonal`` touch at a corner; return how many merges."""
    reach = 1 if diagonal else 0
    merges = 0
    a, b = first[row], first[other]
    last_a, last_b = first[row + 1], first[other + 1]
    while a < last_a and b < last_b:
        stop_a, stop_b = ends[at(2 * a + 1)], ends[at(2 * b + 1)]
        if ends[at(2 * a)] < stop_b + reach and ends[at(2 * b)] < stop_a + reach:
            merges += _merge(a, b, parent)
        if stop_a < stop_b:
            a += 1
        else:
            b += 1
    return merges


@inlined_kernel
def _merge(a: Int, b: Int, parent: NDArray[np.int64]) -> Int:
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
def face_euler_characteristic(packed: NDArray[np.uint8]) -> int:
    """Euler characteristic of the voxels of value 1 in face connectivity.

    Args:
        packed: uint8 ``(D, H, bytes)`` from :func:`pack_rows`; an image has D = 1.
    """
    depth, height, size = packed.shape
    nothing = np.zeros(size, np.uint8)
    total = 0
    for z in range(depth):
        for y in range(height):
            before = packed[z, y - 1] if y > 0 else nothing
            above = packed[z - 1, y] if z > 0 else nothing
            both = packed[z - 1, y - 1] if y > 0 and z > 0 else nothing
            total += _row_euler(packed[z, y], before, above, both)
    return int(total)


@kernel
def _row_euler(
    row: NDArray[np.uint8], before: NDArray[np.uint8], above: NDArray[np.uint8], both: NDArray[np.uint8]
) -> Int:
    """Alternating number of the cells whose last vertex lies in a row, from that row and three before it.

    Along a row vertices less edges are the runs, and so are edges across it less squares, and squares less cubes.
    """
    total, last_a, last_b, last_c, last_d = 0, 0, 0, 0, 0
    for k in range(row.size):
        a = np.int64(row[k])
        b, c = a & np.int64(before[k]), a & np.int64(above[k])
        d = b & c & np.int64(both[k])
        total += _starts(a, last_a) - _starts(b, last_b) - _starts(c, last_c) + _starts(d, last_d)
        last_a, last_b, last_c, last_d = a >> 7, b >> 7, c >> 7, d >> 7
    return total


@inlined_kernel
def _starts(byte: Int, last: Int) -> Int:
    """How many runs begin in eight voxels, given the one before them."""
    return int(BIT_COUNT[at(byte & ~(byte << 1 | last))])
