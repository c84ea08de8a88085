"""Cells as instances: against scikit-image, and by what must hold of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage
from skimage.measure import label
from skimage.segmentation import watershed

from monai_topo.topology import catchment_basins, merge_regions
from monai_topo.transforms import CloseWalls, SegmentCells, SegmentCellsd
from tests.topology.regions.test_catchment_basins import same_partition, tie_free

PLAIN = {"merge": None, "level": None, "sigma": 0}


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(21, 26), (9, 11, 10)], ids=str)
def test_plain_cells_are_scikit_images_watershed(shape, connectivity):
    likelihood = tie_free(shape, 0)
    cells = SegmentCells(0, connectivity=connectivity, **PLAIN)(likelihood[None])[0]
    neighbors = len(shape) if connectivity == 1 else 1
    assert same_partition(cells, watershed(likelihood, connectivity=neighbors))


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(24, 26), (12, 11, 10)], ids=str)
@pytest.mark.parametrize("persistence", [0.02, 0.06])
def test_cells_are_the_components_between_closed_walls(shape, connectivity, persistence, rng):
    """Up to the voxels of the walls: with the threshold over all likelihoods the mask is the walls alone."""
    likelihood = ndimage.gaussian_filter(rng.random((1, *shape)), (0, *[1.2] * len(shape)))
    walls = CloseWalls(1, 0, persistence, 0, connectivity)(likelihood)[0] > 0
    cells = SegmentCells(persistence, connectivity=connectivity, **PLAIN)(likelihood)[0]
    between = label(~walls, connectivity=1 if connectivity is None else len(shape))
    assert cells.max() > 2
    for component in range(1, between.max() + 1):
        assert len(np.unique(cells[between == component])) == 1
    for axis in range(len(shape)):
        ahead = np.diff(cells.astype(int), axis=axis) != 0
        both = np.delete(walls, -1, axis) & np.delete(walls, 0, axis)
        assert both[ahead].all()


def test_the_parts_of_the_definition(rng):
    likelihood = rng.random((2, 14, 12, 13)).astype(np.float32)
    cells = SegmentCells(0.02, "quantile", 0.45, 0.3, (1, 0.5, 0), 20, 1)(likelihood)
    for channel in range(2):
        smoothed = ndimage.gaussian_filter(likelihood[channel], (1, 0.5, 0))
        basins = catchment_basins(smoothed, persistence_threshold=0.02, connectivity=1)
        options = {"by": "quantile", "level": 0.45, "quantile": 0.3, "min_size": 20, "connectivity": 1}
        np.testing.assert_array_equal(cells[channel], merge_regions(basins, smoothed, **options))


@pytest.mark.parametrize(("count", "dtype"), [(255, np.uint8), (256, np.int16), (32768, np.int32)])
def test_ids_are_consecutive_and_of_the_smallest_type(count, dtype):
    likelihood = np.ones((1, 1, 2 * count - 1), np.float32)
    likelihood[..., ::2] = 0
    cells = SegmentCells(0.5, **PLAIN)(likelihood)
    assert cells.dtype == dtype
    np.testing.assert_array_equal(cells[0, 0, ::2], np.arange(1, count + 1))
    tensor = SegmentCells(0.5, **PLAIN)(MetaTensor(torch.tensor(likelihood), affine=3 * np.eye(4)))
    assert tensor.affine[1, 1] == 3
    np.testing.assert_array_equal(np.asarray(tensor), cells)


@pytest.mark.parametrize("options", [{}, {"merge": "mean", "level": 0.7}], ids=str)
def test_a_foreground_mask(options, rng):
    """Cells do not leave it, its components are apart, and inside each is the result of that component alone."""
    likelihood = rng.random((1, 16, 20))
    mask = np.zeros((1, 16, 20), int)
    mask[0, 2:14, 1:9] = mask[0, 2:14, 10:18] = 1
    transform = SegmentCells(0.1, **{**PLAIN, **options})
    cells = transform(likelihood, mask)[0]
    np.testing.assert_array_equal(cells > 0, mask[0] > 0)
    left, right = (transform(likelihood[:, 2:14, part])[0] for part in (slice(1, 9), slice(10, 18)))
    assert same_partition(cells[2:14, 1:9], left)
    assert same_partition(cells[2:14, 10:18], right)
    assert not set(np.unique(cells[:, :9])) & set(np.unique(cells[:, 10:])) - {0}
    assert set(np.unique(cells)) == set(range(cells.max() + 1))
    assert not transform(likelihood, np.zeros_like(mask)).any()


def test_seeds_are_scikit_images_watershed(rng):
    likelihood = tie_free((15, 18), 2)
    seeds = np.zeros((1, 15, 18), np.int64)
    seeds[0, 3, 4], seeds[0, 3, 5], seeds[0, 12, 2], seeds[0, 9, 15] = 40, 7, 7, 900
    cells = SegmentCells(sigma=0)(likelihood[None], seeds=seeds)[0]
    np.testing.assert_array_equal(np.unique(cells), [1, 2, 3])
    assert same_partition(cells, watershed(likelihood, seeds[0]))
    mask = rng.random((1, 15, 18)) < 0.8
    inside = SegmentCells(sigma=0)(likelihood[None], mask, seeds)[0]
    assert same_partition(inside, watershed(likelihood, seeds[0], mask=mask[0]))
    assert not SegmentCells()(likelihood[None], seeds=0 * seeds).any()


def test_the_twin_takes_mask_and_seeds(rng):
    item = {"pred": rng.random((2, 9, 10, 8)), "inside": rng.random((1, 9, 10, 8)) < 0.7}
    item["seeds"] = np.where(rng.random((1, 9, 10, 8)) < 0.02, 3, 0)
    done = SegmentCellsd("pred", 0.1, mask_key="inside")(item)
    np.testing.assert_array_equal(done["pred"], SegmentCells(0.1)(item["pred"], item["inside"]))
    done = SegmentCellsd("pred", mask_key="inside", seeds_key="seeds")(item)
    np.testing.assert_array_equal(done["pred"], SegmentCells()(item["pred"], item["inside"], item["seeds"]))
    assert set(done) == set(item)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"persistence_threshold": -1}, "persistence_threshold and min_size must be"),
        ({"min_size": -1}, "persistence_threshold and min_size must be"),
        ({"merge": "median"}, "merge must be None or one of"),
        ({"merge": None}, "with merge=None it must be None"),
        ({"level": None}, "level must be a number from 0 to 1"),
        ({"level": 1.5}, "level must be a number from 0 to 1"),
        ({"quantile": 0.5}, "quantile must be None, or"),
        ({"merge": "quantile", "quantile": 1.5}, "quantile must be None, or"),
        ({"sigma": (1, -1)}, "sigma must be 0 or more"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SegmentCells(**arguments)


def test_bad_inputs_are_refused():
    likelihood = np.zeros((1, 5, 6))
    with pytest.raises(ValueError, match="mask must have shape"):
        SegmentCells()(likelihood, np.zeros((1, 6, 5)))
    with pytest.raises(ValueError, match="whole numbers from 0 on; got fractions"):
        SegmentCells()(likelihood, seeds=np.full((1, 5, 6), 0.5))
    with pytest.raises(ValueError, match="whole numbers from 0 on; got -1"):
        SegmentCells()(likelihood, seeds=np.full((1, 5, 6), -1))
    with pytest.raises(ValueError, match=r"likelihoods in \[0, 1\]"):
        SegmentCells()(likelihood - 1)
