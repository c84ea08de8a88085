"""Expected run length: closed forms, loops over every step as an oracle of all numbers, objects, tracings, empties."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import permutations

import networkx
import numpy as np
import pytest
import torch
from scipy import ndimage

from monai_topo.data import phantoms
from monai_topo.graphs import skeleton_graph, swc_graph
from monai_topo.metrics import ExpectedRunLengthMetric, compute_expected_run_length, graph_expected_run_length
from tests.graphs.graphs import drawn, transformed

NAMES = ExpectedRunLengthMetric.components


def path(count=11, row=0, ndim=2, spacing=1.0):
    """Points at 0, 1, ... along the first axis."""
    graph = drawn(
        [(n * spacing, row * spacing, 0)[:ndim] for n in range(count)], [(n, n + 1) for n in range(count - 1)]
    )
    graph.graph["spacing"] = spacing
    return graph


def segments(*runs, rows=1):
    """Ids along the first axis: how many voxels of which."""
    return np.repeat(np.concatenate([[segment] * count for count, segment in runs])[:, None], rows, axis=1)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (segments((11, 3)), {"erl": 10, "normalized": 1, "correct": 1, "num_splits": 0}),
        (segments((5, 3), (6, 8)), {"erl": 4.1, "normalized": 0.41, "split": 0.1, "num_splits": 1, "omitted": 0}),
        (segments((5, 3), (1, 0), (5, 3)), {"erl": 6.4, "normalized": 0.64, "omitted": 0.2, "num_splits": 0}),
        (segments((5, 3), (1, 0), (5, 4)), {"erl": 3.2, "omitted": 0.2, "split": 0, "num_splits": 1}),
        (segments((4, 3), (3, 5), (4, 3)), {"erl": (36 + 4) / 10, "split": 0.2, "num_splits": 1}),
        (segments((11, 0)), {"erl": 0, "normalized": 0, "omitted": 1, "correct": 0, "num_splits": 0}),
    ],
    ids=["one segment", "cut between 4 and 5", "5 is background", "background and cut", "another between", "nothing"],
)
def test_a_path_of_ten_steps(ids, expected):
    found = graph_expected_run_length(ids, path())
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["correct"] + found["split"] + found["merged"] + found["omitted"] == pytest.approx(1)
    assert found["num_merges"] == found["merged"] == 0


def test_a_merge_counts_nothing():
    both = networkx.disjoint_union(path(), path(6, row=2))
    merged = np.full((11, 3), 7)
    found = graph_expected_run_length(merged, both)
    assert found == pytest.approx(dict.fromkeys(NAMES, 0) | {"merged": 1, "num_merges": 1})
    apart = merged * [1, 0, 2]
    found = graph_expected_run_length(apart, both)
    assert (found["erl"], found["normalized"]) == pytest.approx(((100 + 25) / 15, 1))
    half = apart.copy()
    half[:4, 2] = 7  # points 0 to 3 of the second are in the first's segment
    found = graph_expected_run_length(half, both)
    assert found["erl"] == pytest.approx(1 / 15)  # what is left is the step from 4 to 5
    assert (found["merged"], found["split"]) == pytest.approx(((10 + 3) / 15, 1 / 15))
    assert (found["num_merges"], found["num_splits"]) == (1, 1)


@pytest.mark.parametrize(("tolerance", "erl"), [(3, 1 / 15), (4, (100 + 9 + 1) / 15)])
def test_a_few_points_of_another_skeleton_may_be_tolerated(tolerance, erl):
    both = networkx.disjoint_union(path(), path(6, row=2))
    ids = np.full((11, 3), 7) * [1, 0, 2]
    ids[:4, 2] = 7
    found = graph_expected_run_length(ids, both, merge_tolerance=tolerance)
    assert found["erl"] == pytest.approx(erl)
    assert found["num_merges"] == (tolerance < 4)


def test_graphs_of_one_skeleton_each():
    """Two trees of one neuron in one segment are no merge."""
    parts = [path(), path(6, row=2)]
    ids = np.full((11, 3), 7)
    assert graph_expected_run_length(ids, parts)["num_merges"] == 1
    assert graph_expected_run_length(ids, [networkx.disjoint_union(*parts)])["erl"] == 15
    assert graph_expected_run_length(ids, [])["erl"] != graph_expected_run_length(ids, [])["erl"]


def by_loops(ids, graph, tolerance):
    """All numbers from the definition, step by step."""
    lut = {node: ids[tuple(np.rint(data["pos"]).astype(int))] for node, data in graph.nodes(data=True)}
    skeleton = {node: n for n, part in enumerate(networkx.connected_components(graph)) for node in part}
    points = Counter((skeleton[node], segment) for node, segment in lut.items() if segment)
    holds = defaultdict(set)
    for (number, segment), count in points.items():
        if count > tolerance:
            holds[segment].add(number)
    runs, kinds, whole = Counter(), Counter(), Counter()
    for u, v in graph.edges():
        length = float(np.linalg.norm(graph.nodes[u]["pos"] - graph.nodes[v]["pos"]))
        whole[skeleton[u]] += length
        if not (lut[u] and lut[v]):
            kinds["omitted"] += length
        elif lut[u] != lut[v]:
            kinds["split"] += length
        elif len(holds[lut[u]]) > 1:
            kinds["merged"] += length
        else:
            kinds["correct"] += length
            runs[skeleton[u], lut[u]] += length
    total = sum(whole.values())
    squares = sum(length**2 for length in runs.values())
    return {
        "erl": squares / total,
        "normalized": squares / sum(length**2 for length in whole.values()),
        **{kind: kinds[kind] / total for kind in ("correct", "split", "merged", "omitted")},
        "num_splits": sum(max(0, sum(n == number for n, _ in points) - 1) for number in set(skeleton.values())),
        "num_merges": sum(max(0, len(numbers) - 1) for numbers in holds.values()),
    }


def random_trees(rng, ndim, count=6, nodes=12, size=20):
    """Trees whose nodes are near their parents."""
    graph = drawn([], [])
    for first in range(0, count * nodes, nodes):
        graph.add_node(first, pos=rng.integers(0, size, ndim).astype(float))
        for node in range(first + 1, first + nodes):
            parent = int(rng.integers(max(first, node - 3), node))
            step = rng.integers(-2, 3, ndim)
            graph.add_node(node, pos=np.clip(graph.nodes[parent]["pos"] + step, 0, size - 1.0))
            graph.add_edge(parent, node)
    return graph


def blocks(rng, ndim, count=40):
    """Cubes of ids, some of which are 0 and some of one id."""
    return ndimage.zoom(rng.integers(0, count, (4,) * ndim), 5, order=0)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("tolerance", [0, 1, 3])
def test_random_trees_against_loops(ndim, tolerance, rng):
    seen = Counter()
    for _ in range(5):
        graph = random_trees(rng, ndim)
        ids = blocks(rng, ndim) * (rng.random((20,) * ndim) < 0.97)
        found = graph_expected_run_length(ids, graph, merge_tolerance=tolerance)
        assert found == pytest.approx(by_loops(ids, graph, tolerance))
        seen.update({name: value > 0 for name, value in found.items()})
    assert all(seen[name] for name in NAMES)


def test_planted_errors_are_seen(rng, monkeypatch):
    """A merge by any number of points, and runs that forget the skeleton."""
    from monai_topo.metrics import run_length

    graph, ids = random_trees(rng, 2), blocks(rng, 2)
    held = run_length._held
    monkeypatch.setattr(run_length, "_held", lambda *arguments: held(*arguments[:3], 0))
    found = graph_expected_run_length(ids, graph, merge_tolerance=3)
    assert found != pytest.approx(by_loops(ids, graph, 3))


@pytest.mark.parametrize("ndim", [2, 3])
def test_other_ids_mirrors_turned_axes_and_units(ndim, rng):
    graph = random_trees(rng, ndim)
    ids = blocks(rng, ndim)[tuple(slice(20 - n) for n in range(ndim))]
    expected = graph_expected_run_length(ids, graph, merge_tolerance=2)
    assert expected["erl"] > 0
    other = np.append(0, 2**40 + rng.permutation(40))[ids]
    assert graph_expected_run_length(other, graph, merge_tolerance=2) == pytest.approx(expected)
    for axis in range(ndim):
        side = (np.arange(ndim) == axis) * (ids.shape[axis] - 1)
        mirrored = transformed(graph, lambda points, side=side: np.where(side > 0, side - points, points))
        assert graph_expected_run_length(np.flip(ids, axis), mirrored, merge_tolerance=2) == pytest.approx(expected)
    for order in permutations(range(ndim)):
        turned = transformed(graph, lambda points, order=order: points[..., list(order)])
        assert graph_expected_run_length(ids.transpose(order), turned, merge_tolerance=2) == pytest.approx(expected)
    scaled = transformed(graph, lambda points: points * 0.25)
    in_micrometers = graph_expected_run_length(ids, scaled, spacing=0.25, merge_tolerance=2)
    assert in_micrometers == pytest.approx({**expected, "erl": expected["erl"] / 4})


@pytest.mark.parametrize("spacing", [(0.5, 2.0), (4.0, 0.25)], ids=str)
def test_anisotropic_voxels(spacing):
    """A corner of 10 steps along the first axis and 5 along the second, cut at the corner."""
    lines = [(n, 0) for n in range(11)] + [(10, n) for n in range(1, 6)]
    graph = transformed(drawn(lines, [(n, n + 1) for n in range(15)]), lambda points: points * spacing)
    ids = np.ones((11, 6), int)
    ids[:10] = 2
    found = graph_expected_run_length(ids, graph, spacing=spacing)
    first, second, cut = 9 * spacing[0], 5 * spacing[1], spacing[0]
    assert found["erl"] == pytest.approx((first**2 + second**2) / (first + second + cut))


@pytest.mark.parametrize("dtype", ["u8", "i8", "u4", ">u8"])
def test_large_ids_are_told_apart(dtype):
    low = {"u8": 2**64 - 2, ">u8": 2**64 - 2, "i8": 2**63 - 2, "u4": 2**32 - 2}[dtype]
    ids = segments((5, low), (6, low + 1)).astype(dtype)
    assert graph_expected_run_length(ids, path())["erl"] == pytest.approx(4.1)
    volume = np.zeros((1, 1, 11, 3), dtype)
    volume[..., 1] = segments((5, low), (6, low + 1))[:, 0]
    truth = np.zeros_like(volume)
    truth[..., 1] = low
    assert compute_expected_run_length(volume, truth).item() == pytest.approx(4.1)


def test_what_happens_between_two_points_is_seen_with_shorter_steps():
    graph = drawn([(0, 0), (10, 0)], [(0, 1)])
    ids = segments((4, 3), (3, 5), (4, 3))
    assert graph_expected_run_length(ids, graph)["erl"] == 10
    for step in (1, 1.05):
        assert graph_expected_run_length(ids, graph, max_step=step)["erl"] == pytest.approx((36 + 4) / 10)


def test_what_is_outside_of_the_volume_is_not_scored():
    found = graph_expected_run_length(segments((8, 3)), path())
    assert (found["erl"], found["normalized"], found["omitted"]) == (7, 1, 0)
    assert math.isnan(graph_expected_run_length(np.zeros((0, 1), int), path())["erl"])


@pytest.mark.parametrize("shape", [(40, 50), (20, 24, 22)], ids=str)
@pytest.mark.parametrize("instances", ["labels", "foreground"])
def test_objects_are_followed_along_their_skeletons(shape, instances, rng):
    truth = phantoms.tree((*shape, 24)[:3], num_branches=3, seed=2).label if len(shape) == 3 else None
    if truth is None:
        truth = np.zeros(shape, int)
        truth[4:7, 3:45], truth[10:36, 20:23] = 1, 1
    objects = ndimage.label(truth, np.ones((3,) * len(shape)))[0]
    lengths = [skeleton_graph(objects == n + 1).size("length") for n in range(objects.max())]
    pair = [torch.from_numpy(ids.astype(np.int64))[None, None] for ids in (objects, objects)]
    if instances != "labels":
        pair = [(ids > 0).long() for ids in pair]
    found = {n: compute_expected_run_length(*pair, component=n, instances=instances).item() for n in NAMES}
    assert found["erl"] == pytest.approx(sum(length**2 for length in lengths) / sum(lengths), rel=1e-5)
    assert (found["normalized"], found["correct"], found["num_splits"], found["num_merges"]) == (1, 1, 0, 0)
    broken = pair[0].clone()
    middle = np.argwhere(objects == 1)[(objects == 1).sum() // 2]
    broken[(0, 0, *(slice(max(0, x - 3), x + 4) for x in middle))] = 0
    worse = compute_expected_run_length(broken, pair[1], instances=instances).item()
    assert 0 < worse < found["erl"]
    assert compute_expected_run_length(broken, pair[1], component="omitted", instances=instances).item() > 0


@pytest.mark.parametrize(("connectivity", "splits"), [(None, 0), (1, 1)])
@pytest.mark.parametrize("ndim", [2, 3])
def test_connectivity_of_the_segments(connectivity, splits, ndim):
    prediction = torch.zeros(1, 1, 6, 12)
    prediction[..., 2, :6] = prediction[..., 3, 6:] = 1  # joined at a corner
    truth = prediction.clone()
    truth[..., 3, 5] = 1  # joined at a face
    pair = [mask if ndim == 2 else mask[..., None] for mask in (prediction, truth)]
    options = {"instances": "foreground", "connectivity": connectivity}
    assert compute_expected_run_length(*pair, component="num_splits", **options).item() == splits
    assert compute_expected_run_length(pair[1], pair[1], component="normalized", **options).item() == 1


def test_the_filling_of_a_hollow_object_does_not_count():
    """The skeleton of a shell is that of what it encloses, where the true label is another object's."""
    truth = torch.ones(1, 1, 9, 9, 30, dtype=torch.int64)
    truth[..., 2:7, 2:7, 3:27] = 0
    assert compute_expected_run_length(truth, truth, component="omitted").isnan()  # all of it is in the cavity
    truth[..., 12:15] = 1
    prediction = truth.clone()
    prediction[prediction == 0] = 5
    for ids in (truth, prediction):
        assert compute_expected_run_length(ids, truth, component="normalized").item() == 1


