"""Places on a network: the nearest against dense samples, control places by hand, shortest paths against networkx."""

from __future__ import annotations

from itertools import pairwise

import networkx
import numpy as np
import pytest

from monai_topo.graphs import Network, Places, path_length_blocks, path_lengths
from tests.graphs.graphs import drawn, line, random_graph


def samples(graph, step=0.02):
    """Points on all nodes and edges of a graph, close together."""
    found = [np.array([pos for _, pos in graph.nodes(data="pos")])]
    for *_, path in graph.edges(data="path"):
        for start, stop in pairwise(path):
            found.append(np.linspace(start, stop, int(np.linalg.norm(stop - start) / step) + 2))
    return np.concatenate(found)


def with_places(network, places):
    """The same network in networkx, with the places as nodes on its edges."""
    graph = networkx.MultiGraph()
    graph.add_nodes_from(range(len(network.positions)))
    graph.add_nodes_from(f"place {k}" for k in range(len(places)))
    for edge, (u, v) in enumerate(network.ends.tolist()):
        here = sorted((places.offset[k], f"place {k}") for k in range(len(places)) if places.edge[k] == edge)
        stops = [(0.0, u), *here, (network.lengths[edge], v)]
        for (before, start), (after, stop) in pairwise(stops):
            graph.add_edge(start, stop, length=after - before)
    return graph


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_nearest_place(ndim, rng):
    for _ in range(10):
        graph = random_graph(rng, ndim)
        network = Network.from_graph(graph)
        points = 12 * rng.random((30, ndim)) - 1
        found = network.nearest(points)
        distance = np.linalg.norm(network.points(found) - points, axis=1)
        dense = np.linalg.norm(points[:, None] - samples(graph), axis=2).min(axis=1)
        assert (distance <= dense + 1e-9).all()
        np.testing.assert_allclose(distance, dense, atol=0.02)
        assert (found.offset <= network.lengths[found.edge]).all()
        limit = np.median(distance)
        near = network.nearest(points, limit)
        np.testing.assert_array_equal(near.edge, np.where(distance <= limit, found.edge, -1))
        np.testing.assert_array_equal(near.offset, np.where(distance <= limit, found.offset, 0))


def test_the_limit_is_inclusive():
    network = Network.from_graph(line(0, 10))
    points = np.array([[5.0, 0.3 * 3], [5.0, 0.91], [10.9, 0.0]])
    assert (network.nearest(points, 0.9).edge >= 0).tolist() == [True, False, True]
    assert (network.nearest(np.array([[5.0, 0.0]]), 0).edge >= 0).all()


@pytest.mark.parametrize("ndim", [2, 3])
def test_shortest_paths_are_networkxs(ndim, rng):
    unreachable = 0
    for _ in range(10):
        network = Network.from_graph(random_graph(rng, ndim))
        places = network.nearest(12 * rng.random((24, ndim)) - 1, 2.5)
        places = Places(np.append(places.edge, places.edge[:2]), np.append(places.offset, places.offset[:2]))
        reference = with_places(network, places)
        expected = np.full((26, 26), np.inf)
        for k in np.flatnonzero(places.edge >= 0):
            lengths = networkx.single_source_dijkstra_path_length(reference, f"place {k}", weight="length")
            expected[k] = [lengths.get(f"place {other}", np.inf) for other in range(26)]
        ((_, block),) = path_length_blocks(network, places)
        np.testing.assert_allclose(block, expected, atol=1e-9)
        np.testing.assert_allclose(path_lengths(network, places[:13], places[13:]), np.diag(expected[:13, 13:]))
        unreachable += np.isinf(expected).sum()
    assert unreachable


def test_blocks_of_rows_cover_all():
    network = Network.from_graph(line(0, 100))
    places = network.control_places(0.25)
    blocks = list(path_length_blocks(network, places))
    assert [(rows.start, rows.stop) for rows, _ in blocks] == [(0, 256), (256, 401)]
    lengths = np.concatenate([block for _, block in blocks])
    along = network.points(places)[:, 0]
    np.testing.assert_allclose(lengths, np.abs(along[:, None] - along))


def test_edges_of_no_length_join():
    graph = drawn([(0, 0), (5, 0), (5, 0), (9, 0), (5, 3), (5, -3)], [(0, 1), (1, 2), (2, 3), (1, 4), (2, 5)])
    network = Network.from_graph(graph)
    ends = network.nearest(np.array([[0.0, 0.0], [9.0, 0.0]]))
    assert path_lengths(network, ends[:1], ends[1:]) == pytest.approx([9])


def test_control_places_of_a_line():
    network = Network.from_graph(line(0, 4, 10))
    assert sorted(network.points(network.control_places())[:, 0]) == [0, 10]
    assert sorted(network.points(network.control_places(10))[:, 0]) == [0, 10]
    np.testing.assert_allclose(sorted(network.points(network.control_places(4))[:, 0]), [0, 10 / 3, 20 / 3, 10])


def test_control_places_of_a_ring_and_of_a_point():
    network = Network.from_graph(drawn([(0, 0), (0, 3), (4, 3)], [(0, 1), (1, 2), (2, 0)]))
    assert len(network.control_places()) == 0
    places = network.points(network.control_places(3))
    assert sorted(places.tolist()) == [[0, 0], [0, 3], pytest.approx([2.4, 1.8]), [3, 3]]
    alone = Network.from_graph(drawn([(1, 2)], []))
    assert alone.points(alone.control_places(3)).tolist() == [[1, 2]]


@pytest.mark.parametrize("node_spacing", [0.3, 1.0, 5.0])
def test_no_part_is_longer_than_asked(node_spacing, rng):
    for _ in range(5):
        network = Network.from_graph(random_graph(rng, 2))
        places = network.control_places(node_spacing)
        for edge, length in enumerate(network.lengths):
            inner = np.sort(places.offset[places.edge == edge])
            assert np.diff(np.concatenate([[0], inner, [length]])).max() <= node_spacing * (1 + 1e-9)


def test_nothing():
    network = Network.from_graph(networkx.MultiGraph())
    places = network.nearest(np.zeros((3, 2)))
    assert places.edge.tolist() == [-1, -1, -1]
    assert np.isinf(path_lengths(network, places, places)).all()
    assert len(network.control_places(1.0)) == 0
