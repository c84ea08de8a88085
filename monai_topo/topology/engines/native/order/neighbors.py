"""Which neighbors of each voxel come before it in the total order: one bit for each, in one word a voxel.

Neighbors sharing a face have the lowest bits, in the order -z, +z, -y, +y, -x, +x (in 2D without z), so that bits
``i`` and ``i ^ 1`` are opposite; then in 3D the 12 sharing an edge, and last those sharing only a corner.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.kernel import inlined_kernel, kernel
from monai_topo.topology.engines.native.types import Array, Int, Keys, Words
from monai_topo.topology.grid import neighbor_steps


def _bits(ndim: int) -> NDArray[np.int32]:
    """The bit of each neighbor as ``[dz + 1, dy + 1, dx + 1]``; 0 for the voxel itself and for what 2D lacks."""
    bits = np.zeros((3, 3, 3), np.int32)
    for k, step in enumerate(neighbor_steps(ndim).tolist()):
        bits[tuple(np.add([0] * (3 - ndim) + step, 1))] = 1 << k
    return bits


FACES = 0x3F
ALL_NEIGHBORS = (1 << 26) - 1
"""The bits of all neighbors in 3D, and those of the six that share a face."""
_BITS_2D = _bits(2)
_BITS_3D = _bits(3)


@kernel
def mark_lower(keys: Keys, lower: Words, start: Int, stop: Int, row: Int, plane: Int | None = None) -> None:
    """Write the words of the voxels from ``start`` to ``stop``.

    Plain slices of equal length, three neighbors in a row at a time, are what the compiler turns into vector code.

    Args:
        keys: int32, flat, padded.
        lower: int32, the words to write; bits of neighbors in the total order before the voxel are set.
        start: first voxel.
        stop: one after the last.
        row: voxels in a padded row.
        plane: voxels in a padded plane; None in 2D.
    """
    words = lower[start:stop]
    if plane is None:
        _mark_own_plane(words, keys, start, row, _BITS_2D[1])
    else:
        _mark_own_plane(words, keys, start, row, _BITS_3D[1])
        _mark_other_plane(words, keys, start, -plane, row, _BITS_3D[0])
        _mark_other_plane(words, keys, start, plane, row, _BITS_3D[2])


@inlined_kernel
def _three(keys: Keys, first: Int, size: Int) -> Any:
    """The keys from a voxel on, with those of the voxel before it and of the one after it."""
    return keys[first - 1 : first - 1 + size], keys[first : first + size], keys[first + 1 : first + 1 + size]


@kernel
def _mark_own_plane(words: Words, keys: Keys, start: Int, row: Int, bits: Array) -> None:
    size = words.size
    a, b, c = _three(keys, start - row, size)
    d, here, e = _three(keys, start, size)
    f, g, h = _three(keys, start + row, size)
    a_bit, b_bit, c_bit, d_bit = bits[0, 0], bits[0, 1], bits[0, 2], bits[1, 0]
    e_bit, f_bit, g_bit, h_bit = bits[1, 2], bits[2, 0], bits[2, 1], bits[2, 2]
    for i in range(size):
        key = here[i]
        words[i] = (
            (a_bit if a[i] <= key else 0)
            | (b_bit if b[i] <= key else 0)
            | (c_bit if c[i] <= key else 0)
            | (d_bit if d[i] <= key else 0)
            | (e_bit if e[i] < key else 0)
            | (f_bit if f[i] < key else 0)
            | (g_bit if g[i] < key else 0)
            | (h_bit if h[i] < key else 0)
        )


@kernel
def _mark_other_plane(words: Words, keys: Keys, start: Int, shift: Int, row: Int, bits: Array) -> None:
    size = words.size
    here = keys[start : start + size]
    a, b, c = _three(keys, start + shift - row, size)
    d, e, f = _three(keys, start + shift, size)
    g, h, j = _three(keys, start + shift + row, size)
    a_bit, b_bit, c_bit, d_bit, e_bit = bits[0, 0], bits[0, 1], bits[0, 2], bits[1, 0], bits[1, 1]
    f_bit, g_bit, h_bit, j_bit = bits[1, 2], bits[2, 0], bits[2, 1], bits[2, 2]
    earlier = np.int32(shift < 0)  # what comes earlier in flat order may be equal
    for i in range(size):
        key = here[i] + earlier
        words[i] |= (
            (a_bit if a[i] < key else 0)
            | (b_bit if b[i] < key else 0)
            | (c_bit if c[i] < key else 0)
            | (d_bit if d[i] < key else 0)
            | (e_bit if e[i] < key else 0)
            | (f_bit if f[i] < key else 0)
            | (g_bit if g[i] < key else 0)
            | (h_bit if h[i] < key else 0)
            | (j_bit if j[i] < key else 0)
        )