@pytest.mark.parametrize("component", NAMES)
def test_empties(component):
    truth, empty = torch.zeros(1, 1, 5, 30, dtype=torch.int64), torch.zeros(1, 1, 5, 30, dtype=torch.int64)
    truth[..., 2, 3:25] = 4
    metric = ExpectedRunLengthMetric(component=component)
    found = [metric(*pair).item() for pair in ((empty, empty), (truth, empty), (empty, truth))]
    assert found == pytest.approx([math.nan, math.nan, float(component == "omitted")], nan_ok=True)
    metric.reset()
    metric(truth, empty)
    assert metric.aggregate().isnan().all()
    speck = torch.zeros_like(truth)
    speck[..., 2, 4] = 1
    assert math.isnan(ExpectedRunLengthMetric(component=component)(truth, speck).item())  # no length


def test_ignored_voxels_are_of_no_instance():
    truth = torch.zeros(1, 1, 5, 30, dtype=torch.int64)
    truth[..., 2, 3:25] = 4
    prediction = truth.clone()
    prediction[..., 20:] = 0
    assert compute_expected_run_length(prediction, truth, component="omitted").item() > 0.2
    marked = truth.clone()
    marked[..., 20:] = 9
    for ids in (prediction, truth):
        assert compute_expected_run_length(ids, marked, component="normalized", ignore_index=9).item() == 1
    assert compute_expected_run_length(truth, marked, ignore_index=9).item() == 16


