"""What holds for all metrics of centerline graphs: empties, mirrors, turned axes, units, lists, bad graphs."""

from __future__ import annotations

import math
from itertools import permutations

import networkx
import numpy as np
import pytest
import torch

from monai_topo.graphs import contract_chains
from monai_topo.metrics import (
    APLSMetric,
    CCQMetric,
    JunctionF1Metric,
    TLTSMetric,
    graph_apls,
    graph_junction_f1,
    graph_tlts,
)
from tests.graphs.graphs import drawn, line, random_graph, transformed

GRAPH_METRICS = [graph_apls, graph_tlts, graph_junction_f1]


def fork(ndim=2):
    """A mask with one junction, and itself without one of its three arms."""
    truth = torch.zeros(1, 1, 30, 30)
    truth[..., 15, 3:27] = truth[..., 3:15, 14] = 1
    prediction = truth.clone()
    prediction[..., 3:15, 14] = 0
    return [mask if ndim == 2 else mask[:, :, None] for mask in (prediction, truth)]


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (APLSMetric(), (math.nan, math.nan, 0)),
        (APLSMetric(ignore_empty=False), (1, 0, 0)),
        (JunctionF1Metric(), (math.nan, math.nan, 0)),
        (JunctionF1Metric(ignore_empty=False), (1, 0, 0)),
        (TLTSMetric(), (math.nan, math.nan, 0)),
        (TLTSMetric(component="too_long"), (math.nan, math.nan, 0)),
        (TLTSMetric(component="too_short"), (math.nan, math.nan, 0)),
        (TLTSMetric(component="infeasible"), (math.nan, math.nan, 1)),
    ],
    ids=str,
)
def test_empties(metric, expected, ndim):
    _, mask = fork(ndim)
    empty = torch.zeros_like(mask)
    found = [metric(p, t).item() for p, t in ((empty, empty), (mask, empty), (empty, mask))]
    assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("metric", [APLSMetric(), TLTSMetric(component="infeasible"), JunctionF1Metric()], ids=str)
def test_nothing_defined_is_nan_for_the_whole_set(metric):
    _, mask = fork()
    metric.reset()
    metric(mask, torch.zeros_like(mask))
    assert metric.aggregate().isnan().all()
    metric(mask, mask)
    assert not metric.aggregate().isnan().any()
    metric.reset()


@pytest.mark.parametrize("metric", [APLSMetric(), TLTSMetric(), JunctionF1Metric()], ids=str)
def test_lists_of_volumes_of_different_shapes(metric):
    flat, deep = fork(2), fork(3)
    found = metric([flat[0][0], deep[1][0]], [flat[1][0], deep[1][0]])
    assert found[0] < found[1] == 1
    metric.reset()


@pytest.fixture
def pair(rng):
    truth = contract_chains(random_graph(rng, 3, num_nodes=12, num_edges=18))
    edges = list(truth.edges(keys=True))
    prediction = truth.copy()
    prediction.remove_edges_from(edges[k] for k in rng.choice(len(edges), 4, replace=False))
    return transformed(prediction, lambda points: points + 0.25), truth


OPTIONS = {
    graph_apls: {"max_snap": 1.0, "min_path_length": 2.0, "node_spacing": 1.5},
    graph_tlts: {"max_node_dist": 1.0, "n_paths": 300},
    graph_junction_f1: {"match_radius": 0.5, "merge_radius": 2.5},
}
LENGTHS = ("max_snap", "min_path_length", "node_spacing", "max_node_dist", "match_radius", "merge_radius")


@pytest.mark.parametrize("metric", GRAPH_METRICS)
def test_mirrors_and_turned_axes_leave_the_numbers(metric, pair):
    numbers = metric(*pair, **OPTIONS[metric])
    assert all(0 < number < 1 for number in list(numbers.values())[:2])
    for axis in range(3):
        sign = np.where(np.arange(3) == axis, -1.0, 1.0)
        mirrored = [transformed(graph, lambda points, sign=sign: points * sign) for graph in pair]
        assert metric(*mirrored, **OPTIONS[metric]) == pytest.approx(numbers)
    for order in permutations(range(3)):
        turned = [transformed(graph, lambda points, order=order: points[..., list(order)]) for graph in pair]
        assert metric(*turned, **OPTIONS[metric]) == pytest.approx(numbers)


@pytest.mark.parametrize("metric", GRAPH_METRICS)
@pytest.mark.parametrize("scale", [0.125, 1000.0])
def test_another_unit_leaves_the_numbers(metric, scale, pair):
    scaled = [transformed(graph, lambda points: points * scale) for graph in pair]
    for graph in scaled:
        for *_, data in graph.edges(data=True):
            data["length"] *= scale
            data["along"] = data["along"] * scale
    options = {name: scale * value if name in LENGTHS else value for name, value in OPTIONS[metric].items()}
    numbers = metric(*pair, **OPTIONS[metric])
    assert metric(*scaled, **options) == pytest.approx(numbers)
    if scale < 1:
        assert metric(*scaled, **OPTIONS[metric]) != pytest.approx(numbers, nan_ok=True)


@pytest.mark.parametrize("metric", GRAPH_METRICS)
def test_how_a_branch_is_divided_into_edges_does_not_matter(metric, pair):
    divided = pair[1].copy()
    for number, (u, v, key, data) in enumerate(list(divided.edges(keys=True, data=True))):
        if u != v and len(data["path"]) == 2:
            share, middle = data["length"] / 2, data["path"].mean(axis=0)
            divided.remove_edge(u, v, key)
            divided.add_node(f"half {number}", pos=middle)
            divided.add_edge(u, f"half {number}", length=share)
            divided.add_edge(f"half {number}", v, length=share)
    assert len(divided) > len(pair[1])
    options = {name: value for name, value in OPTIONS[metric].items() if name != "node_spacing"}
    tolerance = 0.1 if metric is graph_tlts else 1e-9  # the same places are drawn on edges in another order
    assert metric(pair[0], divided, **options) == pytest.approx(metric(*pair, **options), abs=tolerance)


@pytest.mark.parametrize("metric", GRAPH_METRICS)
def test_bad_graphs(metric):
    with pytest.raises(TypeError, match="expected an undirected networkx graph, got DiGraph"):
        metric(networkx.DiGraph(), line(0, 9))
    with pytest.raises(ValueError, match="prediction and truth must have as many axes, got positions of 3 and 2"):
        metric(drawn([(0, 0, 0)], []), line(0, 9))
    with pytest.raises(ValueError, match="node 0 must have an attribute pos"):
        metric(networkx.path_graph(3), line(0, 9))


@pytest.mark.parametrize("metric", [APLSMetric, TLTSMetric])
def test_a_bad_smoothing_is_refused_at_once(metric):
    with pytest.raises(ValueError, match="smoothing must be at least 0"):
        metric(smoothing=-1)


@pytest.mark.parametrize("metric", [APLSMetric, TLTSMetric, JunctionF1Metric, CCQMetric])
def test_the_way_of_skeletons_is_an_option(metric):
    """scikit-image leaves nothing of a bar of two voxels."""
    bar = torch.zeros(1, 1, 4, 4, 30)
    bar[..., 1:3, 1:3, 2:28] = 1
    assert metric(skeleton_method="scikit-image")(bar, bar).isnan().item()
    assert "skeleton_method='scikit-image'" in repr(metric(skeleton_method="scikit-image"))
    exact = metric()(bar, bar)
    assert exact.isnan().item() if metric is JunctionF1Metric else exact.item() == 1
    with pytest.raises(ValueError, match="skeleton_method must be one of"):
        metric(skeleton_method="lee")
