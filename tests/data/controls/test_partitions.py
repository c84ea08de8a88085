"""Random partitions have the label's statistics, and nothing else of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from monai_topo.data import controls, phantoms
from monai_topo.data.phantoms.voronoi import voronoi_cells

SHAPES = [(30, 41), (17, 24, 30)]


def faces(mask):
    """Number of face-connected components, SciPy's."""
    return int(ndimage.label(mask)[1])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("spacing", [None, (1.0, 2.0, 5.0)], ids=str)
def test_every_voxel_belongs_to_the_nearest_center(shape, spacing, rng):
    sizes = np.array(spacing or (1.0,) * 3)[: len(shape)]
    centers = rng.uniform(0, shape, (7, len(shape))) * sizes
    ids, to_wall = voronoi_cells(centers, shape, None if spacing is None else sizes)
    voxels = np.indices(shape).reshape(len(shape), -1).T * sizes
    distances = np.linalg.norm(voxels[:, None] - centers, axis=2)
    np.testing.assert_array_equal(ids.ravel(), distances.argmin(axis=1) + 1)
    # moved straight toward the second nearest center by that length, a voxel is as far from both
    nearest, second = np.argsort(distances, axis=1)[:, :2].T
    way = centers[second] - centers[nearest]
    there = voxels + to_wall.reshape(-1, 1) * way / np.linalg.norm(way, axis=1, keepdims=True)
    np.testing.assert_allclose(
        np.linalg.norm(there - centers[nearest], axis=1), np.linalg.norm(there - centers[second], axis=1)
    )


def test_slabs_do_not_matter(monkeypatch, rng):
    centers = rng.uniform(0, 20, (5, 3))
    whole = voronoi_cells(centers, (20, 11, 13))
    monkeypatch.setattr("monai_topo.data.phantoms.voronoi._VOXELS", 11 * 13 * 3)
    for found, expected in zip(voronoi_cells(centers, (20, 11, 13)), whole, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_partition_is_that_of_a_tree_of_its_centers():
    """The rule of published tables: uniform centers, the nearest of them."""
    centers = np.random.default_rng(3).uniform(0, (14, 9, 11), (6, 3))
    expected = cKDTree(centers).query(np.indices((14, 9, 11)).reshape(3, -1).T)[1].reshape(14, 9, 11) + 1
    np.testing.assert_array_equal(controls.random_partition((14, 9, 11), 6, seed=3), expected)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_membranes_have_the_labels_statistics(shape):
    label = phantoms.membranes(shape, num_cells=9, seed=1).label > 0
    seeds = range(10, 14)  # the phantom's own seed would draw its centers again
    drawn = [controls.random_membranes(label, seed=seed) for seed in seeds]
    for mask in drawn:
        assert mask.sum() == label.sum()
        assert 0.5 * faces(~label) <= faces(~mask) <= 2 * faces(~label)  # thin walls would leak
    dice = [2 * (mask & label).sum() / (2 * label.sum()) for mask in drawn]
    share = label.mean()
    assert max(dice) < 2 * share < 0.9  # chance is the share of foreground
    assert (drawn[0] != drawn[1]).any()
    assert (controls.random_membranes(label, seed=11) == drawn[1]).all()


def test_instances_are_as_many_with_as_much_between_them():
    ids = phantoms.membranes((24, 30, 17), num_cells=9, seed=1).instances
    ids = np.where(phantoms.membranes((24, 30, 17), num_cells=9, seed=1).label > 0, 0, ids) * 1000
    drawn = controls.random_instances(ids, seed=2)
    assert len(np.unique(drawn)) == len(np.unique(ids))
    assert (drawn == 0).sum() == (ids == 0).sum()


def test_few_cells():
    assert (controls.random_partition((4, 5), 1) == 1).all()
    assert not controls.random_membranes(np.zeros((4, 5))).any()
    assert controls.random_membranes(np.ones((4, 5))).all()
    assert not controls.random_instances(np.zeros((4, 5), int)).any()
    with pytest.raises(ValueError, match="num_cells must be at least 1, got 0"):
        controls.random_partition((4, 5), 0)
