"""Kernels that find the maximum spanning forest of nodes joined by affinities.

Nodes are voxels, or objects whose voxels are joined already. Round by round each node takes its strongest edge, and
what these join is a node of the next round (Borůvka). Nothing is sorted but the edges of the forest.

The strongest edge of a node of the first round is special: when it enters, in the order of falling affinity, the node
is still alone. So the nodes that these edges join, a *basin*, need no union-find among themselves, and each of its
edges brings one node to the component that the basin's root is in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import Int, at, entry_kernel, inlined_kernel, kernel
from monai_topo.topology.engines.native.pairing.components import find_root

ALL, WITHIN, BETWEEN = np.int64(0), np.int64(1), np.int64(2)
"""Which edges: all, those within an id, or those between two ids or at id 0."""

EDGE, BASIN, OTHER, SIZE = range(4)
"""The four numbers of an edge of the forest: its flat index; a basin; another, or the id of the node that it brings;
-1, or how many voxels with an id that node has."""

_LAST = np.int64(2**63 - 1)
_LOW = np.int64(0xFFFFFFFF)


@entry_kernel
def spanning_forest(keys: Any, ids: Any, nodes: Any, content: Any, sizes: Any, extents: Any, kind: Int) -> Any:
    """Find the edges of the maximum spanning forest, and the basins of its first round.

    Args:
        keys: int32, flat ``(axes, voxels)``, in the order of the affinities turned around.
        ids: int32, flat, 0 for none.
        nodes: int32, flat, the node of each voxel.
        content: int32, the id of each node, 0 for none.
        sizes: int64, voxels with an id of each node.
        extents: int64, the shape of the image.
        kind: which edges there are.

    Returns:
        int64 codes, key and place in the table that follows; int32, the edges, four numbers as named above for each;
        int32, the basin of each node; int32, the node that is the root of each basin.
    """
    best, parent = np.full(content.size, _LAST, np.int64), np.empty(content.size, np.int32)
    basins, roots = np.empty(content.size, np.int32), np.empty(content.size, np.int32)
    chosen = np.zeros(keys.size, np.uint8)
    _find_strongest(keys, ids, nodes, extents, kind, best)
    num_basins = _label_basins(best, nodes, extents, parent, basins, roots, chosen)
    ends, codes = np.empty((2, keys.size), np.int32), np.empty(keys.size, np.int64)
    count = _list_edges(keys, ids, nodes, extents, kind, basins, ends, codes)
    strongest, place, number = np.empty(num_basins, np.int64), np.empty(num_basins, np.int32), parent.copy()
    num_nodes = num_basins
    while count:
        num_nodes = _join_strongest(ends, codes, count, num_nodes, strongest, place, parent, number, chosen)
        count = _keep_between(ends, codes, count, number)
    length = np.int64(0)
    for edge in range(chosen.size):
        length += chosen[edge]
    codes, edges = np.empty(length, np.int64), np.empty(4 * length, np.int32)
    _write_edges(keys, nodes, content, sizes, extents, best, basins, roots, chosen, codes, edges)
    return codes, edges, basins, roots[:num_basins].copy()


@inlined_kernel
def _is_of_kind(number: Int, other: Int, kind: Int) -> bool:
    return bool(kind == ALL or (number == other and number != 0) == (kind == WITHIN))


@kernel
def _find_strongest(keys: Any, ids: Any, nodes: Any, extents: Any, kind: Int, best: Any) -> None:
    """The code, key and flat index, of the strongest edge of each node."""
    block = ids.size
    for axis in range(extents.size):
        step, base = block // extents[axis], axis * ids.size
        for start in range(0, ids.size, block):
            for voxel in range(start + step, start + block):  # the first layer joins nothing
                a, b = nodes[voxel], nodes[voxel - step]
                if a != b and _is_of_kind(ids[voxel], ids[voxel - step], kind):
                    code = (np.int64(keys[base + voxel]) << 32) | (base + voxel)
                    best[at(a)] = min(best[at(a)], code)
                    best[at(b)] = min(best[at(b)], code)
        block = step


@kernel
def _label_basins(best: Any, nodes: Any, extents: Any, parent: Any, basins: Any, roots: Any, chosen: Any) -> Int:
    """Follow strongest edges to the root of each basin, one of two nodes that have the same one; return how many."""
    for node in range(best.size):
        parent[node] = node
        if best[node] != _LAST:
            edge = best[node] & _LOW
            chosen[at(edge)] = 1
            voxel, other = ends_of(edge, extents, nodes.size)
            end = nodes[at(voxel)] if nodes[at(voxel)] != node else nodes[at(other)]
            if best[at(end)] != best[node] or end < node:
                parent[node] = end
    count = _number_roots(parent, best.size, basins)
    for node in range(best.size):
        if parent[node] == node:
            roots[basins[node]] = node
    return count


@inlined_kernel
def ends_of(edge: Int, extents: Any, size: Int) -> Any:
    """The two voxels of an edge, given its flat index and the number of voxels."""
    step, axis = size // extents[0], 0
    while edge >= size:
        edge -= size
        axis += 1
        step = step // extents[axis]
    return edge, edge - step


@kernel
def _list_edges(keys: Any, ids: Any, nodes: Any, extents: Any, kind: Int, basins: Any, ends: Any, codes: Any) -> Int:
    """Write the edges between two basins; return how many."""
    count, block = np.int64(0), ids.size
    for axis in range(extents.size):
        step, base = block // extents[axis], axis * ids.size
        for start in range(0, ids.size, block):
            for voxel in range(start + step, start + block):
                if _is_of_kind(ids[voxel], ids[voxel - step], kind):
                    a, b = basins[at(nodes[voxel])], basins[at(nodes[voxel - step])]
                    ends[0, count], ends[1, count] = a, b
                    codes[count] = (np.int64(keys[base + voxel]) << 32) | (base + voxel)
                    count += 1 if a != b else 0
        block = step
    return int(count)


@kernel
def _join_strongest(
    ends: Any,
    codes: Any,
    count: Int,
    num_nodes: Int,
    strongest: Any,
    place: Any,
    parent: Any,
    number: Any,
    chosen: Any,
) -> Int:
    """One round: choose the strongest edge of each node, and number the nodes that these join; return how many."""
    for node in range(num_nodes):
        strongest[node], parent[node] = _LAST, node
    for k in range(count):
        for side in range(2):
            node = ends[side, k]
            if codes[k] < strongest[at(node)]:
                strongest[at(node)], place[at(node)] = codes[k], k
    for node in range(num_nodes):
        if strongest[node] != _LAST:
            k = place[node]
            chosen[at(codes[k] & _LOW)] = 1
            end = ends[0, k] if ends[0, k] != node else ends[1, k]
            if strongest[at(end)] != strongest[node] or end < node:
                parent[node] = end
    return _number_roots(parent, num_nodes, number)


@kernel
def _number_roots(parent: Any, num_nodes: Int, number: Any) -> Int:
    """Give every node the number of its root; return how many there are."""
    count = np.int64(0)
    for node in range(num_nodes):
        if parent[node] == node:
            number[node] = count
            count += 1
    for node in range(num_nodes):
        number[node] = number[at(find_root(np.int64(node), parent))]
    return int(count)


@kernel
def _keep_between(ends: Any, codes: Any, count: Int, number: Any) -> Int:
    """Drop the edges that are within a node of the next round; return how many are left."""
    kept = np.int64(0)
    for k in range(count):
        a, b = number[at(ends[0, k])], number[at(ends[1, k])]
        ends[0, kept], ends[1, kept], codes[kept] = a, b, codes[k]
        kept += 1 if a != b else 0
    return int(kept)


@kernel
def _write_edges(
    keys: Any,
    nodes: Any,
    content: Any,
    sizes: Any,
    extents: Any,
    best: Any,
    basins: Any,
    roots: Any,
    chosen: Any,
    codes: Any,
    edges: Any,
) -> None:
    """Write the edges of the forest in the order of flat indices."""
    count = np.int64(0)
    for edge in range(chosen.size):
        if chosen[edge]:
            voxel, other = ends_of(edge, extents, nodes.size)
            a, b = nodes[at(voxel)], nodes[at(other)]
            basin, other_basin = basins[at(a)], basins[at(b)]
            codes[count] = (np.int64(keys[edge]) << 32) | count
            k = 4 * count
            edges[k + EDGE], edges[k + BASIN] = edge, basin
            if basin != other_basin:
                edges[k + OTHER], edges[k + SIZE] = other_basin, -1
            else:
                node = a if best[at(a)] & _LOW == edge and roots[at(basin)] != a else b
                edges[k + OTHER], edges[k + SIZE] = content[at(node)], sizes[at(node)]
            count += 1
