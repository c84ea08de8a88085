"""Kernels of the mutex watershed: clusters of voxels that attract each other, some of which exclude each other.

Edges come in order. An attractive one joins two clusters unless they exclude each other, a repulsive one makes them do
so. Each cluster has a list of those that it excludes, by a voxel of each, and a table finds a pair; joining two goes
through the shorter list.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import Int, at, entry_kernel, inlined_kernel, kernel
from monai_topo.topology.engines.native.pairing.components import find_root
from monai_topo.topology.regions.wall_kernels import EMPTY, pair_key, place_of

_NONE = np.int32(-1)
_FEWEST = np.int64(1 << 10)


@entry_kernel
def exclusive_clusters(edges: Any, deltas: Any, attractive: Any, seeds: Any) -> Any:
    """Join voxels by attractive edges and keep them apart by repulsive ones, in the order given.

    Args:
        edges: int64, flat indices into ``(kinds, voxels)``, the strongest first.
        deltas: int64, from a voxel's flat index to that of the other end, for each kind of edge.
        attractive: bool, for each kind.
        seeds: int32, flat; voxels of two seeds are never joined; 0 is none.

    Returns:
        int32, a voxel of each voxel's cluster, the same one for all of them.
    """
    size = seeds.size
    parent, owner = np.arange(size).astype(np.int32), seeds.copy()
    heads, lengths = np.full(size, _NONE, np.int32), np.zeros(size, np.int32)
    repulsive = np.int64(0)
    for edge in edges:
        repulsive += 0 if attractive[edge // size] else 1
    entries, done = np.empty((2, 2 * repulsive + 1), np.int32), np.zeros(2, np.int64)
    room, used = _FEWEST, np.int64(0)
    keys = np.full(room, EMPTY, np.int64)
    while done[0] < edges.size:
        used = _go_on(edges, deltas, attractive, parent, owner, heads, lengths, entries, keys, used, done)
        if done[0] < edges.size:
            room *= 2
            keys = np.full(room, EMPTY, np.int64)
            used = _index(parent, heads, lengths, entries, keys)
    roots = np.empty(size, np.int32)
    _write_roots(parent, roots)
    return roots


@kernel
def _write_roots(parent: Any, roots: Any) -> None:
    for voxel in range(roots.size):
        roots[voxel] = find_root(np.int64(voxel), parent)


@kernel
def _index(parent: Any, heads: Any, lengths: Any, entries: Any, keys: Any) -> Int:
    """Enter the pairs of all lists into a table; return how many places are used."""
    used = np.int64(0)
    for cluster in range(parent.size):
        entry = heads[cluster]
        for _ in range(lengths[cluster]):
            used += _enter(np.int64(cluster), find_root(np.int64(entries[0, entry]), parent), keys)
            entry = entries[1, entry]
    return used


@inlined_kernel
def _enter(a: Int, b: Int, keys: Any) -> Int:
    """Enter a pair into the table; 1 if it is new."""
    key = pair_key(int(a), int(b))
    place = place_of(key, keys)
    new = 1 if keys[place] == EMPTY else 0
    keys[place] = key
    return new


@kernel
def _go_on(
    edges: Any,
    deltas: Any,
    attractive: Any,
    parent: Any,
    owner: Any,
    heads: Any,
    lengths: Any,
    entries: Any,
    keys: Any,
    used: Int,
    done: Any,
) -> Int:
    """Go on until the table is half full; ``done`` holds edges seen and entries made. Return how many are used."""
    for i in range(done[0], edges.size):
        kind = edges[i] // parent.size
        voxel = edges[i] - kind * parent.size
        a, b = find_root(voxel, parent), find_root(voxel + deltas[kind], parent)
        if a == b:
            continue
        if lengths[at(a)] > lengths[at(b)]:
            a, b = b, a
        if used + lengths[at(a)] + 1 > keys.size // 2:
            done[0] = i
            return used
        if not attractive[kind]:
            if _enter(a, b, keys):
                used += 1
                _append(a, b, done[1], heads, lengths, entries)
                _append(b, a, done[1] + 1, heads, lengths, entries)
                done[1] += 2
            continue
        apart = owner[at(a)] and owner[at(b)] and owner[at(a)] != owner[at(b)]
        if apart or keys[place_of(pair_key(int(a), int(b)), keys)] != EMPTY:
            continue
        entry = heads[at(a)]
        for _ in range(lengths[at(a)]):
            following = entries[1, entry]
            other = find_root(np.int64(entries[0, entry]), parent)
            if _enter(b, other, keys):
                used += 1
                _append(b, other, entry, heads, lengths, entries)
            entry = following
        lengths[at(a)] = 0
        parent[at(a)] = b
        owner[at(b)] = max(owner[at(a)], owner[at(b)])
    done[0] = edges.size
    return used


@inlined_kernel
def _append(cluster: Int, other: Int, entry: Int, heads: Any, lengths: Any, entries: Any) -> None:
    entries[0, entry], entries[1, entry] = other, heads[cluster]
    heads[cluster] = entry
    lengths[cluster] += 1
