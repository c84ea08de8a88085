"""A centerline graph point by point, in the voxels of a volume: what lies in a mask, and what lies in which segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.chains import read_graph, trace_chains
from monai_topo.graphs.spacing import check_spacing

if TYPE_CHECKING:
    import networkx

_ASIDE = 1e-6
"""How far beside a point, in voxels, the mask is looked at: a point on the face of two voxels is half in each."""


@dataclass(frozen=True)
class TracedPoints:
    """The points of a graph's paths and the steps between them.

    Attributes:
        positions: ``(n, ndim)``, in voxels: the center of the first is 0.
        voxels: ``(n, ndim)`` index of the voxel that each lies in; it may be outside of the volume.
        steps: ``(m, 2)`` from point to point.
        lengths: ``(m,)`` of the steps, in the unit of the graph.
        branch: ``(m,)`` number of the branch that each belongs to: an edge, or a chain of them.
        skeleton: ``(n,)`` number of the component that each point belongs to.
        on_voxels: ``(m,)`` whether a step of a mask's skeleton goes from voxel to voxel, half of it in either.
    """

    positions: NDArray[np.float64]
    voxels: NDArray[np.int64]
    steps: NDArray[np.int64]
    lengths: NDArray[np.float64]
    branch: NDArray[np.int64]
    skeleton: NDArray[np.int64]
    on_voxels: NDArray[np.bool_]

    def lengths_inside(self, mask: NDArray[Any]) -> NDArray[np.float64]:
        """Length of each step within a mask; outside of its volume is outside of it.

        A step goes straight, and is cut exactly where it passes from voxel to voxel.

        Args:
            mask: bool, with as many axes as the points.
        """
        inside = np.zeros(len(self.steps))
        if not len(self.steps):
            return inside
        by_voxel, straight = np.flatnonzero(self.on_voxels), np.flatnonzero(~self.on_voxels)
        ends = _values(mask, self.voxels[self.steps[by_voxel]].reshape(-1, mask.ndim)).reshape(-1, 2)
        inside[by_voxel] = ends.mean(axis=1) * self.lengths[by_voxel]
        start, stop = (self.positions[self.steps[straight, side]] for side in (0, 1))
        piece, begin, end = _cuts(start, stop - start)
        middle = start[piece] + ((begin + end) / 2)[:, None] * (stop - start)[piece]
        share = _share_inside(middle, mask) * (end - begin)
        inside[straight] = np.bincount(piece, share, minlength=len(straight)) * self.lengths[straight]
        return inside


def trace_points(
    graph: networkx.Graph, spacing: Sequence[float] | float | None = None, max_step: float | None = None
) -> TracedPoints:
    r"""The points of a graph, those on its paths included.

    Args:
        graph: graph with the attributes of :mod:`monai_topo.graphs`.
        spacing: size of a voxel, one number or one for each axis; None takes the graph's, or 1.
        max_step: length of the longest step, in the unit of ``spacing``; longer ones are divided into equal parts. None
            divides none, and those of a mask's skeleton are never divided.

    Raises:
        TypeError: for no undirected networkx graph.
        ValueError: for a node without position, or a bad spacing.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> line = trace_points(swc_graph("1 1 0 0 0 1 -1\n2 1 4 0 0 1 1", axes="xy"))
        >>> line.lengths_inside(np.array([[1], [1], [0], [0], [1]], bool))  # 0 to 1.5, and 3.5 to 4
        array([2.])
    """
    nodes, positions, ends, paths = read_graph(graph)
    voxel = check_spacing(graph.graph.get("spacing", 1.0) if spacing is None else spacing, positions.shape[1] or 1)
    voxel = voxel[: positions.shape[1]]
    chains = [data.get("voxels") for *_, data in graph.edges(data=True)]
    points, steps, lengths, edge = _expand(
        positions / voxel,
        ends,
        [
            _within_voxels(path, voxel) if chain is None else _along_chain(path, np.asarray(chain), voxel)
            for path, chain in zip(paths, chains, strict=True)
        ],
    )
    branch = np.empty(len(paths), np.int64)
    for number, links in enumerate(trace_chains(ends, len(nodes))):
        branch[links >> 1] = number
    on_voxels = np.array([chain is not None for chain in chains], bool)[edge]
    indices = np.floor(points + 0.5).astype(np.int64)
    _move_forks(indices, ends, paths, chains, voxel)
    traced = TracedPoints(points, indices, steps, lengths, branch[edge], _components(steps, len(points)), on_voxels)
    return traced if max_step is None else _divided(traced, max_step)


def _within_voxels(path: NDArray[np.float64], voxel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([path[:, :-1] / voxel, path[:, -1]])


def _along_chain(
    path: NDArray[np.float64], chain: NDArray[np.int64], voxel: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rows of a voxel and the length up to it, in the direction and of the length of the path."""
    ordered = chain[::-1] if _is_backward(path, chain, voxel) else chain
    if len(ordered) < 2:  # all of the branch is in one voxel
        ordered = ordered[[0, 0]]
    along = np.append(0, np.cumsum(np.linalg.norm(np.diff(ordered, axis=0) * voxel, axis=1)))
    along = along / along[-1] if along[-1] else np.linspace(0, 1, len(along))
    return np.column_stack([ordered, along * path[-1, -1]])


