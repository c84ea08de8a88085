"""Paths of graphs through voxels: lengths in a mask against fine sampling, skeletons within their own mask, steps."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import ndimage

from monai_topo.graphs import (
    centerline_mask,
    fill_cavities,
    in_voxels,
    read_swc,
    skeleton_graph,
    swc_graph,
    trace_points,
)
from tests.graphs.graphs import drawn, random_graph, transformed


def sampled_length(traced, mask, count=4000):
    """Length of each step inside, by many points on it."""
    shares = (np.arange(count) + 0.5) / count
    found = []
    for (a, b), length in zip(traced.steps, traced.lengths, strict=True):
        points = traced.positions[a] + shares[:, None] * (traced.positions[b] - traced.positions[a])
        index = np.rint(points).astype(int)
        within = ((index >= 0) & (index < mask.shape)).all(axis=1)
        found.append(length * mask[tuple(index[within].T)].sum() / count)
    return np.array(found)


@pytest.mark.parametrize("shape", [(9, 12), (8, 10, 11)], ids=str)
def test_lengths_in_a_mask_are_those_of_fine_sampling(shape, rng):
    graph = transformed(random_graph(rng, len(shape)), lambda points: points * 1.5 - 2)  # some of it is outside
    graph.graph["spacing"] = (1.5,) * len(shape)
    mask = rng.random(shape) < 0.5
    traced = trace_points(graph)
    found = traced.lengths_inside(mask)
    assert 0 < found.sum() < traced.lengths.sum()
    np.testing.assert_allclose(found, sampled_length(traced, mask), atol=0.02)
    assert traced.lengths.sum() == pytest.approx(trace_points(graph, max_step=0.3).lengths.sum())
    divided = trace_points(graph, max_step=0.3)
    assert divided.lengths.max() <= 0.3 * (1 + 1e-9)
    by_branch = [np.bincount(one.branch, one.lengths_inside(mask)) for one in (traced, divided)]
    np.testing.assert_allclose(*by_branch)


def test_a_point_on_a_face_is_half_in_each():
    along_a_face = drawn([(0, 0.5), (4, 0.5)], [(0, 1)])
    mask = np.zeros((5, 2), bool)
    mask[:, 0] = True
    assert trace_points(along_a_face).lengths_inside(mask).tolist() == [2]
    assert trace_points(along_a_face).lengths_inside(~mask).tolist() == [2]


def test_mirrors_and_turned_axes_leave_the_lengths(rng):
    graph, mask = transformed(random_graph(rng, 3), np.round), rng.random((11, 12, 10)) < 0.5  # many ties
    length = trace_points(graph).lengths_inside(mask).sum()
    assert length > 0
    for axis in range(3):
        side = (np.arange(3) == axis) * (mask.shape[axis] - 1)
        mirrored = transformed(graph, lambda points, side=side: np.where(side > 0, side - points, points))
        assert trace_points(mirrored).lengths_inside(np.flip(mask, axis)).sum() == pytest.approx(length)
    for order in permutations(range(3)):
        turned = transformed(graph, lambda points, order=order: points[..., list(order)])
        assert trace_points(turned).lengths_inside(mask.transpose(order)).sum() == pytest.approx(length)


@pytest.mark.parametrize("shape", [(40, 50), (16, 20, 18)], ids=str)
@pytest.mark.parametrize("thin", [False, True])
def test_a_skeleton_lies_in_its_own_mask(shape, thin, rng):
    """The mean of a fork's voxels may not, where the mask is one voxel wide."""
    field = ndimage.gaussian_filter(rng.random(shape), 1.5)
    mask = fill_cavities(field > np.quantile(field, 0.7))
    if thin:
        mask = centerline_mask(mask)
    graph = skeleton_graph(mask, spacing=0.5)
    traced = trace_points(graph)
    assert traced.on_voxels.all()
    np.testing.assert_array_equal(traced.lengths_inside(mask), traced.lengths)
    assert traced.lengths.sum() == pytest.approx(graph.size("length"))
    assert len(np.unique(traced.branch)) == graph.number_of_edges()


def test_the_middle_of_a_fork_may_lie_beside_a_thin_mask():
    """Without the voxels of the branches a part of a skeleton would lie outside of the mask that it is of."""
    field = ndimage.gaussian_filter(np.random.default_rng(0).random((16, 20, 18)), 1.5)
    mask = centerline_mask(field > np.quantile(field, 0.7))
    graph = skeleton_graph(mask)
    assert trace_points(graph).lengths_inside(mask).sum() == pytest.approx(graph.size("length"))
    for *_, data in graph.edges(data=True):
        del data["voxels"]
    rounded = trace_points(graph)
    assert rounded.lengths_inside(mask).sum() < 0.96 * rounded.lengths.sum()


def test_branches_are_chains_and_skeletons_components():
    fork = swc_graph(
        "1 1 0 0 0 1 -1\n2 1 4 0 0 1 1\n3 1 8 0 0 1 2\n4 1 9 0 0 1 3\n5 1 4 4 0 1 2\n6 1 0 9 0 1 -1", axes="xy"
    )
    traced = trace_points(fork)
    np.testing.assert_array_equal(np.sort(np.bincount(traced.branch, traced.lengths)), [4, 4, 5])
    assert len(np.unique(traced.skeleton)) == 2
    assert len(traced.positions) == 6


def test_nothing_to_trace():
    empty = trace_points(drawn([], []))
    assert len(empty.positions) == len(empty.steps) == len(empty.skeleton) == 0
    single = trace_points(skeleton_graph(np.eye(1, 5, 2)))
    assert single.voxels.tolist() == [[0, 2]]
    assert len(single.lengths) == 0


def test_a_tracing_in_voxels(tmp_path):
    text = "1 1 0 0 0 1 -1\n2 1 1 0 3 1 1\n3 1 1 2 3 1 2"
    (tmp_path / "a.swc").write_text(text)
    graph = in_voxels(read_swc(tmp_path / "a.swc", spacing=(0.5, 0.5, 1.5)))
    expected = swc_graph("1 1 0 0 0 1 -1\n2 1 2 0 2 1 1\n3 1 2 4 2 1 2")
    assert graph.size("length") == pytest.approx(expected.size("length"))
    np.testing.assert_allclose(graph.nodes[3]["pos"], expected.nodes[3]["pos"])
    np.testing.assert_array_equal(trace_points(graph).voxels, trace_points(expected).voxels)
