"""Random trees: the branches of a label, with their lengths and radii, in random directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_topo.data.controls.shares import nearest_voxels
from monai_topo.graphs import skeleton_graph

if TYPE_CHECKING:
    import networkx

_BENDING = 0.15
"""Standard deviation of the turn of a branch, in radians for each step of a voxel."""
_TURN = 0.5
"""The same of the turn where a branch begins, along each axis, beside the direction that it comes from."""
_CLASSES = 4
"""Tubes are of so many radii, each the mean of a quarter of the centerline."""
_ROUNDING = 1e-9


def random_trees(
    label: ArrayLike, *, spacing: Sequence[float] | None = None, seed: int | Sequence[int] = 0
) -> NDArray[np.bool_]:
    """Trees of random curves, with the branches of a label's centerlines and exactly as many voxels.

    Each component of the label's centerline graph becomes a tree at a random place: every branch, with its length and
    mean radius, starts where the branch before it ends, turns and bends at random and is reflected at the border of
    the volume. A branch that closes a loop in the label ends freely here. The mask is the voxels that the
    tubes along the curves hold; all tubes are made thicker or thinner by the same length until there are as many as in
    the label.

    Args:
        label: ``(H, W[, D])`` mask of tubes.
        spacing: size of a voxel along each axis; None is 1.
        seed: random seed.

    Returns:
        Mask of the same shape.

    Example:
        >>> label = np.zeros((20, 24, 18), bool)
        >>> label[2:18, 11:13, 8:10] = True
        >>> trees = random_trees(label, seed=1)
        >>> trees.sum() == label.sum(), (trees & label).sum() < 0.5 * label.sum()
        (np.True_, np.True_)
    """
    return draw_trees(tree_branches(label, spacing), seed)


@dataclass(frozen=True)
class Branches:
    """What :func:`random_trees` keeps of a label.

    Attributes:
        shape: shape of the label.
        count: number of its voxels.
        spacing: size of a voxel along each axis.
        trees: branches of each component of its centerline graph, parents first: number of the branch before it,
            -1 for none, its length and its mean radius.
    """

    shape: tuple[int, ...]
    count: int
    spacing: tuple[float, ...]
    trees: tuple[tuple[tuple[int, float, float], ...], ...]


def tree_branches(label: ArrayLike, spacing: Sequence[float] | None = None) -> Branches:
    """The branches of a label, measured once for several draws.

    Args:
        label: ``(H, W[, D])`` mask of tubes.
        spacing: size of a voxel along each axis; None is 1.

    Example:
        >>> label = np.zeros((9, 12), bool)
        >>> label[4, 2:10] = True
        >>> tree_branches(label).trees
        (((-1, 7.0, 1.0),),)
    """
    from scipy.ndimage import distance_transform_edt

    mask = np.asarray(label, bool)
    sizes = tuple(float(size) for size in (spacing or (1.0,) * mask.ndim))
    if not mask.any():
        return Branches(mask.shape, 0, sizes, ())
    graph = skeleton_graph(mask, spacing=sizes)
    radius = distance_transform_edt(mask, sampling=sizes) if not mask.all() else np.ones(mask.shape)
    return Branches(mask.shape, int(mask.sum()), sizes, tuple(_trees(graph, radius, np.array(sizes))))


def draw_trees(branches: Branches, seed: int | Sequence[int] = 0) -> NDArray[np.bool_]:
    """A mask of :func:`random_trees` from branches that were measured before.

    Args:
        branches: branches of a label.
        seed: random seed.

    Returns:
        Mask of the label's shape.

    Example:
        >>> label = np.zeros((9, 12), bool)
        >>> label[4, 2:10] = True
        >>> int(draw_trees(tree_branches(label), seed=1).sum())
        8
    """
    if not branches.trees:
        return np.zeros(branches.shape, bool)
    rng = np.random.default_rng(seed)
    grown = [_grow(tree, branches, rng) for tree in branches.trees]
    points, radii = (np.concatenate(part) for part in zip(*grown, strict=True))
    return nearest_voxels(_outside(points, radii, branches), branches.count)


def _trees(
    graph: networkx.MultiGraph, radius: NDArray[np.float64], sizes: NDArray[np.float64]
) -> Iterator[tuple[tuple[int, float, float], ...]]:
    import networkx

    def branch(before: int, length: float, path: NDArray[np.float64]) -> tuple[int, float, float]:
        return before, float(length), float(radius[tuple(np.rint(path / sizes).astype(int).T)].mean())

    for nodes in networkx.connected_components(graph):
        first = min(nodes)
        ends, found = {first: -1}, []
        for start, end, key in networkx.edge_bfs(graph.subgraph(nodes), first):
            data = graph.edges[start, end, key]
            found.append(branch(ends[start], data["length"], data["path"]))
            ends.setdefault(end, len(found) - 1)
        yield tuple(found) or (branch(-1, 0.0, graph.nodes[first]["pos"][None]),)


def _grow(
    tree: Sequence[tuple[int, float, float]], branches: Branches, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a random tree, and the radius at each."""
    sizes = np.array(branches.spacing)
    extent = (np.array(branches.shape) - 1) * sizes
    root = rng.uniform(0, extent)[None]
    curves: list[NDArray[np.float64]] = []
    for before, length, _ in tree:
        way = root if before < 0 else curves[before]
        curves.append(_curve(way, length, 0.5 * float(sizes.min()), extent, rng))
    radii = [np.full(len(curve), radius) for curve, (*_, radius) in zip(curves, tree, strict=True)]
    return np.concatenate(curves), np.concatenate(radii)


def _curve(
    way: NDArray[np.float64], length: float, step: float, extent: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Points of a curve that goes on from the end of a way, and is reflected at the borders of a box from 0 on."""
    count = int(np.ceil(length / step))
    turns = rng.normal(size=(count, len(extent))) * _BENDING * np.sqrt(0.5)  # a step is half a voxel
    onward = (way[-1] - way[-2]) / step if len(way) > 1 else np.zeros(len(extent))
    directions = onward + _TURN * rng.normal(size=len(extent)) + np.cumsum(turns, axis=0)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = way[-1] + np.concatenate([np.zeros((1, len(extent))), np.cumsum(directions * step, axis=0)])
    folded = points % np.maximum(2 * extent, _ROUNDING)
    return np.asarray(np.clip(np.minimum(folded, 2 * extent - folded), 0, extent))


def _outside(points: NDArray[np.float64], radii: NDArray[np.float64], branches: Branches) -> NDArray[np.float64]:
    """How far every voxel lies outside of the nearest tube; negative inside."""
    from scipy.ndimage import distance_transform_edt

    outside = np.full(branches.shape, np.inf)
    for chosen in np.array_split(np.argsort(radii, kind="stable"), _CLASSES):
        if len(chosen):
            background = np.ones(branches.shape, bool)
            background[tuple(np.rint(points[chosen] / branches.spacing).astype(int).T)] = False
            distance = distance_transform_edt(background, sampling=branches.spacing)
            np.minimum(outside, distance - radii[chosen].mean(), out=outside)
    return outside
