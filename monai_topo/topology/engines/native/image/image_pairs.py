"""Image persistence: the classes of one field that are still there in another, larger one.

Two fields on one grid, the codomain at most the domain everywhere, so that each sublevel set of the domain lies in
that of the codomain. A class is born in the order of the domain and dies in the order of the codomain: the pairs are
those of a boundary matrix with rows in the one order and columns in the other, for face connectivity with a border as
in ``pairs``. Upside down the two fields change places, and the answer is again for the two as they were given.

Dimension 0 merges components in the order of the codomain; the elder is the one whose minimum comes first in the
domain. The top dimension merges the upper voxels in the order of the domain; the elder has the last maximum of the
codomain. Dimension 1 in 3D is the reduction of ``loops`` over a gradient that both orders share, see ``shared``; beside
a binary target it is that of ``coboundaries`` over a gradient of the one order, see ``levels``.

Sources: Cohen-Steiner, Edelsbrunner, Harer, Morozov, "Persistent homology for kernels, images, and cokernels" (2009);
Bauer, Schmahl, "Efficient computation of image persistence" (2023) for the two orders of one matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import Int, allocating_kernel, entry_kernel, kernel
from monai_topo.topology.engines.native.gradient.levels import (
    list_divided_cells,
    plant_divided_forest,
    write_early_words,
)
from monai_topo.topology.engines.native.gradient.mixed import share_words, shared_word
from monai_topo.topology.engines.native.gradient.saddles import (
    ABOVE,
    BELOW,
    HAS_CRITICAL_EDGE,
    HAS_CRITICAL_SQUARE,
    classify_volume,
    list_edges,
    list_runs,
    list_squares,
    saddles_of_plane,
    sorted_saddles,
)
from monai_topo.topology.engines.native.image.shared import (
    clear_squares,
    list_shared_edges,
    list_shared_squares,
)
from monai_topo.topology.engines.native.order.keys import ABOVE_ALL, BELOW_ALL, fill_border, order_code, surround
from monai_topo.topology.engines.native.order.neighbors import ALL_NEIGHBORS, FACES
from monai_topo.topology.engines.native.pairing.coboundaries import pair_loops_upward
from monai_topo.topology.engines.native.pairing.components import (
    ASCENDING,
    DESCENDING,
    OUTSIDE,
    UNPAIRED,
    find_root,
    merge_in_order,
    plant_forest,
)
from monai_topo.topology.engines.native.pairing.loops import pair_loops
from monai_topo.topology.engines.native.pairing.pairs import ALL_2D, ALL_3D, FACES_2D, FACES_3D, append_pairs

_NO_ELDER = -1
_FACES_OF_PIXEL, _NEIGHBORS_OF_PIXEL = 0xF, 0xFF


@entry_kernel
def image_pairs_of_plane(domain: Any, codomain: Any, framed: bool, upside_down: bool, wanted: Any, offsets: Any) -> Any:
    """Image pairs of a 2D field in a larger one.

    Args:
        domain: int32 ``(1, H, W)``, ordered like the values of the field.
        codomain: likewise, of the larger filtration.
        framed: the border is a frame.
        upside_down: turn the total orders around first, and the answer back.
        wanted: bool, one for each dimension.
        offsets: from ``neighbor_offsets``.

    Returns:
        int64 ``(2, n)`` of births and deaths for each dimension, as flat indices. Classes that never die or are born
        with the frame are left out; bars that are empty by value are not.
    """
    height, row = domain.shape[1], domain.shape[2] + 2
    grid, place = (1, height + 2, row), (0, upside_down, (1, height + 2, row), domain.shape)
    keys_a, keys_b = _two_orders(domain, codomain, grid, framed, upside_down)
    size = keys_a.size
    lower_a, lower_b = np.zeros(size, np.int32), np.zeros(size, np.int32)
    forest, elder = np.empty(size, np.int32), np.empty(size, np.int32)
    low, high = np.empty((2, 1), np.int64), np.empty((2, 1), np.int64)
    saddles_a, runs_a = saddles_of_plane(keys_a, lower_a, height, row, forest)
    saddles_b, runs_b = saddles_of_plane(keys_b, lower_b, height, row, forest)
    counts = np.zeros(2, np.int64)
    if wanted[0]:
        cells, partner = np.empty((3, runs_b), np.int32), np.empty(runs_b, np.int32)
        list_runs(saddles_b, lower_b, offsets, BELOW, cells)
        plant_forest(lower_b, offsets, FACES_2D, ASCENDING, grid, forest)
        _choose_minima(lower_a, _FACES_OF_PIXEL, keys_a, forest, elder)
        _merge_by_elder(cells, partner, forest, elder, keys_a, ASCENDING)
        low, counts[0] = append_pairs(low, 0, partner, cells[0], place)
    if wanted[1]:
        cells, partner = np.empty((3, runs_a), np.int32), np.empty(runs_a, np.int32)
        list_runs(saddles_a, lower_a, offsets, ABOVE, cells)
        plant_forest(lower_a, offsets, ALL_2D, DESCENDING, grid, forest)
        _choose_maxima(lower_b, _NEIGHBORS_OF_PIXEL, keys_b, forest, elder)
        _merge_by_elder(cells, partner, forest, elder, keys_b, DESCENDING)
        high, counts[1] = append_pairs(high, 0, cells[0], partner, place)
    return low[:, : counts[0]], high[:, : counts[1]]


@entry_kernel
def image_pairs_of_volume(
    domain: Any,
    codomain: Any,
    framed: bool,
    upside_down: bool,
    wanted: Any,
    offsets: Any,
    table: Any,
    divided: Any = None,
) -> Any:
    """Image pairs of a 3D field in a larger one; see :func:`image_pairs_of_plane`.

    Args:
        domain: int32 ``(D, H, W)``, ordered like the values of the field.
        codomain: likewise, of the larger filtration.
        framed: the border is a frame.
        upside_down: turn the total orders around first, and the answer back.
        wanted: bool, one for each dimension.
        offsets: from ``neighbor_offsets``.
        table: the links, from ``new_link_table``.
        divided: True, upside down only, where the codomain has some voxels first, before all of the domain, and is the
            domain elsewhere: the faster way, see ``levels``; bars that die at these voxels are left out. Otherwise
            None.

    Returns:
        int64 ``(2, n)`` of births and deaths for each dimension.
    """
    shape = domain.shape
    grid = (shape[0] + 2, shape[1] + 2, shape[2] + 2)
    place = (0, upside_down, grid, shape)
    keys_a, keys_b = _two_orders(domain, codomain, grid, framed, upside_down)
    size = keys_a.size
    lower_a, lower_b = np.zeros(size, np.int32), np.zeros(size, np.int32)
    forest, elder = np.empty(size, np.int32), np.empty(size, np.int32)
    low, mid, high = np.empty((2, 1), np.int64), np.empty((2, 1), np.int64), np.empty((2, 1), np.int64)
    counts, critical, scratch = np.zeros(3, np.int64), np.empty(4, np.int64), np.empty(20, np.int64)
    classify_volume(keys_b, lower_b, grid, table, critical)
    if wanted[0]:
        cells, partner = np.empty((3, critical[1]), np.int32), np.empty(critical[1], np.int32)
        list_edges(sorted_saddles(keys_b, lower_b, HAS_CRITICAL_EDGE, critical[0]), lower_b, table, offsets, cells)
        plant_forest(lower_b, offsets, FACES_3D, ASCENDING, grid, forest)
    classify_volume(keys_a, lower_a, grid, table, critical)
    if wanted[0]:
        _choose_minima(lower_a, FACES, keys_a, forest, elder)
        _merge_by_elder(cells, partner, forest, elder, keys_a, ASCENDING)
        low, counts[0] = append_pairs(low, 0, partner, cells[0], place)
    if wanted[2]:
        squares, summit = np.empty((4, critical[3]), np.int32), np.empty(critical[3], np.int32)
        saddles = sorted_saddles(keys_a, lower_a, HAS_CRITICAL_SQUARE, critical[2])
        list_squares(saddles, lower_a, table, offsets, scratch, squares)
        plant_forest(lower_a, offsets, ALL_3D, DESCENDING, grid, forest)
        _choose_maxima(lower_b, ALL_NEIGHBORS, keys_b, forest, elder)
        _merge_by_elder(squares, summit, forest, elder, keys_b, DESCENDING)
        high, counts[2] = append_pairs(high, 0, squares[0], summit, place)
    if wanted[1]:
        if divided is None:
            squares, loops = _pair_shared(keys_a, keys_b, lower_a, lower_b, table, offsets, grid, forest, scratch)
        else:
            squares, loops = _pair_divided(keys_a, keys_b, lower_a, lower_b, table, offsets, grid, forest, scratch)
        mid, counts[1] = append_pairs(mid, 0, loops, squares[0], place)
    return low[:, : counts[0]], mid[:, : counts[1]], high[:, : counts[2]]


@allocating_kernel
def _pair_shared(
    keys_a: Any, keys_b: Any, lower_a: Any, lower_b: Any, table: Any, offsets: Any, grid: Any, forest: Any, scratch: Any
) -> Any:
    """Dimension 1 of any two orders: the squares, and for each the voxel of its edge or ``UNPAIRED``."""
    mixed, words = np.empty(forest.size, np.int32), np.empty(forest.size, np.int32)
    share_words(lower_a, lower_b, offsets, mixed, words)
    edges = list_shared_edges(keys_a, words, mixed, table, offsets)
    _plant_shared_forest(words, mixed, offsets, grid, forest)
    merged = merge_in_order(edges, forest, keys_a, ASCENDING)
    squares = list_shared_squares(keys_b, lower_a, lower_b, words, mixed, table, offsets)
    enclosed = np.empty(squares.shape[1], np.int32)
    plant_forest(lower_b, offsets, ALL_3D, DESCENDING, grid, forest)
    clear_squares(squares, enclosed, forest, scratch)
    keyed = np.empty(2 * forest.size, np.int32)
    return squares, pair_loops(
        edges, merged, squares, enclosed, keys_a, words, table, offsets, grid, forest, keyed, mixed
    )


@allocating_kernel
def _pair_divided(
    keys_a: Any, keys_b: Any, lower_a: Any, lower_b: Any, table: Any, offsets: Any, grid: Any, forest: Any, scratch: Any
) -> Any:
    """The same where the first order has some voxels last and agrees on the others; its words are overwritten."""
    early = lower_a
    write_early_words(keys_a, keys_b, lower_b, early)
    edges, num_early, squares, links = list_divided_cells(keys_a, keys_b, lower_b, early, table, offsets)
    enclosed = np.empty(squares.shape[1], np.int32)
    plant_divided_forest(early, offsets, grid, forest)
    merged = merge_in_order(edges, forest, keys_a, ASCENDING)
    plant_forest(lower_b, offsets, ALL_3D, DESCENDING, grid, forest)
    clear_squares(squares, enclosed, forest, scratch)
    loops = pair_loops_upward(
        edges, merged, squares, enclosed, keys_b, lower_b, table, offsets, grid, forest, links, num_early
    )
    return squares, loops


@allocating_kernel
def _two_orders(domain: Any, codomain: Any, grid: tuple[int, int, int], framed: bool, upside_down: bool) -> Any:
    """Padded keys of the domain and of the codomain; upside down they change places."""
    size = grid[0] * grid[1] * grid[2]
    keys_a, keys_b = np.empty(size, np.int32), np.empty(size, np.int32)
    outside = BELOW_ALL if framed else ABOVE_ALL
    surround(codomain if upside_down else domain, False, keys_a, outside, upside_down)
    surround(domain if upside_down else codomain, False, keys_b, outside, upside_down)
    return keys_a, keys_b


@kernel
def _plant_shared_forest(words: Any, mixed: Any, offsets: Any, grid: tuple[int, int, int], forest: Any) -> None:
    """One step from every voxel to the lowest face neighbor that both orders have before it, if any."""
    for voxel in range(words.size):
        faces = shared_word(words, mixed, voxel) & FACES
        forest[voxel] = voxel
        if faces:
            forest[voxel] = voxel + offsets[lowest_bit(faces)]
    fill_border(forest, grid, OUTSIDE)


@kernel
def _choose_minima(lower: Any, faces: Int, keys: Any, forest: Any, elder: Any) -> None:
    """For each tree its first voxel among the minima of another order; the border's is the outside."""
    for voxel in range(elder.size):
        elder[voxel] = _NO_ELDER
    elder[OUTSIDE] = OUTSIDE
    for voxel in range(elder.size):
        if not lower[voxel] & faces:
            root = find_root(voxel, forest)
            if elder[root] == _NO_ELDER or order_code(keys, voxel) < order_code(keys, elder[root]):
                elder[root] = voxel


