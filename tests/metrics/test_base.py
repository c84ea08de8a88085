"""What every metric does with its input, with undefined entries and with ignored voxels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.metrics.utils import create_ignore_mask, do_metric_reduction

from monai_topo.metrics.base import ComponentMetric, TopologyMetric


class MissedVoxels(TopologyMetric):
    """Undefined where the target is empty."""

    def __init__(self, scale=1, **common):
        super().__init__(**common)
        self.scale = scale

    def channel_value(self, prediction, target):
        assert prediction.dtype == target.dtype == bool
        return self.scale * float((target & ~prediction).sum()) if target.any() else math.nan


class Volumes(ComponentMetric):
    components = ("prediction", "target")

    def channel_components(self, prediction, target):
        return {"prediction": float(prediction.sum()), "target": float(target.sum())}


def targets(counts, width=9):
    """``(B, C, 1, width)`` with so many foreground voxels."""
    counts = torch.tensor(counts)
    return (torch.arange(width) < counts[..., None, None]).float()


REDUCED = {
    "none": [[1.0, math.nan], [3.0, 4.0]],
    "mean": [2.25],
    "sum": 8.0,
    "mean_batch": [2.0, 4.0],
    "sum_batch": [4.0, 4.0],
    "mean_channel": [1.0, 3.5],
    "sum_channel": [1.0, 7.0],
}


@pytest.mark.parametrize("reduction", REDUCED)
def test_undefined_entries_are_left_out(reduction):
    metric = MissedVoxels(reduction=reduction)
    for item in targets([[1, 0], [3, 4]]).split(1):
        metric(torch.zeros_like(item), item)
    torch.testing.assert_close(metric.aggregate(), torch.tensor(REDUCED[reduction]), equal_nan=True)


@pytest.mark.parametrize("reduction", REDUCED)
def test_where_nothing_is_defined_the_result_is_nan(reduction):
    metric = MissedVoxels(reduction=reduction, get_not_nans=True)
    metric(torch.zeros(2, 3, 4, 5), torch.zeros(2, 3, 4, 5))
    value, not_nans = metric.aggregate()
    assert value.isnan().all()
    assert not not_nans.any()
    if reduction != "none":
        assert (do_metric_reduction(metric.get_buffer(), reduction)[0] == 0).all()  # what MONAI alone would say


def test_a_channel_without_a_defined_entry_is_nan_and_the_others_are_not():
    metric = MissedVoxels(reduction="mean_batch", get_not_nans=True)
    metric(torch.zeros(2, 2, 1, 9), targets([[2, 0], [4, 0]]))
    value, not_nans = metric.aggregate()
    torch.testing.assert_close(value, torch.tensor([3.0, math.nan]), equal_nan=True)
    assert not_nans.tolist() == [2, 0]


def test_a_case_twice_leaves_the_mean():
    once, twice = MissedVoxels(), MissedVoxels()
    batch = targets([[1], [5]])
    once(torch.zeros_like(batch), batch)
    twice(torch.zeros_like(batch), batch)
    twice(torch.zeros_like(batch), batch)
    assert once.aggregate() == twice.aggregate() == 3


def test_aggregate_leaves_the_numbers_as_they_are():
    metric = MissedVoxels()
    metric(torch.zeros(2, 1, 1, 9), targets([[2], [0]]))
    assert metric.aggregate() == metric.aggregate() == 2
    assert metric.get_buffer().isnan().sum() == 1


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float16, torch.bfloat16], ids=str)
def test_any_number_type_and_lists_of_different_shapes(dtype):
    target = targets([[3]]).to(dtype)
    assert MissedVoxels()(torch.zeros_like(target), target).tolist() == [[3]]
    mixed = [MetaTensor(target[0]), torch.ones(1, 2, 3, 4, dtype=dtype)]
    assert MissedVoxels()([torch.zeros_like(item) for item in mixed], mixed).tolist() == [[3], [24]]


@pytest.mark.parametrize("dtype", ["?", "u2", "u4", "u8", "i8", "f2", ">f4"])
def test_numpy_arrays(dtype):
    target = targets([[3], [1]]).numpy().astype(dtype)[:, :, ::-1]
    assert MissedVoxels()(np.zeros_like(target), target).tolist() == [[3], [1]]
    assert MissedVoxels(ignore_index=7)([*np.zeros_like(target)], [*target]).tolist() == [[3], [1]]


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.uint64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("index", [0, 1, 2, 255])
def test_ignored_classes_are_monais_whatever_the_number_type(index, dtype, rng):
    classes = torch.tensor(rng.integers(0, 4, (2, 1, 5, 6)))
    target = torch.cat([classes == k for k in range(3)], dim=1).float()
    scored = create_ignore_mask(target, index)
    found = Volumes(True, "target", ignore_index=index)(torch.ones_like(target).to(dtype), target.to(dtype))
    assert found.tolist() == (target * scored).sum(dim=(2, 3)).tolist()


def test_ignored_voxels_of_a_mask_are_outside_both():
    target = targets([[4]])
    target[..., 2] = 255
    target[..., 8] = 255
    prediction = torch.ones_like(target)
    prediction[..., 8] = 0.5  # nothing is asked of a prediction where it is ignored
    for component, count in (("prediction", 7), ("target", 3)):
        assert Volumes(True, component, ignore_index=255)(prediction, target).item() == count
    with pytest.raises(ValueError, match="y must hold only 0 and 1"):
        Volumes(True, "target")(torch.ones_like(target), target)


def test_ignored_voxels_of_classes_are_monais():
    target = torch.zeros(1, 3, 1, 6)
    target[0, 0, 0, :2] = target[0, 1, 0, 2:4] = target[0, 2, 0, 4] = 1
    prediction = torch.ones_like(target)
    for index, counts in ((1, [4, 4, 4]), (-1, [5, 5, 5]), (None, [6, 6, 6])):
        assert Volumes(True, "prediction", ignore_index=index)(prediction, target).tolist() == [counts]
    assert Volumes(False, "target", ignore_index=1)(prediction, target).tolist() == [[0, 1]]


def test_the_text_holds_what_defines_the_number():
    metric = MissedVoxels(scale=2, reduction="sum")
    assert repr(metric) == str(metric) == "MissedVoxels(scale=2)"
    assert metric.options == {"scale": 2}


def test_an_unknown_component_is_refused_at_once():
    with pytest.raises(ValueError, match=r"component must be one of \('prediction', 'target'\), got 'both'"):
        Volumes(True, "both")


@pytest.mark.parametrize(
    ("prediction", "target", "message"),
    [
        (torch.zeros(1, 4, 4), torch.zeros(1, 4, 4), "y_pred should have at least 3 dimensions"),
        (torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 5), "one shape"),
        (torch.full((1, 1, 4, 4), 0.5), torch.zeros(1, 1, 4, 4), "y_pred must hold only 0 and 1, .* got 0.5: thresh"),
        (torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), float("nan")), "y must hold only 0 and 1, .* got nan"),
        (torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 2), "y must hold only 0 and 1, .* got 2"),
        ([torch.zeros(1, 4, 4)], [torch.zeros(1, 4, 4)] * 2, "as many items, got 1 and 2"),
        (torch.zeros(1, 1, 4, 4), None, "y, the ground truth, is needed"),
    ],
)
def test_bad_input_says_what_is_wrong(prediction, target, message):
    with pytest.raises(ValueError, match=message):
        MissedVoxels()(prediction, target)


def test_options_go_to_the_constructor():
    with pytest.raises(TypeError, match=r"go to its constructor, got \['spacing'\]"):
        MissedVoxels()(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4), spacing=2.0)
