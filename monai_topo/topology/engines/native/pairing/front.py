"""What a sweep has reached and not passed: voxels, each with the sets of chains that its edges are in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.pairing.chains import DOWN, QUEUED, queue, set_state, state_of
from monai_topo.topology.engines.native.pairing.components import UNPAIRED
from monai_topo.topology.engines.native.pairing.sets import Sets, no_sets
from monai_topo.topology.engines.native.types import Array, Codes, Int, Keyed, Partners, Scratch, Voxel

STEPS = 64
"""Sets that one step may make, and voxels that it may reach, at most."""
SIZE, FREE, VOXEL, SET, SQUARE, NEXT, COUNT, ROWS, END = range(9)
"""What a sweep knows of itself: size of the heap; free slots; the voxel that it is at, or -1; the set that a chain is
added to, or 0, the square of that chain, and which of its voxels is next; columns; rows and their end.
"""


class Front(NamedTuple):
    """The voxels that a sweep has reached and not passed, each with a slot.

    Attributes:
        slot: int32, flat, padded: the slot of each voxel in the heap.
        sets: int32 ``(n, 6)``: for each slot the set of columns that each edge of the voxel is in.
        begins: int32: for each slot the last of the columns that begin at the voxel, or -1.
        free: int32: slots that are free.
        heap: order codes of the voxels.
    """

    slot: Array
    sets: Array
    begins: Array
    free: Array
    heap: Codes


@allocating_kernel
def new_front(voxels: Int, slots: Int, status: Scratch) -> Any:
    """A front of some slots, all of them free, and the state of a sweep that has not begun."""
    front = Front(
        np.empty(voxels, np.int32),
        np.zeros((slots, 6), np.int32),
        np.empty(slots, np.int32),
        np.empty(slots, np.int32),
        np.empty(slots, np.int64),
    )
    for slot in range(slots):
        front.free[slot], front.begins[slot] = slot, UNPAIRED
    status[FREE], status[VOXEL] = slots, -1
    return front


@allocating_kernel
def larger_front(front: Front, status: Scratch) -> Any:
    """A front of twice as many slots, with what is in this one."""
    slots = front.free.size
    larger = Front(
        front.slot,
        np.zeros((2 * slots, 6), np.int32),
        np.empty(2 * slots, np.int32),
        np.empty(2 * slots, np.int32),
        np.empty(2 * slots, np.int64),
    )
    for slot in range(slots):
        larger.free[slot], larger.begins[slot], larger.heap[slot] = (
            front.free[slot],
            front.begins[slot],
            front.heap[slot],
        )
        for bit in range(6):
            larger.sets[slot, bit] = front.sets[slot, bit]
    for slot in range(slots, 2 * slots):
        larger.begins[slot] = UNPAIRED
        larger.free[status[FREE]] = slot
        status[FREE] += 1
    return larger


@allocating_kernel
def fewer_sets(sets: Sets, front: Front, status: Scratch) -> Any:
    """Only the sets that are in use, with room for twice as many."""
    number = np.zeros(sets.start.size, np.int32)
    number[status[SET]] = 1
    _mark_in_use(number, front)
    words = _renumber(number, sets)
    fewer = no_sets(
        2 * number.max() + 2 * STEPS + (1 << 12), 2 * words + 2 * STEPS * ((status[COUNT] >> 6) + 2) + (1 << 14)
    )
    _copy_sets(number, sets, fewer)
    for slot in range(front.sets.shape[0]):
        for bit in range(6):
            front.sets[slot, bit] = number[front.sets[slot, bit]]
    status[SET] = number[status[SET]]
    return fewer


@kernel
def _mark_in_use(number: Partners, front: Front) -> None:
    for slot in range(front.sets.shape[0]):
        for bit in range(6):
            number[front.sets[slot, bit]] = 1
    number[0] = 0


@kernel
def _renumber(number: Partners, sets: Sets) -> Int:
    """Give the sets that are marked new numbers; return how many words they have."""
    found, words = 0, 0
    for old in range(1, number.size - 1):
        if number[old]:
            found += 1
            words += sets.start[old + 1] - sets.start[old]
            number[old] = found
    return words


@kernel
def _copy_sets(number: Partners, sets: Sets, fewer: Sets) -> None:
    end = 0
    for old in range(1, number.size - 1):
        if number[old]:
            for k in range(sets.start[old], sets.start[old + 1]):
                fewer.places[end], fewer.bits[end] = sets.places[k], sets.bits[k]
                end += 1
            fewer.start[number[old] + 1] = end
            fewer.used[0] = number[old] + 1
    fewer.used[1] = end


@inlined_kernel
def slot_of(voxel: Voxel, keyed: Keyed, front: Front, status: Scratch) -> Int:
    """The slot of a voxel, which is queued if it was not."""
    state = state_of(keyed, voxel)
    if state & QUEUED == 0:
        set_state(keyed, voxel, state | QUEUED)
        status[FREE] -= 1
        front.slot[at(voxel)] = front.free[at(status[FREE])]
        status[SIZE] = queue(voxel, front.heap, status[SIZE], keyed, DOWN)
    return np.int64(front.slot[at(voxel)])
