"""Graphs of masks: drawings, topology by scikit-image, lengths by hand."""

from __future__ import annotations

from itertools import permutations

import networkx
import numpy as np
import pytest
import torch
from skimage.measure import euler_number, label

from monai_topo.graphs import skeleton_graph
from monai_topo.graphs.skeleton import _graph_of_voxels

DRAWINGS = {
    "line": ("....... .#####. .......", [1, 1], 4.0),
    "point": ("... .#. ...", [0], 0.0),
    "two": ("##.... ....##", [1, 1, 1, 1], 2.0),
    "cross": ("..#.. ..#.. ##### ..#.. ..#..", [1, 1, 1, 1, 4], 8.0),
    "ring": (".##. #..# #..# .##.", [2], 4 + 4 * 2**0.5),
    "corner": ("#.... #.... .#### .....", [1, 1], 4 + 2**0.5),
    "loop on a line": (".....##. #####..# .....##.", [1, 3], None),
    "theta": ("..####.. .#....#. ######## .#....#. ..####..", [3, 3], None),
    "hole of one pixel": ("#...# .#.#. ..#.. .#.#. #...#", [1, 1, 1, 1, 4], 8 * 2**0.5),
    "small diamond": ("...#... ...#... ..#.#.. ##...## ..#.#.. ...#... ...#...", None, None),
}


def mask(text):
    return np.array([[character == "#" for character in line] for line in text.split()])


def degrees(graph):
    return sorted(degree for _, degree in graph.degree)


def loops(graph):
    return graph.number_of_edges() - graph.number_of_nodes() + networkx.number_connected_components(graph)


def voxel_graph(voxels):
    """The graph of voxels as they are, not thinned."""
    return _graph_of_voxels(np.argwhere(voxels), voxels.shape, np.ones(voxels.ndim), 0.0)


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("as_volume", [False, True], ids=["2D", "3D"])
def test_drawings(name, as_volume):
    text, expected, length = DRAWINGS[name]
    drawing = mask(text)
    graph = skeleton_graph(drawing[:, None] if as_volume else drawing)
    assert expected is None or degrees(graph) == expected
    assert length is None or graph.size("length") == pytest.approx(length)
    assert loops(graph) == networkx.number_connected_components(graph) - euler_number(np.pad(drawing, 1), 2)


def test_parallel_branches_and_self_loops_are_not_lost():
    theta, lasso = (skeleton_graph(mask(DRAWINGS[name][0])) for name in ("theta", "loop on a line"))
    hubs = [node for node, degree in theta.degree if degree > 2]
    assert theta.number_of_edges(*hubs) == 3
    (knot,) = (node for node, degree in lasso.degree if degree > 2)
    assert lasso.number_of_edges(knot, knot) == 1


@pytest.mark.parametrize("thinned", [True, False])
@pytest.mark.parametrize("shape", [(14, 19), (7, 8, 10)], ids=str)
@pytest.mark.parametrize("share", [0.15, 0.35, 0.6])
def test_components_and_loops_are_the_masks(shape, share, thinned, rng):
    for _ in range(5):
        voxels = rng.random(shape) < share
        if len(shape) == 3:  # fill what is enclosed: a shell is no curve
            voxels = np.pad(voxels, 1)
            outside = label(~voxels, connectivity=1)
            voxels = (outside != outside[0, 0, 0])[1:-1, 1:-1, 1:-1]
        graph = skeleton_graph(voxels) if thinned else voxel_graph(voxels)
        components = label(voxels, connectivity=len(shape)).max()
        assert networkx.number_connected_components(graph) == components
        assert loops(graph) == components - euler_number(np.pad(voxels, 1), len(shape))


