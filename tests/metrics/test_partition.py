"""Adapted Rand error and variation of information: recorded values, scikit-image, masks, sections, real cells."""

from __future__ import annotations

import math

import h5py
import numpy as np
import pytest
import torch
from skimage.measure import label
from skimage.metrics import adapted_rand_error, variation_of_information

from monai_topo.data import phantoms
from monai_topo.metrics import (
    AdaptedRandErrorMetric,
    VariationOfInformationMetric,
    compute_adapted_rand_error,
    compute_variation_of_information,
)

HALVES = np.repeat([[1, 1, 1, 1, 2, 2, 2, 2]], 4, 0)
HALVES_APART = np.where((np.arange(8) == 3) | (np.arange(8) == 4), 0, HALVES)


def rand(prediction, truth, **options):
    return compute_adapted_rand_error(*tensors(prediction, truth), **options).item()


def information(prediction, truth, **options):
    pair = tensors(prediction, truth)
    names = VariationOfInformationMetric.components
    return [compute_variation_of_information(*pair, component=name, **options).item() for name in names]


def tensors(*arrays):
    return [torch.as_tensor(np.asarray(array).astype(np.int64))[None, None] for array in arrays]


def random_partition(rng, shape, count=6, first=0):
    return rng.integers(first, count, shape)


