"""Chains of edges: the boundary of a square, and the push down the gradient.

A chain is six bits per voxel, the edges from the voxel to its lower face neighbors; see ``chains``. All that a step
needs to know of a voxel is in one word: the bits of the lower link, then which of its edges close no loop, then the
chain and whether the voxel is queued.
"""

from __future__ import annotations

import numpy as np

from monai_topo.topology.compiled.bits import BIT_COUNT, lowest_bit
from monai_topo.topology.compiled.kernel import at, inlined_kernel, kernel
from monai_topo.topology.engines.native.gradient.links import EDGE_ENDS, LINK_BITS, LINK_MASK, roots, tree_parent
from monai_topo.topology.engines.native.gradient.mixed import critical_mixed_edges, mixed_edges, mixed_parent
from monai_topo.topology.engines.native.order.keys import fill_border_of_planes
from monai_topo.topology.engines.native.pairing.chains import (
    DOWN,
    QUEUED,
    fetch_around,
    queue,
    set_state,
    state_of,
)
from monai_topo.topology.engines.native.pairing.components import UNPAIRED
from monai_topo.topology.engines.native.types import (
    Cells,
    Codes,
    Grid,
    Int,
    Keyed,
    Link,
    Mixed,
    Offsets,
    Partners,
    Voxel,
    Word,
    Words,
)

EDGES = 0x3F
CHAIN_BITS = LINK_BITS + 6
CHAIN = EDGES << CHAIN_BITS
WITHOUT_CHAIN = ~(CHAIN | QUEUED)
PUSHES_PER_VOXEL = 32
"""Voxels that one push may queue, at most."""
NO_LOOP_BITS = LINK_BITS


@kernel
def mark_edges_without_loop(
    edges: Cells, merged: Partners, words: Words, offsets: Offsets, grid: Grid, mixed: Mixed | None
) -> None:
    """Write into the words which edges close no loop.

    These are the edge paired with the voxel itself, at its first link vertex; the critical edges that merge components;
    and all of the border.
    """
    mark_planes_without_loop(edges, merged, words, offsets, grid, mixed, np.int64(0), grid[0])


@kernel
def mark_planes_without_loop(
    edges: Cells,
    merged: Partners,
    words: Words,
    offsets: Offsets,
    grid: Grid,
    mixed: Mixed | None,
    begin: Int,
    end: Int,
) -> None:
    """:func:`mark_edges_without_loop` of the planes of the padded grid from ``begin`` to ``end``."""
    first, last = begin * grid[1] * grid[2], end * grid[1] * grid[2]
    own = words[first:last]
    for voxel in range(own.size):
        link = own[voxel] & LINK_MASK
        faces = without_mixed(link, mixed, first + voxel) & EDGES
        own[voxel] = link | ((faces & -faces) << NO_LOOP_BITS)
    fill_border_of_planes(words, grid, EDGES << NO_LOOP_BITS, begin, end)
    for i in range(merged.size):
        if merged[i] != UNPAIRED and first <= edges[0, i] < last:
            direction = 0
            while offsets[direction] != edges[2, i] - edges[0, i]:
                direction += 1
            words[edges[0, i]] |= 1 << (NO_LOOP_BITS + direction)


@inlined_kernel
def without_mixed(word: Word, mixed: Mixed | None, voxel: Voxel) -> Int:
    """The voxel's word without the neighbors that only one of two orders has before it."""
    if mixed is None:
        return word
    return word & ~mixed_edges(np.int64(mixed[voxel]))


@inlined_kernel
def ends_of_paths(link: Link, mixed: Mixed | None, voxel: Voxel) -> Int:
    """The edges of a voxel at which a push down stops, as bits: critical ones, and the one paired with the voxel."""
    if mixed is None:
        return roots(link)
    return roots(link) | critical_mixed_edges(np.int64(mixed[voxel]))


@kernel
def add_square(voxel: Voxel, link_edge: Int, heap: Codes, keyed: Keyed, offsets: Offsets) -> Int:
    """Add the four edges of a square to the empty chain; return the heap's new size."""
    size = np.int64(0)
    for side in range(2):
        direction, across = EDGE_ENDS[link_edge, side], offsets[EDGE_ENDS[link_edge, 1 - side]]
        for start in (voxel, voxel + across):
            size = _add_edge(start, direction, heap, size, keyed, offsets)
    return int(size)


@inlined_kernel
def _add_edge(voxel: Voxel, direction: Int, heap: Codes, size: Int, keyed: Keyed, offsets: Offsets) -> Int:
    """Add the edge from a voxel to a face neighbor, modulo 2, unless it closes no loop.

    It belongs to the later of the two, which is queued.
    """
    neighbor_is_later = 1 - ((state_of(keyed, voxel) >> direction) & 1)
    owner = voxel + offsets[at(direction)] * neighbor_is_later
    bit = direction ^ neighbor_is_later
    word = state_of(keyed, owner)
    if (word >> (NO_LOOP_BITS + bit)) & 1:
        return size
    set_state(keyed, owner, (word ^ (1 << (CHAIN_BITS + bit))) | QUEUED)
    if word & QUEUED:
        return size
    fetch_around(owner, keyed, offsets)
    return queue(owner, heap, size, keyed, DOWN)


@inlined_kernel
def push_down(
    voxel: Voxel, link: Link, critical: Int, heap: Codes, size: Int, keyed: Keyed, offsets: Offsets, mixed: Mixed | None
) -> Int:
    """Push the voxel's edges down the gradient until only critical ones are left.

    Within the voxel that is a walk of every link vertex along the forest to its root.
    """
    word = state_of(keyed, voxel)
    closing, between = ~(word >> NO_LOOP_BITS), EDGES & ~critical
    chain = (word >> CHAIN_BITS) & EDGES
    while chain & between:
        i = lowest_bit(chain & between)
        j = tree_parent(link, i)
        if mixed is not None and (np.int64(mixed[voxel]) >> i) & 1:
            j = mixed_parent(np.int64(mixed[voxel]), i)
        chain ^= (1 << i) | ((1 << j) & closing)
        for start, direction in ((i, j), (j, i)):
            size = _add_edge(voxel + offsets[at(start)], direction, heap, size, keyed, offsets)
    set_state(keyed, voxel, (word & WITHOUT_CHAIN) | (chain << CHAIN_BITS) | QUEUED)
    return size


@inlined_kernel
def last_critical_edge(voxel: Voxel, critical: Int, keyed: Keyed, first_edge: Partners) -> Int:
    """The last critical edge of the voxel in the chain, or -1; after ``push_down`` there are no others.

    ``critical`` are the voxel's critical edges, as bits.
    """
    chain = (state_of(keyed, voxel) >> CHAIN_BITS) & EDGES
    if chain == 0:
        return -1
    last = 5
    while not (chain >> last) & 1:
        last -= 1
    return int(first_edge[at(voxel)] + BIT_COUNT[critical & ((1 << last) - 1)])
