"""Correctness, completeness and quality: recorded values, values by hand, pixels against MONAI, a real tracing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.metrics import compute_confusion_matrix_metric, get_confusion_matrix
from scipy.ndimage import distance_transform_edt

from monai_topo.metrics import CCQMetric, compute_ccq

COMPONENTS = ("correctness", "completeness", "quality")


def scores(prediction, truth, **options):
    pair = [torch.as_tensor(np.asarray(mask, dtype=np.float32))[None, None] for mask in (prediction, truth)]
    return [compute_ccq(*pair, component=name, **options).item() for name in COMPONENTS]


def recorded_pair():
    truth, prediction = np.zeros((2, 40, 60))
    truth[20, 5:55] = 1
    prediction[23, 5:45] = 1
    prediction[5, 10:20] = 1
    return prediction, truth


def test_recorded_values():
    assert scores(*recorded_pair()) == pytest.approx([0.8, 0.88, 0.72131148], abs=1e-7)
    assert scores(*recorded_pair(), single_count=True) == pytest.approx([0.8, 0.8696, 0.7143], abs=5e-5)


def test_slack_is_inclusive():
    prediction, truth = recorded_pair()
    assert scores(prediction, truth, slack=3)[0] == pytest.approx(0.8)
    assert scores(prediction, truth, slack=2.99)[0] == 0


@pytest.mark.parametrize("scale", [1.0, 0.1, 1e-3, 7.0])
def test_spacing_scales_slack(scale):
    """0.3 is less than 3 times 0.1 in floating point, and still inclusive."""
    options = {"slack": 3 * scale, "spacing": scale}
    assert scores(*recorded_pair(), **options) == pytest.approx(scores(*recorded_pair(), slack=3))


def test_anisotropic_spacing():
    prediction, truth = recorded_pair()
    assert scores(prediction, truth, spacing=(2, 1), slack=5)[0] == 0  # 3 rows are 6 apart
    assert scores(prediction, truth, spacing=(2, 1), slack=6)[0] == pytest.approx(0.8)
    turned = scores(prediction.T, truth.T, spacing=(1, 2), slack=6)
    assert turned == pytest.approx(scores(prediction, truth, spacing=(2, 1), slack=6))


@pytest.mark.parametrize("shape", [(13, 19), (7, 9, 11)], ids=str)
def test_random_masks_against_distance_transforms(shape, rng):
    prediction, truth = rng.random((2, *shape)) < 0.03
    prediction.flat[0] = truth.flat[-1] = True
    spacing = (1.5, 1.0, 0.5)[: len(shape)]
    near_truth = distance_transform_edt(~truth, sampling=spacing)[prediction] <= 2
    near_prediction = distance_transform_edt(~prediction, sampling=spacing)[truth] <= 2
    correctness, completeness = near_truth.mean(), near_prediction.mean()
    either = correctness + completeness - correctness * completeness
    found = scores(prediction, truth, slack=2, spacing=spacing, skeletonize=False)
    assert found == pytest.approx([correctness, completeness, correctness * completeness / either if either else 0])
    assert 0 < found[0] < 1


@pytest.mark.parametrize("shape", [(9, 14), (5, 6, 7)], ids=str)
def test_pixels_are_monais(shape, rng):
    prediction, truth = torch.tensor(rng.random((2, 2, 3, *shape)) < 0.4).float()
    counts = get_confusion_matrix(prediction, truth)
    for component, name in zip(COMPONENTS, ("precision", "sensitivity", "threat score"), strict=True):
        ours = compute_ccq(prediction, truth, component=component, slack=0, skeletonize=False)
        torch.testing.assert_close(ours, compute_confusion_matrix_metric(name, counts))


def test_a_line_with_one_break():
    """The break is longer than twice the slack: its middle is missed."""
    truth, prediction = np.zeros((2, 9, 100))
    truth[4] = prediction[4] = 1
    prediction[4, 40:60] = 0
    assert scores(prediction, truth, slack=5) == pytest.approx([1, 0.9, 0.9])
    assert scores(prediction, truth, slack=10) == [1, 1, 1]


def test_empties():
    line = recorded_pair()[1]
    empty = np.zeros_like(line)
    for prediction, truth, ignored, kept in ((empty, empty, math.nan, 1), (line, empty, math.nan, 0)):
        assert scores(prediction, truth) == pytest.approx([ignored] * 3, nan_ok=True)
        assert scores(prediction, truth, ignore_empty=False) == [kept] * 3
    corner = np.zeros_like(line)
    corner[:3, :3] = 1  # a distance transform of nothing is small here
    assert scores(empty, corner) == scores(empty, corner, ignore_empty=False) == [0, 0, 0]


def tracing(folder, shape, keep=lambda node: True):
    """The SpotSpine tracing on its stack's grid, axes (z, y, x), drawn by points a tenth of a voxel apart."""
    rows = np.loadtxt(folder / "neuron_spotspine" / "SpotSpine_ImageStack_Test.swc", comments="#")
    place = {int(row[0]): row[[4, 3, 2]] for row in rows}
    mask = np.zeros(shape, bool)
    for row in rows:
        if int(row[6]) in place and keep(int(row[0])):
            ends = [place[int(row[0])] / SPACING, place[int(row[6])] / SPACING]
            points = np.linspace(*ends, int(10 * np.abs(ends[0] - ends[1]).max()) + 2)
            mask[tuple(np.round(points).astype(int).T)] = True
    return mask


SPACING = np.array([0.21, 0.06, 0.06])


def test_a_real_tracing_against_itself_aside_and_cut(real_data):
    shape = (41, 157, 116)
    whole = tracing(real_data, shape)
    aside = np.roll(whole, 3, axis=1)
    options = {"slack": 0.18, "spacing": SPACING.tolist(), "skeletonize": False}
    assert scores(aside, whole, **options) == [1, 1, 1]
    assert scores(aside, whole, **{**options, "slack": 0.12})[0] < 0.9
    nodes = whole.sum()
    half = tracing(real_data, shape, keep=lambda node: node % 2 == 0)
    assert 0 < half.sum() < nodes
    correctness, completeness, quality = scores(half, whole, **{**options, "slack": 0})
    assert correctness == 1
    assert completeness == quality == pytest.approx(half.sum() / nodes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slack": -1}, "slack must be at least 0"),
        ({"slack": math.nan}, "slack must be at least 0"),
        ({"spacing": (1, 1, 1)}, "spacing must be one positive number or one for each of the 2 axes"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        scores(*recorded_pair(), **options)


def test_one_voxel_axes():
    assert CCQMetric()(torch.ones(1, 1, 1, 4, 1), torch.ones(1, 1, 1, 4, 1)).item() == 1
