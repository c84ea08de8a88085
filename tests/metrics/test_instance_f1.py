"""F1 score of instances: counted examples, a brute-force assignment, MONAI's panoptic quality, masks, large ids."""

from __future__ import annotations

import math
from itertools import combinations, permutations

import h5py
import numpy as np
import pytest
import torch
from monai.metrics.panoptic_quality import compute_panoptic_quality
from scipy import ndimage

from monai_topo.metrics import InstanceF1Metric, compute_instance_f1, match_instances
from monai_topo.metrics.instance_matching import Overlaps, matched_pairs

NAMES = InstanceF1Metric.components


def scores(prediction, truth, **options):
    pair = [torch.as_tensor(np.asarray(array).astype(np.int64))[None, None] for array in (prediction, truth)]
    return {name: compute_instance_f1(*pair, component=name, **options).item() for name in NAMES}


def expected_scores(prediction, truth, threshold):
    """By trying every choice of pairs: the most matches, then the largest sum of overlaps."""
    true, predicted = ([k for k in np.unique(ids) if k > 0] for ids in (truth, prediction))
    iou = {
        (t, p): ((truth == t) & (prediction == p)).sum() / ((truth == t) | (prediction == p)).sum()
        for t in true
        for p in predicted
    }
    good = [pair for pair, value in iou.items() if value > threshold]
    best = (0, 0.0)
    for count in range(min(len(true), len(predicted)) + 1):
        for chosen in combinations(good, count):
            if len({t for t, _ in chosen}) == len({p for _, p in chosen}) == count:
                best = max(best, (count, sum(iou[pair] for pair in chosen)))
    return of_counts(best[0], len(predicted), len(true), best[1])


def of_counts(matched, predicted, true, total):
    extra, missing = predicted - matched, true - matched
    denominator = matched + extra / 2 + missing / 2
    values = (
        2 * matched / (2 * matched + extra + missing),
        matched / predicted,
        matched / true,
        total / denominator,
        matched / (matched + extra + missing),
    )
    return dict(zip(NAMES, values, strict=True))


CELLS = np.repeat([[1] * 10 + [2] * 10 + [3] * 10], 2, 0)
"""Three cells of 20 voxels."""


@pytest.mark.parametrize(
    ("prediction", "threshold", "matched", "predicted", "total"),
    [
        (CELLS, 0.5, 3, 3, 3),
        (CELLS + 6, 0.99, 3, 3, 3),
        (np.repeat([[4] * 10 + [5] * 20], 2, 0), 0.4, 2, 2, 1.5),  # two made one: IoU 1/2 with each of them
        (np.repeat([[4] * 10 + [5] * 20], 2, 0), 0.5, 1, 2, 1),  # 1/2 is not greater than 1/2
        (np.repeat([[4] * 8 + [5] * 12 + [6] * 7 + [0] * 3], 2, 0), 0.5, 3, 3, 0.8 + 10 / 12 + 0.7),
        (np.repeat([[4] * 8 + [5] * 12 + [6] * 7 + [0] * 3], 2, 0), 0.7, 2, 3, 0.8 + 10 / 12),  # nor 0.7 than 0.7
    ],
    ids=["itself", "other ids", "merged, low threshold", "merged", "moved", "moved, high threshold"],
)
def test_counted_by_hand(prediction, threshold, matched, predicted, total):
    found = scores(prediction, CELLS, iou_threshold=threshold)
    assert found == pytest.approx(of_counts(matched, predicted, 3, total), abs=1e-6)


