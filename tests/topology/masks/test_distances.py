"""Distances to the background against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter

from monai_topo.topology import distance_to_background


@pytest.mark.parametrize("shape", [(9, 13), (1, 7), (5, 6, 11), (1, 1, 4), (20, 1, 3)], ids=str)
def test_as_scipy(shape):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(shape)
        mask = gaussian_filter(noise, seed % 3) > rng.choice([-0.5, -0.1, 0.1])
        mask[(0,) * len(shape)] = False
        np.testing.assert_array_equal(distance_to_background(mask), distance_transform_edt(mask).astype(np.float32))


def test_thick_and_far():
    mask = np.ones((40, 50, 45), bool)
    mask[3, 47, 20] = mask[38, 2, 44] = False
    np.testing.assert_array_equal(distance_to_background(mask), distance_transform_edt(mask).astype(np.float32))


def test_nothing_outside_and_nothing_inside():
    assert np.isinf(distance_to_background(np.ones((3, 4), bool))).all()
    assert not distance_to_background(np.zeros((3, 4, 5), bool)).any()


def test_containers_and_layouts():
    mask = np.random.default_rng(0).random((6, 7, 8)) < 0.7
    expected = distance_to_background(mask)
    for same in (torch.tensor(mask), np.asfortranarray(mask), mask.astype(np.uint8), mask[::-1][::-1]):
        np.testing.assert_array_equal(distance_to_background(same), expected)
    with pytest.raises(ValueError, match="0 and 1"):
        distance_to_background(np.full((3, 4), 2))
