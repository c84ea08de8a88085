"""Scores of partitions by blocks against scikit-image's and our metrics of the whole."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import skimage.metrics
import torch

from monai_topo import blockwise
from monai_topo.metrics import compute_adapted_rand_error, compute_variation_of_information
from tests.blockwise.volumes import random_chunks

DTYPES = (bool, np.uint8, np.int16, np.int64, np.uint64, ">u4")


def random_pair(rng):
    """Ids in pieces, those of uint64 beyond what int64 and float64 can hold, with blocks of their own."""
    shape = tuple(rng.integers(1, 9, rng.integers(2, 4)).tolist())
    pair = []
    for _ in range(2):
        dtype = np.dtype(rng.choice(np.array(DTYPES, object)))
        ids = rng.integers(0, 4, shape).astype(dtype)
        pair.append(np.where(ids > 0, ids + np.uint64(2**64 - 5), np.uint64(0)) if dtype == np.uint64 else ids)
    return pair, [da.from_array(ids, chunks=random_chunks(rng, shape)) for ids in pair]


def check(rng):
    (predicted, true), blocks = random_pair(rng)
    small = [
        np.unique(ids, return_inverse=True)[1].reshape(ids.shape) + int(ids.min() > 0) for ids in (true, predicted)
    ]
    found = blockwise.adapted_rand_error(*blocks), blockwise.variation_of_information(*blocks)
    if not small[0].any():
        assert np.isnan([*found[0], *found[1]]).all()
        return
    with np.errstate(invalid="ignore"):
        expected = skimage.metrics.adapted_rand_error(*small)
    np.testing.assert_allclose(found[0], expected, atol=1e-12)
    expected = skimage.metrics.variation_of_information(*small, ignore_labels=(0,))
    np.testing.assert_allclose(found[1], expected, atol=1e-11)
    tensors = [torch.tensor(ids)[None, None] for ids in reversed(small)]
    for name in ("error", "precision", "recall"):
        cremi = compute_adapted_rand_error(*tensors, variant="cremi", component=name)
        by_blocks = getattr(blockwise.adapted_rand_error(*blocks, variant="cremi"), name)
        assert by_blocks == pytest.approx(cremi.item(), rel=1e-6, nan_ok=True)


def test_random_pairs(rng):
    for _ in range(60):
        check(rng)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_many_random_pairs(seed):
    rng = np.random.default_rng(seed)
    for _ in range(100):
        check(rng)


@pytest.mark.parametrize("variant", ["skimage", "cremi"])
def test_sections_that_share_no_instance(variant, rng):
    for axis in (0, 1, -1):
        ids = [rng.integers(0, 4, (5, 6, 7)) for _ in range(2)]
        blocks = [da.from_array(one, chunks=random_chunks(rng, one.shape)) for one in ids]
        sections = np.indices(ids[0].shape)[axis]
        apart = [np.where(one > 0, one + 10 * sections, 0) for one in ids]
        found = blockwise.adapted_rand_error(*blocks, variant=variant, section_axis=axis)
        np.testing.assert_allclose(found, blockwise.adapted_rand_error(*apart, variant=variant), rtol=1e-12)
        if variant == "skimage":
            np.testing.assert_allclose(found, skimage.metrics.adapted_rand_error(apart[1], apart[0]), rtol=1e-12)
            found = blockwise.variation_of_information(*blocks, section_axis=axis)
            expected = skimage.metrics.variation_of_information(apart[1], apart[0], ignore_labels=(0,))
            np.testing.assert_allclose(found, expected, atol=1e-11)
    with pytest.raises(ValueError, match="section_axis must be an axis of 3D data, got 3"):
        blockwise.adapted_rand_error(*blocks, section_axis=3)


def test_recorded_values():
    cells = np.repeat([[1, 1, 1, 1, 2, 2, 2, 2]], 4, axis=0)
    blocks, ones = da.from_array(cells, chunks=3), da.ones_like(cells, chunks=2)
    assert blockwise.adapted_rand_error(ones, blocks).error == pytest.approx(0.34782609)
    assert blockwise.adapted_rand_error(ones, blocks, variant="cremi").error == pytest.approx(0.33333333)
    assert blockwise.adapted_rand_error(0 * ones, blocks, variant="cremi").error == pytest.approx(0.99610136)
    assert blockwise.variation_of_information(ones, blocks) == (0, 1)
    assert blockwise.adapted_rand_error(blocks, blocks) == (0, 1, 1)


def test_ids_that_a_float_would_round_are_told_apart():
    ids = np.array([[2**64 - 1, 2**64 - 2, 2**63, 2**63 + 1]], np.uint64)
    table = blockwise.contingency_table(da.from_array(ids, chunks=1), ids)
    np.testing.assert_array_equal(table.true, np.sort(ids[0]))
    np.testing.assert_array_equal(table.predicted, table.true)
    assert table.voxels.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("variant", ["skimage", "cremi"])
def test_ignored_voxels(variant, rng):
    predicted, true = rng.integers(0, 4, (2, 9, 10))
    true[rng.random(true.shape) < 0.3] = -1
    tensors = [torch.tensor(ids)[None, None] for ids in (predicted, true)]
    blocks = [da.from_array(ids, chunks=4) for ids in (predicted, true)]
    expected = compute_adapted_rand_error(*tensors, variant=variant, ignore_index=-1).item()
    assert blockwise.adapted_rand_error(*blocks, variant=variant, ignore_index=-1).error == pytest.approx(expected)
    expected = [
        compute_variation_of_information(*tensors, component=part, ignore_index=-1).item()
        for part in ("split", "merge")
    ]
    assert blockwise.variation_of_information(*blocks, ignore_index=-1) == pytest.approx(expected)


def test_many_ids_make_the_table_grow(rng):
    ids = rng.permutation(30 * 40 * 50).reshape(30, 40, 50)
    table = blockwise.contingency_table(da.from_array(ids, chunks=20), ids + 1)
    np.testing.assert_array_equal(table.true, np.arange(1, ids.size + 1))
    np.testing.assert_array_equal(table.predicted, np.arange(ids.size))
    assert (table.voxels == 1).all()
    assert blockwise.variation_of_information(ids + 1, ids + 1) == (0, 0)
    for few, many in ((ids + 1, ids // 30000), (ids // 30000, ids + 1)):  # pairs that share one of their ids
        table = blockwise.contingency_table(da.from_array(many, chunks=20), few)
        pairs, voxels = np.unique(np.stack([few.ravel(), many.ravel()]), axis=1, return_counts=True)
        scored = pairs[0] > 0
        np.testing.assert_array_equal([table.true, table.predicted, table.voxels], [*pairs[:, scored], voxels[scored]])


@pytest.mark.parametrize(
    ("prediction", "target", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 3), int), "prediction must hold ids as integers, got float64"),
        (np.ones((2, 3), int), np.ones((2, 4), int), r"one shape, got \(2, 3\) and \(2, 4\)"),
        (np.ones((2, 3), int), np.ones((1, 2, 3), int), r"one shape, got \(2, 3\) and \(1, 2, 3\)"),
        (np.ones((2, 3), int), -np.ones((2, 3), int), "target must hold ids of at least 0, got -1"),
        (da.ones(4, dtype=int), np.ones((2, 3), int), "prediction must be one channel"),
    ],
)
def test_what_are_no_ids_is_refused(prediction, target, message):
    with pytest.raises(ValueError, match=message):
        blockwise.variation_of_information(prediction, target)


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="variant must be one of"):
        blockwise.adapted_rand_error(np.ones((2, 3), int), np.ones((2, 3), int), variant="isbi")
