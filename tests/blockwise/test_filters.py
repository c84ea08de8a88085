"""Filters by blocks against scikit-image and our transform on the whole."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from skimage.measure import label

from monai_topo import blockwise
from monai_topo.transforms import FillCavities
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
