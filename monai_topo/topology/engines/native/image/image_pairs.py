"""Image persistence: the classes of one field that are still there in another, larger one.

Two fields on one grid, the codomain at most the domain everywhere, so that each sublevel set of the domain lies in
that of the codomain. A class is born in the order of the domain and dies in the order of the codomain: the pairs are
those of a boundary matrix with rows in the one order and columns in the other, for face connectivity with a border as
in ``pairs``. Upside down the two fields change places, and the answer is again for the two as they were given.

Dimension 0 merges components in the order of the codomain; the elder is the one whose minimum comes first in the
domain. The top dimension merges the upper voxels in the order of the domain; the elder has the last maximum of the
codomain. Dimension 1 in 3D is the reduction of ``loops`` over a gradient that both orders share, see ``shared``.

Sources: Cohen-Steiner, Edelsbrunner, Harer, Morozov, "Persistent homology for kernels, images, and cokernels" (2009);
Bauer, Schmahl, "Efficient computation of image persistence" (2023) for the two orders of one matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, entry_kernel, kernel
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
from monai_topo.topology.engines.native.image.elders import choose_maxima, choose_minima, merge_by_elder
from monai_topo.topology.engines.native.image.shared import (
    clear_squares,
    count_shared_squares,
    list_shared_edges,
    list_shared_squares,
    plant_shared_forest,
    share_words,
)
from monai_topo.topology.engines.native.order.keys import ABOVE_ALL, BELOW_ALL, fill_border, surround
from monai_topo.topology.engines.native.order.neighbors import ALL_NEIGHBORS, FACES
from monai_topo.topology.engines.native.pairing.components import (
    ASCENDING,
    DESCENDING,
    merge_in_order,
    plant_forest,
)
from monai_topo.topology.engines.native.pairing.loops import pair_loops
from monai_topo.topology.engines.native.pairing.pairs import ALL_2D, ALL_3D, FACES_2D, FACES_3D, append_pairs
from monai_topo.topology.engines.native.types import (
    Array,
    CriticalCells,
    Effort,
    Field,
    Forest,
    Grid,
    Keyed,
    Keys,
    LinkTable,
    Mask,
    Mixed,
    Offsets,
    Place,
    Scratch,
    TwoOrders,
)

_FACES_OF_PIXEL, _NEIGHBORS_OF_PIXEL = 0xF, 0xFF


@entry_kernel
def image_pairs_of_plane(
    domain: Field, codomain: Field, framed: bool, upside_down: bool, wanted: Mask, memory: Array, offsets: Offsets
) -> Any:
    """Image pairs of a 2D field in a larger one.

    Args:
        domain: int32 ``(1, H, W)``, ordered like the values of the field.
        codomain: likewise, of the larger filtration.
        framed: the border is a frame.
        upside_down: turn the total orders around first, and the answer back.
        wanted: bool, one for each dimension.
        memory: int32, flat, six for each voxel of the padded grid, overwritten.
        offsets: steps to the neighbors, from ``neighbor_offsets``.

    Returns:
        int64 ``(2, n)`` of births and deaths for each dimension, as flat indices. Classes that never die or are born
        with the frame are left out; bars that are empty by value are not.
    """
    height, row = domain.shape[1], domain.shape[2] + 2
    grid = (np.int64(1), height + 2, row)
    place = Place(np.int64(0), upside_down, grid, domain.shape)
    size = memory.size // 6
    keys_a, keys_b, lower_a = memory[:size], memory[size : 2 * size], memory[2 * size : 3 * size]
    lower_b, forest, elder = memory[3 * size : 4 * size], memory[4 * size : 5 * size], memory[5 * size :]
    _order(domain, codomain, framed, upside_down, keys_a, keys_b)
    fill_border(lower_a, grid, np.int64(0))  # nothing comes before it
    fill_border(lower_b, grid, np.int64(0))
    low, high = np.empty((2, 1), np.int64), np.empty((2, 1), np.int64)
    saddles_a, runs_a = saddles_of_plane(keys_a, lower_a, height, row, forest)
    saddles_b, runs_b = saddles_of_plane(keys_b, lower_b, height, row, forest)
    counts = np.zeros(2, np.int64)
    if wanted[0]:
        cells, partner = np.empty((3, runs_b), np.int32), np.empty(runs_b, np.int32)
        list_runs(saddles_b, lower_b, offsets, BELOW, cells)
        plant_forest(lower_b, offsets, FACES_2D, ASCENDING, grid, forest)
        choose_minima(lower_a, _FACES_OF_PIXEL, keys_a, forest, elder)
        merge_by_elder(cells, partner, forest, elder, keys_a, ASCENDING)
        low, counts[0] = append_pairs(low, 0, partner, cells[0], place)
    if wanted[1]:
        cells, partner = np.empty((3, runs_a), np.int32), np.empty(runs_a, np.int32)
        list_runs(saddles_a, lower_a, offsets, ABOVE, cells)
        plant_forest(lower_a, offsets, ALL_2D, DESCENDING, grid, forest)
        choose_maxima(lower_b, _NEIGHBORS_OF_PIXEL, keys_b, forest, elder)
        merge_by_elder(cells, partner, forest, elder, keys_b, DESCENDING)
        high, counts[1] = append_pairs(high, 0, cells[0], partner, place)
    return low[:, : counts[0]], high[:, : counts[1]]


@entry_kernel
def image_pairs_of_volume(
    domain: Field,
    codomain: Field,
    framed: bool,
    upside_down: bool,
    wanted: Mask,
    memory: Array,
    offsets: Offsets,
    table: LinkTable,
    effort: Effort,
    patient: bool | None = None,
) -> Any:
    """Image pairs of a 3D field in a larger one; see :func:`image_pairs_of_plane`.

    Args:
        domain: int32 ``(D, H, W)``, ordered like the values of the field.
        codomain: likewise, of the larger filtration.
        framed: the border is a frame.
        upside_down: turn the total orders around first, and the answer back.
        wanted: bool, one for each dimension.
        memory: int32, flat, seven for each voxel of the padded grid, overwritten.
        offsets: steps to the neighbors, from ``neighbor_offsets``.
        table: the links, from ``new_link_table``.
        effort: rule when columns of dimension 1 that take long are put off.
        patient: None gives up where dimension 1 takes long, True goes on. Only what is asked for is compiled.

    Returns:
        Whether all is paired, and if so int64 ``(2, n)`` of births and deaths for each dimension.
    """
    shape = domain.shape
    grid = (shape[0] + 2, shape[1] + 2, shape[2] + 2)
    place = Place(np.int64(0), upside_down, grid, shape)
    size = memory.size // 7
    orders = TwoOrders(
        memory[:size], memory[4 * size : 5 * size], memory[2 * size : 3 * size], memory[3 * size : 4 * size]
    )
    keys_a, keys_b, lower_a, lower_b = orders
    forest, elder = memory[5 * size : 6 * size], memory[6 * size :]
    _order(domain, codomain, framed, upside_down, keys_a, keys_b)
    fill_border(lower_a, grid, np.int64(0))  # nothing comes before it
    fill_border(lower_b, grid, np.int64(0))
    low, mid, high = np.empty((2, 1), np.int64), np.empty((2, 1), np.int64), np.empty((2, 1), np.int64)
    counts, scratch = np.zeros(3, np.int64), np.empty(20, np.int64)
    critical = classify_volume(keys_b, lower_b, grid, table, scratch)
    if wanted[0]:
        cells, partner = np.empty((3, critical.edges), np.int32), np.empty(critical.edges, np.int32)
        saddles = sorted_saddles(keys_b, lower_b, HAS_CRITICAL_EDGE, critical.edge_voxels)
        list_edges(saddles, lower_b, table, offsets, cells)
        plant_forest(lower_b, offsets, FACES_3D, ASCENDING, grid, forest)
    critical = classify_volume(keys_a, lower_a, grid, table, scratch)
    if wanted[0]:
        choose_minima(lower_a, FACES, keys_a, forest, elder)
        merge_by_elder(cells, partner, forest, elder, keys_a, ASCENDING)
        low, counts[0] = append_pairs(low, 0, partner, cells[0], place)
    if wanted[2]:
        squares, summit = np.empty((4, critical.squares), np.int32), np.empty(critical.squares, np.int32)
        saddles = sorted_saddles(keys_a, lower_a, HAS_CRITICAL_SQUARE, critical.square_voxels)
        list_squares(saddles, lower_a, table, offsets, scratch, squares)
        plant_forest(lower_a, offsets, ALL_3D, DESCENDING, grid, forest)
        choose_maxima(lower_b, ALL_NEIGHBORS, keys_b, forest, elder)
        merge_by_elder(squares, summit, forest, elder, keys_b, DESCENDING)
        high, counts[2] = append_pairs(high, 0, squares[0], summit, place)
    done = True
    if wanted[1]:
        keyed, mixed = memory[: 2 * size], elder
        done, squares, loops = _pair_loops(orders, table, offsets, grid, forest, keyed, mixed, scratch, effort, patient)
        mid, counts[1] = append_pairs(mid, 0, loops, squares[0], place)
    return done, low[:, : counts[0]], mid[:, : counts[1]], high[:, : counts[2]]


@allocating_kernel
def _pair_loops(
    orders: TwoOrders,
    table: LinkTable,
    offsets: Offsets,
    grid: Grid,
    forest: Forest,
    keyed: Keyed,
    mixed: Mixed,
    scratch: Scratch,
    effort: Effort,
    patient: bool | None,
) -> Any:
    """Dimension 1: whether all is paired, the squares, and for each the voxel of its edge.

    The first keys lie in the first half of ``keyed``, and the words of what both orders share are written behind them.
    """
    keys_a, keys_b, lower_a, lower_b = orders
    words = keyed[keys_a.size :]
    voxels, count = share_words(lower_a, lower_b, table, offsets, mixed, words)
    edges, saddles = np.empty((3, count), np.int32), sorted_saddles(keys_a, words, HAS_CRITICAL_EDGE, voxels)
    list_shared_edges(saddles, words, mixed, table, offsets, edges)
    plant_shared_forest(words, mixed, offsets, grid, forest)
    merged = merge_in_order(edges, forest, keys_a, ASCENDING)
    critical = forest  # which is planted anew afterward
    voxels, count = count_shared_squares(lower_a, lower_b, words, mixed, table, offsets, critical)
    squares, saddles = np.empty((4, count), np.int32), sorted_saddles(keys_b, words, HAS_CRITICAL_SQUARE, voxels)
    list_shared_squares(saddles, critical, lower_b, words, mixed, table, offsets, scratch, squares)
    enclosed = np.empty(squares.shape[1], np.int32)
    plant_forest(lower_b, offsets, ALL_3D, DESCENDING, grid, forest)
    clear_squares(squares, enclosed, forest, scratch)
    cells = CriticalCells(edges, merged, squares, enclosed)
    done, loops = pair_loops(cells, keys_a, words, table, offsets, grid, forest, keyed, effort, patient, mixed)
    return done, squares, loops


@kernel
def _order(domain: Field, codomain: Field, framed: bool, upside_down: bool, keys_a: Keys, keys_b: Keys) -> None:
    """Write the keys of the domain and of the codomain; upside down they change places."""
    outside = BELOW_ALL if framed else ABOVE_ALL
    surround(codomain if upside_down else domain, False, keys_a, outside, upside_down)
    surround(domain if upside_down else codomain, False, keys_b, outside, upside_down)
