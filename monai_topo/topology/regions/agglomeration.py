"""Kernels that merge regions by what is measured on their walls: the weakest wall first, and then small regions.

Two merged regions' walls to a third are one wall: counts and sums add up, so that its mean, or the share of it under a
level, is always that of the whole wall. The wall next to be opened is taken from a heap; an entry whose score is no
longer that of the wall is passed over.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.kernel import allocating_kernel, entry_kernel, inlined_kernel, kernel
from monai_topo.topology.regions.wall_kernels import EMPTY, pair_key, place_of

_NONE = -1


class _Graph(NamedTuple):
    """Regions and walls; half-edge 2 w + side leaves the region ``ends[side, w]`` through wall w.

    Attributes:
        ends: int32 ``(2, walls)``, the regions on both sides as they are by now.
        counts: float64, edges of each wall.
        sums: float64, divided by the counts the score.
        ranks: float64, place of the weakest step in the order of all, which decides between equal scores.
        stands: bool, whether the wall is still there.
        leaving: int32, the first half-edge that leaves each region.
        following: int32, the one after each half-edge.
        degrees: int64, how many leave each region, with those of walls that are no more.
        parent: int32, the region that each is part of.
        sizes: int64, voxels of each region.
        lowest: float64, lowest value of each region, which decides between equal sizes.
    """

    ends: NDArray[np.int32]
    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    ranks: NDArray[np.float64]
    stands: NDArray[np.bool_]
    leaving: NDArray[np.int32]
    following: NDArray[np.int32]
    degrees: NDArray[np.int64]
    parent: NDArray[np.int32]
    sizes: NDArray[np.int64]
    lowest: NDArray[np.float64]


@entry_kernel
def merge_by_score(
    ends: Any, counts: Any, sums: Any, ranks: Any, limit: float, sizes: Any, lowest: Any, min_size: int
) -> Any:
    """Open the wall of the lowest score as long as that is at most the limit; then merge regions that are too small.

    Args:
        ends: int32 ``(2, walls)``, changed.
        counts: float64, changed.
        sums: float64, changed.
        ranks: float64, changed.
        limit: limit of the score.
        sizes: int64, of the regions, from number 1 on, changed.
        lowest: float64, likewise.
        min_size: the smallest region that is left, if it has a neighbor; each goes to the one behind its weakest wall.

    Returns:
        int32, the region that each was merged into, by steps; a root is its own.
    """
    graph = _new_graph(ends, counts, sums, ranks, sizes, lowest)
    table = _index_walls(graph)
    used = counts.size
    heap = np.empty((2, 2 * counts.size + 1)), np.empty(2 * counts.size + 1, np.int32)
    height = 0
    for wall in range(counts.size):
        height = _push_if_low(graph, wall, limit, heap, height)
    while height:
        wall, score, rank = heap[1][0], heap[0][0, 0], heap[0][1, 0]
        height = _pop(heap, height)
        if graph.stands[wall] and score == _score(graph, wall) and rank == ranks[wall]:
            a, b = ends[0, wall], ends[1, wall]
            if used + min(graph.degrees[a], graph.degrees[b]) > table[0].size // 2:
                table, used = _index_walls(graph), counts.size
            height, used = _join(graph, a, b, table, used, limit, heap, height)
    _merge_small(graph, table, used, min_size)
    return graph.parent


@entry_kernel
def merge_by_depth(ends: Any, heights: Any, lowest: Any, limit: float) -> Any:
    """Merge regions across walls that are taken in order, where the shallower one is at most so deep under the pass.

    Args:
        ends: int32 ``(2, walls)``, in the order in which the passes enter.
        heights: float64, values of the passes.
        lowest: float64, of each region, from number 1 on, changed.
        limit: limit of the depth.

    Returns:
        int32, as of :func:`merge_by_score`.
    """
    parent = np.arange(lowest.size).astype(np.int32)
    for wall in range(heights.size):
        a, b = _root(parent, ends[0, wall]), _root(parent, ends[1, wall])
        if a != b and heights[wall] - max(lowest[a], lowest[b]) <= limit:
            parent[b] = a
            lowest[a] = min(lowest[a], lowest[b])
    return parent


@inlined_kernel
def _root(parent: Any, region: int) -> int:
    while parent[region] != region:
        parent[region] = parent[parent[region]]
        region = parent[region]
    return region


@allocating_kernel
def _new_graph(ends: Any, counts: Any, sums: Any, ranks: Any, sizes: Any, lowest: Any) -> Any:
    leaving, following = np.full(sizes.size, _NONE, np.int32), np.empty(2 * counts.size, np.int32)
    degrees = np.zeros(sizes.size, np.int64)
    for half in range(following.size):
        region = ends[half & 1, half >> 1]
        following[half] = leaving[region]
        leaving[region] = half
        degrees[region] += 1
    parent = np.arange(sizes.size).astype(np.int32)
    stands = np.ones(counts.size, np.bool_)
    return _Graph(ends, counts, sums, ranks, stands, leaving, following, degrees, parent, sizes, lowest)


@allocating_kernel
def _index_walls(graph: Any) -> Any:
    """A table from pair of regions to wall, with room for as many pairs more as there are walls."""
    size = np.int64(16)
    while size < 4 * graph.counts.size:
        size *= 2
    keys, owners = np.full(size, EMPTY, np.int64), np.empty(size, np.int32)
    for wall in range(graph.counts.size):
        if graph.stands[wall]:
            _enter(keys, owners, pair_key(graph.ends[0, wall], graph.ends[1, wall]), wall)
    return keys, owners


@inlined_kernel
def _enter(keys: Any, owners: Any, key: int, wall: int) -> None:
    place = place_of(key, keys)
    keys[place], owners[place] = key, wall


@inlined_kernel
def _score(graph: Any, wall: int) -> float:
    return float(graph.sums[wall] / graph.counts[wall])


@kernel
def _join(graph: Any, a: int, b: int, table: Any, used: int, limit: float, heap: Any, height: int) -> Any:
    """Make two regions one, by hanging the walls of that with fewer ones to the other."""
    if graph.degrees[a] < graph.degrees[b]:
        a, b = b, a
    keys, owners = table
    half = graph.leaving[b]
    while half != _NONE:
        following, wall, side = graph.following[half], half >> 1, half & 1
        third = graph.ends[1 - side, wall]
        if graph.stands[wall] and third == a:
            graph.stands[wall] = False
        elif graph.stands[wall]:
            key = pair_key(a, third)
            place = place_of(key, keys)
            if keys[place] == key:
                _add_wall(graph, wall, owners[place])
                height = _push_if_low(graph, owners[place], limit, heap, height)
            else:
                keys[place], owners[place] = key, wall
                used += 1
                graph.ends[side, wall] = a
                graph.following[half] = graph.leaving[a]
                graph.leaving[a] = half
                graph.degrees[a] += 1
        half = following
    graph.parent[b] = a
    graph.sizes[a] += graph.sizes[b]
    graph.lowest[a] = min(graph.lowest[a], graph.lowest[b])
    return height, used


@inlined_kernel
def _add_wall(graph: Any, wall: int, other: int) -> None:
    graph.stands[wall] = False
    graph.counts[other] += graph.counts[wall]
    graph.sums[other] += graph.sums[wall]
    graph.ranks[other] = min(graph.ranks[other], graph.ranks[wall])


@allocating_kernel
def _merge_small(graph: Any, table: Any, used: int, min_size: int) -> None:
    """Merge the smallest region as long as it is too small and has a neighbor."""
    heap = np.empty((2, 2 * graph.sizes.size)), np.empty(2 * graph.sizes.size, np.int32)
    height = 0
    for region in range(1, graph.sizes.size):
        height = _push_if_small(graph, region, min_size, heap, height)
    while height:
        region, size = heap[1][0], heap[0][0, 0]
        height = _pop(heap, height)
        if graph.parent[region] != region or graph.sizes[region] != size:
            continue
        wall = _weakest_wall(graph, region)
        if wall == _NONE:
            continue
        a, b = graph.ends[0, wall], graph.ends[1, wall]
        if used + min(graph.degrees[a], graph.degrees[b]) > table[0].size // 2:
            table, used = _index_walls(graph), graph.counts.size
        _, used = _join(graph, a, b, table, used, -np.inf, heap, height)
        height = _push_if_small(graph, _root(graph.parent, region), min_size, heap, height)


@kernel
def _weakest_wall(graph: Any, region: int) -> int:
    weakest = _NONE
    half = graph.leaving[region]
    while half != _NONE:
        wall = half >> 1
        if graph.stands[wall] and (weakest == _NONE or _is_weaker(graph, wall, weakest)):
            weakest = wall
        half = graph.following[half]
    return weakest


@inlined_kernel
def _is_weaker(graph: Any, wall: int, other: int) -> bool:
    return _is_less(_score(graph, wall), graph.ranks[wall], _score(graph, other), graph.ranks[other])


@inlined_kernel
def _push_if_low(graph: Any, wall: int, limit: float, heap: Any, height: int) -> int:
    if _score(graph, wall) <= limit:
        return int(_push(heap, height, _score(graph, wall), graph.ranks[wall], wall))
    return height


@inlined_kernel
def _push_if_small(graph: Any, region: int, min_size: int, heap: Any, height: int) -> int:
    if 0 < graph.sizes[region] < min_size:
        return int(_push(heap, height, np.float64(graph.sizes[region]), graph.lowest[region], region))
    return height


@kernel
def _push(heap: Any, height: int, first: float, second: float, item: int) -> int:
    """Put an item into a heap, by its keys; the lowest comes out first."""
    keys, items = heap
    place = height
    while place:
        above = (place - 1) >> 1
        if not _is_less(first, second, keys[0, above], keys[1, above]):
            break
        keys[0, place], keys[1, place], items[place] = keys[0, above], keys[1, above], items[above]
        place = above
    keys[0, place], keys[1, place], items[place] = first, second, item
    return height + 1


@kernel
def _pop(heap: Any, height: int) -> int:
    keys, items = heap
    height -= 1
    first, second, item = keys[0, height], keys[1, height], items[height]
    place = 0
    while 2 * place + 1 < height:
        under = 2 * place + 1
        if under + 1 < height and _is_less(keys[0, under + 1], keys[1, under + 1], keys[0, under], keys[1, under]):
            under += 1
        if not _is_less(keys[0, under], keys[1, under], first, second):
            break
        keys[0, place], keys[1, place], items[place] = keys[0, under], keys[1, under], items[under]
        place = under
    keys[0, place], keys[1, place], items[place] = first, second, item
    return height


@inlined_kernel
def _is_less(first: float, second: float, other_first: float, other_second: float) -> bool:
    return first < other_first or (first == other_first and second < other_second)
