"""Too long, too short: fractions that follow from lengths."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from monai_topo.graphs import Network, read_swc, skeleton_graph
from monai_topo.metrics import TLTSMetric, compute_tlts, graph_tlts
from monai_topo.metrics.tlts import _draw_paths
from tests.graphs.graphs import drawn, line, random_graph

MANY = 40000
"""Paths: the standard deviation of a fraction is then at most 0.0025."""


def fractions(prediction, truth, **options):
    return list(graph_tlts(prediction, truth, **{"n_paths": MANY, **options}).values())


def expect(correct=0.0, too_long=0.0, too_short=0.0, infeasible=0.0):
    return pytest.approx([correct, too_long, too_short, infeasible], abs=0.01)


def ring(gap=None):
    """A polygon of 100 corners and circumference 100; without the side that ends at a corner."""
    angle = np.linspace(0, 2 * np.pi, 101)[:-1]
    radius = 0.5 / np.sin(np.pi / 100)
    corners = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return drawn(corners, [((k - 1) % 100, k) for k in range(100) if k != gap])


@pytest.mark.parametrize("graph", [line(0, 100), ring(), drawn([(0, 0, 0), (9, 9, 0), (9, 9, 9)], [(0, 1), (1, 2)])])
def test_of_itself_all_paths_are_correct(graph):
    assert list(graph_tlts(graph, graph).values()) == [1, 0, 0, 0]


def test_a_line_with_one_break():
    """Places left of the middle of the gap go to its left end: paths are lost with ends on different sides."""
    truth, broken = line(0, 60, 61, 200), line(0, 60, 61, 200, broken_after=60)
    left = 60.5 / 200
    lost = 2 * left * (1 - left)
    assert fractions(broken, truth) == expect(correct=1 - lost, infeasible=lost)


def test_a_branch_removed():
    """Arms of 30, 50 and 20, the last is gone: what ends farther out on it than the distance is infeasible."""
    arms = [(0, 0), (30, 0), (-50, 0), (0, 20)]
    star = drawn(arms, [(0, 1), (0, 2), (0, 3)])
    removed = drawn(arms[:3], [(0, 1), (0, 2)])
    found = fractions(removed, star, max_node_dist=12, tol=0.5)
    assert found[3] == pytest.approx(1 - 0.92**2, abs=0.01)
    everywhere = fractions(removed, star, tol=0.0)
    on_it_or_not = 1 - 0.8**2  # one end on the arm: the other end of the path stays, the way along the arm is gone
    assert everywhere == expect(correct=1 - on_it_or_not, too_short=on_it_or_not)


def test_a_cut_ring_makes_paths_too_long():
    """The short arc of a pair, of length d < C/2, holds the cut with probability d/C; then C - d is left of d."""
    assert fractions(ring(gap=30), ring()) == expect(correct=1 - 1 / 2.05**2, too_long=1 / 2.05**2)


def test_a_closed_ring_makes_paths_too_short():
    """On the cut ring a distance d has density 2 (1 - d/C) / C; it is cut short to C - d if 1.95 d > C."""
    share = (1 - 1 / 1.95) ** 2
    assert fractions(ring(), ring(gap=30)) == expect(correct=1 - share, too_short=share)


@pytest.mark.parametrize(("tol", "kind"), [(0.25, 0), (0.24, 1)])
def test_the_tolerance_is_inclusive(tol, kind):
    """The prediction's edge says that it is a quarter longer than it looks."""
    truth, longer = line(0, 64), line(0, 64)
    longer.edges[0, 1, 0]["length"] = 80.0
    assert fractions(longer, truth, tol=tol) == expect(**{("correct", "too_long")[kind]: 1.0})


def test_components_are_drawn_by_the_square_of_their_length():
    stops = [(0, 0), (30, 0), (0, 50), (10, 50)]
    truth = drawn(stops, [(0, 1), (2, 3)])
    assert fractions(drawn(stops[2:], [(0, 1)]), truth) == expect(correct=0.1, infeasible=0.9)


