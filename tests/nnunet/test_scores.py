"""Masks and metrics of validation batches."""

from __future__ import annotations

import math

import pytest
import torch

from monai_topo.metrics import BettiErrorMetric, BettiMatchingF1Metric
from monai_topo.nnunet.scores import PatchScores, masks_of


def logits_of(classes, count):
    return torch.nn.functional.one_hot(classes[:, 0], count).movedim(-1, 1).float()


def test_classes_without_background():
    classes = torch.tensor([[[[0, 1, 2, 2]]]])
    predicted, true = masks_of(logits_of(classes, 3), torch.tensor([[[[1, 1, 0, 2]]]]))
    assert predicted.tolist() == [[[[False, True, False, False]], [[False, False, True, True]]]]
    assert true.tolist() == [[[[True, True, False, False]], [[False, False, False, True]]]]


def test_ignored_voxels_are_in_neither():
    classes = torch.tensor([[[[0, 1, 2, 2]]]])
    predicted, true = masks_of(logits_of(classes, 3), torch.tensor([[[[1, 1, 0, 3]]]]), ignore_label=3)
    assert not predicted[..., 3].any()
    assert not true[..., 3].any()


def test_regions():
    output = torch.tensor([[[[1.0, -1.0, 1.0]], [[-1.0, -1.0, 1.0]]]])
    target = torch.tensor([[[[1, 1, 0]], [[0, 1, 0]], [[0, 0, 1]]]]).bool()
    predicted, true = masks_of(output, target, regions=True, ignore_label=3)
    assert predicted.tolist() == [[[[True, False, False]], [[False, False, False]]]]
    assert true.tolist() == [[[[True, True, False]], [[False, True, False]]]]


def test_means_are_over_patches_where_they_are_defined():
    scores = PatchScores({"error": BettiErrorMetric(), "f1": BettiMatchingF1Metric()}, num_classes=2)
    one, none = torch.zeros(1, 2, 5, 7), torch.zeros(1, 2, 5, 7)
    one[:, 0, 1:3, 1:3] = 1
    scores.add(one, one)
    scores.add(one, none)
    scores.add(none, one)
    means = scores.means()
    assert means["error"] == [pytest.approx(2 / 3), 0.0]
    assert means["f1"][0] == 0.5  # 1 and 0; undefined where there is no true feature
    assert math.isnan(means["f1"][1])
    scores.reset()
    assert math.isnan(scores.means()["error"][0])