@pytest.mark.parametrize("shape", [(30, 41), (13, 17, 15)], ids=str)
def test_edges_lead_from_node_to_node(shape, rng):
    spacing = (0.5, 2.0, 3.0)[: len(shape)]
    graph = skeleton_graph(rng.random(shape) < 0.3, spacing=spacing)
    assert graph.graph["spacing"] == spacing
    degree = dict(graph.degree)
    for u, v, data in graph.edges(data=True):
        ends = [graph.nodes[u]["pos"].tolist(), graph.nodes[v]["pos"].tolist()]
        assert sorted(data["path"][[0, -1]].tolist()) == sorted(ends)
        steps = np.diff(data["path"], axis=0)
        assert data["length"] == pytest.approx(np.sqrt((steps**2).sum(axis=1)).sum())
        assert u == v or 2 not in (degree[u], degree[v])
    assert {0, 1, 3} <= set(degree.values())


def test_a_hollow_ball_has_no_loop():
    shell = np.ones((9, 9, 9), bool)
    shell[2:7, 2:7, 2:7] = False
    assert loops(skeleton_graph(shell)) == 0


def test_a_branch_of_even_width_is_not_erased():
    fork = np.zeros((40, 30, 8), bool)
    fork[2:38, 10:12, 3:5] = fork[20:22, 10:28, 3:5] = True
    assert degrees(skeleton_graph(fork)) == [1, 1, 1, 3]


@pytest.mark.parametrize("axes", list(permutations(range(3))), ids=str)
def test_spacing_belongs_to_its_axis(axes):
    volume = np.zeros((6, 7, 30), bool)
    volume[2, 3, 4:25] = True
    turned = skeleton_graph(volume.transpose(axes), spacing=np.array([2.0, 3.0, 0.5])[list(axes)].tolist())
    assert turned.size("length") == pytest.approx(10)
    assert sorted(turned.nodes[0]["pos"].tolist()) == sorted([4.0, 9.0, 2.0])
    assert turned.nodes[0]["pos"][axes.index(2)] == 2.0


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_smoothing_takes_the_steps_out_of_a_slanting_line(slope):
    columns = np.arange(60)
    slanting = np.zeros((70, 70), bool)
    slanting[3 + np.round(slope * columns).astype(int), 4 + columns] = True
    length = 59 * np.hypot(1, slope)
    rough, smooth = (skeleton_graph(slanting, smoothing=s).size("length") for s in (0, 2))
    assert smooth == pytest.approx(length, rel=0.01)
    assert rough == pytest.approx(length * (1 + (2**0.5 - 1) * slope) / np.hypot(1, slope), rel=0.01)


def test_smoothing_leaves_nodes_and_straight_branches():
    cross = mask(DRAWINGS["cross"][0])
    rough, smooth = skeleton_graph(cross), skeleton_graph(cross, smoothing=3)
    assert smooth.size("length") == pytest.approx(rough.size("length"))
    for node in rough:
        np.testing.assert_array_equal(rough.nodes[node]["pos"], smooth.nodes[node]["pos"])


def test_what_counts_as_a_mask():
    for empty in (np.zeros((4, 5)), np.zeros((2, 3, 4), bool), torch.zeros(3, 4)):
        assert len(skeleton_graph(empty)) == 0
    assert degrees(skeleton_graph(torch.ones(1, 9, 1))) == [1, 1]
    assert degrees(skeleton_graph(np.ones((1, 1)))) == [0]


@pytest.mark.parametrize(
    ("volume", "options", "message"),
    [
        (np.zeros(5), {}, r"mask must have shape \(H, W\) or \(H, W, D\), got \(5,\)"),
        (np.full((3, 4), 0.5), {}, "only 0 and 1"),
        (np.full((3, 4), np.nan), {}, "only 0 and 1"),
        (np.zeros((3, 4)), {"spacing": (1, 1, 1)}, "spacing must be one positive number or one for each of the 2"),
        (np.zeros((3, 4)), {"smoothing": -1}, "smoothing must be at least 0"),
    ],
)
def test_bad_input(volume, options, message):
    with pytest.raises(ValueError, match=message):
        skeleton_graph(volume, **options)
