"""Contraction: networkx's shortest paths stay, branches are kept, bad graphs are refused."""

from __future__ import annotations

import networkx
import numpy as np
import pytest

from monai_topo.graphs import Network, contract_chains, swc_graph
from monai_topo.graphs.chains import trace_chains
from tests.graphs.graphs import drawn, length_of, random_graph


def with_lengths(graph):
    """The graph with the length of every edge written down."""
    for u, v, data in graph.edges(data=True):
        data["length"] = length_of(data, [graph.nodes[u]["pos"], graph.nodes[v]["pos"]])
    return graph


def distances(graph):
    return dict(networkx.all_pairs_dijkstra_path_length(graph, weight="length"))


@pytest.mark.parametrize("num_edges", [5, 8, 12])
def test_every_edge_is_in_one_chain(num_edges, rng):
    for _ in range(20):
        ends = rng.integers(0, 7, (num_edges, 2))
        degree = np.bincount(ends.ravel(), minlength=7)
        chains = trace_chains(ends, 7)
        assert sorted(np.concatenate(chains) >> 1) == list(range(num_edges))
        for chain in chains:
            nodes = [*ends.flat[chain], ends.flat[chain[-1] ^ 1]]
            assert (ends.flat[chain[:-1] ^ 1] == nodes[1:-1]).all()
            assert (degree[nodes[1:-1]] == 2).all()
            closed = nodes[0] == nodes[-1] and degree[nodes[0]] == 2
            assert nodes[0] == min(nodes) if closed else 2 not in degree[[nodes[0], nodes[-1]]]


@pytest.mark.parametrize("ndim", [2, 3])
def test_paths_between_the_nodes_that_stay_are_as_long(ndim, rng):
    seen = set()
    for _ in range(20):
        graph = with_lengths(random_graph(rng, ndim, num_edges=8))
        contracted = contract_chains(graph)
        before, after = distances(graph), distances(contracted)
        assert contracted.size("length") == pytest.approx(graph.size("length"))
        for node in contracted:
            assert graph.degree(node) == contracted.degree(node)
            assert after[node] == pytest.approx({other: before[node][other] for other in after[node]})
            seen.add(graph.degree(node))
        for u, v, data in contracted.edges(data=True):
            ends = [contracted.nodes[node]["pos"].tolist() for node in (u, v)]
            assert sorted(data["path"][[0, -1]].tolist()) == sorted(ends)
        again = contract_chains(contracted)
        assert sorted(again.edges(data="length")) == sorted(contracted.edges(data="length"))
    assert seen >= {0, 1, 2, 3}


def test_by_hand():
    graph = drawn([(0, 0), (3, 4), (3, 9), (8, 9), (0, 9)], [(1, 0), (1, 2), (2, 3), (4, 2)])
    contracted = contract_chains(graph)
    assert sorted(contracted.nodes) == [0, 2, 3, 4]
    assert contracted.edges[0, 2, 0]["length"] == 10
    assert contracted.edges[0, 2, 0]["path"].tolist() == [[0, 0], [3, 4], [3, 9]]
    ring = contract_chains(drawn([(0, 0), (0, 3), (4, 3)], [(0, 1), (1, 2), (2, 0)]))
    assert list(ring.edges(data="length")) == [(0, 0, 12)]
    assert ring.edges[0, 0, 0]["path"].tolist() == [[0, 0], [0, 3], [4, 3], [0, 0]]


def test_a_tracing_keeps_its_attributes():
    contracted = contract_chains(swc_graph("1 1 0 0 0 2.5 -1\n2 3 1 0 0 1 1\n3 6 2 0 0 0.5 2", spacing=2))
    assert contracted.graph["spacing"] == (2, 2, 2)
    assert contracted.nodes[1]["radius"] == 2.5
    assert contracted.nodes[3]["type"] == 6


def test_a_plain_graph_of_networkx_will_do():
    graph = networkx.Graph()
    graph.add_node("a", pos=(0, 0))
    graph.add_node("b", pos=[3, 4])
    graph.add_edge("a", "b")
    assert contract_chains(graph).edges["a", "b", 0]["length"] == 5
    assert len(contract_chains(networkx.Graph())) == 0


def with_edge(**data):
    graph = drawn([(0, 0), (3, 4)], [])
    graph.add_edge(0, 1, **data)
    return graph


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (drawn([(0, 0), (1, np.nan)], []), "node 1 must have an attribute pos of 2 finite coordinates"),
        (drawn([(0, 0), (1, 1, 1)], []), "node 1 must have an attribute pos of 2 finite coordinates"),
        (networkx.path_graph(2), "node 0 must have an attribute pos"),
        (with_edge(path=[[0, 0]]), r"path of edge \(0, 1\) must be finite and of shape \(n, 2\)"),
        (with_edge(path=np.zeros((2, 3))), r"path of edge \(0, 1\)"),
        (with_edge(path=[[0, 0], [np.inf, 0]]), r"path of edge \(0, 1\)"),
        (with_edge(length=-1.0), r"length of edge \(0, 1\) must be finite and at least 0, got -1"),
        (with_edge(length=np.nan), r"length of edge \(0, 1\)"),
    ],
)
def test_bad_graphs(graph, message):
    with pytest.raises(ValueError, match=message):
        contract_chains(graph)


@pytest.mark.parametrize("graph", [networkx.DiGraph(), [(0, 1)], None], ids=str)
def test_no_graphs(graph):
    with pytest.raises(TypeError, match="expected an undirected networkx graph"):
        contract_chains(graph)


@pytest.mark.parametrize("scaled", ["length", "along"])
def test_the_length_holds_where_along_was_not_scaled_with_it(scaled, rng):
    graph = contract_chains(random_graph(rng, 3))
    before = graph.size("length")
    for *_, data in graph.edges(data=True):
        data[scaled] = data[scaled] * 1000
    again = contract_chains(graph)
    assert again.size("length") == pytest.approx(before * (1000 if scaled == "length" else 1))
    for *_, data in again.edges(data=True):
        assert data["along"][-1] == pytest.approx(data["length"])
    network = Network.from_graph(graph)
    pieces = np.bincount(network.piece_edge, network.piece_length, minlength=len(network.lengths))
    np.testing.assert_allclose(pieces, network.lengths)
    del data["length"]
    assert contract_chains(graph).size("length") > 0


@pytest.mark.parametrize(
    "along", [[0.0, 1.0], [1.0, 2.0, 3.0], [0.0, 2.0, 1.0], [0.0, 1.0, np.inf], [0.0, np.nan, 1.0]]
)
def test_a_bad_along_is_refused(along):
    graph = drawn([(0, 0), (4, 0)], [])
    graph.add_edge(0, 1, path=np.array([[0.0, 0], [1, 1], [4, 0]]), along=np.array(along))
    with pytest.raises(ValueError, match=r"along of edge \(0, 1\) must be 3 finite lengths that rise from 0"):
        contract_chains(graph)
