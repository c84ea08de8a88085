"""Kernels that count pairs of ids along a maximum spanning forest, edge by edge.

Voxels are joined in the order of falling affinity, by union-find. Two components that an edge joins have as many pairs
of one id as the product of their numbers of voxels of that id, summed over ids. Most components hold one id, and a
number is all that is kept of them; of the others, which are called mixed, each id is an entry in a list, and a table
finds the entry of an id. Joining two goes through the shorter list.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from monai_topo.topology.compiled.kernel import Int, allocating_kernel, at, entry_kernel, fetch, inlined_kernel, kernel
from monai_topo.topology.regions.wall_kernels import EMPTY, place_of

_NONE = -1
_FEWEST = np.int64(64)
_LOW = np.int64(0xFFFFFFFF)
_AHEAD = 16
"""Edges whose voxels are fetched before their turn."""


class _Components(NamedTuple):
    """Components of voxels, by their roots, and the entries of the mixed ones.

    Attributes:
        parent: int32, the voxel above each in its tree, at a root -1 times the number of its voxels.
        sizes: int32, voxels with an id.
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
def count_within(codes: Any, steps: Any, parent: Any, edges: Any, same: Any) -> Any:
    """Join voxels by edges within ids in the order of falling affinity, and count the pairs that each edge joins.

    Args:
        codes: int64, from ``possible_edges``, sorted.
        steps: int64, from a voxel's flat index to the one after it along each axis.
        parent: int32, all -1; the trees of the components are written here.
        edges: int64; the edges that join are written here.
        same: int64; how many pairs they join.

    Returns:
        How many edges join.
    """
    return _join_all(codes, steps, parent, edges, same)


@kernel
def _join_all(codes: Any, steps: Any, parent: Any, edges: Any, same: Any) -> Int:
    joined = np.int64(0)
    for i in range(codes.size):
        fetch(parent, _voxel_of(codes[min(i + _AHEAD, codes.size - 1)] & _LOW, parent.size)[0])
        edge = codes[i] & _LOW
        voxel, axis = _voxel_of(edge, parent.size)
        a, b = _find_root(voxel, parent), _find_root(voxel - steps[axis], parent)
        if a != b:
            edges[at(joined)], same[at(joined)] = edge, np.int64(parent[at(a)]) * parent[at(b)]
            joined += 1
            _hang(a, b, parent)
    return int(joined)


@inlined_kernel
def _voxel_of(edge: Int, size: Int) -> Any:
    """The voxel of an edge that is joined with the one before it, and along which axis."""
    axis = (1 if edge >= size else 0) + (1 if edge >= 2 * size else 0)
    return edge - axis * size, axis


@inlined_kernel
def _find_root(voxel: Int, parent: Any) -> Int:
    """The root of a voxel's tree; shortens the path on the way."""
    while parent[at(voxel)] >= 0:
        above = parent[at(voxel)]
        if parent[at(above)] >= 0:
            parent[at(voxel)] = parent[at(above)]
        voxel = np.int64(above)
    return voxel


@inlined_kernel
def _hang(a: Int, b: Int, parent: Any) -> Int:
    """Make two trees one, the smaller under the larger; return its root."""
    if parent[at(a)] > parent[at(b)]:
        a, b = b, a
    parent[at(a)] += parent[at(b)]
    parent[at(b)] = a
    return a


@entry_kernel
def count_pairs(codes: Any, steps: Any, ids: Any, parent: Any, kinds: Any, found: Any, start: Int) -> Any:
    """Join components in the order of falling affinity, and count the pairs that each edge joins.

    Args:
        codes: int64, from ``possible_edges``, sorted.
        steps: int64, from a voxel's flat index to the one after it along each axis.
        ids: int32, flat, 0 for none.
        parent: int32, the trees of components that hold one id each or a voxel of none; they are joined here.
        kinds: whether pairs of one id count, and whether those of two ids do.
        found: int64 ``(3, n)``: edges that count something, pairs of one id, pairs of two ids; they are written here.
        start: place of the first of them.

    Returns:
        Place after the last of them.
    """
    components = _new_components(ids, parent)
    done = np.zeros(2, np.int64)
    done[1] = start
    while done[0] < codes.size:
        keys, entries, used = _index_entries(components)
        _join_some(codes, steps, components, keys, entries, used, kinds, found, done)
    return done[1]


@kernel
def _join_some(
    codes: Any,
    steps: Any,
    components: Any,
    keys: Any,
    entries: Any,
    used: Int,
    kinds: Any,
    found: Any,
    done: Any,
) -> None:
    """Go on with the edges until the table is half full; ``done`` holds edges seen and edges written."""
    parent, sizes, content, table = components.parent, components.sizes, components.content, (keys, entries)
    for i in range(done[0], codes.size):
        edge = codes[i] & _LOW
        voxel, axis = _voxel_of(edge, parent.size)
        a, b = _find_root(voxel, parent), _find_root(voxel - steps[axis], parent)
        if a == b:
            continue
        if used + _shorter(content[at(a)], content[at(b)], components) > keys.size // 2:
            done[0] = i
            return
        joined, same, used = _join_contents(a, content[at(b)], np.int64(sizes[at(b)]), components, table, used)
        different = np.int64(sizes[at(a)]) * sizes[at(b)] - same if kinds[1] else 0
        same = same if kinds[0] else 0
        if same or different:
            write = done[1]
            found[0, write], found[1, write], found[2, write] = edge, same, different
            done[1] += 1
        size = sizes[at(a)] + sizes[at(b)]
        root = _hang(a, b, parent)
        sizes[at(root)], content[at(root)] = size, joined
    done[0] = codes.size


@allocating_kernel
def _new_components(ids: Any, parent: Any) -> Any:
    sizes, content = np.empty(ids.size, np.int32), ids.copy()
    for voxel in range(ids.size):
        sizes[voxel] = -parent[voxel] if ids[voxel] else 0
    lists, entries = ids.size // 2 + 1, ids.size + 1
    heads, lengths = np.empty(lists, np.int32), np.zeros(lists, np.int32)
    entry_ids, following = np.empty(entries, np.int32), np.empty(entries, np.int32)
    entry_sizes, made = np.empty(entries, np.int64), np.zeros(2, np.int64)
    return _Components(parent, sizes, content, heads, lengths, entry_ids, entry_sizes, following, made)


@inlined_kernel
def _join_contents(root: Int, number: Int, size: Int, components: Any, table: Any, used: Int) -> Any:
    """Join the content of a component and another; return that of both, their pairs of one id, and the places used."""
    own, own_size = components.content[at(root)], np.int64(components.sizes[at(root)])
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