def test_the_assignment_takes_the_most_matches_and_then_the_most_overlap():
    """Cell 1 overlaps both predictions most with the first, which is all that cell 2 has."""
    truth = np.array([[1, 1, 1, 1, 1, 1, 2, 2, 2, 0, 0, 0]])
    prediction = np.array([[8, 8, 8, 0, 9, 9, 9, 9, 0, 0, 0, 0]])
    assert scores(prediction, truth, iou_threshold=0.2)["recall"] == 1
    greedy = np.array([[1, 1, 1, 1, 1, 1, 2, 2, 0, 0, 0, 0]]), np.array([[8, 8, 0, 9, 9, 9, 9, 9, 0, 0, 0, 0]])
    found = match_instances(greedy[1], greedy[0], iou_threshold=0.1)
    assert found.true.tolist() == [1, 2]
    assert found.predicted.tolist() == [8, 9]  # 1 and 9 have the largest overlap of all, 3/8
    assert found.iou.tolist() == [2 / 6, 2 / 5]


@pytest.mark.parametrize("shape", [(6, 11), (3, 4, 7)], ids=str)
@pytest.mark.parametrize("threshold", [0, 0.1, 0.15, 0.25, 0.5, 0.6])
def test_random_ids_against_every_choice(shape, threshold, rng):
    matched = 0
    for _ in range(6):
        truth = ndimage.zoom(rng.integers(0, 5, [-(-side // 2) for side in shape]), 2, order=0)
        truth = truth[tuple(slice(side) for side in shape)]
        prediction = np.where(rng.random(shape) < 0.5, truth, np.roll(truth, 1, axis=-1))
        found = scores(prediction, truth, iou_threshold=threshold)
        assert found == pytest.approx(expected_scores(prediction, truth, threshold), abs=1e-6)
        matched += found["f1"] > 0
    assert matched > 0 or threshold == 0.6


def test_a_planted_error_is_seen(rng, monkeypatch):
    """The best pair first, as greedy matching has it, is not what every choice finds."""

    def greedy(pairs, iou):
        taken, chosen = set(), []
        for n in np.argsort(-iou):
            ends = {("true", pairs[n, 0]), ("predicted", pairs[n, 1])}
            if not ends & taken:
                taken |= ends
                chosen.append(n)
        return np.array(chosen, np.int64)

    monkeypatch.setattr("monai_topo.metrics.instance_matching._assign", greedy)
    truth, prediction = np.array([[1, 1, 1, 1, 1, 1, 2]]), np.array([[8, 9, 9, 9, 9, 9, 9]])
    assert scores(prediction, truth, iou_threshold=0)["f1"] == 0.5
    assert expected_scores(prediction, truth, 0)["f1"] == 1


@pytest.mark.parametrize("threshold", [0.5, 0.75])
@pytest.mark.parametrize("shape", [(24, 31), (8, 11, 13)], ids=str)
def test_panoptic_quality_is_monais(shape, threshold, rng):
    coarse = rng.integers(0, 9, [-(-side // 3) for side in shape])
    truth = ndimage.zoom(coarse, 3, order=0)[tuple(slice(side) for side in shape)]
    prediction = np.where(rng.random(shape) < 0.8, truth, np.roll(truth, 1, axis=0))
    prediction[prediction == 4] = 0
    found = scores(prediction, truth, iou_threshold=threshold)
    for ours, theirs in (("panoptic_quality", "pq"), ("f1", "rq")):
        pair = (torch.tensor(prediction), torch.tensor(truth))
        expected = compute_panoptic_quality(*pair, theirs, match_iou_threshold=threshold, smooth_numerator=0)
        assert 0 < found[ours] < 1
        assert found[ours] == pytest.approx(expected.item(), abs=1e-5)


def test_thresholds_of_a_range_are_what_they_look_like():
    """0.55 of ``np.arange`` is a bit more than 11 / 20: a match of 11 / 20 must not count, one of 13 / 20 must."""
    thresholds = np.arange(0.5, 1, 0.05)
    truth = np.ones((1, 20), int)
    for size in range(11, 20):
        prediction = np.where(np.arange(20) < size, 3, 0)[None]
        expected = sum(size > tenths for tenths in range(10, 20)) / 10
        found = scores(prediction, truth, iou_threshold=tuple(thresholds))
        assert found["average_precision"] == pytest.approx(expected)
    assert InstanceF1Metric(iou_threshold=(0.5, 0.75)).options["iou_threshold"] == (0.5, 0.75)


@pytest.mark.parametrize(("instances", "connectivity", "full"), [
    ("foreground", None, True), ("foreground", 1, False), ("background", None, False), ("background", 1, True),
])  # fmt: skip
@pytest.mark.parametrize("shape", [(15, 22), (6, 7, 9)], ids=str)
def test_instances_of_masks_in_both_connectivities(instances, connectivity, full, shape, rng):
    density = {(2, True): 0.25, (2, False): 0.45, (3, True): 0.08, (3, False): 0.25}[len(shape), full]
    inside = rng.random(shape) < density
    truth, prediction = (mask == (instances == "foreground") for mask in (inside, inside ^ (rng.random(shape) < 0.06)))
    ids = []
    for mask in (prediction, truth):
        neighbors = np.ones((3,) * len(shape)) if full else ndimage.generate_binary_structure(len(shape), 1)
        ids.append(ndimage.label(mask == (instances == "foreground"), neighbors)[0])
    expected = scores(*ids)
    options = {"instances": instances, "connectivity": connectivity}
    assert 0 < expected["f1"] < 1
    assert scores(prediction, truth, **options) == pytest.approx(expected)
    other = {"instances": instances, "connectivity": 1 if connectivity is None else None}
    assert scores(prediction, truth, **other) != pytest.approx(expected)


def test_each_channel_of_masks_is_scored():
    truth = torch.zeros(1, 3, 4, 9)
    truth[..., 1:3, 1:3] = truth[..., 1:3, 5:7] = 1
    prediction = truth.clone()
    prediction[:, 1, :, 4:] = 0
    assert compute_instance_f1(prediction, truth, instances="foreground").tolist() == [[1, pytest.approx(2 / 3), 1]]
    assert compute_instance_f1(prediction, truth, False, instances="foreground").shape == (1, 2)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sections_share_no_instance(axis):
    truth = np.moveaxis(np.arange(1, 4).repeat(8).reshape(3, 2, 4), 0, axis)
    prediction = np.ones_like(truth)
    assert scores(prediction, truth)["f1"] == 0
    assert scores(prediction, truth, section_axis=axis) == pytest.approx(dict.fromkeys(NAMES, 1))
    masks = np.ones((2, *truth.shape))
    assert match_instances(*masks).num_true == 1
    assert scores(*masks, instances="foreground", section_axis=axis)["f1"] == 1


def test_small_instances_are_background_on_both_sides():
    truth = np.array([[1, 1, 1, 0, 2, 0, 3, 3, 3]])
    prediction = np.array([[4, 4, 4, 5, 5, 0, 0, 6, 0]])
    assert scores(prediction, truth)["recall"] == pytest.approx(1 / 3)
    for min_size, counts in ((2, (1, 2, 2, 1)), (3, (1, 1, 2, 1)), (4, None)):
        found = scores(prediction, truth, min_size=min_size)
        expected = dict.fromkeys(NAMES, math.nan) if counts is None else of_counts(*counts)
        assert found == pytest.approx(expected, nan_ok=True)
    found = match_instances(prediction, truth, min_size=3)
    assert (found.num_true, found.num_predicted) == (2, 1)


def test_ignored_voxels_are_of_no_instance():
    truth = np.array([[1, 1, 1, 1, 9, 9, 2, 2]])
    prediction = np.array([[3, 3, 0, 0, 4, 3, 5, 5]])
    expected = scores(np.where(truth == 9, 0, prediction), np.where(truth == 9, 0, truth))
    assert scores(prediction, truth, ignore_index=9) == expected
    assert expected["f1"] == pytest.approx(0.5)
    mask, joined = np.array([[1, 1, 255, 1, 1]]), np.array([[1, 1, 1, 1, 1]])
    assert scores(joined, mask, instances="foreground", ignore_index=255)["f1"] == 1  # a cut for both
    assert scores(joined, mask > 0, instances="foreground")["f1"] == 1
    assert scores(joined, mask == 1, instances="foreground")["f1"] == 0


EMPTY, SOME = np.zeros((3, 4), int), np.ones((3, 4), int)


@pytest.mark.parametrize(
    ("prediction", "truth", "ignoring", "otherwise"),
    [(EMPTY, EMPTY, math.nan, 1), (SOME, EMPTY, math.nan, 0), (EMPTY, SOME, 0, 0)],
    ids=["both", "truth", "prediction"],
)
def test_empties(prediction, truth, ignoring, otherwise):
    assert scores(prediction, truth) == pytest.approx(dict.fromkeys(NAMES, ignoring), nan_ok=True)
    assert scores(prediction, truth, ignore_empty=False) == dict.fromkeys(NAMES, otherwise)


def test_nothing_matches_is_zero_and_defined():
    assert scores(np.roll(SOME * [[1, 0, 0, 0]], 2, axis=1), SOME * [[1, 0, 0, 0]]) == dict.fromkeys(NAMES, 0)


@pytest.mark.parametrize(
    ("dtype", "low"),
    [("u8", 2**64 - 3), ("u8", 2**63 - 1), ("u8", 2**53), ("i8", 2**63 - 3), ("u4", 2**24), ("i4", 2**24)],
)
def test_neighboring_ids_of_any_size_are_told_apart(dtype, low):
    """Ids that differ by one would be one cell if they passed through a float."""
    truth = np.repeat(np.array([[low, low, low + 1, low + 1, 0]], dtype)[None, None], 4, axis=2)
    prediction = np.repeat(np.array([[low, low, low + 1, 5, 5]], dtype)[None, None], 4, axis=2)
    assert InstanceF1Metric()(prediction, truth).item() == pytest.approx(0.4)
    assert InstanceF1Metric(ignore_index=low + 1)(prediction, truth).item() == pytest.approx(2 / 3)
    found = match_instances(prediction, truth)
    assert found.true.tolist() == [low]
    assert (found.num_true, found.num_predicted) == (2, 3)


def test_floats_that_round_ids_are_refused():
    fine = torch.tensor([[[[1.0, 2.0, 2.0]]]])
    assert compute_instance_f1(fine, fine).item() == 1
    with pytest.raises(ValueError, match="which rounds ids from 16777216 on"):
        compute_instance_f1(fine, fine * 2**24)


@pytest.mark.parametrize("shape", [(9, 14), (5, 6, 8)], ids=str)
@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_other_ids_mirrors_and_turned_axes_leave_the_scores(shape, threshold, rng):
    coarse = rng.integers(0, 9, [-(-side // 2) for side in shape])
    truth = ndimage.zoom(coarse, 2, order=0)[tuple(slice(side) for side in shape)]
    prediction = np.where(rng.random(shape) < 0.6, truth, np.roll(truth, 1, axis=0))
    prediction[prediction == 2] = 0
    expected = scores(prediction, truth, iou_threshold=threshold)
    assert 0 < expected["f1"] < 1
    other = [np.append(0, 1 + rng.permutation(40))[ids] for ids in (prediction, truth)]
    turned = [[np.flip(ids, axis) for ids in (prediction, truth)] for axis in range(len(shape))] + [
        [ids.transpose(order) for ids in (prediction, truth)] for order in permutations(range(len(shape)))
    ]
    for pair in (other, *turned):
        assert scores(*pair, iou_threshold=threshold) == pytest.approx(expected, abs=1e-6)
    swapped = scores(truth, prediction, iou_threshold=threshold)
    assert (swapped["precision"], swapped["recall"]) == pytest.approx((expected["recall"], expected["precision"]))


def test_many_rivals_at_a_low_threshold_against_scipys_assignment(rng):
    """Every instance overlaps many: a matrix with a row for each, of which the count of matches weighs more."""
    from scipy.optimize import linear_sum_assignment

    iou = np.round(rng.random((60, 50)) * (rng.random((60, 50)) < 0.08), 3)
    pairs = np.argwhere(iou > 0)
    overlaps = Overlaps(np.arange(60, dtype=np.uint64), np.arange(50, dtype=np.uint64), pairs, iou[tuple(pairs.T)])
    for threshold in (0, 0.2, 0.4):
        value = np.where(iou > threshold, 1 + iou / 51, 0)
        rows, columns = linear_sum_assignment(value, maximize=True)
        found = matched_pairs(overlaps, threshold)
        assert len(np.unique(pairs[found, 0])) == len(np.unique(pairs[found, 1])) == len(found)
        assert (1 + overlaps.iou[found] / 51).sum() == pytest.approx(value[rows, columns].sum())


def test_real_cells_against_monai(real_data):
    with h5py.File(real_data / "fib25" / "fib25_val.hdf") as file:
        truth, prediction = (
            file[f"volumes/labels/{name}"][:12, :80, :80] for name in ("neuron_ids", "oversegmentation")
        )
    truth, prediction = (np.unique(ids, return_inverse=True)[1].reshape(ids.shape) + 1 for ids in (truth, prediction))
    found = scores(prediction, truth)
    expected = compute_panoptic_quality(torch.tensor(prediction), torch.tensor(truth), smooth_numerator=0)
    assert found["panoptic_quality"] == pytest.approx(expected.item(), abs=1e-5)
    assert 0 < found["precision"] < found["recall"] < 1  # it is an oversegmentation


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iou_threshold": 1}, "iou_threshold must be at least 0 and below 1, got 1.0"),
        ({"iou_threshold": (0.5, -0.1)}, "iou_threshold must be at least 0 and below 1, got -0.1"),
        ({"iou_threshold": math.nan}, "iou_threshold must be at least 0"),
        ({"iou_threshold": ()}, "iou_threshold must be a number or some of them"),
        ({"min_size": -1}, "min_size must be at least 0"),
        ({"component": "dice"}, "component must be one of"),
        ({"instances": "cells"}, "instances must be one of"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        InstanceF1Metric(**options)


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), "one channel, got 2"),
        (torch.full((1, 1, 3, 4), 0.5), torch.zeros(1, 1, 3, 4), "y_pred must hold instance ids"),
        (torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4) - 1, "y must hold instance ids"),
        (torch.zeros(1, 1, 3, 4), torch.full((1, 1, 3, 4), math.nan), "y must hold instance ids"),
    ],
)
def test_bad_input_is_refused(prediction, truth, message):
    with pytest.raises(ValueError, match=message):
        compute_instance_f1(prediction, truth)


def test_bad_arrays_are_refused():
    with pytest.raises(ValueError, match=r"one shape, got \(3,\) and \(4,\)"):
        match_instances(np.zeros(3, int), np.zeros(4, int))
    with pytest.raises(ValueError, match="target must hold instance ids"):
        match_instances(np.zeros(3, int), np.full(3, -1))
    assert match_instances(np.zeros((0, 3), int), np.zeros((0, 3), int)).num_true == 0


@pytest.mark.parametrize(("shared", "threshold"), [(2, 1 / 3), (4, 2 / 3), (2, float(np.float32(1 / 3)) + 1e-6)])
def test_an_overlap_of_the_threshold_is_no_match(shared, threshold):
    """A third, which no float is: a match must exceed it."""
    truth = np.repeat([[0, 3]], [2, 6], axis=1)
    prediction = np.where(np.arange(8) - 2 < shared, truth * 2, 0)
    assert match_instances(prediction, truth).iou.tolist() == ([4 / 6] if shared == 4 else [])
    assert not len(match_instances(prediction, truth, iou_threshold=threshold).iou)
    assert len(match_instances(prediction, truth, iou_threshold=threshold - 1e-5).iou) == 1


def test_a_size_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="min_size must be at least 0, got nan"):
        InstanceF1Metric(min_size=math.nan)
