"""Phantoms have the topology they claim, by gudhi, and are reproducible."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_topo.data import phantoms
from monai_topo.topology import persistence_pairs

CASES = [
    (phantoms.shells, (30, 34), {"count": 2}, (2, 2)),
    (phantoms.shells, (26, 30, 28), {"count": 2}, (2, 0, 2)),
    (phantoms.tori, (26, 30, 28), {"count": 2}, (2, 2, 0)),
    (phantoms.tube, (30, 24), {}, (1, 0)),
    (phantoms.tube, (20, 24, 22), {}, (1, 0, 0)),
    (phantoms.tree, (40, 36), {"num_branches": 3}, (1, 0)),
    (phantoms.tree, (24, 26, 28), {"num_branches": 4}, (1, 0, 0)),
    (phantoms.membranes, (40, 50), {"num_cells": 9}, (0, 8)),
    (phantoms.membranes, (24, 28, 26), {"num_cells": 7}, (0, 0, 6)),
]


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize(("make", "shape", "options", "expected"), CASES, ids=lambda v: getattr(v, "__name__", str(v)))
def test_betti_numbers_by_gudhi(make, shape, options, expected, connectivity):
    phantom = make(shape, seed=3, **options)
    assert phantom.betti_numbers == expected
    label = phantom.label.astype(float)
    pairs = persistence_pairs(label, connectivity=connectivity, frame=phantom.frame, engine="gudhi")
    assert tuple(len(birth) for birth in pairs.birth.values()) == expected


@pytest.mark.parametrize(("make", "shape", "options", "expected"), CASES, ids=lambda v: getattr(v, "__name__", str(v)))
def test_seeds(make, shape, options, expected):
    one, same, other = (make(shape, seed=seed, num_gaps=2, **options) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.image, same.image)
    np.testing.assert_array_equal(one.label, same.label)
    assert not np.array_equal(one.label, other.label)


@pytest.mark.parametrize(("make", "shape", "options", "expected"), CASES, ids=lambda v: getattr(v, "__name__", str(v)))
def test_image_shows_the_label(make, shape, options, expected):
    phantom = make(shape, noise=0.05, **options)
    assert phantom.image.shape == phantom.label.shape == shape
    assert phantom.image.dtype == np.float32
    assert phantom.label.dtype == np.uint8
    assert 0 <= phantom.image.min() < phantom.image.max() <= 1
    inside, outside = (phantom.image[phantom.label == value].mean() for value in (1, 0))
    assert abs(inside - outside) > 0.3
    assert (inside < outside) == (make is phantoms.membranes)


def test_gaps_make_the_structure_faint():
    whole, broken = (phantoms.tube((40, 24), noise=0.0, num_gaps=gaps, seed=1) for gaps in (0, 3))
    np.testing.assert_array_equal(whole.label, broken.label)
    weakest = [ndimage.maximum_filter(p.image, 5)[p.label == 1].min() for p in (whole, broken)]
    assert weakest[0] > 0.6
    assert weakest[1] < 0.5


def test_membranes_know_their_cells():
    phantom = phantoms.membranes((30, 34, 32), num_cells=8)
    assert phantom.instances.shape == phantom.label.shape
    assert np.unique(phantom.instances).tolist() == list(range(1, 9))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="shape must have 2 or 3 axes of at least 12 voxels"):
        phantoms.tube((40, 8))
    with pytest.raises(ValueError, match="3 axes"):
        phantoms.tori((20, 20))
    with pytest.raises(ValueError, match="no structure with Betti numbers"):
        phantoms.shells((12, 12), count=20)


@pytest.mark.parametrize("shape", [(40, 41), (41, 40, 45)])
@pytest.mark.parametrize("rounding", [1 - 1e-15, 1 + 1e-15])
def test_rounding_of_a_processor_changes_nothing(shape, rounding, monkeypatch):
    expected = phantoms.tree(shape, num_branches=3, seed=2)
    norm = np.linalg.norm
    monkeypatch.setattr(np.linalg, "norm", lambda *args, **kwargs: rounding * norm(*args, **kwargs))
    np.testing.assert_array_equal(phantoms.tree(shape, num_branches=3, seed=2).label, expected.label)


def test_trees_of_many_branches():
    assert phantoms.tree((32, 40, 36), num_branches=12, seed=1).betti_numbers == (1, 0, 0)


@pytest.mark.parametrize("make", [phantoms.tube, phantoms.tree])
@pytest.mark.parametrize("radius", [0.3, float("nan")])
def test_tubes_too_thin_are_refused(make, radius):
    with pytest.raises(ValueError, match="radius must be at least 1 voxel"):
        make((20, 24), radius=radius)
