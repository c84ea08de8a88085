"""Kernels that count pairs of ids: a hash table that grows, into which runs of equal pairs go at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.kernel import entry_kernel, kernel

_MIX_A, _MIX_B = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_HALF = np.uint64(32)
_ONE = np.uint64(1)


@entry_kernel
def count_pairs(first: NDArray[np.uint64], second: NDArray[np.uint64], weights: NDArray[np.int64]) -> Any:
    """Count how often each pair of ids occurs.

    Args:
        first: ``(n,)`` ids.
        second: ``(n,)`` ids.
        weights: ``(n,)`` what each counts, more than 0; of length 0 if all count 1.

    Returns:
        ``(m,)`` first ids, ``(m,)`` second ids and ``(m,)`` sums, once for each pair, in no order.
    """
    keys, sums = np.empty((1024, 2), np.uint64), np.zeros(1024, np.int64)
    filled = 0
    n = 0
    while n < first.size:
        a, b, weight = first[n], second[n], 0
        while n < first.size and first[n] == a and second[n] == b:
            weight += weights[n] if weights.size else 1
            n += 1
        filled += _add(a, b, weight, keys, sums)
        if 2 * filled > sums.size:
            old_keys, old_sums = keys, sums
            keys, sums = np.empty((2 * old_sums.size, 2), np.uint64), np.zeros(2 * old_sums.size, np.int64)
            for slot in range(old_sums.size):
                if old_sums[slot]:
                    _add(old_keys[slot, 0], old_keys[slot, 1], old_sums[slot], keys, sums)
    used = np.flatnonzero(sums)
    return keys[used, 0], keys[used, 1], sums[used]


@kernel
def _add(a: int, b: int, weight: int, keys: NDArray[np.uint64], sums: NDArray[np.int64]) -> int:
    """Add to the sum of a pair; 1 if it is new."""
    last = np.uint64(sums.size - 1)
    mixed = a * _MIX_A ^ (b + _ONE) * _MIX_B
    slot = (mixed ^ mixed >> _HALF) & last
    while sums[slot] and (keys[slot, 0] != a or keys[slot, 1] != b):
        slot = (slot + _ONE) & last
    new = int(sums[slot] == 0)
    keys[slot, 0], keys[slot, 1] = a, b
    sums[slot] += weight
    return new