@pytest.mark.parametrize(
    ("truth", "prediction", "skimage", "cremi", "split", "merge"),
    [
        (HALVES, HALVES, 0, 0, 0, 0),
        (HALVES, np.ones_like(HALVES), 0.34782609, 0.33333333, 0, 1),
        (HALVES_APART, np.ones_like(HALVES), 0.35294118, None, 0, 1),
        (HALVES, np.zeros_like(HALVES), 0.34782609, 0.99610136, 0, 1),
        (np.zeros_like(HALVES), HALVES, math.nan, math.nan, math.nan, math.nan),
        (np.zeros_like(HALVES), np.zeros_like(HALVES), math.nan, math.nan, math.nan, math.nan),
    ],
    ids=["itself", "merged", "merged across a wall", "all 0", "no truth", "nothing"],
)
def test_recorded_values(truth, prediction, skimage, cremi, split, merge):
    assert rand(prediction, truth) == pytest.approx(skimage, abs=1e-7, nan_ok=True)
    if cremi is not None:
        assert rand(prediction, truth, variant="cremi") == pytest.approx(cremi, abs=1e-7, nan_ok=True)
    assert information(prediction, truth) == pytest.approx([split + merge, split, merge], abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("shape", [(9, 14), (4, 6, 7)], ids=str)
def test_random_ids_against_scikit_image(shape, rng):
    prediction, truth = random_partition(rng, shape), random_partition(rng, shape)
    expected = adapted_rand_error(image_true=truth, image_test=prediction)
    found = [rand(prediction, truth, component=name) for name in AdaptedRandErrorMetric.components]
    assert found == pytest.approx(expected, abs=1e-6)
    assert rand(truth, prediction) != pytest.approx(expected[0], abs=1e-3)  # swapped arguments are seen
    split, merge = variation_of_information(truth, prediction, ignore_labels=(0,))
    assert information(prediction, truth) == pytest.approx([split + merge, split, merge], abs=1e-6)
    assert abs(split - merge) > 1e-3


def test_the_cremi_variant_by_pairs(rng):
    """Voxels of predicted 0 are in no pair; the others are paired with themselves too."""
    prediction, truth = random_partition(rng, (5, 9), 4), random_partition(rng, (5, 9), 3)
    t, p = truth[truth > 0], prediction[truth > 0]
    joined = (p[:, None] == p) & (p > 0)
    unjoined = (p == 0).sum() / truth.size
    both = (joined & (t[:, None] == t)).sum() + unjoined
    precision, recall = both / (joined.sum() + unjoined), both / (t[:, None] == t).sum()
    expected = [1 - 2 * precision * recall / (precision + recall), precision, recall]
    found = [rand(prediction, truth, variant="cremi", component=name) for name in AdaptedRandErrorMetric.components]
    assert found == pytest.approx(expected, abs=1e-6)


def test_real_cells_against_scikit_images_own_call(real_data):
    with h5py.File(real_data / "fib25" / "fib25_val.hdf") as file:
        truth, prediction = (file[f"volumes/labels/{name}"][()] for name in ("neuron_ids", "oversegmentation"))
    small = [
        np.unique(ids, return_inverse=True)[1].reshape(ids.shape) + int(ids.min() > 0) for ids in (truth, prediction)
    ]
    error, _, _ = adapted_rand_error(image_true=small[0], image_test=small[1])
    split, merge = variation_of_information(*small, ignore_labels=(0,))
    assert rand(prediction, truth) == pytest.approx(error, abs=1e-6)
    assert information(prediction, truth) == pytest.approx([split + merge, split, merge], abs=1e-5)
    assert split > 3 * merge > 0  # it is an oversegmentation


def test_ids_of_any_size_and_type():
    far = np.where(HALVES == 1, 2**40 + 1, 2**52)
    assert rand(np.ones_like(HALVES), far) == pytest.approx(0.34782609, abs=1e-7)
    assert rand(far, far) == 0
    floats = torch.as_tensor(HALVES)[None, None].float()
    assert compute_adapted_rand_error(torch.ones_like(floats), floats).item() == pytest.approx(0.34782609, abs=1e-7)


def test_cells_between_membranes():
    phantom = phantoms.membranes((24, 30), num_cells=5, seed=2)
    wall = phantom.label.astype(bool)
    cells = label(~wall, connectivity=1)
    pierced = wall.copy()
    pierced[:, 14:16] = False
    merged = label(~pierced, connectivity=1)
    expected = adapted_rand_error(image_true=cells, image_test=merged)[0]
    assert expected > 0
    assert rand(pierced, wall, instances="background") == pytest.approx(expected, abs=1e-6)
    split, merge = variation_of_information(cells, merged, ignore_labels=(0,))
    found = information(pierced, wall, instances="background")
    assert found == pytest.approx([split + merge, split, merge], abs=1e-6)


@pytest.mark.parametrize(("instances", "connectivity", "neighbors"), [
    ("foreground", None, 2), ("foreground", 1, 1), ("background", None, 1), ("background", 1, 2),
])  # fmt: skip
def test_connectivity_is_the_foregrounds(instances, connectivity, neighbors, rng):
    prediction, truth = rng.random((2, 14, 17)) < 0.5
    ids = [label(mask == (instances == "foreground"), connectivity=neighbors) for mask in (truth, prediction)]
    expected = adapted_rand_error(image_true=ids[0], image_test=ids[1])[0]
    assert rand(prediction, truth, instances=instances, connectivity=connectivity) == pytest.approx(expected, abs=1e-6)
    other = rand(prediction, truth, instances=instances, connectivity=1 if connectivity is None else None)
    assert other != pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sections_share_no_instance(axis, rng):
    prediction, truth = rng.random((2, 5, 6, 7)) < 0.4
    masks = [np.moveaxis(mask, axis, 0) for mask in (truth, prediction)]
    ids = []
    for mask in masks:
        sections = [label(~section, connectivity=1) for section in mask]
        ids.append(np.stack([np.where(s > 0, s + 100 * n, 0) for n, s in enumerate(sections)]))
    expected = adapted_rand_error(image_true=ids[0], image_test=ids[1])[0]
    found = rand(prediction, truth, instances="background", section_axis=axis)
    assert found == pytest.approx(expected, abs=1e-6)
    assert rand(prediction, truth, instances="background") != pytest.approx(expected, abs=1e-3)
    one_cell = np.ones((2, 3, 4), int)
    assert information(one_cell, one_cell, section_axis=axis)[0] == 0
    halves = np.concatenate([one_cell, 2 * one_cell], axis=axis)
    everywhere = np.ones_like(halves)
    assert information(halves, everywhere, section_axis=axis)[0] == 0  # within each section nothing is split
    assert information(halves, everywhere)[1] == pytest.approx(1)


def test_ignored_voxels_are_left_out(rng):
    prediction, truth = random_partition(rng, (8, 9), 5), random_partition(rng, (8, 9), 5)
    kept = rng.random((8, 9)) < 0.7
    marked = np.where(kept, truth, 99)
    for variant in ("skimage", "cremi"):
        expected = rand(prediction[kept][None], truth[kept][None], variant=variant)
        assert rand(prediction, marked, variant=variant, ignore_index=99) == pytest.approx(expected, abs=1e-6)
    expected = information(prediction[kept][None], truth[kept][None])
    assert information(prediction, marked, ignore_index=99) == pytest.approx(expected, abs=1e-6)


def test_ignored_voxels_join_no_cells():
    truth = np.zeros((3, 7))
    truth[:, 3] = 255
    assert information(np.zeros((3, 7)), truth, instances="background", ignore_index=255) == [0, 0, 0]
    merged = np.zeros((3, 7))
    merged[:, 3] = 1
    walled = np.where(truth == 255, 1, truth)
    assert information(np.zeros((3, 7)), walled, instances="background")[2] == pytest.approx(1)
    assert information(merged, truth, instances="background", ignore_index=255) == [0, 0, 0]


def test_one_voxel_instances_have_no_pairs():
    single = np.array([[1, 0, 0, 2]])
    assert math.isnan(rand(single, single))
    assert rand(single, single, variant="cremi") == 0
    assert rand(np.ones((1, 4)), single) == 1


@pytest.mark.parametrize(
    ("prediction", "truth", "options", "message"),
    [
        (torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), {}, "one channel, got 2"),
        (torch.full((1, 1, 3, 4), 0.5), torch.zeros(1, 1, 3, 4), {}, "y_pred must hold instance ids"),
        (torch.zeros(1, 1, 3, 4), -torch.ones(1, 1, 3, 4), {}, "y must hold instance ids"),
        (torch.zeros(1, 1, 3, 4), torch.full((1, 1, 3, 4), math.nan), {}, "y must hold instance ids"),
        (torch.zeros(1, 1, 3, 4), torch.full((1, 1, 3, 4), 2), {"instances": "background"}, "only 0 and 1"),
        (torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4), {"instances": "cells"}, "instances must be one of"),
        (torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4), {"section_axis": 2}, "section_axis must be an axis of 2D"),
        (torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4), {"variant": "snemi"}, "variant must be one of"),
        (torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4), {"component": "merge"}, "component must be one of"),
    ],
)
def test_bad_input_is_refused(prediction, truth, options, message):
    with pytest.raises(ValueError, match=message):
        compute_adapted_rand_error(prediction, truth, **options)


