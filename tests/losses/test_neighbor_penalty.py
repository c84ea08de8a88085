"""The worst neighbor of the same class, voxel by voxel; and what the wrapped loss is given."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.losses import DeepSupervisionLoss, DiceCELoss, DiceLoss

from monai_topo.losses import DiceCETopologyLoss, SameClassNeighborPenalty, SkeletonRecallLoss
from tests.losses import images
from tests.losses.cases import value_and_gradient

SHAPES = [(6, 7), (4, 3, 5)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def by_hand(logits, labels, size, valid=None):
    """``(C, ...)`` logits and masks, by the definition."""
    worst = logits.copy()
    reach = size // 2
    for channel, *place in np.ndindex(logits.shape):
        if valid is not None and not valid[tuple(place)]:
            continue
        around = [range(max(p - reach, 0), min(p + reach + 1, n)) for p, n in zip(place, logits.shape[1:], strict=True)]
        label = labels[(channel, *place)]
        same = [q for q in product(*around) if labels[(channel, *q)] == label and (valid is None or valid[q])]
        found = [logits[(channel, *q)] for q in same]
        worst[(channel, *place)] = min(found) if label else max(found)
    return worst


def example(shape, seed, ties=False):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 20, (3, *shape)).astype(np.float32)
    return np.round(logits / 10) if ties else logits, rng.integers(0, 3, (1, *shape))


@every_shape
@pytest.mark.parametrize("size", [1, 3, 5])
def test_by_the_definition(shape, size):
    penalty = SameClassNeighborPenalty(DiceCELoss(softmax=True, to_onehot_y=True), kernel_size=size)
    for seed in range(40):
        logits, classes = example(shape, seed, ties=seed % 2 == 0)
        masks = np.concatenate([classes == k for k in range(3)])
        wanted = by_hand(logits, masks, size)
        found = penalty.worst(torch.from_numpy(logits)[None], torch.from_numpy(classes)[None])
        np.testing.assert_array_equal(found[0], wanted)
        same = penalty.worst(torch.from_numpy(logits)[None], torch.from_numpy(masks)[None])
        assert torch.equal(same, found)
        assert (size == 1) == np.array_equal(wanted, logits)


@every_shape
def test_ignored_voxels_are_nobodys_neighbors(shape):
    penalty = SameClassNeighborPenalty(DiceLoss(sigmoid=True, to_onehot_y=True, ignore_index=255), ignore_index=255)
    for seed in range(10):
        logits, classes = example(shape, seed)
        classes[:, 1:3, 1:] = 255
        valid = classes[0] != 255
        masks = np.concatenate([classes == k for k in range(3)])
        logits[:, ~valid] = np.nan
        found = penalty.worst(torch.from_numpy(logits)[None], torch.from_numpy(classes)[None])[0].numpy()
        np.testing.assert_array_equal(found[:, valid], by_hand(logits, masks, 3, valid)[:, valid])
        assert np.isfinite(found).all()
    value, gradient = value_and_gradient(penalty, torch.from_numpy(logits)[None], torch.from_numpy(classes)[None])
    assert np.isfinite(value)
    assert not gradient[0][:, ~valid].any()
    assert gradient[0][:, valid].any()


def test_the_loss_is_taken_of_the_worst():
    logits, classes = (torch.from_numpy(array)[None] for array in example((6, 7), 3))
    loss = DiceCELoss(softmax=True, to_onehot_y=True)
    penalty = SameClassNeighborPenalty(loss)
    expected = loss(penalty.worst(logits, classes), classes)
    torch.testing.assert_close(penalty(logits, classes), expected)
    both = SameClassNeighborPenalty(loss, add_plain=True)(logits, classes)
    torch.testing.assert_close(both, expected + loss(logits, classes))
    assert "kernel_size=3" in repr(penalty)


@every_shape
def test_gradient_by_finite_differences_and_where_it_goes(shape):
    """To the worst voxels, and no other; a difference of float32 values suffices for a loss that is linear there."""
    logits = 8 * images.tie_free(shape, 1)[None, None] - 4
    target = (images.tie_free(shape, 2) < 0.5).float()[None, None]
    loss = SameClassNeighborPenalty(DiceCELoss(sigmoid=True))
    _, gradient = value_and_gradient(loss, logits, target)
    assert gradient.abs().max() > 0.01
    worst = set(loss.worst(logits, target).flatten().tolist())
    seen = torch.tensor([value in worst for value in logits.flatten().tolist()]).reshape(logits.shape)
    assert torch.equal(gradient != 0, seen)
    step = 1e-2
    for index in np.ndindex(*logits.shape):
        up, down = logits.clone(), logits.clone()
        up[index] += step
        down[index] -= step
        difference = (loss(up, target) - loss(down, target)) / (2 * step)
        assert gradient[index].item() == pytest.approx(difference.item(), abs=2e-4)


@every_shape
def test_turned_batched_and_channel_by_channel(shape):
    logits = torch.cat([torch.from_numpy(example(shape, seed, ties=True)[0])[None] for seed in range(2)])
    masks = torch.cat([images.tie_free((3, *shape), seed)[None] for seed in range(2)]) < 0.5
    penalty = SameClassNeighborPenalty(DiceCELoss(sigmoid=True))
    worst = penalty.worst(logits, masks)
    for turn in (lambda t: t.flip(2), lambda t: t.transpose(2, 3), lambda t: t.flip(-1)):
        assert torch.equal(penalty.worst(turn(logits), turn(masks)), turn(worst))
    for item, channel in np.ndindex(2, 3):
        part = (slice(item, item + 1), slice(channel, channel + 1))
        assert torch.equal(penalty.worst(logits[part], masks[part]), worst[part])
    value, gradient = value_and_gradient(penalty, logits, masks.float())
    turned = value_and_gradient(penalty, logits.flip(2), masks.float().flip(2))
    assert turned[0] == pytest.approx(value)
    torch.testing.assert_close(turned[1].flip(2), gradient)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_metatensors_and_deep_supervision(dtype):
    logits, classes = (torch.from_numpy(array)[None] for array in example((6, 8), 3))
    loss = SameClassNeighborPenalty(DiceCELoss(softmax=True, to_onehot_y=True))
    plain = loss(logits.to(dtype).float(), classes)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = loss(logits.to(dtype), classes)
    torch.testing.assert_close(half, plain)
    assert not isinstance(loss(MetaTensor(logits), MetaTensor(classes)), MetaTensor)
    levels = [logits.clone().requires_grad_(), logits[..., ::2, ::2].clone().requires_grad_()]
    DeepSupervisionLoss(loss)(levels, classes.float()).backward()
    assert all(level.grad.any() for level in levels)


@pytest.mark.parametrize("include_background", [True, False])
def test_by_its_name_in_the_compound(include_background):
    """With all class weights, the background's too, as DiceCELoss counts them."""
    logits, classes = (torch.from_numpy(array)[None] for array in example((6, 7), 3))
    options = {"softmax": True, "to_onehot_y": True, "include_background": include_background}
    options["weight"] = torch.tensor([0.5, 2.0, 3.0])
    base = DiceCELoss(**options)
    compound = DiceCETopologyLoss(**options, topology=["neighbor_penalty", "topo"], lambda_topo=[2.0, 0.0])
    expected = base(logits, classes) + 2 * SameClassNeighborPenalty(base)(logits, classes)
    torch.testing.assert_close(compound(logits, classes), expected)


