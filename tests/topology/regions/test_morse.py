"""Stable manifolds against their definition, and by what must hold of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from monai_topo.topology import betti_numbers, stable_manifolds, stable_manifolds_batch
from monai_topo.topology.engines.native.manifolds.descent import neighborhood
from tests.topology import images
from tests.topology.regions import slow_morse

THRESHOLDS = (0.0, 0.1, 0.25, 0.4)


def tie_free(shape, seed):
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape) / np.prod(shape)


@pytest.mark.parametrize("full", [True, False], ids=["full", "face"])
@pytest.mark.parametrize("kind", images.KINDS)
@pytest.mark.parametrize("shape", [(6, 7), (7, 1), (4, 3), (3, 4, 5), (2, 1, 5)], ids=str)
def test_curves_are_those_of_the_definition(shape, kind, full):
    field = images.make(kind, shape, 1)
    for threshold in THRESHOLDS:
        mask = stable_manifolds(field, persistence_threshold=threshold, connectivity=None if full else 1)
        np.testing.assert_array_equal(mask, slow_morse.curves(field.astype(float), full, threshold))


@pytest.mark.parametrize("full", [True, False], ids=["full", "face"])
@pytest.mark.parametrize("kind", images.KINDS)
@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 1, 5)], ids=str)
def test_sheets_are_those_of_the_definition(shape, kind, full):
    """The valleys of a full foreground are connected through faces, and the other way round."""
    field = images.make(kind, shape, 2)
    for threshold in THRESHOLDS:
        mask = stable_manifolds(field, persistence_threshold=threshold, dims=2, connectivity=None if full else 1)
        np.testing.assert_array_equal(mask, slow_morse.sheets(field.astype(float), not full, threshold))


@pytest.mark.parametrize("full", [True, False], ids=["full", "face"])
@pytest.mark.parametrize(("shape", "seed"), [((6, 7), 0), ((3, 4, 3), 0)], ids=str)
def test_the_oracle_sees_something_and_tells_thresholds_apart(shape, seed, full):
    field = tie_free(shape, seed)
    masks = [slow_morse.curves(field, full, threshold) for threshold in (0.0, 0.2)]
    assert masks[1].sum() < masks[0].sum() < field.size


@pytest.mark.parametrize("full", [True, False], ids=["full", "face"])
@pytest.mark.parametrize("shape", [(6, 7), (3, 4, 3)], ids=str)
def test_loops_born_at_one_voxel_count_as_the_longest(shape, full):
    """Never less than if each edge had the persistence of its own pair in an order of edges, and mostly the same."""
    same = 0
    for seed in range(8):
        field = tie_free(shape, seed)
        each = slow_morse.curves(field, full, 0.2, together=False)
        mask = stable_manifolds(field, persistence_threshold=0.2, connectivity=None if full else 1)
        assert not (each & ~mask).any()
        same += np.array_equal(each, mask)
    assert same >= 6


@pytest.mark.parametrize("dims", [(1,), (2,), (1, 2)])
@pytest.mark.parametrize("connectivity", [None, 1])
def test_turned_images_have_turned_masks(dims, connectivity):
    field = tie_free((6, 7, 8), 0)
    options = {"persistence_threshold": 0.12, "dims": dims, "connectivity": connectivity}
    mask = stable_manifolds(field, **options)
    assert 0 < mask.mean() < 1
    for axes in ((0, 2, 1), (2, 1, 0), (1, 2, 0)):
        np.testing.assert_array_equal(stable_manifolds(field.transpose(axes), **options), mask.transpose(axes))
    for axis in range(3):
        np.testing.assert_array_equal(stable_manifolds(np.flip(field, axis), **options), np.flip(mask, axis))


@pytest.mark.parametrize("connectivity", [None, 1])
def test_turned_images_have_turned_masks_in_2d(connectivity):
    field = tie_free((9, 14), 1)
    options = {"persistence_threshold": 0.3, "connectivity": connectivity}
    mask = stable_manifolds(field, **options)
    assert 0 < mask.mean() < 1
    np.testing.assert_array_equal(stable_manifolds(field.T, **options), mask.T)
    np.testing.assert_array_equal(stable_manifolds(field[::-1, ::-1], **options), mask[::-1, ::-1])


@pytest.mark.parametrize("kind", ["white", "smooth", "tied"])
@pytest.mark.parametrize(("shape", "dims"), [((30, 40), 1), ((10, 12, 14), 1), ((10, 12, 14), 2)], ids=str)
def test_a_larger_threshold_gives_a_part_of_the_mask(shape, dims, kind):
    field = images.make(kind, shape, 0)
    height = field.max() - field.min()
    masks = [
        stable_manifolds(field, persistence_threshold=share * height, dims=dims) for share in (0.0, 0.1, 0.2, 0.4, 0.8)
    ]
    for larger, smaller in pairwise(masks):
        assert not (smaller & ~larger).any()
    assert masks[0].sum() > masks[3].sum()
    assert not stable_manifolds(field, persistence_threshold=height, dims=dims).any()


def test_a_constant_or_another_dtype_changes_nothing():
    field = np.random.default_rng(0).integers(0, 64, (7, 8, 9)) / 64
    options = {"persistence_threshold": 0.25, "dims": (1, 2)}
    mask = stable_manifolds(field, **options)
    assert 0 < mask.mean() < 1
    for other in (
        field + 8,
        field - 8,
        field.astype(np.float32),
        torch.tensor(field, dtype=torch.bfloat16),
        np.asfortranarray(field),
        np.repeat(field, 2, axis=2)[..., ::2],
    ):
        np.testing.assert_array_equal(stable_manifolds(other, **options), mask)
    np.testing.assert_array_equal(
        stable_manifolds(64 * field, persistence_threshold=16, dims=(1, 2)), mask, err_msg="other units"
    )


def test_float64_is_exact():
    """Differences that float32 does not have."""
    line = np.array([[1.0, 0.5, 0.75 + 1e-12]])
    assert stable_manifolds(line, persistence_threshold=0.25).all()
    assert not stable_manifolds(line, persistence_threshold=0.25 + 2e-12).any()


def test_two_dimensions_together_are_the_union():
    field = tie_free((7, 8, 6), 5)
    one, two, both = (stable_manifolds(field, persistence_threshold=0.4, dims=dims) for dims in (1, 2, (2, 1)))
    np.testing.assert_array_equal(both, one | two)
    assert (one & ~two).any()
    assert (two & ~one).any()


def test_the_ridge_goes_around_a_loop():
    """A ring: its weakest pixel is the saddle, and both ways around lead to its peak."""
    ring = 0.9 * images.ring((7, 9))
    ring[1, 4], ring[5, 4] = 1.0, 0.6
    mask = stable_manifolds(ring, persistence_threshold=0.2)
    assert betti_numbers(mask) == (1, 1)
    assert not mask[ring == 0].any()
    assert not stable_manifolds(ring, persistence_threshold=0.61).any()


def test_sheets_part_the_basins_and_leave_no_hole():
    """Two rooms with an uneven wall between them: no way from one to the other without a marked voxel."""
    field = np.random.default_rng(0).uniform(0.0, 0.1, (9, 8, 7))
    field[4] += 0.5 + 0.3 * np.random.default_rng(1).random((8, 7))
    mask = stable_manifolds(field, persistence_threshold=0.2, dims=2)
    assert mask[4].all()
    assert betti_numbers(~mask, connectivity=1)[0] == 2
    assert not mask[[0, 1, 2, 6, 7, 8]].any()


def test_threads_give_the_same_masks():
    fields = np.stack([images.make("smooth", (12, 13, 14), seed) for seed in range(6)])
    options = {"persistence_threshold": 0.05, "dims": (1, 2)}
    one = stable_manifolds_batch(fields, num_threads=1, **options)
    three = stable_manifolds_batch(torch.tensor(fields), num_threads=3, **options)
    for field, a, b in zip(fields, one, three, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, stable_manifolds(field, **options))
    assert one[0].any()
    assert stable_manifolds_batch([], persistence_threshold=0.2) == []


@pytest.mark.parametrize("grid", [(1, 5, 7), (4, 5, 7)], ids=str)
@pytest.mark.parametrize("full", [True, False])
def test_neighborhoods(grid, full):
    around = neighborhood(grid, full)
    ndim = 2 if grid[0] == 1 else 3
    joined = [step for bit, step in enumerate(around.offsets.tolist()) if around.vertices >> bit & 1]
    assert len(joined) == (3**ndim - 1 if full else 2 * ndim)
    assert sorted(around.steps.tolist()) == sorted(joined)
    before, after = around.steps[: around.num_before], around.steps[around.num_before :]
    assert before.max() < 0 < after.min()
    assert before.tolist() == sorted(before, reverse=True)
    assert after.tolist() == sorted(after)


def test_errors():
    with pytest.raises(ValueError, match="NaN or infinity"):
        stable_manifolds(np.full((3, 4), np.nan), persistence_threshold=0.2)
    with pytest.raises(ValueError, match=r"likelihoods\[1\]: field holds NaN"):
        stable_manifolds_batch([np.eye(3), np.full((3, 4), np.inf)], persistence_threshold=0.2)
    with pytest.raises(ValueError, match="num_threads"):
        stable_manifolds_batch([np.eye(3)], num_threads=0, persistence_threshold=0.2)
    with pytest.raises(ValueError, match="connectivity must be None or 2"):
        stable_manifolds(np.eye(3), persistence_threshold=0.2, connectivity=3)
    for threshold in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="persistence_threshold must be 0 or more"):
            stable_manifolds(np.eye(3), persistence_threshold=threshold)
    for dims in (2, (), (0,), (1, 2), (1.5,)):
        with pytest.raises(ValueError, match="must be 1 for 2D data"):
            stable_manifolds(np.eye(3), persistence_threshold=0.2, dims=dims)
    with pytest.raises(ValueError, match=r"must be 1 \(curves\), 2 \(sheets\) or both for 3D data"):
        stable_manifolds(np.zeros((3, 3, 3)), persistence_threshold=0.2, dims=3)
