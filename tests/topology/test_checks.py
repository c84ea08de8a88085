"""Arguments that many functions take."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.topology import check_dims, check_direction, check_mask, is_full_connectivity
from monai_topo.topology.checks import check_mask_pair


@pytest.mark.parametrize("ndim", [2, 3])
def test_connectivity_is_full_or_face(ndim):
    assert [is_full_connectivity(given, ndim) for given in (None, ndim, 1)] == [True, True, False]
    for given in {0, 1, 2, 3, 4, 18, 26} - {1, ndim}:
        with pytest.raises(ValueError, match=f"None or {ndim} .full. or 1"):
            is_full_connectivity(given, ndim)


def test_dims_are_sorted_and_in_range():
    assert check_dims(np.array([2, 0]), 3) == (0, 2)
    for given in (2, -1, (), 0.5):
        with pytest.raises(ValueError, match="from 0 to 1"):
            check_dims(given, 2)


def test_a_direction_is_one_of_two():
    assert check_direction("superlevel") == "superlevel"
    with pytest.raises(ValueError, match="'up'"):
        check_direction("up")


_INTEGERS = (torch.bool, torch.uint8, torch.uint16, torch.uint64, torch.int64)


@pytest.mark.parametrize("dtype", [*_INTEGERS, torch.bfloat16, torch.float16, torch.float32])
def test_a_mask_of_any_dtype(dtype):
    mask = torch.tensor([[0, 1, 1]], dtype=dtype)
    assert check_mask(mask).tolist() == [[False, True, True]]


@pytest.mark.parametrize("dtype", [">u2", ">i8", ">u8", ">f4", ">f8", "<f2", "?"])
def test_a_mask_of_any_byte_order(dtype):
    assert check_mask(np.array([[0, 1, 1]], dtype)).tolist() == [[False, True, True]]


@pytest.mark.parametrize("value", [0.5, 1.0078125, -1.0, float("nan")])
def test_values_of_bfloat16_are_checked_as_they_are(value):
    with pytest.raises(ValueError, match="only 0 and 1"):
        check_mask(torch.tensor([[0, value]], dtype=torch.bfloat16))


@pytest.mark.parametrize("mask", [np.zeros(3), np.zeros((0, 3)), np.zeros((1, 1, 1, 1)), np.full((2, 2), 0.5)])
def test_what_is_no_mask_is_refused(mask):
    with pytest.raises(ValueError, match=r"^truth must"):
        check_mask(mask, "truth")


def test_a_pair_is_named_in_its_errors():
    with pytest.raises(ValueError, match="one shape"):
        check_mask_pair(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"^target must hold only 0 and 1"):
        check_mask_pair(np.zeros((2, 3)), np.full((2, 3), 255))
