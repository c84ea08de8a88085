"""Dimension 1 in 3D: which critical edge each critical square ends.

The boundary of a critical square is a chain of edges. The chain is pushed down the gradient: an edge paired with a
square is replaced by the rest of that square's boundary, an edge paired with a vertex (or with a component) closes no
loop and is left out. What stays are critical edges; the last of them, if no earlier square took it, is the loop that
the square fills. Otherwise the earlier square's chain is added and the push goes on. Invariant: the last edges of all
chains kept are different, so this is the reduction of the boundary matrix, done only where it can change a pair.

A chain is one byte per voxel, the edges from the voxel to its lower face neighbors, and a heap of the voxels that have
any, the last one in the total order on top. Squares of the top dimension never enter (clearing), and a push stops at
the first edge that no one else took: the rest of the chain is kept as it is, for squares that will add it.

Sources: Robins, Wood, Sheppard 2011 for the chains over a discrete gradient; Guillou, Vidal, Tierny, "Discrete Morse
Sandwich", IEEE TVCG (2023) for dimension 1 between the two union-finds and for stopping early.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.engines.native.components import UNPAIRED
from monai_topo.topology.engines.native.gradient import BIT_COUNT, EDGE_ENDS, link_of, roots, tree_parent
from monai_topo.topology.engines.native.kernel import allocating_kernel, inlined_kernel, kernel
from monai_topo.topology.engines.native.neighbors import lowest_bit
from monai_topo.topology.engines.native.order import fill_border, order_code, voxel_of

_EDGES = 0x3F
_QUEUED = 0x80
_NO_SQUARE = -1
_NO_LOOP = -2
_PUSHES_PER_VOXEL = 16


@allocating_kernel
def pair_loops(
    edges: Any,
    merged: Any,
    squares: Any,
    enclosed: Any,
    keys: Any,
    lower: Any,
    table: Any,
    offsets: Any,
    chain: Any,
) -> Any:
    """Pair every critical edge that merges nothing with the critical square that fills its loop.

    The buffers of ``_reduce`` are fixed while it runs, because rebinding an array in a hot loop costs reference counts;
    when one is too small, it returns the square that it was at, and is called again with larger ones.

    Args:
        edges: critical edges from ``list_edges``.
        merged: for each edge its partner in dimension 0, or ``UNPAIRED``.
        squares: critical squares from ``list_squares``.
        enclosed: for each square its partner in dimension 2, or ``UNPAIRED``.
        keys: int32, flat, padded.
        lower: the words of lower neighbors.
        table: memo of links.
        offsets: offset of each neighbor, by bit.
        chain: an empty chain from ``empty_chain``.

    Returns:
        For each square the voxel that owns the edge it is paired with, or ``UNPAIRED``.
    """
    partner = np.empty(squares.shape[1], np.int32)
    taker = np.empty(edges.shape[1], np.int32)
    first_edge = np.empty(keys.size, np.int32)
    _prepare(edges, merged, partner, taker, first_edge)
    heap = np.empty(1024, np.int64)
    start = np.zeros(squares.shape[1] + 1, np.int64)
    kept_voxels, kept_edges = np.empty(4096, np.int32), np.empty(4096, np.uint8)
    square = _reduce(
        0, squares, enclosed, partner, taker, first_edge, chain, heap,
        start, kept_voxels, kept_edges, keys, lower, table, offsets,
    )  # fmt: skip
    while square < squares.shape[1]:
        heap = np.empty(2 * heap.size, np.int64)
        kept_voxels, kept_edges = _twice_as_long(kept_voxels), _twice_as_long(kept_edges)
        square = _reduce(
            square, squares, enclosed, partner, taker, first_edge, chain, heap,
            start, kept_voxels, kept_edges, keys, lower, table, offsets,
        )  # fmt: skip
    return partner


@allocating_kernel
def empty_chain(size: int, grid: tuple[int, int, int]) -> Any:
    """A chain without edges. The border counts as queued already: what it is given never comes up."""
    chain = np.zeros(size, np.uint8)
    fill_border(chain, grid, _QUEUED)
    return chain


@kernel
def _prepare(edges: Any, merged: Any, partner: Any, taker: Any, first_edge: Any) -> None:
    """Nothing is paired yet. The first critical edge of a voxel is defined only where it owns one."""
    for i in range(partner.size):
        partner[i] = UNPAIRED
    for i in range(taker.size - 1, -1, -1):
        taker[i] = _NO_SQUARE if merged[i] == UNPAIRED else _NO_LOOP
        first_edge[edges[0, i]] = i


@allocating_kernel
def _twice_as_long(array: Any) -> Any:
    longer = np.empty(2 * array.size, array.dtype)
    for i in range(array.size):
        longer[i] = array[i]
    return longer


@kernel
def _reduce(
    begin: int,
    squares: Any,
    enclosed: Any,
    partner: Any,
    taker: Any,
    first_edge: Any,
    chain: Any,
    heap: Any,
    start: Any,
    kept_voxels: Any,
    kept_edges: Any,
    keys: Any,
    lower: Any,
    table: Any,
    offsets: Any,
) -> int:
    """Reduce the squares from ``begin`` on, in the total order.

    Long, because the heap's size is a local variable that every step changes. ``taker`` holds the square that took each
    critical edge, ``_NO_SQUARE`` or ``_NO_LOOP``; ``start`` is where the kept chain of each square begins in
    ``kept_voxels`` and ``kept_edges``. The rest is as in :func:`pair_loops`.

    Returns:
        The number of squares when all are done, or the first one to do again with larger buffers.
    """
    for square in range(begin, squares.shape[1]):
        start[square + 1] = start[square]
        if enclosed[square] != UNPAIRED:
            continue
        size = _add_boundary(squares[0, square], squares[3, square], chain, heap, 0, keys, lower, offsets)
        while size:
            voxel, size = _pop(heap, size)
            link = link_of(table, np.int64(lower[voxel]))
            size = _push_down(voxel, link, chain, heap, size, keys, lower, offsets)
            edge = _last_critical_edge(voxel, link, chain, taker, first_edge)
            while edge >= 0 and taker[edge] >= 0:
                first, last = start[taker[edge]], start[taker[edge] + 1]
                if size + last - first + _PUSHES_PER_VOXEL > heap.size:
                    break
                for k in range(first, last):
                    size = _add_edges(kept_voxels[k], kept_edges[k], chain, heap, size, keys)
                edge = _last_critical_edge(voxel, link, chain, taker, first_edge)
            if edge >= 0 or size + _PUSHES_PER_VOXEL > heap.size:
                fits = start[square] + size < kept_voxels.size
                if edge < 0 or taker[edge] >= 0 or not fits:
                    _clear(voxel, chain, heap, size)
                    return square
                start[square + 1] = _keep(voxel, chain, heap, size, start[square], kept_voxels, kept_edges)
                taker[edge] = square
                partner[square] = voxel
                size = 0
            chain[voxel] = 0
    return int(squares.shape[1])


@kernel
def _add_boundary(
    voxel: int, link_edge: int, chain: Any, heap: Any, size: int, keys: Any, lower: Any, offsets: Any
) -> int:
    """Add the four edges of a square to the chain; return the heap's new size."""
    i, j = EDGE_ENDS[link_edge, 0], EDGE_ENDS[link_edge, 1]
    size = _add_edges(voxel, (1 << i) | (1 << j), chain, heap, size, keys)
    size = _add_edge_between(voxel + offsets[i], j, chain, heap, size, keys, lower, offsets)
    return _add_edge_between(voxel + offsets[j], i, chain, heap, size, keys, lower, offsets)


