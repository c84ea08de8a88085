"""Ridges and walls of likelihoods."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.topology import stable_manifolds
from monai_topo.transforms import StableManifolds


@pytest.mark.parametrize("shape", [(2, 9, 14), (2, 6, 7, 8)], ids=str)
def test_every_channel_on_its_own(shape, rng):
    img = rng.random(shape).astype(np.float32)
    masks = StableManifolds(0.3, connectivity=1)(img)
    assert masks.shape == shape
    assert masks.dtype == np.uint8
    for channel, mask in zip(img, masks, strict=True):
        expected = stable_manifolds(channel, persistence_threshold=0.3, dims=range(1, channel.ndim), connectivity=1)
        assert 0 < expected.mean() < 1
        np.testing.assert_array_equal(mask, expected)


def test_dims_can_be_had_alone(rng):
    img = rng.random((1, 6, 7, 8))
    one, two, both = (StableManifolds(0.3, dims)(img) for dims in (1, 2, None))
    assert one.any()
    assert (two != one).any()
    np.testing.assert_array_equal(both, one | two)


@pytest.mark.parametrize("container", [np.asarray, torch.tensor])
def test_masks_are_small_integers(container):
    mask = StableManifolds()(container(np.array([[[0.9, 0.3, 0.8], [0.1, 0.1, 0.1]]], np.float32)))
    assert mask.tolist() == [[[1, 1, 1], [0, 0, 0]]]
    assert mask.dtype in (np.uint8, torch.uint8)


def test_errors():
    with pytest.raises(ValueError, match="persistence_threshold must be 0 or more"):
        StableManifolds(-1)
    with pytest.raises(ValueError, match="NaN or infinity in channel 0"):
        StableManifolds()(np.full((1, 3, 4), np.nan))
    with pytest.raises(ValueError, match="must be 1 for 2D data"):
        StableManifolds(dims=2)(np.ones((1, 3, 4)))
