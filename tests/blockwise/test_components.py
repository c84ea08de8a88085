"""Components by blocks against scikit-image's of the whole."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import label

from monai_topo import blockwise
from tests.blockwise.volumes import random_mask


def check(mask, blocks, connectivity):
    ids = blockwise.label_components(blocks, connectivity)
    found, expected = ids.compute(), label(mask, connectivity=connectivity or mask.ndim)
    assert (ids.chunks, ids.dtype) == (blocks.chunks, found.dtype)
    pairs = np.unique(np.stack([expected.ravel(), found.ravel()]), axis=1)
    assert sorted(pairs[1]) == list(range(expected.max() + 1)) if 0 in pairs else list(range(1, expected.max() + 1))
    assert len(pairs[0]) == len(np.unique(expected))
    np.testing.assert_array_equal(found == 0, ~mask)
    if all(len(sizes) == 1 for sizes in blocks.chunks[1:]):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("connectivity", [None, 1])
def test_random_volumes(connectivity, rng):
    for _ in range(40):
        check(*random_mask(rng), connectivity)


@pytest.mark.slow
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("seed", range(5))
def test_many_random_volumes(connectivity, seed):
    rng = np.random.default_rng(seed)
    for _ in range(100):
        check(*random_mask(rng), connectivity)


@pytest.mark.parametrize("connectivity", [None, 1])
def test_sections_that_are_not_connected(connectivity, rng):
    for _ in range(10):
        mask, blocks = random_mask(rng)
        axis = int(rng.integers(-mask.ndim, mask.ndim))
        found = blockwise.label_components(blocks, connectivity, section_axis=axis).compute()
        neighbors = ndimage.generate_binary_structure(mask.ndim, connectivity or mask.ndim)
        np.moveaxis(neighbors, axis, 0)[[0, 2]] = False
        expected, count = ndimage.label(mask, neighbors)
        pairs = np.unique(np.stack([expected.ravel(), found.ravel()]), axis=1)
        assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]
        np.testing.assert_array_equal(found == 0, ~mask)
        assert found.max(initial=0) == count
    with pytest.raises(ValueError, match="section_axis must be an axis of"):
        blockwise.label_components(blocks, section_axis=7)


def test_numbers_go_from_block_to_block():
    mask = np.array([[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0]])
    found = blockwise.label_components(da.from_array(mask, chunks=2)).compute()
    np.testing.assert_array_equal(found, [[1, 0, 0, 2], [0, 0, 0, 0], [0, 3, 3, 0], [3, 0, 0, 0]])


def test_the_type_holds_the_last_id():
    boards = (np.indices((32, 32)).sum(axis=0) % 2)[:, :31]
    for rows, dtype in ((16, np.uint8), (17, np.uint16)):
        ids = blockwise.label_components(da.from_array(boards[:rows], chunks=5), connectivity=1)
        assert (ids.dtype, int(ids.max())) == (dtype, boards[:rows].sum())


def test_blocks_are_computed_one_by_one_and_alike(rng):
    blocks = da.from_array(rng.random((12, 13, 14)) < 0.3, chunks=5)
    ids = blockwise.label_components(blocks)
    whole = ids.compute()
    np.testing.assert_array_equal(ids.blocks[1, 2, 0].compute(), whole[5:10, 10:13, :5])
    with dask.config.set(scheduler="threads", num_workers=2):
        np.testing.assert_array_equal(blockwise.label_components(blocks).compute(), whole)
