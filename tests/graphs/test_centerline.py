"""Centerlines are scikit-image's skeletons, and keep what these lose."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.measure import label
from skimage.morphology import skeletonize

from monai_topo.data import phantoms
from monai_topo.graphs import centerline_mask, skeleton_graph


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(60, 70), (40, 44, 48)], ids=str)
def test_smooth_tubes_are_scikit_images(shape, seed):
    mask = phantoms.tree(shape, num_branches=3, radius=2, seed=seed).label.astype(bool)
    np.testing.assert_array_equal(centerline_mask(mask), skeletonize(mask))


@pytest.mark.parametrize("width", [2, 3, 4, 6])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_straight_tubes_of_any_width_are_there(width, axis):
    shape = [width, width, 40]
    mask = np.pad(np.ones(shape, bool), ((1, 0), (2, 1), (0, 3))).swapaxes(axis, 2)
    found = np.argwhere(centerline_mask(mask))
    assert np.ptp(found[:, axis]) + 1 == len(found) >= 40 - width
    assert mask[tuple(found.T)].all()


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_no_branch_of_a_fork_is_lost(width):
    fork = np.zeros((44, 34, 8), bool)
    fork[2:42, 10 : 10 + width, 2 : 2 + width] = True
    fork[20 : 20 + width, 10:32, 2 : 2 + width] = True
    graph = skeleton_graph(fork)
    assert sorted(degree for _, degree in graph.degree) == [1, 1, 1, 3]
    assert graph.size("length") == pytest.approx(40 + 20, abs=3 * width)


def test_blobs_keep_one_component_each(rng):
    smooth = gaussian_filter(rng.standard_normal((30, 32, 34)), 2)
    blobs = smooth > np.quantile(smooth, 0.96)
    count = label(blobs, connectivity=3).max()
    assert label(skeletonize(blobs), connectivity=3).max() < count
    kept = centerline_mask(blobs)
    assert label(kept, connectivity=3).max() == count > 10
    assert (distance_transform_edt(~kept)[blobs] < 12).all()


def test_a_thick_tube_gets_no_hairs():
    angle = np.linspace(0, np.pi, 200)
    middle = np.zeros((50, 50, 30), bool)
    middle[(25 + 15 * np.cos(angle)).astype(int), (10 + 25 * np.sin(angle)).astype(int), 15] = True
    graph = skeleton_graph(distance_transform_edt(~middle) <= 5)
    assert networkx.is_tree(graph)
    assert sum(degree == 1 for _, degree in graph.degree) == 2
