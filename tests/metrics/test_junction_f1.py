"""The F1 score of junctions, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from monai_topo.metrics import JunctionF1Metric, compute_junction_f1, graph_junction_f1
from tests.graphs.graphs import drawn, line


def comb(*places, shift=0.0):
    """A line from -50 to 150 with a leg at each place, shifted across."""
    spine = [(-50, shift), *((place, shift) for place in places), (150, shift)]
    legs = [(place, shift + 40) for place in places]
    count = len(places)
    return drawn(
        [*spine, *legs], [(k, k + 1) for k in range(count + 1)] + [(1 + k, count + 2 + k) for k in range(count)]
    )


def scores(prediction, truth, **options):
    return list(graph_junction_f1(prediction, truth, **options).values())


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        ([0, 30, 60], [1, 1, 1]),
        ([0, 30], [4 / 5, 1, 2 / 3]),
        ([4, 34, 64, 90], [6 / 7, 3 / 4, 1]),
        ([-4, 4, 30], [4 / 6, 2 / 3, 2 / 3]),  # one to one: two near 0, only one counts
        ([6, 36, 66], [0, 0, 0]),
    ],
    ids=str,
)
def test_by_hand(predicted, expected):
    assert scores(comb(*predicted), comb(0, 30, 60)) == pytest.approx(expected)


@pytest.mark.parametrize(("match_radius", "expected"), [(3, 1), (2.9, 0)])
def test_the_radius_is_inclusive(match_radius, expected):
    assert scores(comb(0, 30, shift=3), comb(0, 30), match_radius=match_radius) == [expected] * 3


def test_junctions_that_are_close_are_one():
    crossing, forks = comb(0), comb(-1, 1)
    assert scores(forks, crossing) == [1, 1, 1]
    assert scores(forks, crossing, merge_radius=2) == pytest.approx([2 / 3, 1 / 2, 1])
    assert scores(forks, crossing, merge_radius=0) == pytest.approx([2 / 3, 1 / 2, 1])


def test_no_junction_is_empty():
    tube, fork = line(0, 80), comb(0)
    assert all(math.isnan(score) for score in scores(tube, tube) + scores(fork, tube))
    assert scores(tube, fork) == [0, 0, 0]
    assert scores(tube, tube, ignore_empty=False) == [1, 1, 1]
    assert scores(fork, tube, ignore_empty=False) == scores(tube, fork, ignore_empty=False) == [0, 0, 0]


@pytest.mark.parametrize("as_volume", [False, True], ids=["2D", "3D"])
def test_masks_and_spacing(as_volume):
    truth = torch.zeros(1, 1, 30, 60)
    truth[..., 20, 5:55] = truth[..., 5:21, 15] = truth[..., 5:21, 40] = 1
    prediction = torch.zeros_like(truth)
    prediction[..., 20, 5:55] = prediction[..., 5:21, 19] = 1  # 4 columns from the first junction
    spacing = (1.0, 1.0, 2.0) if as_volume else (1.0, 2.0)
    if as_volume:
        truth, prediction = truth[:, :, None], prediction[:, :, None]
    assert compute_junction_f1(prediction, truth).item() == pytest.approx(2 / 3)
    assert compute_junction_f1(prediction, truth, component="recall").item() == pytest.approx(1 / 2)
    assert compute_junction_f1(prediction, truth, spacing=spacing).item() == 0
    assert compute_junction_f1(prediction, truth, spacing=spacing, match_radius=8).item() == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", ["match_radius", "merge_radius"])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_bad_options_are_refused_at_once(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 0 and finite"):
        JunctionF1Metric(**{name: value})
    with pytest.raises(ValueError, match=f"{name} must be at least 0 and finite"):
        graph_junction_f1(comb(0), comb(0), **{name: value})