@inlined_kernel
def _add_edge_between(
    voxel: int, direction: int, chain: Any, heap: Any, size: int, keys: Any, lower: Any, offsets: Any
) -> int:
    """Add the edge from a voxel to a face neighbor; it belongs to the later of the two."""
    if (lower[voxel] >> direction) & 1:
        return _add_edges(voxel, 1 << direction, chain, heap, size, keys)
    return _add_edges(voxel + offsets[direction], 1 << (direction ^ 1), chain, heap, size, keys)


@inlined_kernel
def _add_edges(voxel: int, edges: int, chain: Any, heap: Any, size: int, keys: Any) -> int:
    """Add edges of one voxel to the chain, modulo 2, and queue the voxel."""
    before = chain[voxel]
    chain[voxel] = (before ^ edges) | _QUEUED
    return size if before & _QUEUED else _push(heap, size, order_code(keys, voxel))


@inlined_kernel
def _push_down(voxel: int, link: int, chain: Any, heap: Any, size: int, keys: Any, lower: Any, offsets: Any) -> int:
    """Push the voxel's edges down the gradient until only critical ones are left.

    Within the voxel that is a walk of every link vertex along the forest to its root; the first root's edge is paired
    with the voxel.
    """
    link_roots = roots(link)
    walking = chain[voxel] & (_EDGES & ~link_roots)
    while walking:
        i = lowest_bit(walking)
        j = tree_parent(link, i)
        chain[voxel] ^= (1 << i) | (1 << j)
        size = _add_edge_between(voxel + offsets[i], j, chain, heap, size, keys, lower, offsets)
        size = _add_edge_between(voxel + offsets[j], i, chain, heap, size, keys, lower, offsets)
        walking = chain[voxel] & (_EDGES & ~link_roots)
    chain[voxel] &= (_EDGES | _QUEUED) & ~(link_roots & -link_roots)
    return size


