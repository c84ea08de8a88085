"""The total order (value, flat index), as 32-bit keys that need no global sort.

Invariant: for two voxels ``p < q`` in flat order, p comes first in the filtration exactly if ``keys[p] <= keys[q]``.
A float32 is mapped to an integer of the same order; comparing with ``<=`` against voxels of lower index and with
``<`` against voxels of higher index then is the total order, without an array of ranks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.types import Array, Codes, Grid, Int, Keys, Scratch, Voxel

BELOW_ALL = -(2**31) + 1
"""Key of the outside where it is a frame: lower than the key of any finite value."""
ABOVE_ALL = 2**31 - 2
"""Key of the outside where there is nothing: higher than the key of any finite value."""

_DIGIT_BITS = 11
_DIGITS = np.int64(1 << _DIGIT_BITS)
_PASSES = np.int64(3)


@inlined_kernel
def key_of(integer: Int, turned: Int) -> Int:
    """Integer in the order of the values: some bits are turned around where it is negative, see ``turned_bits``."""
    return integer ^ ((integer >> 31) & turned)


@inlined_kernel
def turned_bits(is_float: bool) -> Any:
    """Of the bits of a float32 all but the sign."""
    return np.int32(2**31 - 1) if is_float else np.int32(0)


@kernel
def surround(values: Array, is_float: bool, keys: Keys, outside: Int, reverse: bool) -> None:
    """Write the keys of a field into the middle of its padded grid; the border gets the key ``outside``.

    Args:
        values: int32 ``(D, H, W)`` from ``field.to_integers``.
        is_float: whether they are the bits of float32 numbers.
        keys: int32, flat, of the padded grid; 2D fields have D = 1 and no padding along it.
        outside: ``BELOW_ALL`` or ``ABOVE_ALL``.
        reverse: turn the total order around: values complemented, and flat indices too.
    """
    height, width = values.shape[1:]
    depth = np.int64(keys.size // ((height + 2) * (width + 2)))
    surround_planes(values, is_float, keys, outside, reverse, np.int64(0), depth)


@kernel
def surround_planes(
    values: Array, is_float: bool, keys: Keys, outside: Int, reverse: bool, begin: Int, end: Int
) -> None:
    """:func:`surround` of the planes of the padded grid from ``begin`` to ``end``."""
    depth, height, width = values.shape
    row = width + 2
    plane = row * (height + 2)
    margin = (keys.size // plane - depth) // 2
    fill_border_of_planes(keys, (depth + 2 * margin, height + 2, row), outside, begin, end)
    turned = turned_bits(is_float)
    for z in range(max(begin - margin, 0), min(end - margin, depth)):
        for y in range(height):
            start = (z + margin) * plane + (y + 1) * row + 1
            if reverse:
                _copy_reversed(values[depth - 1 - z, height - 1 - y], turned, keys[start : start + width])
            else:
                _copy(values[z, y], turned, keys[start : start + width])


@kernel
def fill_border(array: Array, grid: Grid, value: Int) -> None:
    """Give all border voxels of a padded grid one value; a depth of 1 is 2D, without a border along it."""
    fill_border_of_planes(array, grid, value, np.int64(0), grid[0])


@kernel
def fill_border_of_planes(array: Array, grid: Grid, value: Int, begin: Int, end: Int) -> None:
    """:func:`fill_border` of the planes from ``begin`` to ``end``."""
    depth, height, row = grid
    plane = height * row
    for z in range(begin, end):
        first = z * plane
        if depth > 1 and (z == 0 or z == depth - 1):
            _fill(array, first, first + plane, value)
        else:
            _fill(array, first, first + row, value)
            for start in range(first + row, first + plane - row, row):
                array[start] = array[start + row - 1] = value
            _fill(array, first + plane - row, first + plane, value)


@kernel
def _fill(array: Array, start: Int, stop: Int, value: Int) -> None:
    for i in range(start, stop):
        array[i] = value


@kernel
def _copy(source: Array, turned: Int, target: Array) -> None:
    for x in range(source.size):
        target[x] = key_of(source[x], turned)


@kernel
def _copy_reversed(source: Array, turned: Int, target: Array) -> None:
    last = source.size - 1
    for x in range(source.size):
        target[x] = ~key_of(source[last - x], turned)


@inlined_kernel
def order_code(keys: Keys, voxel: Voxel) -> Int:
    """Key and flat index of a voxel in one int64 that compares like the total order."""
    return int((np.int64(keys[at(voxel)]) << 32) | np.int64(voxel))


@inlined_kernel
def voxel_of(code: Int) -> Int:
    """The voxel of an order code."""
    return code & 0xFFFFFFFF


@allocating_kernel
def sort_codes(codes: Codes) -> Any:
    """Sort order codes that come in ascending flat index: a stable radix sort of their keys.

    Returns:
        The sorted codes, in ``codes`` itself or in another array; ``codes`` is overwritten.
    """
    other, counts = np.empty(codes.size, np.int64), np.empty((_PASSES, _DIGITS), np.int64)
    _count_digits(codes, counts)
    for digit in range(_PASSES):
        if codes.size and counts[digit, _digit(codes[0], digit)] < codes.size:
            _scatter(codes, other, counts[digit], digit)
            codes, other = other, codes
    return codes


@inlined_kernel
def _digit(code: Int, digit: Int) -> Any:
    key = (code >> 32) + 2**31
    return (key >> (digit * _DIGIT_BITS)) & (_DIGITS - 1)


@kernel
def _count_digits(codes: Codes, counts: Scratch) -> None:
    for digit in range(_PASSES):
        for value in range(_DIGITS):
            counts[digit, value] = 0
    for i in range(codes.size):
        for digit in range(_PASSES):
            counts[digit, _digit(codes[i], digit)] += 1


@kernel
def _scatter(source: Array, target: Array, counts: Scratch, digit: Int) -> None:
    total = 0
    for value in range(_DIGITS):
        total, counts[value] = total + counts[value], total
    for i in range(source.size):
        value = _digit(source[i], digit)
        target[at(counts[value])] = source[i]
        counts[value] += 1