def test_lists_and_channels():
    flat, deep = torch.zeros(1, 9, 20), torch.zeros(2, 5, 6, 20)
    flat[:, 4], deep[:, 2, 3] = 1, 1
    found = ExpectedRunLengthMetric(instances="foreground")([flat, deep[:1]], [flat, deep[:1]])
    assert found.tolist() == [[19], [19]]
    assert compute_expected_run_length(deep[None], deep[None], False, instances="foreground").tolist() == [[19]]


def test_a_tracing_of_a_file():
    text = "\n".join(f"{n} 2 {n / 2} 0 0 1 {n - 1 if n > 1 else -1}" for n in range(1, 12))
    graph = swc_graph(text, spacing=(0.5, 1, 1), axes="xy" + "z")
    ids = np.ones((12, 1, 1), int)
    ids[6:] = 2
    found = graph_expected_run_length(ids, graph)
    assert found["erl"] == pytest.approx((2.0**2 + 2.5**2 + 0) / 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"merge_tolerance": -1}, "merge_tolerance must be at least 0"),
        ({"max_step": 0}, "max_step must be above 0 and finite"),
        ({"max_step": math.inf}, "max_step must be above 0 and finite"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ExpectedRunLengthMetric(**options)
    with pytest.raises(ValueError, match=message):
        graph_expected_run_length(np.ones((11, 1), int), path(), **options)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="component must be one of"):
        ExpectedRunLengthMetric(component="f1")
    with pytest.raises(ValueError, match=r"segmentation must have the 3 axes of the graph, got shape \(11, 1\)"):
        graph_expected_run_length(np.ones((11, 1), int), path(ndim=3))
    with pytest.raises(ValueError, match="segmentation must hold instance ids"):
        graph_expected_run_length(np.full((11, 1), 0.5), path())
    with pytest.raises(TypeError, match="expected an undirected networkx graph, got int"):
        graph_expected_run_length(np.ones((11, 1), int), 5)
    with pytest.raises(ValueError, match="y_pred must hold instance ids"):
        compute_expected_run_length(torch.full((1, 1, 4, 5), 0.5), torch.ones(1, 1, 4, 5))
