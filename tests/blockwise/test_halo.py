"""Walls and gaps by blocks with a halo: as of the whole wherever the halo holds what they depend on."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage

from monai_topo import blockwise
from monai_topo.transforms import BridgeGaps, CloseWalls
from tests.blockwise.volumes import random_chunks


def cells(rng, shape, size=6):
    """Likelihood of the walls between cells of about a size, with noise and leaks."""
    seeds = np.zeros(shape, np.int64)
    grid = [np.arange(size // 2, n, size) for n in shape]
    places = np.stack(np.meshgrid(*grid, indexing="ij"), -1).reshape(-1, len(shape))
    places = np.clip(places + rng.integers(-1, 2, places.shape), 0, np.array(shape) - 1)
    seeds[tuple(places.T)] = np.arange(1, len(places) + 1)
    nearest = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    ids = seeds[tuple(nearest)]
    wall = ndimage.maximum_filter(ids, 2) != ndimage.minimum_filter(ids, 2)
    likelihood = ndimage.gaussian_filter(wall.astype(float), 0.6) + 0.05 * rng.random(shape)
    likelihood[rng.random(shape) < 0.02] *= 0.3
    return np.clip(likelihood, 0, 1)


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(48, 41), (40, 14, 11)], ids=str)
def test_walls_with_a_halo_of_some_cells_are_those_of_the_whole(shape, connectivity, rng):
    arguments = {"min_size": 8, "connectivity": connectivity, "sigma": 0.5}
    for _ in range(3):
        likelihood = cells(rng, shape)
        expected = CloseWalls(**arguments)(likelihood[None])[0].astype(bool)
        found = blockwise.close_walls(
            da.from_array(likelihood, chunks=(13, 20, 20)[: len(shape)]), halo=24, **arguments
        )
        assert found.shape == shape
        np.testing.assert_array_equal(found.compute(), expected)
        assert 0.1 < expected.mean() < 0.9


def test_walls_with_a_halo_of_the_whole(rng):
    for _ in range(4):
        shape = tuple(rng.integers(3, 12, rng.integers(2, 4)).tolist())
        likelihood = rng.random(shape).astype(np.float32)
        blocks = da.from_array(likelihood, chunks=random_chunks(rng, shape))
        expected = CloseWalls(min_size=3)(likelihood[None])[0]
        np.testing.assert_array_equal(blockwise.close_walls(blocks, min_size=3, halo=12).compute(), expected)


def test_a_halo_that_is_too_small_changes_walls_near_borders_of_blocks_only(rng):
    likelihood = cells(rng, (60, 40))
    expected = CloseWalls(min_size=0)(likelihood[None])[0].astype(bool)
    found = blockwise.close_walls(da.from_array(likelihood, chunks=(30, 40)), min_size=0, halo=0).compute()
    wrong = np.argwhere(found != expected)
    assert len(wrong)
    assert np.abs(wrong[:, 0] - 29.5).max() < 20


def test_bridges_with_a_halo_are_those_of_the_whole():
    likelihood = np.full((12, 60), 0.05)
    likelihood[3] = likelihood[8] = 0.9
    for start in (13, 29, 44):  # at borders of blocks, and not
        likelihood[3, start : start + 3] = 0.3
    expected = BridgeGaps(sigma=0)(likelihood[None])[0]
    assert expected[3].all()
    found = blockwise.with_halo(da.from_array(likelihood, chunks=(12, 15)), BridgeGaps(sigma=0), halo=14)
    np.testing.assert_array_equal(found.compute(), expected)
    alone = blockwise.with_halo(da.from_array(likelihood, chunks=(12, 15)), BridgeGaps(sigma=0), halo=0)
    assert not alone[3].compute().all()


def test_any_transform_sees_block_and_halo(rng):
    volume = rng.random((9, 8, 7))
    blocks = da.from_array(volume, chunks=random_chunks(rng, volume.shape))
    found = blockwise.with_halo(blocks, lambda image: ndimage.maximum_filter(image[0], 5)[None], 2, dtype=float)
    np.testing.assert_array_equal(found.compute(), ndimage.maximum_filter(volume, 5))


def test_errors():
    with pytest.raises(ValueError, match="halo must be 0 or more voxels, got -1"):
        blockwise.close_walls(np.zeros((4, 5)), halo=-1)
    with pytest.raises(ValueError, match=r"array must hold likelihoods in \[0, 1\], got values from 0 to 3"):
        blockwise.close_walls(np.full((4, 5), 3.0) * np.eye(4, 5), min_size=0).compute()
