"""Filters by blocks against scikit-image and our transform on the whole."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import label

from monai_topo import blockwise
from monai_topo.transforms import CloseWalls, FillCavities
from tests.blockwise.volumes import random_mask


@pytest.mark.parametrize("connectivity", [None, 1])
def test_small_components_of_random_volumes(connectivity, rng):
    for _ in range(40):
        mask, blocks = random_mask(rng)
        size = int(rng.choice([0, 1, 2, 3, 5, 20]))
        numbers = label(mask, connectivity=connectivity or mask.ndim)
        expected = mask & (np.bincount(numbers.ravel()) >= size)[numbers]
        found = blockwise.remove_small_components(blocks, size, connectivity)
        assert (found.chunks, found.dtype) == (blocks.chunks, bool)
        np.testing.assert_array_equal(found.compute(), expected)


@pytest.mark.parametrize("connectivity", [None, 1])
def test_cavities_of_random_volumes(connectivity, rng):
    for _ in range(40):
        mask, blocks = random_mask(rng)
        size = rng.choice([None, 0, 1, 2, 5])
        expected = FillCavities(size, connectivity=connectivity)(mask[None])[0]
        found = blockwise.fill_cavities(blocks, size, connectivity)
        assert (found.chunks, found.dtype) == (blocks.chunks, bool)
        np.testing.assert_array_equal(found.compute(), expected)


def test_what_crosses_blocks_is_as_large_as_its_parts_together():
    mask = np.zeros((9, 9, 9), bool)
    mask[4, 4, :] = True
    blocks = da.from_array(mask, chunks=2)
    assert blockwise.remove_small_components(blocks, 9).sum().compute() == 9
    assert blockwise.remove_small_components(blocks, 10).sum().compute() == 0
    shell = np.pad(np.zeros((5, 5, 5), bool), 2, constant_values=True)
    blocks = da.from_array(shell, chunks=3)
    assert blockwise.fill_cavities(blocks, 125).all().compute()
    np.testing.assert_array_equal(blockwise.fill_cavities(blocks, 124).compute(), shell)


def test_sizes_under_nothing_are_refused():
    with pytest.raises(ValueError, match="min_size must be 0 or more voxels, got -1"):
        blockwise.remove_small_components(np.eye(3), -1)
    with pytest.raises(ValueError, match="max_size must be None or 0 or more voxels, got nan"):
        blockwise.fill_cavities(np.eye(3), np.nan)


def test_closed_walls_need_only_their_halo(rng):
    """The recipe of docs/large.md: with a halo that holds all basins the result is that of the whole."""
    likelihood = gaussian_filter(rng.random((24, 26, 22)), 2)
    likelihood = (likelihood - likelihood.min()) / np.ptp(likelihood)
    close = CloseWalls(min_size=0)
    lazy = da.from_array(likelihood, chunks=12)
    walls = da.map_overlap(lambda block: close(block[None])[0], lazy, depth=22, boundary="none", dtype="uint8")
    np.testing.assert_array_equal(walls.compute(), close(likelihood[None])[0])
    walls = blockwise.remove_small_components(walls, 30)
    walls = ~blockwise.remove_small_components(~walls, 30, connectivity=1)
    np.testing.assert_array_equal(walls.compute(), CloseWalls(min_size=30)(likelihood[None])[0])
