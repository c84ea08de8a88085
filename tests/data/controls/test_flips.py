"""A random repair flips as many voxels as a repair, at its distances from the surface."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_topo.data import controls


def counts(before, after):
    """Voxels added and removed by their distance from the surface, SciPy's."""
    found = []
    for side in (~before, before):
        distance = np.ceil(ndimage.distance_transform_edt(side) - 1e-9)
        found.append(np.bincount(distance[side & (before != after)].astype(int), minlength=9).tolist())
    return found


@pytest.mark.parametrize("shape", [(40, 31), (20, 17, 14)], ids=str)
def test_flips_are_as_many_at_the_same_distances(shape, rng):
    before = ndimage.gaussian_filter(rng.normal(size=shape), 1.5) > 0.02
    repaired = ndimage.binary_closing(before) & (rng.random(shape) < 0.97)
    drawn = [controls.random_flips(before, repaired, seed=seed) for seed in range(3)]
    assert (before != repaired).sum() > 20
    for mask in drawn:
        assert counts(before, mask) == counts(before, repaired)
        assert (mask != repaired).any()
    assert (drawn[0] != drawn[1]).any()
    anywhere = before.copy()  # what a draw over the whole volume would be
    anywhere.flat[rng.choice(before.size, int((before != repaired).sum()), replace=False)] ^= True
    assert counts(before, anywhere) != counts(before, repaired)


def test_no_repair_is_no_flip_and_all_can_be_flipped(rng):
    before = rng.random((6, 7)) < 0.5
    assert (controls.random_flips(before, before) == before).all()
    assert (controls.random_flips(before, ~before) == ~before).all()
    empty = np.zeros((6, 7), bool)
    assert controls.random_flips(empty, before).sum() == before.sum()
    assert (~controls.random_flips(~empty, before)).sum() == (~before).sum()
    with pytest.raises(ValueError, match=r"must have one shape, got \(6, 7\) and \(7, 6\)"):
        controls.random_flips(before, before.T)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_moved_by_one_voxel(axis, rng):
    ids = rng.integers(0, 9, (4, 5, 6))
    found = np.moveaxis(controls.moved(ids, axis), axis, 0)
    np.testing.assert_array_equal(found[1:], np.moveaxis(ids, axis, 0)[:-1])
    np.testing.assert_array_equal(found[0], np.moveaxis(ids, axis, 0)[0])
