"""Centerline Dice by hand."""

from __future__ import annotations

import math

import pytest
import torch
from skimage.morphology import skeletonize

from monai_topo.metrics import CenterlineDiceMetric, compute_centerline_dice

COMPONENTS = CenterlineDiceMetric.components


def tube():
    mask = torch.zeros(1, 1, 21, 41)
    mask[..., 8:13, 3:38] = 1
    return mask


def scores(prediction, truth, **options):
    return [compute_centerline_dice(prediction, truth, component=name, **options).item() for name in COMPONENTS]


def test_a_tube_with_itself():
    assert scores(tube(), tube()) == [1, 1, 1]


def test_missing_length_by_hand():
    """Lines of one pixel are their own skeletons."""
    truth, prediction = torch.zeros(2, 1, 1, 9, 30)
    truth[..., 4, :] = 1
    prediction[..., 4, :12] = 1
    prediction[..., 8, :6] = 1
    precision, sensitivity = 12 / 18, 12 / 30
    harmonic = 2 * precision * sensitivity / (precision + sensitivity)
    assert scores(prediction, truth) == pytest.approx([harmonic, precision, sensitivity])
    assert scores(truth, prediction) == pytest.approx([harmonic, sensitivity, precision])


@pytest.mark.parametrize("ndim", [2, 3])
def test_thickness_is_not_seen(ndim):
    """A line of one voxel within the tube whose centerline it is."""
    thick = torch.zeros(1, 1, *[11] * (ndim - 1), 30)
    thick[(..., *[slice(3, 8)] * (ndim - 1), slice(2, 28))] = 1
    thin = torch.zeros_like(thick)
    thin[(..., *[5] * (ndim - 1), slice(2, 28))] = 1
    _, precision, sensitivity = scores(thin, thick)
    assert precision == 1
    assert 0.9 < sensitivity <= 1  # in 2D the skeleton forks at the corners


def even_t():
    """A 3D tube of two voxels with an arm, and without it."""
    truth = torch.zeros(1, 1, 40, 40, 40)
    truth[..., 19:21, 19:21, 2:38] = 1
    prediction = truth.clone()
    truth[..., 4:21, 19:21, 19:21] = 1
    return prediction, truth


def test_a_missing_arm_of_even_width_counts():
    prediction, truth = even_t()
    assert scores(prediction, truth)[1] > 0.99
    assert scores(prediction, truth)[2] == pytest.approx(34 / (34 + 15), abs=0.03)
    metric = CenterlineDiceMetric(component="sensitivity", skeleton_method="scikit-image")
    expected = prediction[0, 0].numpy()[skeletonize(truth[0, 0].numpy() > 0)].mean()
    assert metric(prediction, truth).item() == pytest.approx(expected)
    assert expected > 0.95


def test_scikit_image_leaves_nothing_of_a_bar():
    bar = torch.ones(1, 1, 2, 2, 20)
    assert scores(bar, bar) == [1, 1, 1]
    assert all(math.isnan(score) for score in scores(bar, bar, skeleton_method="scikit-image"))
    with pytest.raises(ValueError, match="skeleton_method must be one of"):
        CenterlineDiceMetric(skeleton_method="lee")


def test_cavities_do_not_matter():
    full = torch.zeros(1, 1, 9, 9, 30)
    full[..., 1:8, 1:8, 1:29] = 1
    hollow = full.clone()
    hollow[..., 3:6, 3:6, 10:20] = 0
    for pair in ((hollow, full), (full, hollow), (hollow, hollow)):
        assert scores(*pair) == [1, 1, 1]


def test_disjoint_tubes_score_zero():
    assert scores(tube(), tube().roll(10, 2)) == [0, 0, 0]


def test_empties():
    empty = torch.zeros_like(tube())
    for prediction, truth, ignored, kept in ((empty, empty, math.nan, 1), (tube(), empty, math.nan, 0)):
        assert scores(prediction, truth) == pytest.approx([ignored] * 3, nan_ok=True)
        assert scores(prediction, truth, ignore_empty=False) == [kept] * 3
    assert scores(empty, tube()) == scores(empty, tube(), ignore_empty=False) == [0, 0, 0]


def test_a_batch_without_any_truth_is_undefined():
    metric = CenterlineDiceMetric(get_not_nans=True)
    metric(tube(), torch.zeros_like(tube()))
    score, not_nans = metric.aggregate()
    assert score.isnan()
    assert not_nans == 0


def test_ignored_voxels_are_outside():
    truth, prediction = tube(), tube()
    prediction[..., :, 20:] = 1 - prediction[..., :, 20:]
    truth[..., :, 20:] = 255
    assert scores(prediction, truth, ignore_index=255) == [1, 1, 1]
