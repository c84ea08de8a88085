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

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.bits import BIT_COUNT
from monai_topo.topology.compiled.kernel import at, inlined_kernel
from monai_topo.topology.engines.native.types import Int, Link, LinkTable, Word

LINK_BITS = 18
"""In 3D the link's vertices and edges are the first 18 bits of a voxel's word, its triangles the other 8."""
LINK_MASK = (1 << LINK_BITS) - 1

_VERTICES = 6
_EDGE_BITS = 6
_NUM_EDGES = 12
_EDGES_SET = (1 << _NUM_EDGES) - 1
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


def _directions_beside(direction: int) -> NDArray[np.uint8]:
    edges, beside = np.arange(1 << 12), np.zeros(1 << 12, np.uint8)
    for j, edge in enumerate(EDGE_BETWEEN[direction]):
        if edge >= 0:
            beside |= ((edges >> edge & 1) << j).astype(np.uint8)
    return beside


BESIDE = np.array([_directions_beside(i) for i in range(6)])
"""For a link vertex and a set of link edges the other ends of those at the vertex, as bits."""


def new_link_table() -> NDArray[np.int64]:
    """The links of all configurations in 3D, for :func:`link_of`.

    A place stands for a set of link vertices and of edges among them. Of these there are few enough, 6210, for all that
    is read to stay in the cache.
    """
    places = np.arange(1 << LINK_BITS)
    places = places[places & _EDGES_SET & ~_EDGES_AMONG[places >> _NUM_EDGES] == 0]
    table = np.zeros(1 << LINK_BITS, np.int64)
    table[places] = _analyze_links(places >> _NUM_EDGES, places & _EDGES_SET)
    return table


def _analyze_links(vertices: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Spanning forests and counts of links, packed."""
    forest_roots, parents = _grow_forests(vertices, edges)
    components = BIT_COUNT[forest_roots]
    cycle_count = BIT_COUNT[edges & 0xFF] + BIT_COUNT[edges >> 8] - BIT_COUNT[vertices] + components
    forest, full = np.zeros_like(edges), np.zeros_like(edges)
    for e, (i, j) in enumerate(_EDGES):
        up, down = (parents >> 3 * i) & 7 == j, (parents >> 3 * j) & 7 == i
        forest |= ((up & _has(vertices, i)) | (down & _has(vertices, j))).astype(np.int64) << e
    for t, around in enumerate(TRIANGLE_EDGES):
        full |= np.logical_and.reduce([_has(edges, e) for e in around]).astype(np.int64) << t
    packed = forest_roots | (cycle_count << 6) | (full << 9) | (parents << 17) | (forest << 35)
    return np.asarray(packed | (np.maximum(components - 1, 0) << 59))


def _grow_forests(vertices: NDArray[np.int64], edges: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The roots and parents, packed, of a forest of each link.

    Breadth-first from the lowest unvisited vertex, so that paths to the root are short.
    """
    visited, forest_roots, parents = np.zeros_like(edges), np.zeros_like(edges), np.zeros_like(edges)
    for start in range(_VERTICES):
        layer = vertices & ~visited & (1 << start)
        forest_roots |= layer
        parents |= np.where(layer, start << 3 * start, 0)
        while layer.any():
            visited |= layer
            following = np.zeros_like(layer)
            for i in range(_VERTICES):
                reached = np.where(_has(layer, i), BESIDE[i, edges], 0) & ~visited & ~following
                following |= reached
                for j in range(_VERTICES):
                    parents |= np.where(_has(reached, j), i << 3 * j, 0)
            layer = following
    return forest_roots, parents


def _has(bits: NDArray[np.int64], k: int) -> NDArray[np.bool_]:
    return np.asarray(bits >> k & 1 == 1)


@inlined_kernel
def link_of(table: LinkTable, word: Word) -> Int:
    """The link of a voxel in 3D.

    Args:
        table: table from :func:`new_link_table`.
        word: the voxel's lower neighbors.

    Returns:
        A packed integer, read by ``roots``, ``cycles``, ``triangles``, ``tree_parent``, ``forest_edges`` and
        ``critical_edge_count``.
    """
    return int(table[at(((word & 0x3F) << _NUM_EDGES) | link_edges(word))])


@inlined_kernel
def roots(link: Link) -> Int:
    """One link vertex (bits 0 to 5) of every link component, the lowest; the first is paired with the voxel."""
    return link & 0x3F


@inlined_kernel
def cycles(link: Link) -> Int:
    """Independent cycles of the link's graph: link edges that are not in its forest."""
    return (link >> 6) & 0x7


@inlined_kernel
def triangles(link: Link) -> Int:
    """The link triangles (bits 0 to 7) that have all three edges, and are there if their corner is lower."""
    return (link >> 9) & 0xFF


@inlined_kernel
def tree_parent(link: Link, vertex: Int) -> Int:
    """The next link vertex from ``vertex`` toward the root of its component; a root's is itself.

    The edge of the star over ``vertex`` is paired with the square over the link edge to its parent.
    """
    return (link >> (17 + 3 * vertex)) & 0x7


@inlined_kernel
def forest_edges(link: Link) -> Int:
    """The link edges (bits 0 to 11) of the forest: the squares that are paired with edges."""
    return (link >> 35) & 0xFFF


@inlined_kernel
def link_edges(word: Word) -> Int:
    """The link edges (bits 0 to 11) of a voxel: squares whose three other voxels are all lower."""
    return int((word >> _EDGE_BITS) & _EDGES_AMONG[word & 0x3F])


@inlined_kernel
def critical_edge_count(link: Link) -> Int:
    """Critical edges of the voxel: link components but the first."""
    return (link >> 59) & 0x7


@inlined_kernel
def critical_square_count(link: Link, word: Word) -> Int:
    """Critical squares of the voxel: cycles of the link's graph that no link triangle fills."""
    return int(max(cycles(link) - BIT_COUNT[at(triangles(link) & (word >> LINK_BITS))], 0))
