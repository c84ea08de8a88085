"""Random trees have the label's branches, lengths, radii and voxels, at other places."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from scipy import ndimage

from monai_topo.data import controls, phantoms
from monai_topo.data.controls.trees import _curve, _grow
from monai_topo.graphs import skeleton_graph

SPACINGS = [None, (1.0, 0.5, 3.0)]


@pytest.fixture
def label():
    """A tree, and a tube beside it."""
    found = np.zeros((40, 44, 30), np.uint8)
    found[:, :30] = phantoms.tree((40, 30, 30), num_branches=4, radius=2, seed=2).label
    found[5:35, 38:41, 8:11] = 1
    return found > 0


@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
def test_branches_are_those_of_the_graph(label, spacing):
    graph = skeleton_graph(label, spacing=spacing or 1.0)
    branches = controls.tree_branches(label, spacing)
    assert len(branches.trees) == networkx.number_connected_components(graph) == 2
    lengths = sorted(length for tree in branches.trees for _, length, _ in tree)
    assert lengths == pytest.approx(sorted(length for *_, length in graph.edges.data("length")))
    assert branches.count == label.sum()
    distance = ndimage.distance_transform_edt(label, sampling=spacing)
    radii = [radius for tree in branches.trees for *_, radius in tree]
    assert 0 < min(radii) <= max(radii) <= distance.max()
    assert all(before < number for tree in branches.trees for number, (before, *_) in enumerate(tree))


def test_a_radius_in_another_unit_is_seen():
    tube = np.zeros((30, 15, 15), bool)
    tube[:, 4:11, 4:11] = True
    radii = [controls.tree_branches(tube, (size,) * 3).trees[0][0][2] for size in (1.0, 2.0)]
    assert radii[1] == pytest.approx(2 * radii[0])
    assert 2.5 < radii[0] <= 4


@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
def test_lengths_are_kept_to_a_step(label, spacing):
    branches = controls.tree_branches(label, spacing)
    sizes = np.array(branches.spacing)
    for tree in branches.trees:
        points, radii = _grow(tree, branches, np.random.default_rng(0))
        assert (points >= 0).all()
        assert (points <= (np.array(label.shape) - 1) * sizes).all()
        ends = np.cumsum([int(np.ceil(length / (0.5 * sizes.min()))) + 1 for _, length, _ in tree])
        parts = np.split(points, ends[:-1])
        for number, ((before, length, radius), part) in enumerate(zip(tree, parts, strict=True)):
            steps = np.linalg.norm(np.diff(part, axis=0), axis=1)
            # where it is reflected a step is shorter
            assert 0.9 * length - 1 <= steps.sum() <= length + 0.5 * sizes.min()
            assert (radii[ends[number] - len(part) : ends[number]] == radius).all()
            if before >= 0:
                np.testing.assert_allclose(part[0], parts[before][-1])


def test_the_mask_has_as_many_voxels_and_other_places(label):
    drawn = [controls.random_trees(label, seed=seed) for seed in range(4)]
    assert {int(mask.sum()) for mask in drawn} == {int(label.sum())}
    assert np.mean([(mask & label).sum() / label.sum() for mask in drawn]) < 0.3
    assert [int(ndimage.label(mask, np.ones((3, 3, 3)))[1]) for mask in drawn] != [1] * 4
    assert (drawn[0] != drawn[1]).any()
    assert (controls.random_trees(label, seed=1) == drawn[1]).all()


def test_a_curve_bends_and_keeps_inside(rng):
    extent = np.array([20.0, 30.0])
    curve = _curve(np.array([[1.0, 1.0]]), 500.0, 0.5, extent, rng)
    assert (curve >= 0).all()
    assert (curve <= extent).all()
    assert np.ptp(curve, axis=0).min() > 5


@pytest.mark.parametrize("shape", [(9, 12), (9, 12, 7)], ids=str)
def test_empty_full_and_single_voxels(shape):
    assert not controls.random_trees(np.zeros(shape)).any()
    assert controls.random_trees(np.ones(shape)).all()
    speck = np.zeros(shape, bool)
    speck[(4,) * len(shape)] = True
    assert controls.random_trees(speck).sum() == 1
