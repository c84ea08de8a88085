"""Which features two masks share inside their union: the ranks of homology maps, by components where that will do.

With U the union of P and G, the number of features shared in dimension k is the dimension of the common part of the
images of H_k(P) and H_k(G) in H_k(U), modulo 2: r(P) + r(G) - r(P and G apart), r the rank of a map into H_k(U).

Dimension 0 counts components of U that hold a voxel of both. In the top dimension, by Alexander duality, functions on
the components of the backgrounds take the place of cycles: link each component of P's background with each of G's that
it has a component of U's background in common with, and count linked groups, less one. Dimension 1 in 3D has
r(P) from the persistence pairs of a field of three values, and r(P and G apart) from the exact sequence of Mayer and
Vietoris, in which only components are left, those of the interface between P and G.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from monai_topo.topology.checks import Mask, check_dims, check_mask_pair, is_full_connectivity
from monai_topo.topology.grid import label_components
from monai_topo.topology.masks.betti import betti_numbers
from monai_topo.topology.persistence import persistence_pairs


def shared_betti_numbers(
    prediction: ArrayLike | torch.Tensor,
    target: ArrayLike | torch.Tensor,
    connectivity: int | None = None,
    *,
    dims: Any = None,
    frame: bool = False,
) -> dict[int, int]:
    """Numbers of components, loops and cavities that two masks share inside their union.

    The definition is a rank: free of ties and of any order of voxels. Both masks are surrounded by one layer of
    background, or of foreground with ``frame``, as in :func:`betti_numbers`.

    Args:
        prediction: one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1.
        target: the same shape.
        connectivity: connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        dims: homology dimensions wanted; None is all below the number of axes. Most of the time goes into dimension 1
            in 3D.
        frame: count relative to a frame of foreground around the masks.

    Returns:
        The number for each dimension; at most the Betti number of either mask.

    Raises:
        ValueError: for two shapes, and as :func:`betti_numbers`.

    Example:
        >>> left, right = np.zeros((5, 9)), np.zeros((5, 9))
        >>> left[1:4, 1:4], right[1:4, 5:8] = 1, 1
        >>> shared_betti_numbers(left, right), shared_betti_numbers(left, left)
        ({0: 0, 1: 0}, {0: 1, 1: 0})
    """
    masks = check_mask_pair(prediction, target)
    ndim = masks[0].ndim
    full = is_full_connectivity(connectivity, ndim)
    first, second = (np.pad(mask, 1, constant_values=bool(frame)) for mask in masks)
    counts = {
        0: lambda: _shared_components(first, second, full) - bool(frame),
        ndim - 1: lambda: _shared_regions(first, second, full),
    }
    return {k: counts.get(k, lambda: _shared_loops(first, second, full))() for k in check_dims(dims, ndim)}


def _shared_components(first: Mask, second: Mask, full: bool) -> int:
    labels = label_components(first | second, full)
    return len(np.intersect1d(labels[first], labels[second]))


def _shared_regions(first: Mask, second: Mask, full: bool) -> int:
    groups, _ = linked_regions(first, second, full)
    return max(groups - 1, 0)


def linked_regions(first: Mask, second: Mask, full: bool) -> tuple[int, NDArray[Any]]:
    """Groups of background components of two masks that are linked by the background of their union.

    Args:
        first: padded.
        second: padded.
        full: the foreground's connectivity is full.

    Returns:
        The number of groups, and ``(3, n)``: a component of the first background, one of the second, and their group,
        once for each pair that is linked.

    Example:
        >>> linked_regions(np.array([[0, 1, 0]], bool), np.array([[0, 1, 1]], bool), full=True)[0]
        1
    """
    outside = ~(first | second)
    labels = [label_components(~mask, not full)[outside] for mask in (first, second)]
    links = np.unique(np.stack(labels), axis=1)
    if links.size == 0:
        return 0, np.empty((3, 0), np.int64)
    offset = int(links[0].max()) + 1
    _, nodes = np.unique(np.concatenate([links[0], links[1] + offset]), return_inverse=True)
    ends = nodes.reshape(2, -1)
    count, group = _components(int(nodes.max()) + 1, ends)
    return count, np.concatenate([links, group[ends[:1]]])


def _components(nodes: int, ends: NDArray[Any]) -> tuple[int, NDArray[Any]]:
    """Number of components of a graph, and the component of each node."""
    graph = coo_array((np.ones(ends.shape[1], np.int8), (ends[0], ends[1])), shape=(nodes, nodes))
    count, labels = connected_components(graph, directed=False)
    return int(count), labels


def _shared_loops(first: Mask, second: Mask, full: bool) -> int:
    union = first | second
    interface = _full_interface(first, second) if full else _face_interface(first, second)
    connectivity = None if full else 1
    components = [betti_numbers(mask, connectivity)[0] for mask in (first, second)]
    whole = betti_numbers(union, connectivity)
    apart = whole[1] - interface + sum(components) - whole[0]
    return sum(_rank_of_loops(mask, union, connectivity) for mask in (first, second)) - apart


def _rank_of_loops(mask: Mask, union: Mask, connectivity: int | None) -> int:
    """Loops of a mask that are loops of the union: born with the mask, not filled before what is outside the union."""
    levels = 2 - union.astype(np.float32) - mask
    pairs = persistence_pairs(levels, direction="sublevel", connectivity=connectivity, dims=1)
    births, deaths = levels.ravel()[pairs.birth[1]], levels.ravel()[pairs.death[1]]
    return int(((births == 0) & (deaths == 2)).sum())


def _full_interface(first: Mask, second: Mask) -> int:
    """Components of the common part of two unions of closed voxels, corners and edges that they share included."""
    from monai_topo.topology.masks.cells import count_components, pack_rows

    shared = _closed_cells(first) & _closed_cells(second)
    return count_components(pack_rows(shared), shared.shape[2], 1, False, False, False)


def _closed_cells(mask: Mask) -> Mask:
    """The cells of all dimensions that belong to a voxel of the mask, on a grid of twice the size."""
    cells = mask
    for axis in range(mask.ndim):
        lines = np.moveaxis(cells, axis, 0)
        doubled = np.zeros((2 * lines.shape[0] + 1, *lines.shape[1:]), bool)
        doubled[1::2] = lines
        doubled[:-1:2] |= lines
        doubled[2::2] |= lines
        cells = np.moveaxis(doubled, 0, axis)
    return np.ascontiguousarray(cells)


def _face_interface(first: Mask, second: Mask) -> int:
    """Dimension of the functions on the interface of two masks that are constant across it, in face connectivity.

    The interface's points are the voxels of both masks, and the edges between a voxel of only the first and a voxel of
    only the second, which are in the union but in neither mask. The functions, modulo 2, are equal on neighboring
    voxels of both masks; around each square of the union the values at the places where the first mask turns into the
    second sum to 0. Two such places are equal; four, on a checkerboard, leave an equation.
    """
    both = first & second
    places = [np.flatnonzero(both), *(_mixed_edges(first, second, axis) for axis in range(first.ndim))]
    nodes = np.concatenate([place + n * first.size for n, place in enumerate(places)])
    equal, boards = [_neighbors(both)], []
    for axes in combinations(range(first.ndim), 2):
        here, ids = _turns_of_squares(first, second, axes)
        count = here.sum(axis=0)
        equal.append(_chosen(here, ids, count == 2, 2))
        boards.append(_chosen(here, ids, count == 4, 4))
    of_node = np.searchsorted(nodes, np.concatenate(equal, axis=1))
    classes, label = _components(len(nodes), of_node) if len(nodes) else (0, np.empty(0, int))
    equations: Any = label[np.searchsorted(nodes, np.concatenate(boards, axis=1))].T if len(nodes) else []
    return classes - _rank(equations)


def _mixed_edges(first: Mask, second: Mask, axis: int) -> NDArray[Any]:
    """Flat indices of the voxels whose edge along an axis joins a voxel of one mask only with one of the other only."""
    only = [np.moveaxis(mask, axis, 0) for mask in (first & ~second, second & ~first)]
    mixed = np.zeros(only[0].shape, bool)
    mixed[:-1] = (only[0][:-1] & only[1][1:]) | (only[1][:-1] & only[0][1:])
    return np.flatnonzero(np.moveaxis(mixed, 0, axis))


def _neighbors(mask: Mask) -> NDArray[Any]:
    """The pairs ``(2, n)`` of voxels of a mask that share a face."""
    index = np.arange(mask.size).reshape(mask.shape)
    pairs = []
    for axis in range(mask.ndim):
        lines, places = np.moveaxis(mask, axis, 0), np.moveaxis(index, axis, 0)
        both = lines[:-1] & lines[1:]
        pairs.append(np.stack([places[:-1][both], places[1:][both]]))
    return np.concatenate(pairs, axis=1)


def _turns_of_squares(first: Mask, second: Mask, axes: tuple[int, int]) -> tuple[Mask, NDArray[Any]]:
    """At which of its corners and edges one mask turns into the other around each square of the union, in one plane.

    Returns:
        ``(8, n)``, four corners and four edges of each square, and the nodes that stand for these.
    """
    index = np.arange(first.size).reshape(first.shape)
    corners = [_corner(index, axes, steps).ravel() for steps in ((0, 0), (1, 0), (1, 1), (0, 1))]
    p, g = first.ravel(), second.ravel()
    inside = np.logical_and.reduce([p[c] | g[c] for c in corners])
    corners = [c[inside] for c in corners]
    in_both, only_second = [p[c] & g[c] for c in corners], [g[c] & ~p[c] for c in corners]
    only_first = [p[c] & ~g[c] for c in corners]
    turns = [in_both[i] & (only_second[i - 1] != only_second[(i + 1) % 4]) for i in range(4)]
    sides = ((0, 1, axes[0]), (1, 2, axes[1]), (3, 2, axes[0]), (0, 3, axes[1]))
    turns += [(only_first[a] & only_second[b]) | (only_second[a] & only_first[b]) for a, b, _ in sides]
    nodes = [*corners, *(corners[a] + (1 + axis) * first.size for a, _, axis in sides)]
    return np.stack(turns), np.stack(nodes)


def _corner(index: NDArray[Any], axes: tuple[int, int], steps: tuple[int, int]) -> NDArray[Any]:
    window = [slice(None)] * index.ndim
    for axis, step in zip(axes, steps, strict=True):
        window[axis] = slice(step, index.shape[axis] - 1 + step)
    return index[tuple(window)]


def _chosen(here: Mask, ids: NDArray[Any], squares: Mask, count: int) -> NDArray[Any]:
    """The nodes ``(count, n)`` of the squares that have this many."""
    nodes: NDArray[Any] = ids[:, squares].T[here[:, squares].T].reshape(-1, count).T
    return nodes


def _rank(equations: Any) -> int:
    """Rank modulo 2 of equations, each a list of unknowns of which those that occur twice cancel."""
    pivots: dict[int, set[int]] = {}
    for equation in equations:
        row: set[int] = set()
        for unknown in equation.tolist():
            row ^= {unknown}
        while row and max(row) in pivots:
            row = row ^ pivots[max(row)]
        if row:
            pivots[max(row)] = row
    return len(pivots)
