"""Tubes around skeletons: by dilation voxel by voxel, class by class."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from monai_topo.graphs import centerline_mask
from monai_topo.topology import betti_numbers
from monai_topo.transforms import SkeletonTube, SkeletonTubed
from tests.topology.images import make


def within_steps(skeleton, steps):
    """Voxels at most so many steps along faces from the skeleton, by looking at every pair."""
    places = np.argwhere(np.ones(skeleton.shape))
    away = np.abs(places[:, None] - places[skeleton.ravel()][None]).sum(axis=-1).min(axis=1, initial=99)
    return (away <= steps).reshape(skeleton.shape)


@pytest.mark.parametrize("shape", [(11, 14), (6, 8, 9)], ids=str)
@pytest.mark.parametrize("dilations", [0, 1, 2])
def test_tubes_of_curves(shape, dilations):
    masks = np.stack([make("smooth", shape, seed=seed) for seed in range(3)])
    masks = masks > np.median(masks)
    tubes = SkeletonTube(dilations)(masks)
    for mask, tube in zip(masks, tubes, strict=True):
        skeleton = centerline_mask(mask) & mask
        np.testing.assert_array_equal(tube, within_steps(skeleton, dilations) & mask)
        assert skeleton.sum() < mask.sum()


def test_classes_stay_apart():
    label = np.random.default_rng(0).integers(0, 4, (1, 9, 12)).astype(np.int64)
    tubes = SkeletonTube()(label)
    for value in (1, 2, 3):
        np.testing.assert_array_equal(tubes[0] == value, SkeletonTube()(label == value)[0])
    assert ((tubes == label) | (tubes == 0)).all()


@pytest.mark.parametrize("value", [255, -1])
def test_an_ignored_value_is_no_class(value):
    label = np.random.default_rng(0).integers(0, 3, (1, 9, 12))
    marked = np.where(label == 2, value, label)
    expected = np.where(label == 2, 0, SkeletonTube()(label))
    np.testing.assert_array_equal(SkeletonTube(ignore_index=value)(marked), expected)
    assert (SkeletonTube()(marked) == value).any()


def test_large_ids_take_no_memory():
    label = np.zeros((1, 5, 7), np.int64)
    label[0, 1:4, 1:6] = 2**60 + 1
    assert set(np.unique(SkeletonTube(0)(label)).tolist()) == {0, 2**60 + 1}


def test_appended_tubes_follow_the_label():
    label = (np.random.default_rng(1).random((2, 8, 9)) < 0.6).astype(np.uint8)
    item = SkeletonTubed("label", dilations=1, append=True)({"label": label})
    np.testing.assert_array_equal(item["label"][:2], label)
    np.testing.assert_array_equal(item["label"][2:], SkeletonTube(1)(label))
    assert item["label"].dtype == np.uint8


@pytest.mark.parametrize("thickness", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_middle_of_a_wall(thickness, axis):
    wall = np.zeros((8, 13, 14), bool)
    wall[1 : 1 + thickness] = True
    surface = np.moveaxis(SkeletonTube(0, "surface")(np.moveaxis(wall, 0, axis)[None])[0], axis, 0)
    lost = thickness // 2
    [layer] = np.flatnonzero(surface.any(axis=(1, 2)))
    assert abs(layer - (1 + (thickness - 1) / 2)) <= 0.5
    assert surface[layer, lost : 13 - lost, lost : 14 - lost].all()
    assert surface.sum() == (13 - 2 * lost) * (14 - 2 * lost)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_surfaces_have_the_topology_of_the_mask(share, rng):
    for _ in range(10):
        mask = rng.random((1, 7, 8, 9)) < share
        surface = SkeletonTube(0, "surface")(mask)
        assert betti_numbers(surface[0]) == betti_numbers(mask[0])
        assert not (surface & ~mask).any()


def test_a_closed_membrane_stays_closed_and_thin(rng):
    away = np.linalg.norm(np.indices((20, 22, 24)).T - [10, 11, 12], axis=-1).T
    shell = np.abs(away - 7) < 1.8 + 0.5 * gaussian_filter(rng.standard_normal(away.shape), 1)
    surface = SkeletonTube(0, "surface")(shell[None])[0]
    assert betti_numbers(surface)[2] == betti_numbers(shell)[2] >= 1
    assert np.abs(away - 7)[surface].max() < 1.5
    assert surface.sum() < 0.3 * shell.sum()
    curve = SkeletonTube(0, "curve")(shell[None])[0]
    assert betti_numbers(curve)[2] == 0  # what no curve holds


def test_in_2d_walls_are_curves():
    mask = make("smooth", (15, 16), seed=2)[None] > 0.5
    np.testing.assert_array_equal(SkeletonTube(0, "surface")(mask), SkeletonTube(0)(mask))


def test_bad_arguments():
    with pytest.raises(ValueError, match="dilations must be a whole number of at least 0"):
        SkeletonTube(-1)
    with pytest.raises(ValueError, match="kind must be one of"):
        SkeletonTube(kind="wall")
    with pytest.raises(ValueError, match="threshold a likelihood"):
        SkeletonTube()(np.full((1, 3, 3), 0.5))
