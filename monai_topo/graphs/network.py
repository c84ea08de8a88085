"""A centerline graph as arrays: places on its edges, the nearest one to a point, evenly spaced and random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.chains import contract_chains, read_graph

if TYPE_CHECKING:
    import networkx
    from scipy.spatial import cKDTree


@dataclass(frozen=True)
class Places:
    """Points on the edges of a network.

    Attributes:
        edge: ``(k,)`` which edge, -1 for nowhere.
        offset: ``(k,)`` how far from the edge's first end, along it; 0 nowhere.

    Example:
        >>> Places(np.array([0, -1]), np.array([2.5, 0.0])).edge
        array([ 0, -1])
    """

    edge: NDArray[np.int64]
    offset: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.edge)

    def __getitem__(self, chosen: NDArray[np.int64] | slice) -> Places:
        return Places(self.edge[chosen], self.offset[chosen])


@dataclass(frozen=True)
class Network:
    r"""A centerline graph without nodes of degree 2, as arrays. A node without edges has a self loop of length 0.

    Attributes:
        positions: ``(n, ndim)`` of the nodes.
        degree: ``(n,)`` number of edges that end at each node, a self loop counts twice.
        ends: ``(m, 2)`` nodes of each edge.
        lengths: ``(m,)`` of the edges.
        piece_start: ``(p, ndim)`` straight pieces of the edges, in order.
        piece_step: ``(p, ndim)`` from the start of each piece to its end.
        piece_edge: ``(p,)`` which edge.
        piece_offset: ``(p,)`` where on the edge the piece starts.
        piece_length: ``(p,)`` along the edge.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> network = Network.from_graph(swc_graph("1 1 0 0 0 1 -1\n2 3 3 4 0 1 1"))
        >>> network.lengths, network.degree
        (array([5.]), array([1, 1]))
    """

    positions: NDArray[np.float64]
    degree: NDArray[np.int64]
    ends: NDArray[np.int64]
    lengths: NDArray[np.float64]
    piece_start: NDArray[np.float64]
    piece_step: NDArray[np.float64]
    piece_edge: NDArray[np.int64]
    piece_offset: NDArray[np.float64]
    piece_length: NDArray[np.float64]

    @classmethod
    def from_graph(cls, graph: networkx.Graph) -> Network:
        """Arrays of a graph; :func:`monai_topo.graphs.contract_chains` says what it must hold."""
        nodes, positions, ends, paths = read_graph(contract_chains(graph))
        degree = np.bincount(ends.ravel(), minlength=len(nodes))
        alone = np.flatnonzero(degree == 0)
        ends = np.concatenate([ends, np.stack([alone, alone], axis=1)])
        paths += [np.append(position, 0.0)[None].repeat(2, axis=0) for position in positions[alone]]
        return cls(positions, degree, ends, np.array([path[-1, -1] for path in paths]), *_pieces(paths))

    def nearest(self, points: NDArray[np.float64], max_distance: float = np.inf) -> Places:
        """The place on the edges that is nearest to each point, the first of several.

        Args:
            points: ``(k, ndim)``.
            max_distance: largest distance; what is farther away is nowhere.
        """
        found = Places(np.full(len(points), -1), np.zeros(len(points)))
        if not len(self.piece_edge) or not len(points):
            return found
        reach = np.linalg.norm(self.piece_step, axis=1).max() / 2 * (1 + 1e-9) + 1e-9  # from a piece's middle
        distance, _ = self._middles.query(points, distance_upper_bound=max_distance + reach)
        near = np.flatnonzero(np.isfinite(distance))
        candidates = self._middles.query_ball_point(points[near], np.minimum(distance[near], max_distance) + reach)
        point = np.repeat(near, [len(pieces) for pieces in candidates])
        piece = np.array([number for pieces in candidates for number in pieces], dtype=np.int64)
        share, distance = self._project(points[point], piece)
        order = np.lexsort([piece, distance, point])
        order = order[distance[order] <= max_distance * (1 + 1e-9)]
        best = order[np.unique(point[order], return_index=True)[1]]
        edge = self.piece_edge[piece[best]]
        offset = self.piece_offset[piece[best]] + share[best] * self.piece_length[piece[best]]
        found.edge[point[best]] = edge
        found.offset[point[best]] = np.minimum(offset, self.lengths[edge])
        return found

    def points(self, places: Places) -> NDArray[np.float64]:
        """``(k, ndim)`` positions of places that are somewhere."""
        begin = self._fraction(self.piece_edge, self.piece_offset)
        piece = np.searchsorted(begin, self._fraction(places.edge, places.offset), side="right") - 1
        length = self.piece_length[piece]
        share = np.clip((places.offset - self.piece_offset[piece]) / np.where(length > 0, length, 1), 0, 1)
        return np.asarray(self.piece_start[piece] + share[:, None] * self.piece_step[piece])

    def at_nodes(self, nodes: NDArray[np.int64]) -> Places:
        """The places of nodes, each on one of its edges."""
        edge, offset = np.empty((2, len(self.positions)))
        edge[self.ends[:, 1]], offset[self.ends[:, 1]] = np.arange(len(self.ends)), self.lengths
        edge[self.ends[:, 0]], offset[self.ends[:, 0]] = np.arange(len(self.ends)), 0
        return Places(edge[nodes].astype(np.int64), offset[nodes])

    def control_places(self, node_spacing: float | None = None) -> Places:
        """Nodes of a degree other than 2, and places that divide longer edges into equal parts.

        Args:
            node_spacing: length that no part exceeds; None divides no edge. A closed curve without forks is divided
                from its node on.
        """
        nodes = self.at_nodes(np.flatnonzero(self.degree != 2))
        if node_spacing is None:
            return nodes
        parts = np.maximum(np.ceil(self.lengths / node_spacing * (1 - 1e-9)), 1).astype(np.int64)
        closed = (self.degree[self.ends[:, 0]] == 2) & (parts > 1)
        count = parts - 1 + closed
        edge = np.repeat(np.arange(len(self.ends)), count)
        step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + ~closed[edge]
        offset = step * self.lengths[edge] / parts[edge]
        return Places(np.concatenate([nodes.edge, edge]), np.concatenate([nodes.offset, offset]))

    @cached_property
    def _middles(self) -> cKDTree:
        from scipy.spatial import cKDTree

        return cKDTree(self.piece_start + self.piece_step / 2)

    def _fraction(self, edge: NDArray[np.int64], offset: NDArray[np.float64]) -> NDArray[np.float64]:
        """The edge's number and how far along it, below 1, as one number that is in the order of the pieces."""
        length = np.where(self.lengths > 0, self.lengths, 1)
        return np.asarray(edge + np.minimum(offset / length[edge], 1 - 1e-9))

    def _project(
        self, points: NDArray[np.float64], piece: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far along its piece, 0 to 1, the place nearest to each point lies, and the distance to it."""
        step = self.piece_step[piece]
        squared = (step**2).sum(axis=1)
        share = ((points - self.piece_start[piece]) * step).sum(axis=1) / np.where(squared > 0, squared, 1)
        share = np.clip(share, 0, 1)
        return share, np.linalg.norm(self.piece_start[piece] + share[:, None] * step - points, axis=1)


def _pieces(
    paths: Sequence[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Straight pieces of measured paths, none longer than their mean: start, step, edge, offset and length."""
    if not paths:
        return np.empty((0, 0)), np.empty((0, 0)), np.empty(0, np.int64), np.empty(0), np.empty(0)
    start = np.concatenate([path[:-1] for path in paths])
    step = np.concatenate([np.diff(path, axis=0) for path in paths])
    edge = np.repeat(np.arange(len(paths)), [len(path) - 1 for path in paths])
    size = np.linalg.norm(step[:, :-1], axis=1)
    parts = np.maximum(np.ceil(size / (size.mean() or 1)), 1).astype(np.int64)
    piece = np.repeat(np.arange(len(edge)), parts)
    number = np.arange(len(piece)) - np.repeat(np.cumsum(parts) - parts, parts)
    step = step[piece] / parts[piece, None]
    start = start[piece] + number[:, None] * step
    return start[:, :-1], step[:, :-1], edge[piece], start[:, -1], step[:, -1]
