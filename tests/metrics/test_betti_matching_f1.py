"""F1 scores of features by hand and from gudhi's ranks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from monai_topo.metrics import (
    BettiMatchingF1Metric,
    compute_betti_error,
    compute_betti_matching_error,
    compute_betti_matching_f1,
)
from monai_topo.topology import betti_numbers, count_features
from tests.topology import images
from tests.topology.masks.test_overlap import gudhi_shared, overlapping


def ring(center):
    return torch.tensor(images.ring((7, 12), center, 1))[None, None]


def scores(prediction, truth, **options):
    """F1, precision and recall."""
    return [
        compute_betti_matching_f1(prediction, truth, component=component, **options).item()
        for component in BettiMatchingF1Metric.components
    ]


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(6, 9), (4, 5, 6)], ids=str)
def test_every_dimension_and_all_against_gudhi(shape, connectivity, frame, rng):
    prediction, truth = np.stack([overlapping(shape, 0.4, rng) for _ in range(3)], axis=1)
    ndim = len(shape)
    terms = np.zeros((3, ndim, 3))
    for item, (p, t) in enumerate(zip(prediction, truth, strict=True)):
        shared = gudhi_shared(p, t, connectivity is None, frame)
        numbers = [betti_numbers(mask, connectivity, frame=frame) for mask in (p, t)]
        terms[item] = [(shared[k], numbers[0][k], numbers[1][k]) for k in range(ndim)]
        counts = count_features(p, t, connectivity, frame=frame)
        np.testing.assert_array_equal(list(counts.values()), terms[item])
    for dim in (*range(ndim), "sum"):
        matched, predicted, true = (terms.sum(axis=1) if dim == "sum" else terms[:, dim]).T
        for component, expected in (
            ("f1", 2 * matched / np.maximum(predicted + true, 1)),
            ("precision", matched / np.maximum(predicted, 1)),
            ("recall", matched / np.maximum(true, 1)),
        ):
            options = {"component": component, "dim": dim, "connectivity": connectivity, "frame": frame}
            found = compute_betti_matching_f1(
                torch.tensor(prediction[:, None]), torch.tensor(truth[:, None]), **options, ignore_empty=False
            )
            decided = np.where(true == 0, predicted == 0, expected)
            np.testing.assert_allclose(found[:, 0].numpy(), decided, rtol=1e-6)
    assert terms[..., 0].any()


@pytest.mark.parametrize("connectivity", [None, 1])
def test_rings_in_two_places(connectivity):
    left, right = ring((2, 2)), ring((2, 8))
    both = torch.maximum(left, right)
    assert scores(left, right, connectivity=connectivity) == [0, 0, 0]
    assert scores(left, left, connectivity=connectivity) == [1, 1, 1]
    assert scores(both, left, connectivity=connectivity) == pytest.approx([2 / 3, 1 / 2, 1])
    assert scores(left, both, connectivity=connectivity) == pytest.approx([2 / 3, 1, 1 / 2])


def test_the_counts_of_patches_are_summed_before_the_ratio():
    """Left patch: 1 of 1 true components found; right patch: 4 false ones. The mean of ratios would be another."""
    truth = torch.zeros(1, 1, 5, 12)
    truth[..., 1, 1] = 1
    prediction = truth.clone()
    prediction[..., 0:4:2, 7:12:3] = 1
    assert scores(prediction, truth, dim=0, patch_size=(5, 6)) == pytest.approx([2 / 6, 1 / 5, 1])


def test_empty_sides():
    full, empty = ring((2, 2)), torch.zeros(1, 1, 7, 12)
    assert scores(empty, full) == [0, 0, 0]
    assert all(math.isnan(score) for score in scores(empty, empty) + scores(full, empty))
    assert scores(empty, empty, ignore_empty=False) == [1, 1, 1]
    assert scores(full, empty, ignore_empty=False) == [0, 0, 0]
    metric = BettiMatchingF1Metric(get_not_nans=True)
    metric(torch.cat([full, empty]), torch.cat([full, empty]))
    value, count = metric.aggregate()
    assert (value.item(), count.item()) == (1, 1)


def test_the_empty_answer_beats_a_network_by_its_errors_and_not_by_f1():
    """Of eight rings the prediction closes three, breaks five in two, and has four specks."""
    truth = torch.zeros(1, 1, 7, 96)
    for _ in range(8):
        truth[..., :12] = torch.maximum(truth[..., :12], ring((2, 2)).float())
        truth = truth.roll(12, -1)
    prediction = truth.clone()
    for number in range(5):
        prediction[..., 2, 12 * number + 1] = prediction[..., 2, 12 * number + 3] = 0
        prediction[..., 6, 12 * number + 9] = prediction[..., 6, 12 * number + 6] = 1
    empty = torch.zeros_like(truth)
    for error in (compute_betti_error, compute_betti_matching_error):
        assert error(empty, truth) < error(prediction, truth)
    assert compute_betti_matching_f1(empty, truth) == 0 < 0.4 < compute_betti_matching_f1(prediction, truth)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="component must be one of"):
        BettiMatchingF1Metric(component="dice")
    with pytest.raises(ValueError, match="dim must be 0, 1, 2 or 'sum', got 3"):
        BettiMatchingF1Metric(dim=3)
    with pytest.raises(ValueError, match="dims must be"):
        BettiMatchingF1Metric(dim=2)(ring((2, 2)), ring((2, 2)))
