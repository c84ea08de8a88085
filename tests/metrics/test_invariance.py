"""What must not change the numbers: mirrors, turned axes; and what must: the size of a voxel."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from monai_topo.metrics import (
    AdaptedRandErrorMetric,
    BettiErrorMetric,
    CCQMetric,
    EulerErrorMetric,
    VariationOfInformationMetric,
)

METRICS = [
    BettiErrorMetric(),
    BettiErrorMetric(dim=1, connectivity=1, frame=True),
    EulerErrorMetric(connectivity=1),
    AdaptedRandErrorMetric(instances="background"),
    AdaptedRandErrorMetric(instances="foreground", variant="cremi"),
    VariationOfInformationMetric(instances="foreground", connectivity=1),
    CCQMetric(slack=1, skeletonize=False),
]


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("shape", [(6, 9), (4, 5, 7)], ids=str)
def test_mirrors_and_turned_axes_leave_the_numbers(metric, shape, rng):
    prediction, truth = torch.tensor(rng.random((2, 1, 1, *shape)) < 0.3).float()
    number = metric(prediction, truth)
    assert number > 0
    axes = range(2, 2 + len(shape))
    for axis in axes:
        torch.testing.assert_close(metric(prediction.flip(axis), truth.flip(axis)), number)
    for order in permutations(axes):
        torch.testing.assert_close(metric(prediction.permute(0, 1, *order), truth.permute(0, 1, *order)), number)


def test_voxels_and_slack_in_another_unit_leave_the_numbers(rng):
    prediction, truth = torch.tensor(rng.random((2, 1, 1, 6, 7, 8)) < 0.03).float()
    in_micrometers = CCQMetric(slack=0.5, spacing=(0.25, 0.5, 0.125), skeletonize=False)(prediction, truth)
    in_nanometers = CCQMetric(slack=500, spacing=(250, 500, 125), skeletonize=False)(prediction, truth)
    assert 0 < in_micrometers < 1
    torch.testing.assert_close(in_micrometers, in_nanometers)
    other_unit_of_one = CCQMetric(slack=500, spacing=(0.25, 0.5, 0.125), skeletonize=False)(prediction, truth)
    assert other_unit_of_one == 1
