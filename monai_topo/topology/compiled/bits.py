"""Sets of a few things as the bits of a word: which are in it, and how many."""

from __future__ import annotations

import numpy as np

from monai_topo.topology.compiled.kernel import Int, inlined_kernel

BIT_COUNT = np.array([bin(byte).count("1") for byte in range(256)], np.int64)
"""How many bits are set in each byte."""

_DE_BRUIJN = 0x077CB531
_BIT_AT = np.zeros(32, np.int64)
_BIT_AT[[((_DE_BRUIJN << k) & 0xFFFFFFFF) >> 27 for k in range(32)]] = np.arange(32)


@inlined_kernel
def lowest_bit(word: Int) -> Int:
    """The index of the lowest bit set in a word of at most 31 bits, not 0; no branches, by a de Bruijn sequence."""
    last = np.int64(word) & -np.int64(word)
    return int(_BIT_AT[((last * _DE_BRUIJN) & 0xFFFFFFFF) >> 27])
