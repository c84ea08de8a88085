"""APLS: recorded values, values by hand, networkx, a real tracing."""

from __future__ import annotations

import math
from itertools import permutations

import networkx
import numpy as np
import pytest
import torch

from monai_topo.graphs import contract_chains, read_swc, skeleton_graph
from monai_topo.metrics import APLSMetric, compute_apls, graph_apls
from tests.graphs.graphs import drawn, line, random_graph

STAR = [(0, 10), (0, 0), (10, 0), (-10, 0)]
SPACING = (0.21, 0.06, 0.06)


def scores(prediction, truth, **options):
    found = graph_apls(prediction, truth, **options)
    return [found[name] for name in ("truth_to_prediction", "prediction_to_truth", "apls")]


def test_recorded_values():
    star = drawn(STAR, [(1, 0), (1, 2), (1, 3)])
    assert scores(star, star, min_path_length=1) == [1, 1, 1]
    cut = drawn(STAR, [(1, 0), (1, 2)])
    assert scores(cut, star, min_path_length=1) == pytest.approx([0.5, 1, 0.66666667])
    without = drawn(STAR[:3], [(1, 0), (1, 2)])
    assert scores(without, star, min_path_length=1) == pytest.approx([0.5, 1, 0.66666667])


def test_a_line_with_one_break():
    """With parts of 10 there are 6 control nodes before the break and 5 behind it: 30 of 55 pairs are cut."""
    whole, broken = line(0, 50, 60, 100), line(0, 50, 60, 100, broken_after=50)
    assert scores(broken, whole) == [0, 1, 0]
    assert scores(broken, whole, node_spacing=10) == pytest.approx([25 / 55, 1, 50 / 80])
    assert scores(whole, broken, node_spacing=10) == pytest.approx([1, 25 / 55, 50 / 80])


def test_a_detour():
    """Ends at -20 and 50, forks at 0 and 30, joined straight (30) and by a detour of 50; the straight one is gone."""
    stops = [(-20, 0), (0, 0), (30, 0), (50, 0), (15, 20)]
    whole = drawn(stops, [(0, 1), (1, 2), (2, 3), (1, 4), (4, 2)])
    detour = drawn(stops, [(0, 1), (2, 3), (1, 4), (4, 2)])
    costs = [0, 20 / 50, 20 / 70, 20 / 30, 20 / 50, 0]
    forth, back = 1 - sum(costs) / 6, 1 - 20 / 90
    assert scores(detour, whole) == pytest.approx([forth, back, 2 * forth * back / (forth + back)])


def by_networkx(first, second, min_path_length):
    """One side for graphs whose nodes lie at the same positions, by the definition."""
    ends = [node for node in first if first.degree(node) != 2]
    costs = []
    for start, stop in permutations(ends, 2):
        try:
            length = networkx.dijkstra_path_length(first, start, stop, weight="length")
        except networkx.NetworkXNoPath:
            continue
        if length >= min_path_length:
            try:
                other = networkx.dijkstra_path_length(second, start, stop, weight="length")
            except networkx.NetworkXNoPath:
                other = math.inf
            costs.append(min(1, abs(length - other) / length))
    return 1 - np.mean(costs)


@pytest.mark.parametrize("ndim", [2, 3])
def test_random_graphs_against_networkx(ndim, rng):
    distinct = set()
    for _ in range(10):
        truth = contract_chains(random_graph(rng, ndim, num_edges=14))
        prediction = truth.copy()
        edges = list(prediction.edges(keys=True))
        prediction.remove_edges_from(edges[k] for k in rng.choice(len(edges), 4, replace=False))
        forth, back = by_networkx(truth, prediction, 5), by_networkx(prediction, truth, 5)
        found = scores(prediction, truth, min_path_length=5)
        assert found == pytest.approx([forth, back, 2 * forth * back / (forth + back)])
        distinct.update(found)
    assert len(distinct) > 10


