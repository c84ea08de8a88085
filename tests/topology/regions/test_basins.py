"""Regions of features against scikit-image's labels of what comes before the critical voxel."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label as connected

from monai_topo.topology import persistence_pairs, sublevel_field
from monai_topo.topology.regions.basins import cavity_regions, component_regions
from tests.topology.images import make

SHAPES = [(5, 9), (1, 6), (4, 6, 7), (2, 1, 5)]


def ranks(field):
    """Place of every voxel in the order of (value, flat index)."""
    order = np.lexsort((np.arange(field.size), field.ravel()))
    return np.argsort(order).reshape(field.shape)


@pytest.fixture(params=[(kind, shape) for kind in ("white", "tied", "smooth") for shape in SHAPES], ids=str)
def image(request):
    return make(*request.param, seed=11)


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("direction", ["superlevel", "sublevel"])
def test_components_before_they_die(image, connectivity, direction):
    field = sublevel_field(image, direction)
    pairs = persistence_pairs(image, direction=direction, connectivity=connectivity)
    order = ranks(field)
    finite = np.flatnonzero(pairs.death[0] >= 0)
    for one in finite:
        birth, death = pairs.birth[0][one], pairs.death[0][one]
        before = connected(order < order.flat[death], connectivity=connectivity)
        expected = before == before.flat[birth]
        assert order[expected].min() == order.flat[birth]
        np.testing.assert_array_equal(component_regions(field, pairs, np.array([one])), expected)


@pytest.mark.parametrize("connectivity", [None, 1])
def test_cavities_when_they_are_born(image, connectivity):
    top = image.ndim - 1
    field = sublevel_field(image)
    pairs = persistence_pairs(image, connectivity=connectivity)
    order = ranks(field)
    dual = 1 if connectivity is None else image.ndim
    for one in range(pairs.birth[top].size):
        birth, death = pairs.birth[top][one], pairs.death[top][one]
        after = connected(order > order.flat[birth], connectivity=dual)
        expected = after == after.flat[death]
        assert order[expected].max() == order.flat[death]
        np.testing.assert_array_equal(cavity_regions(field, pairs, np.array([one])), expected)


def test_the_largest_region_covers_those_within():
    image = np.array([[0.9, 0.2, 0.5, 0.4, 0.6, 0.1]])
    field, pairs = sublevel_field(image), persistence_pairs(image)
    assert pairs.birth[0].tolist() == [0, 2, 4]
    np.testing.assert_array_equal(component_regions(field, pairs, np.array([1, 2])), [[0, 0, 2, 2, 2, 0]])
    np.testing.assert_array_equal(component_regions(field, pairs, np.array([1])), [[0, 0, 1, 0, 0, 0]])
    assert not component_regions(field, pairs, np.array([], int)).any()
