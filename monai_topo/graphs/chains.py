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
            without ``length`` is as long as its path. Of ``along`` only the shares count: where it does not end at
            ``length``, as in a graph whose lengths were scaled, it is scaled to it.

    Returns:
        Nodes of degree other than 2, with all their attributes, and the first node of each closed chain. Edges have
        ``path``, ``length`` and ``along``, the length from the start of the path to each of its points; two between the
        same nodes and self loops are kept. Contracting again changes nothing.

    Raises:
        TypeError: when it is no undirected networkx graph.
        ValueError: naming the node or edge, for a position, path, length or ``along`` that is missing, not finite or
            of another number of axes or points.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> tracing = swc_graph("1 1 0 0 0 1 -1\n2 3 3 4 0 1 1\n3 3 3 4 2 1 2")
        >>> contract_chains(tracing).edges(data="length")
        MultiEdgeDataView([(1, 3, 7.0)])
    """
    import networkx

    nodes, _, ends, paths = read_graph(graph)
    contracted = networkx.MultiGraph(**graph.graph)
    chains = trace_chains(ends, len(nodes))
    degree = np.bincount(ends.ravel(), minlength=len(nodes))
    kept = {*np.flatnonzero(degree != 2).tolist(), *(int(ends.flat[chain[0]]) for chain in chains)}
    contracted.add_nodes_from((nodes[index], graph.nodes[nodes[index]]) for index in sorted(kept))
    for chain in chains:
        path = _joined([_backward(paths[half >> 1]) if half & 1 else paths[half >> 1] for half in chain.tolist()])
        first, last = nodes[ends.flat[chain[0]]], nodes[ends.flat[chain[-1] ^ 1]]
        contracted.add_edge(first, last, path=path[:, :-1], along=path[:, -1], length=float(path[-1, -1]))
    return contracted


def read_graph(
    graph: networkx.Graph,
) -> tuple[list[Any], NDArray[np.float64], NDArray[np.int64], list[NDArray[np.float64]]]:
    """A graph as arrays, checked.

    Returns:
        The ``n`` nodes; their ``(n, ndim)`` positions, ``(0, 0)`` without nodes; ``(m, 2)`` ends of the edges, as
        numbers of nodes; and for each edge its path from the first end to the second, as rows of a point and the length
        from the first end to it.

    Raises:
        TypeError: when it is no undirected networkx graph.
        ValueError: as :func:`contract_chains`.
    """
    nodes, positions = _node_positions(graph)
    index = {node: number for number, node in enumerate(nodes)}
    ends = np.array([(index[u], index[v]) for u, v in graph.edges()], dtype=np.int64).reshape(-1, 2)
    edges = zip(ends, graph.edges(data=True), strict=True)
    return nodes, positions, ends, [_measured_path(edge, positions[pair]) for pair, edge in edges]


def _measured_path(edge: tuple[Any, Any, dict[str, Any]], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of a point and the length up to it; an undirected edge does not say at which end its path begins."""
    *pair, data = edge
    path = np.asarray(data.get("path", ends), dtype=np.float64)
    if path.ndim != 2 or len(path) < 2 or path.shape[1] != ends.shape[1] or not np.isfinite(path).all():
        raise ValueError(
            f"path of edge {tuple(pair)!r} must be finite and of shape (n, {ends.shape[1]}) with n of at least 2, "
            f"got shape {path.shape}."
        )
    measured = np.column_stack([path, _lengths_along(path, data, tuple(pair))])
    backward = np.linalg.norm(path[[-1, 0]] - ends) < np.linalg.norm(path[[0, -1]] - ends)
    return _backward(measured) if backward else measured


def _lengths_along(path: NDArray[np.float64], data: dict[str, Any], pair: tuple[Any, ...]) -> NDArray[np.float64]:
    """Length up to each point of a path: ``along`` scaled to ``length``, so that the two never disagree."""
    straight = np.append(0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1)))
    along = np.asarray(data.get("along", straight), dtype=np.float64)
    if along.shape != (len(path),) or along[0] != 0 or not (np.diff(along) >= 0).all() or not along[-1] < np.inf:
        raise ValueError(
            f"along of edge {pair!r} must be {len(path)} finite lengths that rise from 0, one for each point of its "
            f"path, got shape {along.shape}: leave it out to have it follow the path."
        )
    length = float(data.get("length", along[-1]))
    if not 0 <= length < np.inf:
        raise ValueError(f"length of edge {pair!r} must be finite and at least 0, got {length}.")
    if along[-1] == length:
        return along
    return along * (length / along[-1]) if along[-1] else np.linspace(0, length, len(path))


def _backward(path: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([path[::-1, :-1], path[-1, -1] - path[::-1, -1]])


def _joined(paths: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """One measured path of several that go on from one another."""
    joined: NDArray[np.float64] = np.concatenate([paths[0][:1], *(path[1:] for path in paths)])
    begins = np.cumsum([path[-1, -1] for path in paths]) - [path[-1, -1] for path in paths]
    joined[1:, -1] += np.repeat(begins, [len(path) - 1 for path in paths])
    return joined


def _node_positions(graph: networkx.Graph) -> tuple[list[Any], NDArray[np.float64]]:
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
