"""What a sweep adds to the sets of its edges: chains, voxel by voxel, and edges that others are pushed to."""

from __future__ import annotations

import numpy as np

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import EDGE_ENDS, tree_parent
from monai_topo.topology.engines.native.gradient.mixed import mixed_parent
from monai_topo.topology.engines.native.pairing.boundaries import EDGES, NO_LOOP_BITS
from monai_topo.topology.engines.native.pairing.chains import state_of
from monai_topo.topology.engines.native.pairing.front import NEXT, SET, SQUARE, Front, slot_of
from monai_topo.topology.engines.native.pairing.sets import Sets, sum_of
from monai_topo.topology.engines.native.types import (
    CriticalCells,
    Int,
    KeptChains,
    Keyed,
    Link,
    Mixed,
    Offsets,
    Scratch,
    Voxel,
)


@inlined_kernel
def add_chain(square: Int, number: Int, kept: KeptChains, status: Scratch) -> None:
    """Let the chain of a square be added to all columns of a set."""
    status[SET], status[SQUARE], status[NEXT] = number, square, kept.start[at(square)]


@inlined_kernel
def add_some(
    cells: CriticalCells, kept: KeptChains, keyed: Keyed, offsets: Offsets, front: Front, sets: Sets, status: Scratch
) -> None:
    """Add the next voxel of a chain to a set, or the boundary of a square that has no chain."""
    number, square, k = status[SET], status[SQUARE], status[NEXT]
    if kept.start[at(square)] == kept.stop[at(square)]:
        _add_square(square, number, cells, keyed, offsets, front, sets, status)
        status[SET] = 0
        return
    voxel, bits = np.int64(kept.voxels[at(k)]), np.int64(kept.bits[at(k)])
    if bits:
        slot = slot_of(voxel, keyed, front, status)
        while bits:
            bit = lowest_bit(bits)
            bits &= bits - 1
            front.sets[at(slot), at(bit)] = sum_of(np.int64(front.sets[at(slot), at(bit)]), number, sets)
    status[NEXT] = k + 1
    if k + 1 == kept.stop[at(square)]:
        status[SET] = 0


@inlined_kernel
def _add_square(
    square: Int,
    number: Int,
    cells: CriticalCells,
    keyed: Keyed,
    offsets: Offsets,
    front: Front,
    sets: Sets,
    status: Scratch,
) -> None:
    voxel, link_edge = np.int64(cells.squares[0, at(square)]), cells.squares[3, at(square)]
    for side in range(2):
        direction, across = EDGE_ENDS[link_edge, side], offsets[EDGE_ENDS[link_edge, 1 - side]]
        _add_edge(voxel, direction, number, keyed, offsets, front, sets, status)
        _add_edge(voxel + across, direction, number, keyed, offsets, front, sets, status)


@kernel
def _add_edge(
    voxel: Voxel, direction: Int, number: Int, keyed: Keyed, offsets: Offsets, front: Front, sets: Sets, status: Scratch
) -> None:
    """Add the edge from a voxel to a face neighbor to all columns of a set, unless it closes no loop."""
    neighbor_is_later = 1 - ((state_of(keyed, voxel) >> direction) & 1)
    owner = voxel + offsets[at(direction)] * neighbor_is_later
    bit = direction ^ neighbor_is_later
    if (state_of(keyed, owner) >> (NO_LOOP_BITS + bit)) & 1:
        return
    slot = slot_of(owner, keyed, front, status)
    front.sets[at(slot), at(bit)] = sum_of(np.int64(front.sets[at(slot), at(bit)]), number, sets)


@inlined_kernel
def push_sets(
    voxel: Voxel,
    slot: Int,
    link: Link,
    critical: Int,
    keyed: Keyed,
    offsets: Offsets,
    front: Front,
    sets: Sets,
    status: Scratch,
    mixed: Mixed | None,
) -> None:
    """Push the voxel's edges down the gradient, as ``boundaries.push_down`` does, for all chains that they are in."""
    closing = ~(state_of(keyed, voxel) >> NO_LOOP_BITS)
    between = _edges_in_chains(slot, front) & ~critical
    while between:
        i = lowest_bit(between)
        number = np.int64(front.sets[at(slot), at(i)])
        j = tree_parent(link, i)
        if mixed is not None and (np.int64(mixed[voxel]) >> i) & 1:
            j = mixed_parent(np.int64(mixed[voxel]), i)
        front.sets[at(slot), at(i)] = 0
        if (closing >> j) & 1:
            front.sets[at(slot), at(j)] = sum_of(np.int64(front.sets[at(slot), at(j)]), number, sets)
        _add_edge(voxel + offsets[at(i)], j, number, keyed, offsets, front, sets, status)
        _add_edge(voxel + offsets[at(j)], i, number, keyed, offsets, front, sets, status)
        between = _edges_in_chains(slot, front) & ~critical


@inlined_kernel
def _edges_in_chains(slot: Int, front: Front) -> Int:
    edges = 0
    for bit in range(6):
        edges |= (1 << bit) if front.sets[at(slot), at(bit)] else 0
    return edges & EDGES


@inlined_kernel
def last_edge(slot: Int, front: Front) -> Int:
    """The last edge of a voxel that is in a chain, -1 without one."""
    bit = 5
    while bit >= 0 and front.sets[at(slot), at(bit)] == 0:
        bit -= 1
    return bit
