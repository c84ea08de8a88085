"""Dimensions 0 and 2 of a 3D field, each in a thread: critical cells, and those of them that merge components."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.kernel import allocating_kernel
from monai_topo.topology.engines.native.gradient.saddles import (
    HAS_CRITICAL_EDGE,
    HAS_CRITICAL_SQUARE,
    list_edges,
    list_squares,
    sorted_saddles,
)
from monai_topo.topology.engines.native.pairing.chains import copy_into
from monai_topo.topology.engines.native.pairing.components import ASCENDING, DESCENDING, merge_in_order, plant_forest
from monai_topo.topology.engines.native.pairing.pairs import ALL_3D, FACES_3D, append_outer, append_pairs
from monai_topo.topology.engines.native.types import (
    Array,
    Cells,
    Forest,
    Int,
    Keys,
    LinkTable,
    Offsets,
    Place,
    Words,
)

MERGED, TAKER = 3, 4
"""Rows of the critical edges after their own."""
ENCLOSED, PARTNER, ORDER = 4, 5, 6
"""Rows of the critical squares after their own."""
FEW = np.int64(20)
"""Places for counts."""


class Share(NamedTuple):
    """What one thread of several does for a field; see ``pairing.shares``.

    Attributes:
        step: step that they are at.
        number: number of the thread.
        threads: number of threads.
    """

    step: Int
    number: Int
    threads: Int


class Shared(NamedTuple):
    """What the threads of one field share.

    Attributes:
        edges: int32 ``(5, n)``: critical edges, their partners in dimension 0, and the square that took each.
        squares: int32 ``(7, n)``: critical squares, their partners in dimension 2 and in dimension 1, and the numbers
            of those left to dimension 1 in the order of their turns.
        spans: int64 ``(2, n)``: where the chain of each square starts, if one is kept, and where it ends.
        voxels: int32: voxels of the kept chains, stretches for each thread.
        bits: uint8: bits of each of them.
        counts: int64 ``(threads, 20)``: what each thread has counted and where it is; see ``shares``.
        turns: int32 ``(2, threads)``: of the turns of each thread the first that nobody has begun, and the one after
            the last.
    """

    edges: Cells
    squares: Cells
    spans: NDArray[np.int64]
    voxels: Array
    bits: Array
    counts: NDArray[np.int64]
    turns: Cells


@allocating_kernel
def pair_minima(
    keys: Keys,
    lower: Words,
    shared: Shared,
    table: LinkTable,
    offsets: Offsets,
    forest: Forest,
    place: Place,
    with_outer: bool,
) -> Any:
    """List the critical edges, merge components across them, and list these pairs.

    Args:
        keys: int32, flat, padded.
        lower: the words of lower neighbors, with the flags of ``saddles``.
        shared: place for the edges, of which all rows but the last are filled.
        table: the links, from ``new_link_table``.
        offsets: offset of each neighbor, by bit.
        forest: int32, flat, padded, overwritten: what is merged in the end.
        place: position of the field in its stack.
        with_outer: the class that never dies is listed too.

    Returns:
        int64 ``(2, n)``: births and deaths.
    """
    edges = shared.edges
    saddles = sorted_saddles(keys, lower, HAS_CRITICAL_EDGE, shared.counts[0, 0])
    list_edges(saddles, lower, table, offsets, edges)
    plant_forest(lower, offsets, FACES_3D, ASCENDING, place.grid, forest)
    copy_into(edges[MERGED], merge_in_order(edges, forest, keys, ASCENDING))
    found, count = append_pairs(np.empty((2, FEW), np.int64), np.int64(0), edges[MERGED], edges[0], place)
    if with_outer:
        count = append_outer(found, count, forest, place.upside_down, place)
    return found[:, :count]


@allocating_kernel
def pair_maxima(
    keys: Keys,
    lower: Words,
    shared: Shared,
    table: LinkTable,
    offsets: Offsets,
    forest: Forest,
    place: Place,
    with_outer: bool,
) -> Any:
    """:func:`pair_minima` upside down: critical squares and the maxima that they merge away."""
    squares = shared.squares
    saddles = sorted_saddles(keys, lower, HAS_CRITICAL_SQUARE, shared.counts[0, 2])
    list_squares(saddles, lower, table, offsets, np.empty(FEW, np.int64), squares)
    plant_forest(lower, offsets, ALL_3D, DESCENDING, place.grid, forest)
    copy_into(squares[ENCLOSED], merge_in_order(squares, forest, keys, DESCENDING))
    found, count = append_pairs(np.empty((2, FEW), np.int64), np.int64(0), squares[0], squares[ENCLOSED], place)
    if with_outer:
        count = append_outer(found, count, forest, not place.upside_down, place)
    return found[:, :count]
