"""Clipped distance maps against distances between all pairs of voxels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Flip, Spacing

from monai_topo.transforms import ClippedDistanceMap


def distances_by_pairs(mask, spacing, max_distance):
    """To the nearest voxel of the mask, by looking at every pair of voxels."""
    places = np.argwhere(np.ones(mask.shape)) * spacing
    away = np.linalg.norm(places[:, None] - places[mask.ravel()][None], axis=-1).min(axis=1, initial=np.inf)
    return np.minimum(away, max_distance).reshape(mask.shape)


@pytest.mark.parametrize("spacing", [1.0, (0.5, 3.0), (2.0, 0.25, 1.5)])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 1.0])
def test_nearest_of_all_pairs(rng, spacing, signed, density):
    shape = (5, 9) if np.size(spacing) == 2 else (4, 6, 7)
    masks = rng.random((2, *shape)) < density
    expected = [distances_by_pairs(mask, np.asarray(spacing), 2.5) for mask in masks]
    if signed:
        inside = [distances_by_pairs(~mask, np.asarray(spacing), 2.5) for mask in masks]
        expected = np.subtract(expected, inside)
    done = ClippedDistanceMap(2.5, signed, spacing)(masks)
    np.testing.assert_allclose(done, expected, rtol=1e-6)
    assert done.dtype == np.float32


def test_units_come_from_the_affine():
    mask = torch.zeros(1, 3, 4, 5)
    mask[0, 0, 0, 0] = 1
    affine = torch.tensor([[0.0, 4.0, 0, 9], [-0.5, 0, 0, 8], [0, 0, 40.0, 7], [0, 0, 0, 1]])  # axes exchanged, flipped
    done = ClippedDistanceMap(70.0)(MetaTensor(mask, affine=affine))
    assert done[0, 2, 0, 0] == 1.0
    assert done[0, 0, 3, 0] == 12.0
    assert done[0, 0, 0].tolist() == [0, 40, 70, 70, 70]
    assert ClippedDistanceMap(70.0)(mask)[0, 0, 3, 4] == 5.0
    assert ClippedDistanceMap(70.0, spacing=2)(MetaTensor(mask, affine=affine))[0, 0, 3, 4] == 10.0


def test_units_of_an_image():
    mask = MetaTensor(torch.eye(4)[None, :, :3], affine=torch.diag(torch.tensor([2.0, 5.0, 1.0, 1.0])))
    assert ClippedDistanceMap(9.0)(mask)[0, :, 0].tolist() == [0, 2, 4, 6]


def test_it_follows_the_grid_of_other_transforms():
    mask = MetaTensor(torch.zeros(1, 6, 4, 4), affine=torch.diag(torch.tensor([1.0, 2.0, 3.0, 1.0])))
    mask[0, 0] = 1
    coarse = Spacing((2.0, 2.0, 3.0), mode="nearest")(mask)
    assert ClippedDistanceMap(20.0)(coarse)[0, 2, 0, 0] == 4.0
    flip = Flip(0)
    done = ClippedDistanceMap(20.0)(flip(mask))
    assert torch.equal(flip.inverse(done), ClippedDistanceMap(20.0)(mask))


@pytest.mark.parametrize("max_distance", [0, -1.0, np.inf, np.nan])
def test_bad_max_distance(max_distance):
    with pytest.raises(ValueError, match="max_distance must be positive"):
        ClippedDistanceMap(max_distance)


def test_bad_spacing():
    with pytest.raises(ValueError, match="spacing must be positive"):
        ClippedDistanceMap(1.0, spacing=(1.0, 0.0))
    with pytest.raises(ValueError, match="each of the 3 axes"):
        ClippedDistanceMap(1.0, spacing=(1.0, 2.0))(np.zeros((1, 3, 3, 3)))


def test_likelihoods_and_label_maps_are_refused():
    for wrong in (np.full((1, 3, 3), 0.5), np.full((1, 3, 3), 255)):
        with pytest.raises(ValueError, match="only 0 and 1"):
            ClippedDistanceMap(1.0)(wrong)
