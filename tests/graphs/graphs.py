"""Graphs for tests."""

from __future__ import annotations

from itertools import pairwise

import networkx
import numpy as np


def drawn(positions, edges):
    """A graph of nodes 0, 1, ... at positions, with straight edges."""
    graph = networkx.MultiGraph()
    graph.add_nodes_from((node, {"pos": np.array(position, float)}) for node, position in enumerate(positions))
    graph.add_edges_from(edges)
    return graph


def line(*stops, broken_after=None):
    """A graph along the first axis of the plane, without the link that begins at one of the stops."""
    links = [(k, k + 1) for k in range(len(stops) - 1) if stops[k] != broken_after]
    return drawn([(stop, 0) for stop in stops], links)


def random_graph(rng, ndim, num_nodes=8, num_edges=11):
    """Crooked edges, parallel ones, self loops and single nodes; paths run either way; some lengths are given."""
    graph = drawn(10 * rng.random((num_nodes, ndim)), [])
    for u, v in rng.integers(0, num_nodes, (num_edges, 2)):
        ends = [graph.nodes[u]["pos"][None], graph.nodes[v]["pos"][None]]
        path = np.concatenate([ends[0], 10 * rng.random((rng.integers(0, 3), ndim)), ends[1]])
        given = {"length": float(20 * rng.random() + 0.1)} if rng.random() < 0.3 else {}
        graph.add_edge(int(u), int(v), path=path[:: rng.choice([-1, 1])], **given)
    return graph


def length_of(data, straight):
    """Length of an edge as this package takes it, worked out anew."""
    path = np.asarray(data.get("path", straight))
    return data.get("length", sum(np.linalg.norm(b - a) for a, b in pairwise(path)))


def transformed(graph, change):
    """The graph with its positions and paths changed."""
    changed = graph.copy()
    for _, data in changed.nodes(data=True):
        data["pos"] = change(np.asarray(data["pos"]))
    for *_, data in changed.edges(data=True):
        if "path" in data:
            data["path"] = change(np.asarray(data["path"]))
    return changed
