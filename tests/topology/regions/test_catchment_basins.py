"""Basins against a textbook flooding, gudhi's pairs and scikit-image's watershed; walls are where they meet."""

from __future__ import annotations

import gudhi
import networkx as nx
import numpy as np
import pytest
from skimage.segmentation import watershed

from monai_topo.topology import basin_walls, catchment_basins, stable_manifolds
from tests.topology import images
from tests.topology.regions import slow_morse

SHAPES = [(6, 7), (7, 1), (3, 4, 5), (2, 1, 5)]
THRESHOLDS = (0.0, 0.1, 0.25)


def tie_free(shape, seed):
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape) / np.prod(shape)


def same_partition(first, second):
    """Whether two label maps differ by names only."""
    pairs = np.unique(np.stack([first.ravel(), second.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


def flooded(likelihood, full, threshold):
    """Trees of the forest of edges, sorted one by one: the textbook's flooding."""
    turned = -likelihood
    forest = slow_morse._kruskal(turned, slow_morse._sorted_edges(turned, full), threshold)[1]
    labels = np.zeros(likelihood.shape, int)
    for number, tree in enumerate(nx.connected_components(forest), 1):
        for voxel in tree:
            labels[voxel] = number
    return labels


def touching(labels, full):
    """Voxels with a neighbor of another label."""
    mask = np.zeros(labels.shape, bool)
    for a, b in slow_morse._sorted_edges(labels.astype(float), full):
        if labels[a] != labels[b]:
            mask[a] = mask[b] = True
    return mask


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("kind", images.KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_basins_are_those_of_a_textbook_flooding(shape, kind, connectivity):
    likelihood = images.make(kind, shape, 4)
    for threshold in THRESHOLDS:
        basins = catchment_basins(likelihood, persistence_threshold=threshold, connectivity=connectivity)
        assert basins.dtype == np.int32
        assert set(np.unique(basins)) == set(range(1, basins.max() + 1))
        assert same_partition(basins, flooded(likelihood.astype(float), connectivity == 1, threshold))


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(13, 9), (6, 7, 5)], ids=str)
def test_as_many_as_gudhi_has_valleys_deeper_than_the_threshold(shape, connectivity):
    likelihood = tie_free(shape, 1)
    cells = "vertices" if connectivity is None else "top_dimensional_cells"  # valleys have the dual connectivity
    cubical = gudhi.CubicalComplex(**{cells: np.asfortranarray(likelihood)})
    cubical.compute_persistence(min_persistence=0)
    births, deaths = cubical.persistence_intervals_in_dimension(0).T
    counts = []
    for threshold in (*THRESHOLDS, 0.5):
        basins = catchment_basins(likelihood, persistence_threshold=threshold, connectivity=connectivity)
        counts.append(basins.max())
        assert basins.max() == (deaths - births > threshold).sum()
    assert counts[0] > counts[1] > counts[2] >= counts[3] >= 1


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(4, 5, 3), (5, 3, 4), (6, 9)], ids=str)
def test_walls_are_the_voxels_where_basins_meet(shape, connectivity):
    likelihood = tie_free(shape, 2)
    for threshold in THRESHOLDS:
        options = {"persistence_threshold": threshold, "connectivity": connectivity}
        walls = basin_walls(likelihood, **options)
        np.testing.assert_array_equal(walls, touching(catchment_basins(likelihood, **options), connectivity == 1))
        if len(shape) == 3:
            np.testing.assert_array_equal(walls, stable_manifolds(likelihood, dims=2, **options))


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(24, 31), (11, 12, 14)], ids=str)
def test_scikit_images_watershed_of_the_same_minima(shape, connectivity):
    """Its markers are all minima, each with the number of the basin that it is in."""
    likelihood = tie_free(shape, 3)
    neighbors = len(shape) if connectivity == 1 else 1
    minima = catchment_basins(likelihood, persistence_threshold=0, connectivity=connectivity)
    lowest = np.zeros(shape, bool)
    for number in range(1, minima.max() + 1):
        inside = np.where(minima == number, likelihood, np.inf)
        lowest.flat[inside.argmin()] = True
    assert same_partition(minima, watershed(likelihood, connectivity=neighbors))
    for threshold in THRESHOLDS:
        basins = catchment_basins(likelihood, persistence_threshold=threshold, connectivity=connectivity)
        theirs = watershed(likelihood, np.where(lowest, basins, 0), connectivity=neighbors)
        np.testing.assert_array_equal(theirs, basins)


@pytest.mark.parametrize("connectivity", [None, 1])
def test_turned_images_have_turned_basins(connectivity):
    likelihood = tie_free((6, 7, 8), 0)
    options = {"persistence_threshold": 0.12, "connectivity": connectivity}
    basins = catchment_basins(likelihood, **options)
    assert basins.max() > 3
    for axes in ((0, 2, 1), (2, 1, 0), (1, 2, 0)):
        assert same_partition(catchment_basins(likelihood.transpose(axes), **options), basins.transpose(axes))
    for axis in range(3):
        assert same_partition(catchment_basins(np.flip(likelihood, axis), **options), np.flip(basins, axis))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="persistence_threshold must be 0 or more, got -1"):
        catchment_basins(np.zeros((3, 4)), persistence_threshold=-1)
    with pytest.raises(ValueError, match="connectivity must be"):
        catchment_basins(np.zeros((3, 4)), persistence_threshold=0, connectivity=3)
    with pytest.raises(ValueError, match="NaN or infinity"):
        catchment_basins(np.full((3, 4), np.nan), persistence_threshold=0)
