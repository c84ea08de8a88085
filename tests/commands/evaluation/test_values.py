"""What voxels mean: masks, classes, ids; or what to do about it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_topo.commands.evaluation.values import to_ids, to_labels, to_mask

SLOPE = float(np.float32(1 / 255))


@pytest.mark.parametrize(
    "values",
    [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True], [0, 255, 255], [0.0, 255 * SLOPE, 255 * SLOPE]],
    ids=str,
)
def test_masks(values):
    assert to_mask(np.array(values)).tolist() == [False, True, True]
    assert to_mask(np.array(values), threshold=0.5).tolist() == [False, True, True]
    assert to_mask(np.zeros(3)).tolist() == [False] * 3


def test_a_threshold_is_inclusive():
    for dtype in (np.float16, np.float32, np.float64):
        assert to_mask(np.array([0.2, 0.5, 0.9], dtype), threshold=0.5).tolist() == [False, True, True]
    assert to_mask(np.array([0, 1e-8]), threshold=1e-9).tolist() == [False, True]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, 0.25, 1.0], r"holds likelihoods such as 0.25, so it is no mask: say --threshold 0.5"),
        ([0.7, 0.7, 0.7], "likelihoods such as 0.7"),
        ([0, 1, 2], "holds 2, so it is no mask of 0 and 1: say --labels"),
        ([0, 1, 255], "holds 1, so it is no mask"),
        ([-1.0, 0.0, 1.0], "holds -1, so it is no mask"),
        ([0.0, np.nan], "holds NaN or infinity"),
        ([0.0, np.inf], "holds NaN or infinity"),
        ([1j, 0], "must hold numbers"),
    ],
    ids=str,
)
def test_what_is_no_mask(values, message):
    with pytest.raises(ValueError, match=message):
        to_mask(np.array(values))


def test_the_message_about_a_label_names_the_option_for_labels():
    with pytest.raises(ValueError, match=r"say --label-threshold 0\.5\.$"):
        to_mask(np.array([0.0, 0.7]), None, "--label-threshold")


def test_a_threshold_for_likelihoods_up_to_1_is_none_for_bytes():
    with pytest.raises(ValueError, match=r"integers up to 200, for which --threshold 0.5 makes all but 0 foreground"):
        to_mask(np.array([0, 100, 200], np.uint8), threshold=0.5)
    assert to_mask(np.array([0, 100, 200], np.uint8), threshold=128).tolist() == [False, False, True]
    assert to_mask(np.array([0, 1, 2], np.uint8), threshold=1).tolist() == [False, True, True]
    assert to_mask(np.array([-8.5, 0.2, 3.0]), threshold=0.5).tolist() == [False, False, True]  # logits


def test_labels():
    assert to_labels(np.array([0.0, 3.0])).tolist() == [0, 3]
    for values, message in (
        ([0.5, 1.0], "got 0.5: threshold likelihoods first"),
        ([-1, 0], "got -1: give negative numbers a class of their own"),
        ([np.nan, 0.0], "NaN"),
        ([2.0**64], "below 2\\^64"),
    ):
        with pytest.raises(ValueError, match=message):
            to_labels(np.array(values))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6))
def test_no_id_passes_through_a_float(ids):
    """Python's integers are the oracle."""
    array = np.array(ids, np.uint64)
    assert to_labels(array).tolist() == ids
    cells = sorted({number for number in ids if number not in (0, 2**64 - 1)})
    assert to_ids(array).tolist() == [cells.index(number) + 1 if number in cells else 0 for number in ids]


@pytest.mark.parametrize("number", [2**53, 2**60, 2**63], ids=str)
def test_integers_in_floats_are_exact(number):
    assert to_labels(np.array([float(number), 1.0])).tolist() == [number, 1]


@pytest.mark.parametrize("dtype", ["u1", ">u2", ">i4", "i8", "u8", ">u8", "f4", ">f8", "?"])
def test_ids_of_every_type(dtype):
    assert to_ids(np.array([[0, 1], [1, 0]], dtype)).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(("threshold", "count"), [(2.0, "none"), (0.0, "all"), (-1.0, "all")])
def test_a_threshold_outside_of_likelihoods_is_refused(threshold, count):
    with pytest.raises(ValueError, match=f"--threshold {threshold:g} makes {count} foreground: say --threshold 0.5"):
        to_mask(np.array([0.0, 0.7, 0.7]), threshold)
    assert to_mask(np.array([-3.0, 0.5]), threshold=0.0).tolist() == [False, True]  # logits
    assert not to_mask(np.zeros(3, np.uint8), threshold=128).any()
