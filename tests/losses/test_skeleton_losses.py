"""Losses on skeletons against plain numpy written from the definitions, and what travels with the target."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from monai.losses import DeepSupervisionLoss, DiceCELoss, DiceLoss

from monai_topo.graphs import centerline_mask
from monai_topo.losses import (
    CbDiceLoss,
    CenterlineCrossEntropyLoss,
    CenterlineDiceLoss,
    DeepSupervisionTopologyLoss,
    DiceCETopologyLoss,
    SkeletonRecallLoss,
    WeightedSumLoss,
)
from monai_topo.transforms import SkeletonTube
from tests.losses import images
from tests.losses.cases import value_and_gradient
from tests.losses.test_soft_skeleton import by_morphology

LOSSES = (SkeletonRecallLoss, CenterlineDiceLoss, CenterlineCrossEntropyLoss, CbDiceLoss)
SHAPES = [(8, 9), (5, 6, 4)]
every = pytest.mark.parametrize("new_loss", LOSSES, ids=lambda loss: loss.__name__)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def dilate(mask):
    grown = mask.copy()
    for axis in range(mask.ndim):
        ahead, behind = np.roll(mask, 1, axis), np.roll(mask, -1, axis)
        np.moveaxis(ahead, axis, 0)[0] = np.moveaxis(behind, axis, 0)[-1] = False
        grown |= ahead | behind
    return grown


def recall(p, y, skeleton):
    return 1 - ((p * skeleton).sum() + 1e-5) / (skeleton.sum() + 1e-5)


def cl_dice(p, y, skeleton):
    soft = by_morphology(p, 3)
    precision = ((soft * y).sum() + 1) / (soft.sum() + 1)
    sensitivity = ((skeleton * p).sum() + 1) / (skeleton.sum() + 1)
    return 1 - 2 / (1 / precision + 1 / sensitivity)


def cl_ce(p, y, skeleton):
    held = [np.maximum(np.log(np.maximum(q, 1e-300)), -100) for q in (p, 1 - p)]
    entropy = -np.where(y, *held)
    return (entropy * skeleton).mean() + (entropy * by_morphology(p, 3)).mean()


def distance(mask):
    """By all pairs of voxels; 1 if there is nothing outside."""
    places = np.argwhere(np.ones(mask.shape))
    outside = np.argwhere(~mask)
    if not len(outside):
        return np.ones(mask.shape)
    away = np.sqrt(((places[:, None] - outside[None]) ** 2).sum(-1).min(1))
    return away.reshape(mask.shape)


def cb_dice(p, y, skeleton, inverse="division"):
    soft = by_morphology(p, 10)

    def weights(mask, curve):
        away = distance(mask)
        largest = max((away * curve).max(), 1)
        with np.errstate(divide="ignore"):
            weight = largest / away if inverse == "division" else (largest - away + 1) / largest
        thin = np.where(curve, np.where(curve, weight, 0) ** (mask.ndim - 1), 0)
        return np.minimum(away, largest) / largest * mask, away / largest * curve, thin

    depth_y, radius_y, thin_y = weights(y, skeleton)
    depth_p, radius_p, thin_p = weights(p > 0.5, soft > 0.5)
    depth_p, radius_p, thin_p = depth_p * p, radius_p * p, thin_p * soft
    precision = ((thin_p * depth_y).sum() + 1) / ((thin_p * np.where(radius_y > 0, radius_y, radius_p)).sum() + 1)
    sensitivity = ((thin_y * depth_p).sum() + 1) / ((thin_y * np.where(radius_p > 0, radius_p, radius_y)).sum() + 1)
    return 1 - 2 / (1 / precision + 1 / sensitivity)


def examples(shape, count=110):
    """Likelihoods with and without ties, and masks: smooth ones, thin ones, empty ones and full ones."""
    rng = np.random.default_rng(len(shape))
    for number in range(count):
        p = rng.random(shape)
        if number % 2:
            p = np.round(p * 4) / 4
        share = (0.3, 0.6, 0.9, number % 4 / 3)[number % 4]
        y = rng.random(shape) < share
        if number % 5 == 0:
            y = dilate(rng.random(shape) < 0.1)
            p = np.where(y, 0.4 + 0.6 * p, 0.7 * p)
        yield p.astype(np.float32).astype(float), y


FORMULAS = {
    SkeletonRecallLoss: (recall, 2),
    CenterlineDiceLoss: (cl_dice, 0),
    CenterlineCrossEntropyLoss: (cl_ce, 0),
    CbDiceLoss: (cb_dice, 0),
    partial(CbDiceLoss, inverse="subtraction"): (partial(cb_dice, inverse="subtraction"), 0),
}


@every_shape
@pytest.mark.parametrize("new_loss", FORMULAS, ids=lambda loss: getattr(loss, "__name__", "subtraction"))
def test_value_by_the_formula(new_loss, shape):
    formula, dilations = FORMULAS[new_loss]
    cases = list(examples(shape))
    likelihood = torch.tensor(np.stack([p for p, _ in cases])[:, None], dtype=torch.float32)
    target = torch.tensor(np.stack([y for _, y in cases])[:, None].astype(float))
    wanted = []
    for p, y in cases:
        skeleton = centerline_mask(y)
        for _ in range(dilations):
            skeleton = dilate(skeleton)
        wanted.append(formula(p, y, skeleton & y))
    found = new_loss(reduction="none")(likelihood, target).flatten()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-6)
    assert np.std(wanted) > 0.01


@every
@every_shape
def test_gradient_by_finite_differences(new_loss, shape):
    """In float64."""
    target = torch.from_numpy(dilate(images.tie_free(shape, 3).numpy() < 0.2))[None]
    likelihood = (0.3 * images.tie_free(shape, 1) + 0.55 * target).double()
    loss = new_loss()
    skeleton = loss.skeletons_of(target)
    [gradient] = torch.autograd.grad(loss.skeleton_terms(likelihood.requires_grad_(), target, skeleton), likelihood)
    assert gradient.abs().max() > 1e-3
    assert torch.autograd.gradcheck(lambda p: loss.skeleton_terms(p, target, skeleton), likelihood, atol=1e-6)


@every_shape
def test_where_there_is_a_gradient(shape):
    """Recall: on the tube, upward. cbDice: nowhere as long as nothing is above 0.5, where clDice has one."""
    for seed in range(20):
        target = torch.from_numpy(dilate(images.tie_free(shape, seed).numpy() < 0.15))[None, None].float()
        likelihood = images.tie_free(shape, seed + 50)[None, None]
        tube = SkeletonRecallLoss().skeletons_of(target[:, 0] > 0)[:, None]
        assert torch.equal(value_and_gradient(SkeletonRecallLoss(), likelihood, target)[1] < 0, tube)
        assert value_and_gradient(CbDiceLoss(), likelihood, target)[1].any()
        assert not value_and_gradient(CbDiceLoss(), likelihood / 2, target)[1].any()
        assert value_and_gradient(CenterlineDiceLoss(), likelihood / 2, target)[1].any()


def label_and_tube(shape, classes, dilations=2, seed=0):
    label = torch.from_numpy(np.random.default_rng(seed).integers(0, classes, (2, 1, *shape)))
    tube = torch.stack([SkeletonTube(dilations)(item) for item in label])
    return label, tube


def one_hot(label, classes):
    return torch.cat([label == k for k in range(classes)], 1).float()


@every
@every_shape
def test_skeletons_that_come_with_the_target(new_loss, shape):
    """As masks or as classes: what the loss would make itself."""
    loss = partial(new_loss, softmax=True, include_background=False, reduction="none")
    label, tube = label_and_tube(shape, 3, dilations=new_loss().dilations)
    logits = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(0))
    own = loss(to_onehot_y=True)(logits, label)
    assert own.std() > 0
    torch.testing.assert_close(loss(to_onehot_y=True)(logits, torch.cat([label, tube], 1)), own)
    both = torch.cat([one_hot(label, 3), one_hot(tube, 3)], 1)
    torch.testing.assert_close(loss()(logits, both), own)
    other = torch.cat([label, torch.zeros_like(tube)], 1)
    assert not torch.allclose(loss(to_onehot_y=True)(logits, other), own)


@every
def test_patches_cut_the_skeletons_too(new_loss):
    label, tube = label_and_tube((9, 12), 2, new_loss().dilations)
    likelihood = torch.rand(2, 1, 9, 12, generator=torch.Generator().manual_seed(1))
    both = torch.cat([label, tube], 1).float()
    loss = new_loss()
    cut = [loss(likelihood[..., c : c + 9], both[..., c : c + 9]) for c in (0, 3)]
    value = new_loss(patch_size=(9, 9))(likelihood, both)
    torch.testing.assert_close(value, torch.stack(cut).mean())
    assert not torch.allclose(value, loss(likelihood, both))


@every
@every_shape
def test_everything_may_be_turned(new_loss, shape):
    label, tube = label_and_tube(shape, 2, new_loss().dilations)
    likelihood = torch.rand(label.shape, generator=torch.Generator().manual_seed(1))
    both = torch.cat([label, tube], 1)
    value, gradient = value_and_gradient(new_loss(), likelihood, both)
    for turn in (lambda t: t.flip(2), lambda t: t.transpose(2, 3), lambda t: t.flip(3).transpose(2, -1)):
        turned = value_and_gradient(new_loss(), turn(likelihood), turn(both))
        assert turned[0] == pytest.approx(value, rel=1e-5)
        torch.testing.assert_close(turned[1], turn(gradient))


@every
def test_ignored_voxels_of_skeletons(new_loss):
    label, tube = label_and_tube((8, 9), 3, new_loss().dilations)
    logits = torch.randn(2, 3, 8, 9, generator=torch.Generator().manual_seed(0))
    loss = new_loss(softmax=True, to_onehot_y=True, include_background=False, ignore_index=255)
    values = []
    for mark in (0, 1, 255):
        marked, second = label.clone(), tube.clone()
        marked[..., 5:] = 255
        second[..., 5:] = mark
        value, gradient = value_and_gradient(loss, logits, torch.cat([marked, second], 1))
        assert not gradient[..., 5:].any()
        assert gradient[..., :5].any()
        values.append(value)
    assert values[0] == values[1] == values[2] > 0


def test_the_background_has_no_skeleton_among_classes():
    label, tube = label_and_tube((8, 9), 3)
    with pytest.raises(ValueError, match="class 0, has none: set include_background=False"):
        SkeletonRecallLoss(softmax=True, to_onehot_y=True)(torch.randn(2, 3, 8, 9), torch.cat([label, tube], 1))


def test_what_is_no_skeleton_is_named():
    both = torch.cat([torch.ones(1, 1, 4, 5), torch.full((1, 1, 4, 5), 0.5)], 1)
    with pytest.raises(ValueError, match="its skeletons must hold only 0 and 1"):
        CenterlineDiceLoss()(torch.rand(1, 1, 4, 5), both)


NAMES = {
    "skeleton_recall": SkeletonRecallLoss,
    "centerline_dice": CenterlineDiceLoss,
    "centerline_ce": CenterlineCrossEntropyLoss,
    "cb_dice": CbDiceLoss,
}


@pytest.mark.parametrize("name", NAMES)
def test_compounds_take_skeletons_too(name):
    """Dice, cross-entropy and the other terms see the masks alone."""
    label, tube = label_and_tube((8, 9), 3, NAMES[name]().dilations)
    logits = torch.randn(2, 3, 8, 9, generator=torch.Generator().manual_seed(0))
    both = torch.cat([label, tube], 1)
    options = {"to_onehot_y": True, "softmax": True, "include_background": False}
    compound = DiceCETopologyLoss(**options, topology=[name, "topo"])
    assert type(compound.topology[0]) is NAMES[name]
    assert compound.lambda_topo[0] == 1
    total = compound(logits, both)
    torch.testing.assert_close(total, compound(logits, label))
    torch.testing.assert_close(compound.voxelwise(logits, both), DiceCELoss(**options)(logits, label))
    terms = [DiceCELoss(**options), NAMES[name](**options)]
    weighted = WeightedSumLoss([WeightedSumLoss(terms, [1, 1]), DiceLoss(**options)], [1, 1])
    parts = terms[0](logits, label) + terms[1](logits, both) + DiceLoss(**options)(logits, label)
    torch.testing.assert_close(weighted(logits, both), parts)


def test_deep_supervision_with_skeletons():
    label, tube = label_and_tube((8, 12), 2)
    outputs = [torch.randn(2, 2, 8, 12), torch.randn(2, 2, 4, 6)]
    options = {"to_onehot_y": True, "softmax": True, "include_background": False}
    loss = DiceCETopologyLoss(**options, topology="skeleton_recall")
    both = torch.cat([label, tube], 1)
    small = torch.nn.functional.interpolate(both.float(), size=(4, 6), mode="nearest-exact")
    found = DeepSupervisionTopologyLoss(loss)(outputs, both)
    torch.testing.assert_close(found, loss(outputs[0], both) + 0.5 * loss.voxelwise(outputs[1], small[:, :1]))
    every_level = DeepSupervisionLoss(SkeletonRecallLoss(**options))(outputs, both.float())
    torch.testing.assert_close(
        every_level,
        SkeletonRecallLoss(**options)(outputs[0], both) + 0.5 * SkeletonRecallLoss(**options)(outputs[1], small),
    )


def test_branches_thinner_than_the_thickest_weigh_alike():
    """In 2D: each voxel of the label's skeleton counts 1, whatever its radius."""
    label = torch.zeros(1, 1, 36, 40)
    bars = {1: slice(2, 3), 3: slice(8, 13), 6: slice(20, 31)}
    for rows in bars.values():
        label[..., rows, 2:38] = 1
    loss = CbDiceLoss()
    skeleton = loss.skeletons_of(label[:, 0] > 0)
    total = int(skeleton.sum())
    for radius in (1, 3):
        without = label.clone()
        without[..., bars[radius], :] = 0
        found = (int((skeleton & (without[:, 0] > 0)).sum()) + 1) / (total + 1)
        assert float(loss(without, label)) == pytest.approx(1 - 2 * found / (1 + found), rel=1e-3)


