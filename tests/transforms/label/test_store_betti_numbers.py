"""Betti numbers that a loss takes from the metadata of its target."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, MetaTensor
from monai.transforms import (
    Compose,
    CropForeground,
    EnsureChannelFirstd,
    Lambdad,
    RandFlipd,
    RandSpatialCropd,
    Rotate90d,
    SpatialPadd,
)

from monai_topo.losses import DiceCETopologyLoss, LifetimeTopoLoss, TopoLoss, persistence
from monai_topo.topology import BETTI_KEY, betti_numbers
from monai_topo.transforms import StoreBettiNumbers, StoreBettiNumbersd

SHAPE = (9, 8, 7)


def labels(count=2, seed=0):
    return [np.random.default_rng(seed + n).random(SHAPE) > 0.6 for n in range(count)]


def batch_of(*transforms, count=2):
    chain = Compose([EnsureChannelFirstd("label", channel_dim="no_channel"), *transforms])
    data = CacheDataset([{"label": label.astype(np.float32)} for label in labels(count)], chain, progress=False)
    return next(iter(DataLoader(data, batch_size=count)))["label"]


def refuse(*arguments, **options):
    raise AssertionError("counted again")


@pytest.mark.parametrize(
    ("loss", "frame"),
    [
        (TopoLoss, True),
        (partial(TopoLoss, connectivity=1, frame=False), False),
        (LifetimeTopoLoss, False),
        (partial(DiceCETopologyLoss, topology="topo"), True),
    ],
)
def test_they_are_taken_and_the_value_is_the_same(loss, frame, monkeypatch):
    connectivity = 1 if isinstance(loss, partial) and "connectivity" in loss.keywords else None
    target = batch_of(RandFlipd("label", prob=1.0), StoreBettiNumbersd("label", connectivity, frame))
    logits = torch.randn(2, 1, *SHAPE, generator=torch.Generator().manual_seed(1))
    wanted = loss(sigmoid=True)(logits, target.as_tensor())
    assert wanted > 0
    monkeypatch.setattr(persistence, "betti_numbers", refuse)
    with pytest.raises(AssertionError, match="counted again"):
        loss(sigmoid=True)(logits, target.as_tensor())
    assert torch.equal(loss(sigmoid=True)(logits, target), wanted)
    assert torch.equal(loss(sigmoid=True)(logits, target.to(torch.uint8)), wanted)


def test_wrong_numbers_would_be_seen():
    target = batch_of(StoreBettiNumbersd("label"))
    likelihood = torch.rand(2, 1, *SHAPE, generator=torch.Generator().manual_seed(1))
    wanted = TopoLoss()(likelihood, target)
    target.meta["betti_numbers"][:, :, 4] += 3
    assert TopoLoss()(likelihood, target) != wanted


def test_each_class_has_its_own():
    masks = np.stack([*labels(3)])
    target = StoreBettiNumbers(frame=True)(masks.astype(np.float32))
    assert target.meta["betti_numbers"][:, 3:].tolist() == [list(betti_numbers(mask, frame=True)) for mask in masks]
    target = MetaTensor(target[None], meta={"betti_numbers": target.meta["betti_numbers"][None]})
    logits = torch.randn(1, 3, *SHAPE, generator=torch.Generator().manual_seed(1))
    for background in (True, False):
        loss = TopoLoss(sigmoid=True, include_background=background)
        assert torch.equal(loss(logits, target), loss(logits, target.as_tensor()))


@pytest.mark.parametrize("options", [{"patch_size": 4}, {"ignore_index": 7}])
def test_where_channels_are_others_the_loss_counts(options):
    target = batch_of(StoreBettiNumbersd("label"))
    likelihood = torch.rand(2, 1, *SHAPE, generator=torch.Generator().manual_seed(1))
    loss = TopoLoss(**options)
    assert torch.equal(loss(likelihood, target), loss(likelihood, target.as_tensor()))


@pytest.mark.parametrize(
    "change",
    [
        RandSpatialCropd("label", (6, 6, 6), random_size=False),
        SpatialPadd("label", (10, 10, 10)),
        Lambdad("label", partial(torch.roll, shifts=2, dims=1)),
    ],
    ids=["crop", "pad", "roll"],
)
def test_a_change_behind_it_is_an_error(change):
    target = batch_of(StoreBettiNumbersd("label"), change)
    with pytest.raises(ValueError, match=r"of another mask: it was .* changed since: put StoreBettiNumbers behind"):
        TopoLoss()(torch.rand(target.shape), target)


def test_a_crop_of_the_empty_border_is_an_error():
    """As many voxels as before, of which some now touch the frame: the numbers would be others, and the loss too."""
    image = np.zeros((1, 9, 9), np.float32)
    image[0, 2:7, [2, 6]] = 1
    target = CropForeground()(StoreBettiNumbers()(image))
    with pytest.raises(ValueError, match="of another mask"):
        TopoLoss()(
            torch.rand(1, *target.shape), MetaTensor(target[None], meta={BETTI_KEY: target.meta[BETTI_KEY][None]})
        )


def test_flips_and_rotations_behind_it_are_none():
    target = batch_of(StoreBettiNumbersd("label"), RandFlipd("label", 1.0, 0), Rotate90d("label"))
    likelihood = torch.rand(target.shape, generator=torch.Generator().manual_seed(1))
    assert torch.equal(TopoLoss()(likelihood, target), TopoLoss()(likelihood, target.as_tensor()))


def test_another_frame_is_an_error():
    target = batch_of(StoreBettiNumbersd("label", frame=False))
    with pytest.raises(ValueError, match=r"frame=False, and the loss connectivity=None, frame=True"):
        TopoLoss()(torch.rand(target.shape), target)


@pytest.mark.parametrize(
    "change", [lambda x: x[:, ::-1], lambda x: x.astype(">f4"), np.asfortranarray, lambda x: x > 0]
)
def test_arrays_of_any_layout(change):
    image = change(labels(1)[0][None].astype(np.float32))
    stored = StoreBettiNumbers()(image)
    assert stored.meta[BETTI_KEY][0, 3:].tolist() == list(betti_numbers(image[0], frame=True))
    np.testing.assert_array_equal(stored.numpy(), image)


@pytest.mark.parametrize("records", ["x", {"a": 1}, [1, 2], np.zeros((2, 1, 2), int), np.zeros((2, 1, 6))], ids=str)
def test_what_is_no_record_is_an_error(records):
    target = batch_of(StoreBettiNumbersd("label"))
    target.meta[BETTI_KEY] = records
    with pytest.raises(ValueError, match=r"'betti_numbers' must have one record for each of \(2, 1\) items"):
        TopoLoss()(torch.rand(target.shape), target)


def test_an_item_too_few_is_an_error():
    target = batch_of(StoreBettiNumbersd("label"))
    target.meta["betti_numbers"] = target.meta["betti_numbers"][:1]
    with pytest.raises(ValueError, match="one record for each of"):
        TopoLoss()(torch.rand(target.shape), target)