def test_snapping_is_inclusive_and_along_edges():
    aside = drawn([(-20, 3), (120, 3)], [(0, 1)])
    assert scores(aside, line(0, 100), max_snap=3)[0] == 1
    assert scores(aside, line(0, 100), max_snap=2.9)[0] == 0
    assert scores(aside, line(0, 100), max_snap=3)[1] == 0  # its own ends are 20 beyond the other's
    assert scores(aside, line(0, 100), max_snap=21)[1] == pytest.approx(1 - 40 / 140)


@pytest.mark.parametrize(("min_path_length", "expected"), [(30, 0.5), (10, 0.5), (70, 0), (71, math.nan)])
def test_short_paths_are_not_asked_for(min_path_length, expected):
    """Two lines of 30 and 70, of which the second is broken."""
    stops = [(0, 0), (30, 0), (0, 50), (40, 50), (70, 50)]
    truth = drawn(stops, [(0, 1), (2, 3), (3, 4)])
    broken = drawn(stops, [(0, 1), (2, 3)])
    assert scores(broken, truth, min_path_length=min_path_length)[0] == pytest.approx(expected, nan_ok=True)


def test_what_has_no_path_to_ask_for_is_undefined():
    ring = drawn([(0, 0), (0, 30), (40, 30)], [(0, 1), (1, 2), (2, 0)])
    stub, tube = line(0, 8), line(0, 100)
    for truth in (ring, stub):
        assert math.isnan(scores(truth, truth)[2])
        assert math.isnan(scores(tube, truth, ignore_empty=False)[2])
    assert scores(ring, ring, node_spacing=10) == [1, 1, 1]
    longer, shorter = line(0, 10.2), line(0, 9.8)
    assert scores(shorter, longer) == pytest.approx([1 - 0.4 / 10.2, math.nan, 1 - 0.4 / 10.2], nan_ok=True)


def test_drawn_control_nodes(rng):
    truth, prediction = (contract_chains(random_graph(rng, 2, 40, 60)) for _ in range(2))
    options = {"max_snap": 1.0, "node_spacing": 0.5}
    exact = scores(prediction, truth, **options)
    drawn_once = scores(prediction, truth, max_nodes=80, seed=1, **options)
    assert drawn_once == scores(prediction, truth, max_nodes=80, seed=1, **options)
    assert drawn_once != scores(prediction, truth, max_nodes=80, seed=2, **options)
    assert drawn_once == pytest.approx(exact, abs=0.1)
    assert scores(prediction, truth, max_nodes=10**6, **options) == exact


def masks():
    """A comb in the plane; its third tooth is broken, in the prediction."""
    truth = np.zeros((30, 80), np.float32)
    truth[25, 5:75] = truth[5:25, 15] = truth[5:25, 35] = truth[5:25, 55] = 1
    prediction = truth.copy()
    prediction[12:16, 55] = 0
    return prediction, truth


@pytest.mark.parametrize("as_volume", [False, True], ids=["2D", "3D"])
@pytest.mark.parametrize("spacing", [None, 0.5, (0.5, 2.0)], ids=str)
def test_masks_are_their_graphs(as_volume, spacing):
    pair = [mask[:, None] if as_volume else mask for mask in masks()]
    spacing = (0.5, 1.0, 2.0) if as_volume and isinstance(spacing, tuple) else spacing
    graphs = [skeleton_graph(mask, spacing=1.0 if spacing is None else spacing) for mask in pair]
    tensors = [torch.tensor(mask)[None, None] for mask in pair]
    for name, expected in graph_apls(*graphs).items():
        assert compute_apls(*tensors, component=name, spacing=spacing).item() == pytest.approx(expected)
        assert 0 < expected < 1 or name == "prediction_to_truth"


