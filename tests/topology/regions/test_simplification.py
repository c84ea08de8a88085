"""Simplified likelihoods: their diagrams by gudhi, and the voxels that were changed."""

from __future__ import annotations

import numpy as np
import pytest

from monai_topo.topology import betti_numbers, persistence_pairs
from monai_topo.topology.regions import simplification as module
from monai_topo.topology.regions.simplification import simplify
from tests.topology.images import make

SHAPES = [(5, 9), (17, 23), (4, 6, 7), (9, 11, 10), (1, 8), (3, 1, 5)]
CASES = [("white", 0.15), ("white", 0.5), ("smooth", 0.03), ("tied", 0.3), ("binary", 0.5), ("constant", 0.5)]


def persistences(image, connectivity, **options):
    """Of every feature that dies, by dimension, by gudhi."""
    pairs = persistence_pairs(image, connectivity=connectivity, engine="gudhi", **options)
    values = np.asarray(image, dtype=np.float64).ravel()
    return {k: (values[pairs.birth[k]] - values[pairs.death[k]])[pairs.death[k] >= 0] for k in pairs.dims}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("kind", "threshold"), CASES)
@pytest.mark.parametrize("connectivity", [None, 1])
def test_the_diagram_is_the_proof(shape, kind, threshold, connectivity):
    image = make(kind, shape, seed=7)
    before = image.copy()
    simple = simplify(image, threshold, connectivity=connectivity)
    np.testing.assert_array_equal(image, before)
    assert simple.dtype == image.dtype
    for found in persistences(simple, connectivity).values():
        assert (found > threshold).all()
    np.testing.assert_array_equal(simplify(simple, threshold, connectivity=connectivity), simple)
    assert simple.min() >= image.min()
    assert simple.max() <= image.max()


@pytest.mark.parametrize("shape", [(17, 23), (9, 11, 10)], ids=str)
@pytest.mark.parametrize("dim", [0, -1])
@pytest.mark.parametrize("connectivity", [None, 1])
def test_flattened_diagrams_lose_the_low_points_and_nothing_else(monkeypatch, shape, dim, connectivity):
    monkeypatch.setattr(module, "_ROUNDS_WITH_PATHS", 0)
    image = make("white", shape, seed=8)
    dims = dim % len(shape)
    simple = simplify(image, 0.2, dims=dims, connectivity=connectivity)
    assert np.abs(simple - image).max() <= 0.2
    before, after = (persistences(one, connectivity, dims=dims)[dims] for one in (image, simple))
    assert (before <= 0.2).any()
    np.testing.assert_array_equal(np.sort(before[before > 0.2]), np.sort(after))


@pytest.mark.parametrize("shape", [(17, 23), (9, 11, 10)], ids=str)
@pytest.mark.parametrize("connectivity", [None, 1])
def test_paths_change_fewer_voxels(monkeypatch, shape, connectivity):
    image = make("smooth", shape, seed=9)
    with_paths = simplify(image, 0.05, connectivity=connectivity)
    monkeypatch.setattr(module, "_ROUNDS_WITH_PATHS", 0)
    flattened = simplify(image, 0.05, connectivity=connectivity)
    assert 0 < (with_paths != image).sum() < (flattened != image).sum()


@pytest.mark.parametrize("seed", range(3))
def test_what_stands_out_stays(seed):
    image = make("white", (17, 23), seed)
    for k, found in persistences(image, None).items():
        left = persistences(simplify(image, 0.1), None)[k]
        assert (found > 0.3).sum() <= (left > 0.1).sum()
        assert (left > 0.3).sum() <= (found > 0.1).sum()


def test_a_gap_is_bridged_by_its_voxels():
    vessel = np.zeros((7, 15))
    vessel[3, 1:14] = 0.9
    vessel[3, 7:9] = 0.75
    simple = simplify(vessel, 0.2)
    assert np.argwhere(simple != vessel).tolist() == [[3, 7], [3, 8]]
    assert simple[3, 7] == 0.9
    np.testing.assert_array_equal(simplify(vessel, 0.1), vessel)


def test_a_speck_is_removed_and_a_pore_filled():
    image = np.full((11, 12), 0.05)
    image[2:9, 2:9] = 0.9
    image[5, 5] = 0.8  # a pore
    image[5, 11] = 0.15  # a speck
    simple = simplify(image, 0.2)
    assert np.argwhere(simple != image).tolist() == [[5, 5], [5, 11]]
    assert simple[5, 5] == 0.9
    assert simple[5, 11] == 0.05


def test_a_thin_wall_is_opened():
    """Two ways to be rid of a large hole that one wall hardly closes: the wall is fewer voxels."""
    image = np.full((11, 12), 0.1)
    image[2:9, 2:9] = 0.9
    image[3:8, 3:8] = 0.1
    image[5, 8] = 0.2
    simple = simplify(image, 0.15)
    assert np.argwhere(simple != image).tolist() == [[5, 8]]
    assert betti_numbers(simple > 0.15) == (1, 0)


def test_loops_of_a_volume():
    image = np.full((7, 11, 12), 0.1)
    image[3, 2:9, 2:9] = 0.9
    image[3, 5, 5] = 0.75  # fills this loop
    image[3, 4:7, 9] = image[3, 4, 10:] = 0.9
    filled = simplify(image, 0.2, dims=1)
    assert np.argwhere(filled != image).tolist() == [[3, 5, 5]]
    ring = np.full((7, 11, 12), 0.1)
    ring[3, 2:9, 2:9] = 0.9
    ring[3, 3:8, 3:8] = 0.1
    ring[3, 5, 8] = 0.25  # hardly closes this loop
    cut = simplify(ring, 0.2, dims=1)
    assert np.argwhere(cut != ring).tolist() == [[3, 5, 8]]
    assert betti_numbers(cut > 0.2) == (1, 0, 0)


def test_bad_input():
    with pytest.raises(ValueError, match="threshold"):
        simplify(np.zeros((3, 3)), -0.1)
    with pytest.raises(ValueError, match="dims"):
        simplify(np.zeros((3, 3)), 0.1, dims=2)
    with pytest.raises(ValueError, match="connectivity"):
        simplify(np.zeros((3, 3, 3)), 0.1, connectivity=2)
