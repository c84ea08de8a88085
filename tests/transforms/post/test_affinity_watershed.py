"""AffinityWatershed finds the objects again that affinities were made of."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label
from skimage.segmentation import relabel_sequential, watershed

from monai_topo.transforms import AffinityWatershed, InstanceToAffinities

LONG = {
    2: [(-1, 0), (0, -1), (-4, 0), (0, -4), (-3, -3)],
    3: [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (-3, 0, 0), (0, -3, 3)],
}


def cells(shape):
    rng = np.random.default_rng(1)
    seeds = np.zeros(shape, int)
    seeds[tuple(rng.integers(0, size, 6) for size in shape)] = np.arange(1, 7)
    return relabel_sequential(label(watershed(rng.random(shape), seeds), connectivity=1))[0]


@pytest.mark.parametrize("settings", [{"seed_threshold": 0.7}, {}], ids=["seeds", "mutex"])
@pytest.mark.parametrize("shape", [(14, 15), (7, 8, 9)], ids=str)
def test_right_affinities_give_the_objects(shape, settings):
    ids = cells(shape)
    offsets = LONG[len(shape)] if not settings else None
    affinities = InstanceToAffinities(offsets)(ids[None])
    rng = np.random.default_rng(2)
    noisy = np.clip(0.1 + 0.8 * affinities + 0.05 * rng.standard_normal(affinities.shape), 0, 1)
    if settings:
        noisy = np.where(affinities > 0, np.maximum(noisy, 0.71), noisy)
    found = AffinityWatershed(offsets, threshold=0.5, **settings)(noisy)[0]
    expected = label(ids, connectivity=1)
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == found.max() == expected.max()


def test_small_objects_go():
    affinities = np.zeros((2, 1, 6))
    affinities[1, 0] = [0, 0.9, 0.9, 0.1, 0.1, 0.9]
    found = AffinityWatershed(seed_threshold=0.8, threshold=0.5, min_size=2)(affinities)
    np.testing.assert_array_equal(found[0], [[1, 1, 1, 0, 2, 2]])


def test_bad_input():
    with pytest.raises(ValueError, match="seed_threshold must be given where all offsets have the length 1"):
        AffinityWatershed()
    with pytest.raises(ValueError, match="from 0 to 1 in this order"):
        AffinityWatershed(seed_threshold=0.3, threshold=0.5)
    with pytest.raises(ValueError, match="offsets must be None"):
        AffinityWatershed([], 0.5)
    with pytest.raises(ValueError, match="a channel for each of the offsets"):
        AffinityWatershed(seed_threshold=0.5)(np.zeros((3, 4, 4)))
