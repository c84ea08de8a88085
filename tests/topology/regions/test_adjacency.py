"""Walls between regions and merging by them, against loops over all pairs of voxels and of regions."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from monai_topo.topology import catchment_basins, crossing_edges, merge_regions, region_graph
from tests.topology import images
from tests.topology.regions.test_catchment_basins import same_partition, tie_free

SHAPES = [(9, 7), (1, 8), (4, 5, 6), (3, 1, 5)]


@cache
def steps(shape, full):
    """All pairs of neighbors, as flat indices, the lower first."""
    found, index = [], np.arange(int(np.prod(shape))).reshape(shape)
    for voxel in np.ndindex(*shape):
        for step in itertools.product((-1, 0, 1), repeat=len(shape)):
            other = tuple(np.add(voxel, step))
            inside = all(0 <= place < size for place, size in zip(other, shape, strict=True))
            if inside and index[other] > index[voxel] and (full or np.abs(step).sum() == 1):
                found.append((index[voxel], index[other]))
    return found


def walls(labels, likelihood, full):
    """Pair of regions to its steps: (likelihood, later voxel, likelihood of the earlier, earlier voxel)."""
    names, values, found = labels.ravel(), likelihood.ravel(), {}
    for step in steps(labels.shape, full):
        a, b = sorted((names[step[0]], names[step[1]]))
        if 0 < a < b:
            earlier, later = sorted(step, key=lambda voxel: (values[voxel], voxel))
            found.setdefault((a, b), []).append((values[later], later, values[earlier], earlier))
    return found


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("kind", ["white", "tied"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_walls_against_a_loop(shape, kind, connectivity, rng):
    likelihood, labels = images.make(kind, shape, 5), rng.integers(0, 6, shape)
    expected = walls(labels, likelihood, connectivity == 1)
    graph = region_graph(labels, likelihood, connectivity=connectivity, level=0.4)
    assert sorted(map(tuple, graph.regions.T.tolist())) == sorted(expected)
    for wall, pair in enumerate(map(tuple, graph.regions.T)):
        values = [step[0] for step in expected[pair]]
        assert (graph.counts[wall], graph.below[wall]) == (len(values), np.less(values, 0.4).sum())
        assert graph.totals[wall] == pytest.approx(np.sum(values, dtype=float))
        assert tuple(graph.passes[:, wall]) == min(expected[pair])[1::2]
    edges = crossing_edges(labels, connectivity == 1)
    assert edges.shape[1] == graph.counts.sum()
    assert set(map(tuple, edges.T.tolist())) == {
        tuple(sorted((int(s[1]), int(s[3])))) for wall in expected.values() for s in wall
    }


def test_more_walls_than_the_first_table_holds(rng):
    """In a checkerboard of single voxels every voxel is a region."""
    shape = (11, 12, 13)
    likelihood, labels = rng.random(shape), 1 + np.arange(np.prod(shape)).reshape(shape)
    graph = region_graph(labels, likelihood, connectivity=1)
    expected = list(steps(shape, True))
    assert set(map(tuple, graph.regions.T.tolist())) == {(a + 1, b + 1) for a, b in expected}
    assert (graph.counts == 1).all()
    np.testing.assert_allclose(graph.totals, likelihood.ravel()[graph.regions - 1].max(axis=0))


def slowly_merged(labels, likelihood, full, score, is_open, min_size=0):
    """Regions merged one pair at a time, all walls measured anew; between equal scores the weakest step decides."""
    labels = labels.copy()

    def key(wall):
        return score([step[0] for step in wall]), min(wall)

    while True:
        found = walls(labels, likelihood, full)
        weakest = min(found, key=lambda pair: key(found[pair]), default=None)
        if weakest is None or not is_open([step[0] for step in found[weakest]]):
            break
        labels[labels == weakest[1]] = weakest[0]
    while True:
        found = walls(labels, likelihood, full)
        sizes = {n: ((labels == n).sum(), likelihood[labels == n].min()) for pair in found for n in pair}
        small = min(sizes, key=sizes.get, default=None)
        if small is None or sizes[small][0] >= min_size:
            return labels
        weakest = min((pair for pair in found if small in pair), key=lambda pair: key(found[pair]))
        labels[labels == weakest[1]] = weakest[0]


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(8, 11), (4, 5, 6)], ids=str)
@pytest.mark.parametrize("level", [0.3, 0.7])
def test_by_mean_and_quantile_against_a_loop(shape, level, connectivity):
    likelihood = tie_free(shape, 6)
    basins = catchment_basins(likelihood, persistence_threshold=0, connectivity=connectivity)
    full, counts = connectivity == 1, []
    merged = merge_regions(basins, likelihood, by="mean", level=level, connectivity=connectivity)
    counts.append(merged.max())
    expected = slowly_merged(basins, likelihood, full, np.mean, lambda wall: np.mean(wall) < level)
    assert same_partition(merged, expected)
    for quantile in (0, 0.25, 0.5, 1):
        merged = merge_regions(
            basins, likelihood, by="quantile", level=level, quantile=quantile, connectivity=connectivity
        )
        counts.append(merged.max())
        expected = slowly_merged(
            basins,
            likelihood,
            full,
            lambda wall: -np.less(wall, level).mean(),
            lambda wall, q=quantile: np.quantile(wall, q, method="inverted_cdf") < level,
        )
        assert same_partition(merged, expected)
    assert len(set(counts)) > 1
    assert counts[1] <= counts[2] <= basins.max()


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("by", [None, "mean"])
def test_small_regions_against_a_loop(by, connectivity):
    likelihood = tie_free((9, 14), 8)
    basins = catchment_basins(likelihood, persistence_threshold=0, connectivity=connectivity)
    options = {"by": by, "level": 0.4, "min_size": 9, "connectivity": connectivity}
    merged = merge_regions(basins, likelihood, **options)
    sizes = np.bincount(merged.ravel())[1:]
    assert sizes.min() >= 9
    assert 1 < len(sizes) < basins.max()
    assert merged.dtype == np.int32
    level = 0.4 if by == "mean" else -1
    expected = slowly_merged(basins, likelihood, connectivity == 1, np.mean, lambda wall: np.mean(wall) < level, 9)
    assert same_partition(merged, expected)


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("kind", ["white", "smooth", "tied"])
@pytest.mark.parametrize("shape", [(14, 17), (7, 8, 6)], ids=str)
def test_by_saddle_gives_the_basins_of_the_larger_persistence(shape, kind, connectivity):
    likelihood = images.make(kind, shape, 9)
    fine = catchment_basins(likelihood, persistence_threshold=0, connectivity=connectivity)
    for share in (0.0, 0.05, 0.2, 0.5):
        depth = share * float(np.ptp(likelihood))
        merged = merge_regions(fine, likelihood, by="saddle", level=depth, connectivity=connectivity)
        coarse = catchment_basins(likelihood, persistence_threshold=depth, connectivity=connectivity)
        assert same_partition(merged, coarse)


@pytest.mark.parametrize("by", ["saddle", "mean", "quantile"])
@pytest.mark.parametrize("connectivity", [None, 1])
def test_turned_images_have_turned_regions(by, connectivity):
    likelihood = tie_free((8, 9, 7), 10)

    def merged(field):
        basins = catchment_basins(field, persistence_threshold=0.02, connectivity=connectivity)
        return merge_regions(basins, field, by=by, level=0.5 if by != "saddle" else 0.05, connectivity=connectivity)

    regions = merged(likelihood)
    assert regions.max() > 1
    for axis in range(3):
        assert same_partition(merged(np.flip(likelihood, axis)), np.flip(regions, axis))
    assert same_partition(merged(likelihood.transpose(2, 0, 1)), regions.transpose(2, 0, 1))


def test_numbers_follow_the_first_voxels_and_0_stays():
    labels = np.array([[5, 0, 2, 2], [5, 0, 7, 7]], np.int32)
    likelihood = np.full((2, 4), 0.5)
    merged = merge_regions(labels, likelihood, by=None)
    np.testing.assert_array_equal(merged, [[1, 0, 2, 2], [1, 0, 3, 3]])
    merged = merge_regions(labels, likelihood, by="mean", level=0.6, min_size=9)
    np.testing.assert_array_equal(merged, [[1, 0, 2, 2], [1, 0, 2, 2]])
    assert labels[0, 0] == 5
    np.testing.assert_array_equal(merge_regions(np.zeros((2, 3), np.int32), np.ones((2, 3)), by="mean", level=1), 0)


def test_large_ones_hold_together():
    """Many walls, many renamed pairs: the number of regions is that of the loop-free count by union-find."""
    likelihood = ndimage.gaussian_filter(np.random.default_rng(0).random((40, 50, 30)), 1)
    basins = catchment_basins(likelihood, persistence_threshold=0)
    assert basins.max() > 500
    assert merge_regions(basins, likelihood, by="mean", level=1.0).max() == 1
    assert merge_regions(basins, likelihood, by="quantile", level=1.0, quantile=1.0).max() == 1
    assert merge_regions(basins, likelihood, by=None, min_size=likelihood.size).max() == 1
    assert merge_regions(basins, likelihood, by="mean", level=0.0).max() == basins.max()


def test_bad_arguments_are_refused():
    labels = np.ones((3, 4), np.int32)
    with pytest.raises(ValueError, match="by must be None or one of"):
        merge_regions(labels, np.zeros((3, 4)), by="median")
    with pytest.raises(ValueError, match="labels and likelihood must have one shape"):
        region_graph(labels, np.zeros((4, 3)))
    with pytest.raises(ValueError, match="connectivity must be"):
        region_graph(labels, np.zeros((3, 4)), connectivity=3)
