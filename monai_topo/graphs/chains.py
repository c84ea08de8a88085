"""Chains: runs of nodes with two edges each, which are points of one branch and no nodes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import networkx


def trace_chains(ends: NDArray[np.int64], num_nodes: int) -> list[NDArray[np.int64]]:
    """Longest runs of edges that pass through nodes of degree 2 only.

    Args:
        ends: ``(m, 2)`` nodes of each edge; parallel edges and self loops (degree 2 for their node) are fine.
        num_nodes: number of nodes.

    Returns:
        Each chain as half edges in the order they are walked: ``2 e`` is edge e from its first end to its second,
        ``2 e + 1`` the way back. Every edge is in one chain. A closed chain without a node of another degree starts at
        its lowest node.

    Example:
        >>> [chain.tolist() for chain in trace_chains(np.array([[0, 1], [2, 1], [2, 3]]), 4)]
        [[0, 3, 4]]
    """
    node = ends.ravel()
    degree = np.bincount(node, minlength=num_nodes)
    by_node = np.argsort(node, kind="stable")
    follower = _followers(node, degree, by_node).tolist()
    walked = [False] * len(ends)
    chains = []
    for start in [*by_node[degree[node[by_node]] != 2].tolist(), *by_node.tolist()]:
        if walked[start >> 1]:
            continue
        chain, half = [], start
        while half >= 0 and not walked[half >> 1]:
            walked[half >> 1] = True
            chain.append(half)
            half = follower[half]
        chains.append(np.array(chain, dtype=np.int64))
    return chains


def _followers(node: NDArray[Any], degree: NDArray[Any], by_node: NDArray[Any]) -> NDArray[np.int64]:
    """The half edge that goes on where each one arrives, -1 where its node has another degree than 2."""
    pairs = by_node[degree[node[by_node]] == 2].reshape(-1, 2)
    partner = np.full(len(node), -1)
    partner[pairs] = pairs[:, ::-1]
    return np.asarray(partner[np.arange(len(node)) ^ 1])


def contract_chains(graph: networkx.Graph) -> networkx.MultiGraph:
    r"""Take out the nodes of degree 2: their edges become one, whose path passes through them.

    Args:
        graph: undirected, with the attributes of this package's graphs. An edge without ``path`` is straight, one
            without ``length`` is as long as its path.

    Returns:
        Nodes of degree other than 2, with all their attributes, and the first node of each closed chain. Edges have
        ``path`` and ``length``; two between the same nodes and self loops are kept. Contracting again changes nothing.

    Raises:
        TypeError: when it is no undirected networkx graph.
        ValueError: naming the node or edge, for a position, path or length that is missing, not finite or of another
            number of axes.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> tracing = swc_graph("1 1 0 0 0 1 -1\n2 3 3 4 0 1 1\n3 3 3 4 2 1 2")
        >>> contract_chains(tracing).edges(data="length")
        MultiEdgeDataView([(1, 3, 7.0)])
    """
    import networkx

    nodes, positions = node_positions(graph)
    ends, paths, lengths = _edges(graph, {node: index for index, node in enumerate(nodes)}, positions)
    contracted = networkx.MultiGraph(**graph.graph)
    chains = trace_chains(ends, len(nodes))
    degree = np.bincount(ends.ravel(), minlength=len(nodes))
    kept = {*np.flatnonzero(degree != 2).tolist(), *(int(ends.flat[chain[0]]) for chain in chains)}
    contracted.add_nodes_from((nodes[index], graph.nodes[nodes[index]]) for index in sorted(kept))
    for chain in chains:
        points = [paths[half >> 1][:: -1 if half & 1 else 1] for half in chain]
        path = np.concatenate([points[0][:1], *(part[1:] for part in points)])
        first, last = nodes[ends.flat[chain[0]]], nodes[ends.flat[chain[-1] ^ 1]]
        contracted.add_edge(first, last, path=path, length=float(sum(lengths[half >> 1] for half in chain)))
    return contracted


def node_positions(graph: networkx.Graph) -> tuple[list[Any], NDArray[np.float64]]:
    """Nodes of a graph and their positions, checked.

    Returns:
        The nodes, and ``(n, ndim)`` positions; ``(0, 0)`` for a graph without nodes.

    Raises:
        TypeError: when it is no undirected networkx graph.
        ValueError: for a position that is missing, not finite or of another number of axes than the first.
    """
    import networkx

    if not isinstance(graph, networkx.Graph) or graph.is_directed():
        raise TypeError(f"expected an undirected networkx graph, got {type(graph).__name__}.")
    nodes = list(graph.nodes)
    ndim = None
    for node, position in graph.nodes(data="pos"):
        found = np.asarray(np.nan if position is None else position, dtype=np.float64)
        ndim = found.size if ndim is None else ndim
        if found.ndim != 1 or found.size != ndim or not np.isfinite(found).all():
            raise ValueError(
                f"node {node!r} must have an attribute pos of {ndim} finite coordinates, got {position!r}."
            )
    positions = np.array([graph.nodes[node]["pos"] for node in nodes], dtype=np.float64)
    return nodes, positions.reshape(len(nodes), ndim or 0)


def _edges(
    graph: networkx.Graph, index: dict[Any, int], positions: NDArray[np.float64]
) -> tuple[NDArray[np.int64], list[NDArray[np.float64]], list[float]]:
    """Ends, paths from first to second end, and lengths."""
    ends, paths, lengths = [], [], []
    for u, v, data in graph.edges(data=True):
        straight = positions[[index[u], index[v]]]
        path = np.asarray(data.get("path", straight), dtype=np.float64)
        if path.ndim != 2 or len(path) < 2 or path.shape[1] != positions.shape[1] or not np.isfinite(path).all():
            raise ValueError(
                f"path of edge {(u, v)!r} must be finite and of shape (n, {positions.shape[1]}) with n of at least 2, "
                f"got shape {path.shape}."
            )
        length = float(data.get("length", np.linalg.norm(np.diff(path, axis=0), axis=1).sum()))
        if not 0 <= length < np.inf:
            raise ValueError(f"length of edge {(u, v)!r} must be finite and at least 0, got {length}.")
        ends.append((index[u], index[v]))
        paths.append(path_from(path, straight))
        lengths.append(length)
    return np.array(ends, dtype=np.int64).reshape(-1, 2), paths, lengths


def path_from(path: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """The path in the direction from the first of two ends: an undirected edge does not say where its path begins."""
    backward = np.linalg.norm(path[[-1, 0]] - ends) < np.linalg.norm(path[[0, -1]] - ends)
    return path[::-1] if backward else path