@kernel
def _choose_maxima(lower: Any, neighbors: Int, keys: Any, forest: Any, elder: Any) -> None:
    """For each tree its last voxel among the maxima of another order; the border's is the outside."""
    for voxel in range(elder.size):
        elder[voxel] = _NO_ELDER
    elder[OUTSIDE] = OUTSIDE
    for voxel in range(elder.size):
        if lower[voxel] & neighbors == neighbors:
            root = find_root(voxel, forest)
            if elder[root] == _NO_ELDER or order_code(keys, voxel) > order_code(keys, elder[root]):
                elder[root] = voxel


@kernel
def _merge_by_elder(cells: Any, partner: Any, parent: Any, elder: Any, keys: Any, ascending: bool) -> None:
    """Merge as ``merge_in_order`` does, but the elder of two components is told by another order.

    Args:
        cells: critical cells in the order of merging.
        partner: int32, filled: the voxel that stands for the component that each cell merges away, or ``UNPAIRED``.
        parent: the forest, updated.
        elder: for each root the voxel that stands for its component, or none.
        keys: the order that tells which component is the elder.
        ascending: the first is the elder and cells are taken from first to last; otherwise the other way around.
    """
    for i in range(partner.size):
        cell = i if ascending else partner.size - 1 - i
        a, b = find_root(np.int64(cells[1, cell]), parent), find_root(np.int64(cells[2, cell]), parent)
        partner[cell] = UNPAIRED
        if a == b:
            continue
        first, second = elder[a], elder[b]
        a_is_elder = second == _NO_ELDER or (
            first != _NO_ELDER and (order_code(keys, first) < order_code(keys, second)) == ascending
        )
        parent[b if a_is_elder else a] = a if a_is_elder else b
        younger = second if a_is_elder else first
        if younger != _NO_ELDER:
            partner[cell] = younger
