"""Tree length and branches detected: lengths worked out by hand, tracings, components, empties, anisotropic voxels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.morphology import skeletonize

from monai_topo.data import phantoms
from monai_topo.graphs import swc_graph
from monai_topo.metrics import (
    BranchesDetectedMetric,
    TreeLengthDetectedMetric,
    compute_branches_detected,
    compute_tree_length_detected,
    graph_branches_detected,
    graph_tree_length_detected,
)
from tests.graphs.graphs import drawn, transformed

BOTH = [compute_tree_length_detected, compute_branches_detected]
METRICS = [TreeLengthDetectedMetric, BranchesDetectedMetric]


def cross(ndim=2):
    """Arms of 20, 20, 10 and 10 steps from one voxel."""
    truth = torch.zeros(1, 1, 30, 60)
    truth[..., 15, 10:51] = truth[..., 5:26, 30] = 1
    return truth if ndim == 2 else truth[:, :, :, None]


COLUMN = torch.arange(60)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize(
    ("kept", "length", "branches"),
    [
        (COLUMN <= 60, 60, 4),
        (COLUMN <= 46, 56.5, 4),  # half of the step to the first missing voxel is inside
        (COLUMN <= 45, 55.5, 3),
        (COLUMN <= 30, 40.5, 3),
        (COLUMN != 40, 59, 4),  # a voxel in the middle is half of two steps
        (COLUMN != 31, 59, 4),  # next to the fork too
        (COLUMN < 30, 19.5, 1),
    ],
    ids=["whole", "16.5 of 20", "15.5 of 20", "an arm", "a voxel", "a voxel next to the fork", "one arm is left"],
)
def test_a_cross_that_loses_a_part(kept, length, branches, ndim):
    truth = cross(ndim)
    found = [compute(truth * kept, truth).item() for compute in BOTH]
    assert found == pytest.approx([length / 60, branches / 4])


def test_a_share_counts_from_the_limit_on():
    truth = cross()
    prediction = truth * (COLUMN <= 46)  # 16.5 of 20
    for limit, expected in {0.8: 1, 0.825: 1, 0.826: 3 / 4, 1.0: 3 / 4}.items():
        assert compute_branches_detected(prediction, truth, min_share=limit).item() == pytest.approx(expected)


def test_precision_is_of_the_predictions_own_tree():
    prediction = cross()
    truth = prediction * (COLUMN <= 30)  # the arm of 20 is false, but for half a step
    found = [compute(prediction, truth, component="precision").item() for compute in BOTH]
    assert found == pytest.approx([40.5 / 60, 3 / 4])
    assert compute_tree_length_detected(prediction, truth).item() == 1
    flood = torch.ones_like(truth)
    assert [compute(flood, truth).item() for compute in BOTH] == [1, 1]
    assert compute_tree_length_detected(flood, truth, component="precision").item() < 0.6


@pytest.mark.parametrize("seed", [1, 2])
def test_voxels_of_scikit_images_skeleton_as_the_challenge_counts_them(seed):
    """Lengths and voxels differ by the steps' sizes: the share of the length is near that of the voxels."""
    tree = phantoms.tree((24, 30, 26), num_branches=5, seed=seed).label > 0
    skeleton = skeletonize(tree) > 0
    places = np.argwhere(skeleton)
    prediction = tree.copy()
    middle = places[len(places) // 2]
    prediction[tuple(slice(max(0, x - 4), x + 5) for x in middle)] = False
    expected = prediction[skeleton].mean()
    pair = [torch.from_numpy(mask)[None, None] for mask in (prediction, tree)]
    found = compute_tree_length_detected(*pair, skeleton_method="scikit-image").item()
    assert 0.3 < expected < 0.97
    assert found == pytest.approx(expected, abs=0.05)
    assert compute_tree_length_detected(pair[1], pair[1]).item() == 1


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("ndim", [2, 3])
def test_only_the_largest_component_counts(connectivity, ndim):
    truth = torch.zeros(1, 1, 9, 40)
    truth[..., 4, 2:38] = 1
    prediction = truth.clone()
    prediction[..., 4, 20:] = 0
    prediction[..., 5, 20:33] = 1  # goes on at a corner, one voxel aside
    truth[..., 5, 20:38] = 1
    pair = [mask if ndim == 2 else mask[..., None] for mask in (prediction, truth)]
    whole = compute_tree_length_detected(*pair).item()
    kept = compute_tree_length_detected(*pair, largest_only=True, connectivity=connectivity).item()
    structure = np.ones((3,) * ndim) if connectivity is None else ndimage.generate_binary_structure(ndim, 1)
    labels, count = ndimage.label(pair[0][0, 0].numpy(), structure)
    assert count == (1 if connectivity is None else 2)
    alone = torch.from_numpy(labels == 1)[None, None]
    assert kept == pytest.approx(compute_tree_length_detected(alone, pair[1]).item())
    assert (kept < whole) == (connectivity == 1)


def test_anisotropic_voxels_weigh_arms_by_their_length():
    truth = cross()
    prediction = truth * (torch.arange(30) >= 15)[:, None]  # without one short arm, but for half a step
    assert compute_tree_length_detected(prediction, truth).item() == pytest.approx(50.5 / 60)
    for scale in (1, 100):
        found = compute_tree_length_detected(prediction, truth, spacing=(4.0 * scale, 1.0 * scale)).item()
        assert found == pytest.approx((40 + 42) / 120)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("component", ["detected", "precision"])
def test_empties(metric, component):
    truth, empty = cross(), torch.zeros(1, 1, 30, 60)
    pairs = ((empty, empty), (truth, empty), (empty, truth))
    for options, expected in (({}, (math.nan, math.nan, 0)), ({"ignore_empty": False}, (1, 0, 0))):
        found = [metric(component=component, **options)(*pair).item() for pair in pairs]
        assert found == pytest.approx(expected, nan_ok=True)
    speck = torch.zeros_like(truth)
    speck[..., 15, 20] = 1
    assert metric(component=component)(truth, speck).isnan().all()  # a truth without length
    assert metric(component="precision")(speck, truth).item() == 0


@pytest.mark.parametrize("metric", METRICS)
def test_ignored_voxels_are_in_neither(metric):
    truth = cross()
    marked = truth.clone()
    marked[..., 40:] = 255
    prediction = truth * (COLUMN < 40)
    assert metric(ignore_index=255)(prediction, marked).item() == 1
    assert metric()(prediction, truth).item() < 1


TREE = "1 1 0 0 0 1 -1\n2 1 4 0 0 1 1\n3 1 8 0 0 1 2\n4 1 4 4 0 1 2"


def test_tracings():
    tree, mask = swc_graph(TREE, axes="xy"), np.zeros((9, 5), bool)
    mask[:8, 0] = True
    assert graph_tree_length_detected(mask, tree) == pytest.approx((7.5 + 0.5) / 12)
    assert graph_branches_detected(mask, tree) == pytest.approx(2 / 3)
    assert graph_branches_detected(mask, tree, min_share=0.9) == pytest.approx(1 / 3)
    scaled = transformed(tree, lambda points: points * [0.25, 2])
    scaled.graph["spacing"] = (0.25, 2)
    for *_, data in scaled.edges(data=True):
        del data["length"]
    assert graph_tree_length_detected(mask, scaled) == pytest.approx((2 - 0.125 + 1) / 10)
    assert graph_branches_detected(mask, scaled) == graph_branches_detected(mask, scaled, spacing=(0.25, 2))


def test_what_of_a_tracing_is_outside_of_the_volume_is_not_scored():
    tree = swc_graph(TREE, axes="xy")
    whole = np.ones((6, 5), bool)  # ends at 5.5
    assert graph_tree_length_detected(whole, tree) == 1
    assert graph_branches_detected(whole, tree) == 1
    whole[:, 3:] = False
    assert graph_tree_length_detected(whole, tree) == pytest.approx((5.5 + 2.5) / 9.5)


def test_graphs_without_length_and_of_other_axes():
    assert math.isnan(graph_tree_length_detected(np.ones((3, 3)), drawn([], [])))
    assert math.isnan(graph_branches_detected(np.ones((3, 3)), drawn([(1, 1)], [])))
    with pytest.raises(ValueError, match=r"prediction must have the 3 axes of the graph, got shape \(9, 5\)"):
        graph_tree_length_detected(np.ones((9, 5)), swc_graph(TREE))
    with pytest.raises(ValueError, match="min_share must be above 0 and at most 1, got 0"):
        graph_branches_detected(np.ones((9, 5)), swc_graph(TREE, axes="xy"), min_share=0)
    with pytest.raises(ValueError, match="min_share must be above 0 and at most 1, got 80"):
        BranchesDetectedMetric(min_share=80)
    with pytest.raises(ValueError, match="component must be one of"):
        TreeLengthDetectedMetric(component="recall")


@pytest.mark.parametrize("function", [graph_tree_length_detected, graph_branches_detected])
def test_a_likelihood_is_refused_by_the_name_of_the_argument(function):
    with pytest.raises(ValueError, match="prediction must hold only 0 and 1"):
        function(np.full((4, 4), 0.5), swc_graph("1 2 0 0 0 1 -1", axes="xy"))
