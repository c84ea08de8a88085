"""Which voxels are the structure, and labels that do not say it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.transforms import StructureMask


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, bool])
@pytest.mark.parametrize("value", [1, 2, 255])
def test_a_mask_of_any_value(value, dtype):
    mask = np.random.default_rng(0).random((1, 4, 5, 3)) < 0.5
    np.testing.assert_array_equal(StructureMask()((value * mask).astype(dtype)), mask)


@pytest.mark.parametrize("value", [0, 1, 255])
def test_a_label_of_one_value(value):
    label = np.full((1, 3, 4), value)
    assert (StructureMask()(label) == (value > 0)).all()
    assert not StructureMask(values=7)(label).any()


def test_values_that_are_told():
    label = torch.tensor([[[0, 1, 2, 3, 255]]])
    assert StructureMask(values=[1, 3])(label).tolist() == [[[0, 1, 0, 1, 0]]]
    assert StructureMask(values=0)(label).tolist() == [[[1, 0, 0, 0, 0]]]
    assert StructureMask(values=2)(label).dtype == torch.uint8


@pytest.mark.parametrize(
    ("values", "label", "message"),
    [
        (None, [0, 1, 2], r"the label holds 0, 1, 2, where a mask has 0 and one other value: say by values"),
        (None, [1, 2], "the label holds 1, 2, where"),
        (None, np.linspace(0, 1, 9), r"the label holds 0, 0\.125, .* \.\.\., where"),
        (7, [0, 1], r"the label holds 0, 1, none of the values \(7,\)"),
    ],
)
def test_what_does_not_say_which_is_refused(values, label, message):
    with pytest.raises(ValueError, match=message):
        StructureMask(values)(np.asarray(label, np.float32)[None, None])
