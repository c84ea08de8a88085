"""A chain of cells that is pushed, and where reduced chains are kept.

A chain is a few bits in the state of each voxel, one for each of its cells that may be in the chain, and a heap of the
voxels that have any. Pushed down (``flip`` = 0) the voxel that is last in the total order comes first off the heap,
pushed up (``flip`` = -1) the first one. Kept chains lie one behind the other in two arrays: voxels, and their bits.

Keys and states of all voxels alternate in one array, ``keyed``: a push needs both of a voxel, and there they share a
line of the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, at, fetch, inlined_kernel, kernel
from monai_topo.topology.engines.native.order.keys import voxel_of
from monai_topo.topology.engines.native.types import Array, Codes, Int, KeptChains, Keyed, Keys, Offsets, Voxel, Words

DOWN, UP = 0, -1
_FIRST_IN_ROW, _FACES = 4, 6  # of the neighbors, by bit
UNTAKEN = -1
FIRST_HEAP, FIRST_KEPT = np.int64(1 << 10), np.int64(1 << 12)
"""Places for a heap and for kept chains to begin with."""
POP_WORK = 4
"""What a voxel that is pushed counts, where one of a kept chain that is added counts 1."""
QUEUED = 1 << 30
"""The bit of a state that says that the voxel is in the heap."""


@kernel
def copy_into(target: Array, values: Array) -> None:
    """Copy an array into another of its length."""
    for i in range(target.size):
        target[i] = values[i]


@kernel
def alternate(keys: Keys, states: Words, keyed: Keyed) -> None:
    """Write keys and states of all voxels, each key before its state; see ``state_of`` and ``set_state``.

    The states may lie in the second half of the place where both are written: no state is overwritten before its turn.
    """
    for voxel in range(keys.size):
        keyed[2 * voxel] = keys[voxel]
        keyed[2 * voxel + 1] = states[voxel]


@inlined_kernel
def state_of(keyed: Keyed, voxel: Voxel) -> Int:
    """The state of a voxel."""
    return int(np.int64(keyed[at(2 * voxel + 1)]))


@inlined_kernel
def set_state(keyed: Keyed, voxel: Voxel, state: Int) -> None:
    """Set the state of a voxel."""
    keyed[at(2 * voxel + 1)] = state


@inlined_kernel
def _code_of(keyed: Keyed, voxel: Voxel) -> Int:
    """The order code of a voxel."""
    return int((np.int64(keyed[at(2 * voxel)]) << 32) | np.int64(voxel))


@inlined_kernel
def fetch_around(voxel: Voxel, keyed: Keyed, offsets: Offsets) -> None:
    """Have key and state of a voxel and of its neighbors brought to the cache: one of each row beside it suffices."""
    fetch(keyed, 2 * voxel)
    for face in range(_FIRST_IN_ROW):
        fetch(keyed, 2 * (voxel + offsets[face]))
    for edge in range(_FACES, _FACES + 4):
        fetch(keyed, 2 * (voxel + offsets[edge]))


@inlined_kernel
def queue(voxel: Voxel, heap: Codes, size: Int, keyed: Keyed, flip: Int) -> Int:
    """Take a voxel into the heap; return its new size."""
    heap[at(size)] = _code_of(keyed, voxel) ^ flip
    return _sift_up(heap, size)


@inlined_kernel
def _sift_up(heap: Codes, size: Int) -> Int:
    """Take the code just after the heap's end into the heap; return its new size."""
    code, hole = heap[at(size)], size
    while hole and heap[at((hole - 1) >> 1)] < code:
        heap[at(hole)] = heap[at((hole - 1) >> 1)]
        hole = (hole - 1) >> 1
    heap[at(hole)] = code
    return size + 1


@inlined_kernel
def pop(heap: Codes, size: Int, flip: Int) -> tuple[Int, Int]:
    """The voxel whose turn it is, and the heap's new size."""
    top, last = heap[0], size - 1
    moved, hole, child = heap[at(last)], 0, 1
    while child < last:
        # Without a branch; when there is no second child, its place still holds the code that moves.
        child += 1 if heap[at(child + 1)] > heap[at(child)] else 0
        heap[at(hole)] = heap[at(child)]
        hole, child = child, 2 * child + 1
    heap[at(hole)] = moved
    while hole and heap[at((hole - 1) >> 1)] < moved:
        heap[at(hole)] = heap[at((hole - 1) >> 1)]
        hole = (hole - 1) >> 1
    heap[at(hole)] = moved
    return voxel_of(top ^ flip), last


@inlined_kernel
def add_kept(voxels: Array, bits: Array, heap: Codes, size: Int, keyed: Keyed, first_bit: Int, flip: Int) -> Int:
    """Add a kept chain. First all voxels are queued and then sifted, so that their loads overlap."""
    queued = size
    for k in range(voxels.size):
        voxel = np.int64(voxels[k])
        state = state_of(keyed, voxel)
        set_state(keyed, voxel, (state ^ (np.int64(bits[k]) << first_bit)) | QUEUED)
        heap[at(queued)] = _code_of(keyed, voxel) ^ flip
        queued += 1 - ((state >> 30) & 1)
    while size < queued:
        size = _sift_up(heap, size)
    return size


@kernel
def keep(
    voxel: Voxel,
    heap: Codes,
    size: Int,
    place: Int,
    kept: KeptChains,
    keyed: Keyed,
    first_bit: Int,
    chain: Int,
    flip: Int,
) -> Int:
    """Move the chain, of a popped voxel and of all queued ones, to where it is kept.

    Args:
        voxel: the popped voxel.
        heap: order codes.
        size: size of the heap.
        place: place to keep it in.
        kept: the kept chains.
        keyed: keys and states; the chain is taken out.
        first_bit: first bit of the chain in a state.
        chain: all bits of the chain in a state.
        flip: ``DOWN`` or ``UP``.

    Returns:
        Where the kept chain ends.
    """
    kept.voxels[place] = voxel
    kept.bits[place] = (state_of(keyed, voxel) & chain) >> first_bit
    end = place + 1
    for k in range(size):
        queued = voxel_of(heap[k] ^ flip)
        state = state_of(keyed, queued)
        set_state(keyed, queued, state & ~(chain | QUEUED))
        if state & chain:
            kept.voxels[at(end)] = queued
            kept.bits[at(end)] = (state & chain) >> first_bit
            end += 1
    return end


@kernel
def clear(voxel: Voxel, heap: Codes, size: Int, keyed: Keyed, chain: Int, flip: Int) -> None:
    """Forget the chain, of a popped voxel and of all queued ones."""
    set_state(keyed, voxel, state_of(keyed, voxel) & ~(chain | QUEUED))
    for k in range(size):
        queued = voxel_of(heap[k] ^ flip)
        set_state(keyed, queued, state_of(keyed, queued) & ~(chain | QUEUED))


@allocating_kernel
def longer(array: Array) -> Any:
    """The array with half as many places again."""
    more = np.empty(array.size + array.size // 2, array.dtype)
    for i in range(array.size):
        more[i] = array[i]
    return more
