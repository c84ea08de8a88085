"""The discrete gradient: how the lower star of one voxel pairs up, read from its lower link.

Voxels are the vertices of a cubical complex, and the lower star of a voxel v holds the cells whose last vertex is v.
Its link is a complex of the same shape one dimension lower: an edge of the star (v and a lower face neighbor) is a
link vertex, a square a link edge, a cube a link triangle. In 3D it is part of an octahedron's surface, in 2D of a
circle of four vertices. Invariant: the gradient is locally perfect. Every link component but the first leaves one
critical edge, every hole of the link but the first one critical square, and nothing else is critical, so no pair of
the gradient or of its critical cells joins two cells of one voxel at positive persistence.

Source: Robins, Wood, Sheppard, "Theory and algorithms for constructing discrete Morse complexes from grayscale
digital images", IEEE PAMI 33 (2011); the tree and cotree of a planar link take the place of their queues.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.kernel import inlined_kernel, kernel

LINK_BITS = 18
"""In 3D the link's vertices and edges are the first 18 bits of a voxel's word, its triangles the other 8."""
LINK_MASK = (1 << LINK_BITS) - 1

_KNOWN = 1 << 62
_VERTICES = 6
_EDGE_BITS = 6
_NUM_EDGES = 12
_EDGES = [(2 * a + i, 2 * b + j) for a, b in ((0, 1), (0, 2), (1, 2)) for i in (0, 1) for j in (0, 1)]
_TRIANGLES = [(i, j, k) for i in (0, 1) for j in (2, 3) for k in (4, 5)]


def _edge_sides(edge: tuple[int, int]) -> list[int]:
    return [t for t, corners in enumerate(_TRIANGLES) if set(edge) <= set(corners)]


def _edge_table() -> list[list[int]]:
    return [[_EDGES.index((min(i, j), max(i, j))) if i // 2 != j // 2 else -1 for j in range(6)] for i in range(6)]


EDGE_ENDS = np.array(_EDGES)
"""The two link vertices of each of the 12 link edges, which are bits 6 to 17 in this order."""
EDGE_BETWEEN = np.array(_edge_table())
"""The link edge between two link vertices, -1 between opposite ones."""
_EDGES_AMONG = np.array([sum(1 << e for e, (i, j) in enumerate(_EDGES) if v >> i & v >> j & 1) for v in range(64)])
"""For each set of link vertices the link edges that have both ends in it."""
EDGE_SIDES = np.array([_edge_sides(edge) for edge in _EDGES])
"""The two link triangles on either side of a link edge; triangle t is corner neighbor t, bit 18 + t."""
TRIANGLE_EDGES = np.array([[e for e in range(12) if t in _edge_sides(_EDGES[e])] for t in range(8)])
"""The three link edges around each link triangle."""
TRIANGLE_BITS = np.array(
    [
        sum(1 << v for v in corners) | sum(1 << (_EDGE_BITS + e) for e in TRIANGLE_EDGES[t]) | 1 << (LINK_BITS + t)
        for t, corners in enumerate(_TRIANGLES)
    ]
)
"""The seven neighbors that share the cube of a link triangle."""
BIT_COUNT = np.array([bin(byte).count("1") for byte in range(256)], np.int64)


def _directions_beside(direction: int) -> NDArray[np.uint8]:
    edges, beside = np.arange(1 << 12), np.zeros(1 << 12, np.uint8)
    for j, edge in enumerate(EDGE_BETWEEN[direction]):
        if edge >= 0:
            beside |= ((edges >> edge & 1) << j).astype(np.uint8)
    return beside


BESIDE = np.array([_directions_beside(i) for i in range(6)])
"""For a link vertex and a set of link edges the other ends of those at the vertex, as bits."""


def new_link_table() -> NDArray[np.int64]:
    """An empty memo of :func:`link_of`, one entry for each of the 2**18 configurations of a 3D link."""
    return np.zeros(1 << LINK_BITS, np.int64)


@inlined_kernel
def link_of(table: Any, word: int) -> int:
    """The link of a voxel in 3D, by table.

    The table fills as configurations occur; two threads that meet one at the same time write the same number. A place
    stands for a set of link vertices and of edges among them: of these there are few enough to stay in the cache.

    Args:
        table: the memo.
        word: the voxel's lower neighbors.

    Returns:
        A packed integer, read by ``roots``, ``cycles``, ``triangles``, ``tree_parent``, ``forest_edges`` and
        ``critical_edge_count``.
    """
    edges = link_edges(word)
    place = ((word & 0x3F) << _NUM_EDGES) | edges
    link = table[place]
    if link == 0:
        link = _analyze_link(word & 0x3F, edges)
        table[place] = link
    return int(link)


@inlined_kernel
def roots(link: int) -> int:
    """One link vertex (bits 0 to 5) of every link component, the lowest; the first is paired with the voxel."""
    return link & 0x3F


@inlined_kernel
def cycles(link: int) -> int:
    """Independent cycles of the link's graph: link edges that are not in its forest."""
    return (link >> 6) & 0x7


