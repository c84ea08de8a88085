"""Counting by runs and cells against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import euler_number, label

from monai_topo.topology.masks.cells import count_components, face_euler_characteristic, pack_rows


def components(volume, *options):
    return count_components(pack_rows(volume), volume.shape[2], *options)


def euler_characteristic(volume):
    return face_euler_characteristic(pack_rows(volume))


@pytest.mark.parametrize("density", [0.15, 0.4, 0.7])
@pytest.mark.parametrize("shape", [(1, 17, 23), (5, 6, 16), (4, 3, 40), (6, 9, 14), (5, 1, 8), (3, 4, 1)], ids=str)
def test_components(shape, density, rng):
    volume = (rng.random(shape) < density).astype(np.uint8)
    for value in (0, 1):
        for diagonal in (False, True):
            expected = label(volume == value, connectivity=3 if diagonal else 1, return_num=True)[1]
            assert components(volume, value, diagonal, False, False) == expected


@pytest.mark.parametrize(("shape", "planar"), [((1, 17, 23), True), ((1, 17, 23), False), ((6, 9, 14), False)], ids=str)
def test_components_that_do_not_touch_the_border(shape, planar, rng):
    volume = (rng.random(shape) < 0.2).astype(np.uint8)
    border = np.ones(shape, bool)
    border[slice(None) if planar else slice(1, -1), 1:-1, 1:-1] = False
    for diagonal in (False, True):
        labels, count = label(volume, connectivity=3 if diagonal else 1, return_num=True)
        touching = len(np.unique(labels[border & (labels > 0)]))
        assert touching > 0
        assert components(volume, 1, diagonal, True, planar) == count - touching


@pytest.mark.parametrize("density", [0.15, 0.4, 0.7])
@pytest.mark.parametrize("shape", [(6, 9, 14), (5, 2, 8), (3, 4, 3), (4, 3, 33)], ids=str)
def test_euler_characteristic(shape, density, rng):
    volume = (rng.random(shape) < density).astype(np.uint8)
    assert euler_characteristic(volume) == euler_number(volume, connectivity=1)


def test_euler_characteristic_of_an_image(rng):
    image = (rng.random((13, 17)) < 0.5).astype(np.uint8)
    expected = euler_number(image, connectivity=1)
    assert expected != euler_number(image, connectivity=2)
    assert euler_characteristic(image[None]) == expected


def test_long_runs_and_chains_of_merges():
    """A spiral is one component whose runs meet only at its end; without it there are two."""
    spiral = np.zeros((1, 9, 9), np.uint8)
    spiral[0, 0] = spiral[0, :, 8] = spiral[0, 8] = spiral[0, 2:, 0] = spiral[0, 2, :7] = spiral[0, 2:7, 6] = 1
    assert components(spiral, 1, False, False, True) == 1
    spiral[0, 4, 8] = 0
    assert components(spiral, 1, False, False, True) == 2


def test_any_layout_in_memory(rng):
    volume = rng.random((6, 9, 14)) < 0.3
    expected = label(volume, connectivity=1, return_num=True)[1]
    for stored in (np.asfortranarray(volume), np.repeat(volume, 2, axis=2)[..., ::2], volume[::-1].copy()[::-1]):
        assert not stored.flags.c_contiguous
        assert components(stored, 1, False, False, False) == expected
        assert euler_characteristic(stored) == euler_number(volume, connectivity=1)