@inlined_kernel
def _last_critical_edge(voxel: int, link: int, chain: Any, taker: Any, first_edge: Any) -> int:
    """The last critical edge of the voxel in the chain that closed a loop, or -1; drops those that closed none."""
    link_roots = roots(link)
    ordinal = BIT_COUNT[link_roots] - 1
    for vertex in range(5, -1, -1):
        if (link_roots >> vertex) & 1:
            ordinal -= 1
            if (chain[voxel] >> vertex) & 1:
                edge = first_edge[voxel] + ordinal
                if taker[edge] != _NO_LOOP:
                    return int(edge)
                chain[voxel] ^= 1 << vertex
    return -1


@kernel
def _keep(voxel: int, chain: Any, heap: Any, size: int, first: int, kept_voxels: Any, kept_edges: Any) -> int:
    """Move the chain, the popped voxel's edges and all queued ones, to where it is kept; return where it ends."""
    kept_voxels[first] = voxel
    kept_edges[first] = chain[voxel] & _EDGES
    end = first + 1
    for k in range(size):
        queued = voxel_of(heap[k])
        if chain[queued] & _EDGES:
            kept_voxels[end] = queued
            kept_edges[end] = chain[queued] & _EDGES
            end += 1
        chain[queued] = 0
    return end


@kernel
def _clear(voxel: int, chain: Any, heap: Any, size: int) -> None:
    chain[voxel] = 0
    for k in range(size):
        chain[voxel_of(heap[k])] = 0


@inlined_kernel
def _push(heap: Any, size: int, code: int) -> int:
    hole = size
    while hole and heap[(hole - 1) >> 1] < code:
        heap[hole] = heap[(hole - 1) >> 1]
        hole = (hole - 1) >> 1
    heap[hole] = code
    return size + 1


@inlined_kernel
def _pop(heap: Any, size: int) -> tuple[int, int]:
    """The last voxel in the total order, and the heap's new size."""
    top, moved = heap[0], heap[size - 1]
    size -= 1
    hole, child = 0, 1
    while child < size:
        if child + 1 < size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= moved:
            break
        heap[hole] = heap[child]
        hole, child = child, 2 * child + 1
    heap[hole] = moved
    return voxel_of(top), size