def test_smoothing_takes_the_steps_of_a_slanting_tube():
    truth = torch.zeros(1, 1, 60, 60)
    for row in range(5, 55):
        truth[..., row, 5 + row // 2 : 8 + row // 2] = 1
    straight = drawn([(5, 8.5), (54, 33)], [(0, 1)])
    graphs = [skeleton_graph(truth[0, 0], smoothing=sigma) for sigma in (0, 2)]
    rough, smooth = (graph_apls(graph, straight)["truth_to_prediction"] for graph in graphs)
    assert smooth > 0.98
    assert rough < 0.95
    assert compute_apls(truth, truth, smoothing=2.0) == 1


def test_a_real_tracing_against_its_rasterization(real_data):
    """On its own grid the steps of the voxels stay, on finer ones they go."""
    tracing = read_swc(real_data / "neuron_spotspine" / "SpotSpine_ImageStack_Test.swc", spacing=SPACING, axes="zyx")
    options = {"max_snap": 0.3, "min_path_length": 1.0, "node_spacing": 1.0}
    found = []
    for finer in (1, 2, 4):
        voxel = np.array(SPACING) / finer
        mask = rasterized(tracing, voxel, np.array((41, 157, 116)) * finer)
        assert compute_apls(*[torch.tensor(mask)[None, None]] * 2, spacing=voxel.tolist(), min_path_length=1.0) == 1
        graph = skeleton_graph(mask, spacing=voxel.tolist(), smoothing=2)
        found.append(graph_apls(graph, tracing, **options)["apls"])
    assert found[0] > 0.95
    assert found[2] > 0.99


def rasterized(graph, voxel, shape):
    mask = np.zeros(shape, bool)
    for *_, path in graph.edges(data="path"):
        points = np.linspace(path[0] / voxel, path[1] / voxel, 200)
        mask[tuple(np.rint(points).astype(int).T)] = True
    return mask


@pytest.mark.parametrize("cut", [4, 15, 28])
def test_a_real_tracing_cut_in_two(real_data, cut):
    """Pairs of control nodes on both sides of the cut are lost, all others are as they were."""
    tracing = read_swc(real_data / "neuron_spotspine" / "SpotSpine_ImageStack_Test.swc", spacing=SPACING, axes="zyx")
    corrupted = tracing.copy()
    corrupted.remove_edge(cut, cut + 1)
    total = tracing.size("length")
    before = networkx.dijkstra_path_length(tracing, 1, cut, weight="length")
    behind = networkx.dijkstra_path_length(tracing, 1, cut + 1, weight="length")
    parts = math.ceil(total / 0.05)
    control = np.linspace(0, total, parts + 1)
    inside = (control > before) & (control < behind)  # these snap to an end of the cut
    options = {"min_path_length": 0.0, "node_spacing": 0.05}
    forth, back, _ = scores(corrupted, tracing, max_snap=1e-6, **options)
    kept = [(control <= before).sum(), (control >= behind).sum()]
    assert inside.sum() + sum(kept) == parts + 1
    assert forth == pytest.approx(sum(k * (k - 1) for k in kept) / ((parts + 1) * parts))
    assert back == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_snap": -1}, "max_snap must be at least 0"),
        ({"max_snap": math.inf}, "max_snap must be at least 0 and finite"),
        ({"min_path_length": math.nan}, "min_path_length must be at least 0"),
        ({"node_spacing": 0}, "node_spacing must be None or a positive length"),
        ({"max_nodes": 1}, "max_nodes must be None or at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        APLSMetric(**options)
    with pytest.raises(ValueError, match=message):
        graph_apls(line(0, 20), line(0, 20), **options)


def test_the_default_ends_on_noise_and_says_what_it_left_out(caplog):
    """A comb of 2100 teeth has 4200 ends and forks; all its paths are right, whichever are drawn."""
    teeth = 2100
    positions = [*((k, 0) for k in range(teeth)), *((k, 3) for k in range(teeth))]
    links = [*((k, k + 1) for k in range(teeth - 1)), *((k, teeth + k) for k in range(teeth))]
    comb = drawn(positions, links)
    caplog.set_level("WARNING")
    assert graph_apls(comb, comb)["apls"] == pytest.approx(1)
    assert "apls: 2000 of 4198 control nodes of the truth are drawn" in caplog.text
    caplog.clear()
    graph_apls(line(0, 20, 40), line(0, 20, 40))
    assert not caplog.text
