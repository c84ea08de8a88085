"""Networks compared where their centerlines are equally precise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.results.study.counts import f1_of
from tests.results.study.precision import (
    at_precision,
    best_threshold,
    carried_over,
    centerline,
    centerline_precision,
    threshold_of,
)


def test_networks_are_compared_at_one_centerline_precision():
    rng = np.random.default_rng(2)
    label, likelihood = np.zeros((40, 24, 9), bool), np.zeros((40, 24, 9))
    label[2:38, 5:8, 3:6] = label[20:23, 5:22, 3:6] = True
    likelihood[label] = rng.uniform(0.4, 1, label.sum())
    for n, x in enumerate(range(3, 38, 4)):  # wrong tubes, each more likely than the one before
        likelihood[x : x + 2, 10:20, 3:5] = np.maximum(likelihood[x : x + 2, 10:20, 3:5], 0.1 * (n + 1))
    wanted = 0.75
    threshold = threshold_of(likelihood, label, wanted)
    assert 0.2 < threshold < 0.9
    assert centerline(likelihood > threshold, label)["precision"] >= wanted
    assert centerline(likelihood > threshold - 0.01, label)["precision"] < wanted
    for mask in (likelihood > 0.5, likelihood > 0.3):
        assert centerline_precision(mask, label) == centerline(mask, label)["precision"]
    found, counts = at_precision(likelihood, label, (1.0, 1.0, 5.0), wanted)
    assert found["f1"] == pytest.approx(f1_of(counts))
    overlap = 2 * (label & (likelihood > threshold)).sum() / (label.sum() + (likelihood > threshold).sum())
    assert found["dice"] == pytest.approx(overlap)
    assert found["precision"] >= wanted > centerline(likelihood > 0.5, label)["precision"]
    assert best_threshold(np.where(label, 0.72, 0.58), label) in (0.6, 0.65, 0.7)
    carried = carried_over(likelihood, label, (1.0, 1.0, 5.0), 0.9)
    assert carried["carried.cldice"] == centerline(likelihood > 0.9, label)["cldice"] != found["cldice"]