def _is_backward(path: NDArray[np.float64], chain: NDArray[np.int64], voxel: NDArray[np.float64]) -> bool:
    """Whether a chain goes against its path; where they begin and end alike the second points tell."""
    ends = path[[0, min(1, len(path) - 1), -2, -1], :-1] / voxel
    other = chain[[0, min(1, len(chain) - 1), -2 if len(chain) > 1 else -1, -1]]
    return bool(np.linalg.norm(other[::-1] - ends, axis=1).sum() < np.linalg.norm(other - ends, axis=1).sum())


def _expand(
    positions: NDArray[np.float64], ends: NDArray[np.int64], paths: list[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Nodes and then the points within paths; the steps between them with their lengths and edges."""
    within = [path[1:-1, :-1] for path in paths]
    first = len(positions) + np.cumsum([0, *map(len, within)])
    runs = [
        np.array([begin, *range(int(start), int(start) + len(inner)), end])
        for (begin, end), start, inner in zip(ends.tolist(), first[:-1], within, strict=True)
    ]
    steps = np.concatenate([np.empty((0, 2), np.int64), *(np.stack([run[:-1], run[1:]], axis=1) for run in runs)])
    lengths = np.concatenate([np.empty(0), *(np.diff(path[:, -1]) for path in paths)])
    edge = np.repeat(np.arange(len(paths)), [len(path) - 1 for path in paths])
    return np.concatenate([positions, *within]), steps, lengths, edge


def _move_forks(
    indices: NDArray[np.int64],
    ends: NDArray[np.int64],
    paths: list[NDArray[np.float64]],
    chains: list[Any],
    voxel: NDArray[np.float64],
) -> None:
    """Give the nodes of a skeleton voxels of it: the mean of a fork's voxels may lie beside them."""
    for pair, path, chain in zip(ends, paths, chains, strict=True):
        if chain is not None:
            ordered = np.asarray(chain)
            indices[pair] = ordered[[-1, 0]] if _is_backward(path, ordered, voxel) else ordered[[0, -1]]


def _components(steps: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = coo_array((np.ones(len(steps), np.int8), tuple(steps.T)), shape=(count, count))
    return np.asarray(connected_components(joined, directed=False)[1], np.int64) if count else np.empty(0, np.int64)


def _divided(traced: TracedPoints, max_step: float) -> TracedPoints:
    """The same, with long steps in equal parts."""
    parts = np.maximum(np.ceil(traced.lengths / max_step * (1 - 1e-9)), 1).astype(np.int64)
    parts[traced.on_voxels] = 1
    step = np.repeat(np.arange(len(parts)), parts)
    number = np.arange(len(step)) - np.repeat(np.cumsum(parts) - parts, parts)
    inner = np.flatnonzero(number > 0)
    start, stop = (traced.positions[traced.steps[step[inner], side]] for side in (0, 1))
    added = start + (number[inner] / parts[step[inner]])[:, None] * (stop - start)
    name = np.full(len(step), -1)
    name[inner] = len(traced.positions) + np.arange(len(inner))
    first = np.where(number == 0, traced.steps[step, 0], name)
    last = np.where(number == parts[step] - 1, traced.steps[step, 1], np.append(name[1:], -1))
    return TracedPoints(
        np.concatenate([traced.positions, added]),
        np.concatenate([traced.voxels, np.floor(added + 0.5).astype(np.int64)]),
        np.stack([first, last], axis=1),
        (traced.lengths / parts)[step],
        traced.branch[step],
        np.concatenate([traced.skeleton, traced.skeleton[traced.steps[step[inner], 0]]]),
        traced.on_voxels[step],
    )


def _cuts(
    start: NDArray[np.float64], step: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The parts of straight pieces that lie in one voxel: which piece, and from which to which share of it."""
    count = len(start)
    pieces, shares = [np.arange(count), np.arange(count)], [np.zeros(count), np.ones(count)]
    for first, delta in zip(start.T, step.T, strict=True):
        low, high = np.minimum(first, first + delta), np.maximum(first, first + delta)
        plane = np.floor(low + 0.5)
        planes = np.maximum(np.ceil(high - 0.5) - plane, 0).astype(np.int64)
        piece = np.repeat(np.arange(count), planes)
        number = np.arange(len(piece)) - np.repeat(np.cumsum(planes) - planes, planes)
        pieces.append(piece)
        shares.append((plane[piece] + number + 0.5 - first[piece]) / delta[piece])
    piece, share = np.concatenate(pieces), np.clip(np.concatenate(shares), 0, 1)
    order = np.lexsort((share, piece))
    piece, share = piece[order], share[order]
    same = piece[1:] == piece[:-1]
    return piece[1:][same], share[:-1][same], share[1:][same]


def _share_inside(points: NDArray[np.float64], mask: NDArray[Any]) -> NDArray[np.float64]:
    """1 for a point in a voxel of the mask, 0 for one in another, between them on faces, edges and corners."""
    asides = list(product((-_ASIDE, _ASIDE), repeat=mask.ndim))
    found = [_values(mask, np.floor(points + np.array(aside) + 0.5).astype(np.int64)) for aside in asides]
    return np.asarray(np.mean(found, axis=0))


def _values(mask: NDArray[Any], indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 where the mask is, 0 elsewhere and outside of the volume."""
    values = np.zeros(len(indices))
    within = ((indices >= 0) & (indices < mask.shape)).all(axis=1)
    values[within] = mask[tuple(indices[within].T)]
    return values