def test_places_are_drawn_uniformly_by_length(rng):
    network = Network.from_graph(random_graph(rng, 2, num_nodes=5, num_edges=12))
    starts, stops = _draw_paths(network, MANY, rng)
    for places in (starts, stops):
        share = np.bincount(places.edge, minlength=len(network.lengths)) / MANY
        np.testing.assert_allclose(share, network.lengths / network.lengths.sum(), atol=0.01)
        along = places.offset / network.lengths[places.edge]
        assert along.min() >= 0
        assert along.max() <= 1
        np.testing.assert_allclose(np.histogram(along, 10, (0, 1))[0] / MANY, 0.1, atol=0.01)


def test_the_distance_is_inclusive():
    aside = drawn([(-20, 3), (120, 3)], [(0, 1)])
    assert fractions(aside, line(0, 100), max_node_dist=3) == [1, 0, 0, 0]
    assert fractions(aside, line(0, 100), max_node_dist=2.9) == [0, 0, 0, 1]


def test_the_number_of_paths_and_the_seed():
    truth, broken = line(0, 60, 61, 200), line(0, 60, 61, 200, broken_after=60)
    found = graph_tlts(broken, truth, n_paths=7)
    assert {round(7 * fraction, 9) for fraction in found.values()} <= set(range(8))
    assert sum(found.values()) == pytest.approx(1)
    np.random.seed(1)
    once = graph_tlts(broken, truth, seed=3)
    np.random.seed(2)
    assert graph_tlts(broken, truth, seed=3) == once != graph_tlts(broken, truth, seed=4)


def test_every_item_and_channel_sees_the_same_paths():
    truth = torch.zeros(2, 3, 20, 60)
    truth[..., 10, 5:55] = 1
    prediction = truth.clone()
    prediction[..., 30:33] = 0
    found = compute_tlts(prediction, truth, component="infeasible", n_paths=50)
    assert 0.2 < found[0, 0] < 0.8
    assert (found == found[0, 0]).all()


@pytest.mark.parametrize("component", TLTSMetric.components)
def test_masks_are_their_graphs(component):
    truth = torch.zeros(1, 1, 12, 40, 30)
    truth[..., 6, 5:35, 15] = truth[..., 6, 20, 5:25] = 1
    prediction = truth.clone()
    prediction[..., 12, 15] = 0
    spacing = (3.0, 1.0, 0.5)
    graphs = [skeleton_graph(mask[0, 0], spacing=spacing) for mask in (prediction, truth)]
    found = compute_tlts(prediction, truth, component=component, spacing=spacing, n_paths=200)
    assert found.item() == pytest.approx(graph_tlts(*graphs, n_paths=200)[component])


def test_without_length_it_is_undefined():
    point, tube = drawn([(1, 1)], []), line(0, 50)
    assert all(math.isnan(fraction) for fraction in fractions(tube, point))
    assert fractions(point, tube, max_node_dist=100) == expect(too_short=1)
    assert fractions(point, tube, max_node_dist=0.5) == expect(infeasible=1)


@pytest.mark.parametrize("cut", [8, 20])
def test_a_real_tracing_cut_in_two(real_data, cut):
    folder = real_data / "neuron_spotspine"
    tracing = read_swc(folder / "SpotSpine_ImageStack_Test.swc", axes="zyx")
    corrupted = tracing.copy()
    gone = corrupted.edges[cut, cut + 1, 0]["length"]
    corrupted.remove_edge(cut, cut + 1)
    before = sum(data["length"] for u, v, data in tracing.edges(data=True) if max(u, v) <= cut) + gone / 2
    share = before / tracing.size("length")
    lost = 2 * share * (1 - share)
    found = fractions(corrupted, tracing, tol=1.0)
    assert found[3] == pytest.approx(lost, abs=0.02)
    assert found[0] == pytest.approx(1 - lost, abs=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_paths": 0}, "n_paths must be at least 1"),
        ({"max_node_dist": -1}, "max_node_dist must be at least 0"),
        ({"tol": math.nan}, "tol must be at least 0"),
    ],
)
def test_bad_options_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        TLTSMetric(**options)
    with pytest.raises(ValueError, match=message):
        graph_tlts(line(0, 20), line(0, 20), **options)