def test_around_a_loss_on_skeletons():
    label = (images.tie_free((6, 7), 1) < 0.6).float()[None, None]
    logits = images.tie_free((6, 7), 2)[None, None]
    loss = SkeletonRecallLoss(sigmoid=True)
    tube = loss.skeletons_of(label[:, 0] > 0)[:, None].float()
    penalty = SameClassNeighborPenalty(loss)
    both = torch.cat([label, tube], 1)
    torch.testing.assert_close(penalty(logits, both), loss(penalty.worst(logits, label), both))


def test_errors():
    with pytest.raises(TypeError, match="loss must be a module"):
        SameClassNeighborPenalty("dice")
    for size in (2, 0, -1):
        with pytest.raises(ValueError, match="kernel_size must be odd"):
            SameClassNeighborPenalty(DiceLoss(), kernel_size=size)
    penalty = SameClassNeighborPenalty(DiceLoss(sigmoid=True))
    with pytest.raises(ValueError, match="NaN or infinity at batch index 0, channel 0"):
        penalty(torch.full((1, 1, 4, 4), float("nan")), torch.zeros(1, 1, 4, 4))
    with pytest.raises(ValueError, match="only 0 and 1"):
        penalty(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 2.0))
    with pytest.raises(AssertionError, match="different shape"):
        penalty(torch.zeros(1, 3, 4, 4), torch.zeros(1, 2, 4, 4))