def test_surfaces_of_walls():
    wall = torch.zeros(1, 1, 5, 11, 11)
    wall[:, :, 1:4] = 1
    likelihood = wall.clone()
    likelihood[..., 4:7, 4:7] = 0  # a hole of 3 x 3 in a surface of 9 x 9
    loss = SkeletonRecallLoss(kind="surface", dilations=0)
    assert float(loss(likelihood, wall)) == pytest.approx(9 / 81, rel=1e-4)
    curve = SkeletonRecallLoss(dilations=0).skeletons_of(wall[:, 0] > 0)
    assert curve.sum() < 30


@pytest.mark.parametrize(
    ("new_loss", "options", "message"),
    [
        (SkeletonRecallLoss, {"dilations": -1}, "dilations must be at least 0"),
        (SkeletonRecallLoss, {"kind": "wall"}, "kind must be one of"),
        (SkeletonRecallLoss, {"smooth": 0}, "smooth must be more than 0"),
        (CenterlineDiceLoss, {"iterations": -1}, "iterations must be at least 0"),
        (CenterlineDiceLoss, {"smooth": float("nan")}, "smooth must be more than 0"),
        (CbDiceLoss, {"inverse": "square"}, "inverse must be one of"),
    ],
)
def test_bad_arguments(new_loss, options, message):
    with pytest.raises(ValueError, match=message):
        new_loss(**options)