def cells(dtype, *ids):
    """Columns of four voxels, each of one id."""
    return np.repeat(np.array([ids], dtype)[None, None], 4, axis=2)


@pytest.mark.parametrize("as_tensor", [True, False])
@pytest.mark.parametrize(
    ("dtype", "low"),
    [
        ("u8", 2**64 - 3),
        ("u8", 2**63 - 1),
        ("u8", 2**53),
        ("i8", 2**63 - 3),
        ("i8", 2**53),
        ("u4", 2**24),
        (">u8", 2**60),
    ],
)
def test_neighboring_ids_of_any_size_are_told_apart(dtype, low, as_tensor):
    """The first cell is merged with the small one, the third is to be ignored: 4 of the 12 scored voxels are one."""
    truth, prediction = cells(dtype, low, low + 1, 5, 5), cells(dtype, 5, low + 1, 5, 5)
    pair = (prediction, truth)
    if as_tensor:
        pair = tuple(torch.from_numpy(ids.astype(ids.dtype.newbyteorder("="))) for ids in pair)
    expected = -(1 / 3 * np.log2(1 / 3) + 2 / 3 * np.log2(2 / 3))
    metric = VariationOfInformationMetric(ignore_index=low + 1)
    assert metric(*pair).item() == pytest.approx(expected, abs=1e-6)
    assert VariationOfInformationMetric(ignore_index=-1)(pair[1], pair[1]).item() == 0


@pytest.mark.parametrize(
    ("dtype", "limit"), [(torch.float32, 2**24), (torch.float16, 2**11), (torch.bfloat16, 2**8)], ids=str
)
def test_floats_that_round_ids_are_refused(dtype, limit):
    fine = torch.tensor([[[[1.0, limit - 1, limit - 2]]]]).to(dtype)
    assert compute_variation_of_information(fine, fine).item() == 0
    with pytest.raises(
        ValueError, match=f"y holds instance ids of {limit} as {dtype}, which rounds ids from {limit} on"
    ):
        compute_variation_of_information(fine, torch.where(fine == 1, limit, fine))
