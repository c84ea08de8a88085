"""Kernels that count pairs of ids along a maximum spanning forest, edge by edge.

Two components that an edge joins have as many pairs of one id as the product of their numbers of voxels of that id,
summed over ids. Most components hold one id, and a number is all that is kept of them; of the others, which are called
mixed, each id is an entry in a list, and a table finds the entry of an id. Joining two goes through the shorter list.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from monai_topo.topology.affinities.forest_kernels import BASIN, EDGE, OTHER, SIZE
from monai_topo.topology.compiled.kernel import Int, allocating_kernel, at, entry_kernel, fetch, inlined_kernel, kernel
from monai_topo.topology.engines.native.pairing.components import find_root
from monai_topo.topology.regions.wall_kernels import EMPTY, place_of

_NONE = -1
_FEWEST = np.int64(64)
_LOW = np.int64(0xFFFFFFFF)
_AHEAD = 16
"""Edges that are fetched before their turn."""


class _Components(NamedTuple):
    """Components of nodes, by the root of their basins, and the entries of the mixed ones.

    Attributes:
        parent: int32, the forest of basins.
        sizes: int64, voxels with an id.
        content: int32, the id of a component that has one, 0 where it has none, -1 - its list where it is mixed.
        heads: int32, the first entry of each list.
        lengths: int32, entries of each list.
        entry_ids: int32, id of each entry.
        entry_sizes: int64, voxels of that id.
        following: int32, the next entry of the list.
        made: int64 ``(2,)``, lists and entries made so far.
    """

    parent: Any
    sizes: Any
    content: Any
    heads: Any
    lengths: Any
    entry_ids: Any
    entry_sizes: Any
    following: Any
    made: Any


@entry_kernel
def count_pairs(codes: Any, edges: Any, roots: Any, content: Any, sizes: Any, same: bool, different: bool) -> Any:
    """Join nodes in the order of falling affinity, and count the pairs that each edge joins.

    Args:
        codes: int64, from ``spanning_forest``, sorted.
        edges: int32, four a row, likewise.
        roots: int32, likewise.
        content: int32, the id of each node, 0 for none.
        sizes: int64, voxels with an id of each node.
        same: whether pairs of one id count.
        different: whether pairs of two ids count.

    Returns:
        int64 ``(3, n)``: edges that count something, pairs of one id, pairs of two ids; int32, the forest of basins.
    """
    components = _new_components(content, sizes, roots)
    counts, done = np.empty((3, codes.size), np.int64), np.zeros(2, np.int64)
    while done[0] < codes.size:
        keys, entries, used = _index_entries(components)
        _join_some(codes, edges, components, keys, entries, used, same, different, counts, done)
    return counts[:, : done[1]].copy(), components.parent


@kernel
def _join_some(
    codes: Any,
    edges: Any,
    components: Any,
    keys: Any,
    entries: Any,
    used: Int,
    counts_same: bool,
    counts_different: bool,
    counts: Any,
    done: Any,
) -> None:
    """Go on with the edges until the table is half full; ``done`` holds edges seen and edges written."""
    parent, sizes, content, table = components.parent, components.sizes, components.content, (keys, entries)
    for i in range(done[0], codes.size):
        fetch(edges, 4 * (codes[min(i + _AHEAD, codes.size - 1)] & _LOW))
        k = 4 * (codes[i] & _LOW)
        first = find_root(np.int64(edges[at(k + BASIN)]), parent)
        if edges[at(k + SIZE)] >= 0:  # a node that is alone
            second, number, size = first, edges[at(k + OTHER)], np.int64(edges[at(k + SIZE)])
        else:
            second = find_root(np.int64(edges[at(k + OTHER)]), parent)
            number, size = content[at(second)], sizes[at(second)]
        if used + _shorter(content[at(first)], number, components) > keys.size // 2:
            done[0] = i
            return
        joined, same, used = _join_contents(first, number, size, components, table, used)
        different = sizes[at(first)] * size - same if counts_different else 0
        same = same if counts_same else 0
        if same or different:
            write = done[1]
            counts[0, write], counts[1, write], counts[2, write] = edges[at(k + EDGE)], same, different
            done[1] += 1
        _hang(first, second, sizes[at(first)] + size, joined, components)
    done[0] = codes.size


@entry_kernel
def merge_nodes(parent: Any, basins: Any, ids: Any) -> Any:
    """The components of voxels as nodes.

    Args:
        parent: int32, the forest of basins.
        basins: int32, the basin of each voxel.
        ids: int32, the id of each voxel.

    Returns:
        int32, the node of each voxel; int32, the id of each node; int64, its voxels with an id.
    """
    number, nodes = np.full(parent.size, _NONE, np.int32), np.empty(ids.size, np.int32)
    content, sizes = np.empty(parent.size, np.int32), np.zeros(parent.size, np.int64)
    count = _number_nodes(parent, basins, ids, number, nodes, content, sizes)
    return nodes, content[:count].copy(), sizes[:count].copy()


@kernel
def _number_nodes(parent: Any, basins: Any, ids: Any, number: Any, nodes: Any, content: Any, sizes: Any) -> Int:
    count = 0
    for voxel in range(ids.size):
        root = find_root(np.int64(basins[voxel]), parent)
        if number[root] == _NONE:
            number[root] = count
            count += 1
        nodes[voxel] = number[root]
        content[nodes[voxel]] = ids[voxel]
        sizes[nodes[voxel]] += 1 if ids[voxel] else 0
    return count


@allocating_kernel
def _new_components(content: Any, sizes: Any, roots: Any) -> Any:
    parent = np.empty(roots.size, np.int32)
    own_sizes, own_content = np.empty(roots.size, np.int64), np.empty(roots.size, np.int32)
    for basin in range(roots.size):
        parent[basin], own_sizes[basin], own_content[basin] = basin, sizes[roots[basin]], content[roots[basin]]
    lists, entries = sizes.size // 2 + 1, sizes.size + 1
    heads, lengths = np.empty(lists, np.int32), np.zeros(lists, np.int32)
    entry_ids, following = np.empty(entries, np.int32), np.empty(entries, np.int32)
    entry_sizes, made = np.empty(entries, np.int64), np.zeros(2, np.int64)
    return _Components(parent, own_sizes, own_content, heads, lengths, entry_ids, entry_sizes, following, made)


@inlined_kernel
def _hang(first: Int, second: Int, size: Int, content: Int, components: Any) -> None:
    """Make two trees one, the smaller under the larger."""
    if components.sizes[second] > components.sizes[first]:
        first, second = second, first
    components.parent[second] = first
    components.sizes[first], components.content[first] = size, content


@inlined_kernel
def _join_contents(root: Int, number: Int, size: Int, components: Any, table: Any, used: Int) -> Any:
    """Join the content of a component and another; return that of both, their pairs of one id, and the places used."""
    own, own_size = components.content[root], components.sizes[root]
    if own_size == 0 or size == 0:
        return number if size else own, np.int64(0), used
    if own == number and own > 0:
        return own, own_size * size, used
    return _mix(own, own_size, number, size, components, table, used)


@inlined_kernel
def _shorter(a: Int, b: Int, components: Any) -> Int:
    """How many entries at most joining two contents makes."""
    lengths = components.lengths
    return int(min(lengths[-1 - a] if a < 0 else 2, lengths[-1 - b] if b < 0 else 2))


@kernel
def _mix(a: Int, size_a: Int, b: Int, size_b: Int, components: Any, table: Any, used: Int) -> Any:
    """Join two contents that are not both of one same id, as :func:`_join_contents`."""
    lengths = components.lengths
    if a >= 0 and b >= 0:
        owner = components.made[0]
        components.made[0] += 1
        _add(owner, a, size_a, np.int64(_NONE), components, table)
        _add(owner, b, size_b, np.int64(_NONE), components, table)
        return np.int32(-1 - owner), np.int64(0), used + 2
    if b >= 0 or (a < 0 and lengths[-1 - a] > lengths[-1 - b]):
        a, size_a, b = b, size_b, a  # from now on b is mixed, and a is of one id or has the shorter list
    owner = np.int64(-1 - b)
    if a >= 0:
        return np.int32(b), np.int64(_add(owner, a, size_a, np.int64(_NONE), components, table)), used + 1
    same, entry = np.int64(0), np.int64(components.heads[-1 - a])
    for _ in range(lengths[-1 - a]):
        following = np.int64(components.following[entry])
        same += _add(owner, components.entry_ids[entry], components.entry_sizes[entry], entry, components, table)
        entry = following
    used += lengths[-1 - a]
    lengths[-1 - a] = 0
    return np.int32(b), same, used


@kernel
def _add(owner: Int, number: Int, size: Int, spare: Int, components: Any, table: Any) -> Int:
    """Add voxels of an id to a list, by an entry that is spare or a new one; return the pairs with those there."""
    keys, entries = table
    key = (np.int64(owner) << 32) | np.int64(number)
    place = place_of(int(key), keys)
    if keys[place] == key:
        pairs = components.entry_sizes[entries[place]] * size
        components.entry_sizes[entries[place]] += size
        return int(pairs)
    entry = spare
    if spare == _NONE:
        entry = components.made[1]
        components.made[1] += 1
    keys[place], entries[place] = key, entry
    components.entry_ids[entry], components.entry_sizes[entry] = number, size
    components.following[entry] = components.heads[owner]
    components.heads[owner] = entry
    components.lengths[owner] += 1
    return 0


@allocating_kernel
def _index_entries(components: Any) -> Any:
    """A table from list and id to entry, at most a quarter full, and how many places are used."""
    heads, lengths, count = components.heads, components.lengths, np.int64(0)
    for owner in range(components.made[0]):
        count += lengths[owner]
    size = _FEWEST
    while size < 4 * count:
        size *= 2
    keys, entries = np.full(size, EMPTY, np.int64), np.empty(size, np.int32)
    for owner in range(components.made[0]):
        entry = heads[owner]
        for _ in range(lengths[owner]):
            key = (np.int64(owner) << 32) | np.int64(components.entry_ids[entry])
            place = place_of(int(key), keys)
            keys[place], entries[place] = key, entry
            entry = components.following[entry]
    return keys, entries, count
