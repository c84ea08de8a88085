"""Centerline graphs drawn on a grid of voxels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

if TYPE_CHECKING:
    import networkx

_FARTHEST = 2**30  # voxels: beyond it the steps of a line could overflow


def draw_centerline(graph: networkx.MultiGraph, shape: Sequence[int]) -> NDArray[np.bool_]:
    r"""Mask of the edges of a graph, one voxel wide.

    Every point of a path goes to its nearest voxel (halves up), and successive points are joined by lines in which
    each voxel touches the next, by a corner at least: what is joined in the graph is one component in full
    connectivity. What lies outside is left out.

    Args:
        graph: graph as of :mod:`monai_topo.graphs`, its positions in the order of the axes of ``shape``.
        shape: shape of the grid, 2 or 3 axes.

    Raises:
        ValueError: when a point is billions of voxels away.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> graph = swc_graph("1 0 0 0 0 1 -1\n2 0 4 2 0 1 1", axes="yx")
        >>> draw_centerline(graph, (3, 5)).astype(int)
        array([[1, 0, 0, 0, 0],
               [0, 1, 1, 0, 0],
               [0, 0, 0, 1, 1]])
    """
    mask = np.zeros(shape, bool)
    for ends, _ in _pieces(graph):
        start, stop = _nearest_voxels(ends, graph.graph["spacing"])
        mask[tuple(_line(start, stop, shape).T)] = True
    return mask


def draw_tube(graph: networkx.MultiGraph, shape: Sequence[int]) -> NDArray[np.bool_]:
    r"""Mask of the tubes around the edges of a tracing, in its nodes' radii.

    A voxel belongs to a tube when its distance to the nearest point of an edge is at most the radius there, which
    changes linearly along the edge. The centerline belongs to it too, so that a tube thinner than a voxel does not
    break.

    Args:
        graph: graph whose nodes have ``radius``, in the unit of ``pos``.
        shape: shape of the grid, 2 or 3 axes.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> graph = swc_graph("1 0 0 1 0 1 -1\n2 0 4 1 0 1 1", axes="yx")
        >>> draw_tube(graph, (4, 5)).astype(int)
        array([[1, 1, 1, 1, 1],
               [1, 1, 1, 1, 1],
               [1, 1, 1, 1, 1],
               [0, 0, 0, 0, 0]])
    """
    mask = draw_centerline(graph, shape)
    for ends, radii in _pieces(graph):
        _fill_cone(mask, ends, radii, np.asarray(graph.graph["spacing"]))
    return mask


def distance_to_centerline(graph: networkx.MultiGraph, shape: Sequence[int]) -> NDArray[np.float32]:
    r"""Distance of each voxel to the nearest voxel of the centerline, in the unit of the graph's spacing.

    Raises:
        ValueError: when no part of the graph lies on the grid.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> graph = swc_graph("1 0 0 0 0 1 -1\n2 0 4 0 0 1 1", axes="yx")
        >>> distance_to_centerline(graph, (2, 5))
        array([[0., 0., 0., 0., 0.],
               [1., 1., 1., 1., 1.]], dtype=float32)
    """
    centerline = draw_centerline(graph, shape)
    if not centerline.any():
        raise ValueError(f"no part of the graph lies on the grid of shape {tuple(shape)}.")
    distance = ndimage.distance_transform_edt(~centerline, sampling=graph.graph["spacing"])
    return np.asarray(distance, dtype=np.float32)


def count_clipped(graph: networkx.MultiGraph, shape: Sequence[int]) -> int:
    """Number of nodes outside the grid."""
    positions = np.array([pos for _, pos in graph.nodes(data="pos")])
    voxels = _nearest_voxels(positions, graph.graph["spacing"])
    return int(((voxels < 0) | (voxels >= np.asarray(shape))).any(axis=1).sum())


def _nearest_voxels(positions: NDArray[Any], spacing: Sequence[float]) -> NDArray[np.int64]:
    voxels = np.floor(positions / np.asarray(spacing) + 0.5)
    if np.abs(voxels).max() > _FARTHEST:
        raise ValueError(f"a node lies {np.abs(voxels).max():.3g} voxels away: are the coordinates and spacing right?")
    return np.asarray(voxels, dtype=np.int64)


def _line(start: NDArray[np.int64], stop: NDArray[np.int64], shape: Sequence[int]) -> NDArray[np.int64]:
    """Voxels of the grid on the line between two, one for each step along its longest axis."""
    change = stop - start
    steps = max(int(np.abs(change).max()), 1)
    first, last = 0, steps
    for begin, along, size in zip(start.tolist(), change.tolist(), shape, strict=True):
        if along:
            enter, leave = sorted((edge - begin) * steps / along for edge in (-1, size))
            first, last = max(first, math.floor(enter)), min(last, math.ceil(leave))
    step = np.arange(first, last + 1)[:, None]
    voxels = start + (2 * step * change + steps) // (2 * steps)
    return np.asarray(voxels[((voxels >= 0) & (voxels < np.asarray(shape))).all(axis=1)])


def _pieces(graph: networkx.MultiGraph) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Both ends of each straight piece of the paths and the radii there; a node is a piece of no length."""
    radius = dict(graph.nodes(data="radius", default=0.0))
    for node, position in graph.nodes(data="pos"):
        yield np.stack([position, position]), np.full(2, radius[node])
    for node, other, path in graph.edges(data="path"):
        first, last = (node, other) if np.array_equal(path[0], graph.nodes[node]["pos"]) else (other, node)
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        radii = np.interp(along, [0.0, along[-1] or 1.0], [radius[first], radius[last]])
        for end in range(1, len(path)):
            yield path[end - 1 : end + 1], radii[end - 1 : end + 1]


def _fill_cone(
    mask: NDArray[np.bool_], ends: NDArray[np.float64], radii: NDArray[np.float64], spacing: NDArray[np.float64]
) -> None:
    """Mark the voxels that are at most as far from a segment as the radius at their nearest point of it."""
    lower = np.floor((ends.min(axis=0) - radii.max()) / spacing)
    upper = np.ceil((ends.max(axis=0) + radii.max()) / spacing) + 1
    box = tuple(slice(*pair) for pair in np.clip([lower, upper], 0, mask.shape).astype(int).T.tolist())
    points = np.moveaxis(np.mgrid[box], 0, -1) * spacing - ends[0]
    direction = ends[1] - ends[0]
    share = np.clip(points @ direction / (float(direction @ direction) or 1.0), 0, 1)
    distance = np.linalg.norm(points - share[..., None] * direction, axis=-1)
    mask[box] |= distance <= radii[0] + share * (radii[1] - radii[0])