@inlined_kernel
def triangles(link: int) -> int:
    """The link triangles (bits 0 to 7) that have all three edges, and are there if their corner is lower."""
    return (link >> 9) & 0xFF


@inlined_kernel
def tree_parent(link: int, vertex: int) -> int:
    """The next link vertex from ``vertex`` toward the root of its component; a root's is itself.

    The edge of the star over ``vertex`` is paired with the square over the link edge to its parent.
    """
    return (link >> (17 + 3 * vertex)) & 0x7


@inlined_kernel
def forest_edges(link: int) -> int:
    """The link edges (bits 0 to 11) of the forest: the squares that are paired with edges."""
    return (link >> 35) & 0xFFF


@inlined_kernel
def link_edges(word: int) -> int:
    """The link edges (bits 0 to 11) of a voxel: squares whose three other voxels are all lower."""
    return int((word >> _EDGE_BITS) & _EDGES_AMONG[word & 0x3F])


@inlined_kernel
def critical_edge_count(link: int) -> int:
    """Critical edges of the voxel: link components but the first."""
    return (link >> 59) & 0x7


@inlined_kernel
def critical_square_count(link: int, word: int) -> int:
    """Critical squares of the voxel: cycles of the link's graph that no link triangle fills."""
    return int(max(cycles(link) - BIT_COUNT[triangles(link) & (word >> LINK_BITS)], 0))


@kernel
def _analyze_link(vertices: int, edges: int) -> int:
    """Spanning forest and counts of one link, packed; bits 47 to 58 are left to ``levels``.

    Breadth-first from the lowest unvisited vertex, so that paths to the root are short.
    """
    visited, forest_roots, parents, components = 0, 0, 0, 0
    for start in range(_VERTICES):
        if (vertices >> start) & 1 and not (visited >> start) & 1:
            components += 1
            forest_roots |= 1 << start
            parents |= start << (3 * start)
            visited, parents = _grow_tree(edges, start, visited | (1 << start), parents)
    cycle_count = _count(edges) - _count(vertices) + components
    forest = 0
    for vertex in range(_VERTICES):
        parent = (parents >> (3 * vertex)) & 0x7
        if (vertices >> vertex) & 1 and parent != vertex:
            forest |= 1 << EDGE_BETWEEN[vertex, parent]
    packed = forest_roots | (cycle_count << 6) | (_full_triangles(edges) << 9) | (parents << 17) | (forest << 35)
    return _KNOWN | packed | (max(components - 1, 0) << 59)


@kernel
def _grow_tree(edges: int, start: int, visited: int, parents: int) -> tuple[int, int]:
    layer = 1 << start
    while layer:
        following = 0
        for i in range(_VERTICES):
            for j in range(_VERTICES):
                edge = EDGE_BETWEEN[i, j]
                if edge >= 0 and (layer >> i) & 1 and (edges >> edge) & 1 and not (visited >> j) & 1:
                    visited |= 1 << j
                    following |= 1 << j
                    parents |= i << (3 * j)
        layer = following
    return visited, parents


@kernel
def _full_triangles(edges: int) -> int:
    full = 0
    for t in range(8):
        if all_set(edges, (1 << TRIANGLE_EDGES[t, 0]) | (1 << TRIANGLE_EDGES[t, 1]) | (1 << TRIANGLE_EDGES[t, 2])):
            full |= 1 << t
    return full


@kernel
def all_set(word: int, bits: int) -> bool:
    """Whether all of some bits are set."""
    return word & bits == bits


@kernel
def _count(bits: int) -> int:
    return int(BIT_COUNT[bits & 0xFF] + BIT_COUNT[bits >> 8])
