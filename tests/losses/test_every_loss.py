"""What holds for every topology loss: gradients, symmetries, patches, class weights, ignored voxels."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from tests.losses import images
from tests.losses.cases import (
    ENGINES,
    LOSSES,
    OF_LIKELIHOODS,
    SYMMETRIC,
    every_loss,
    example,
    is_on_skeletons,
    losses_of_likelihoods,
    settings,
    stack,
    symmetric_losses,
    takes,
    value_and_gradient,
    whole_target,
)


@settings(LOSSES, connectivity=[None, 1], frame=[False, True])
@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 5)], ids=str)
def test_gradient_by_finite_differences(new_loss, shape):
    likelihood, target = example(shape, 3, threshold=0.6)
    likelihood = likelihood**1.3  # so that no two lifetimes tie either

    def loss(likelihood, target):  # a new one at each call draws the same heights
        return new_loss()(likelihood, target)

    _, gradient = value_and_gradient(loss, likelihood, target)
    assert gradient.abs().max() > 0.02
    step = 2e-4  # less than the distance between two values, heights added: no pair changes
    difference = torch.zeros_like(likelihood)
    for index in np.ndindex(*likelihood.shape):
        up, down = likelihood.clone(), likelihood.clone()
        up[index] += step
        down[index] -= step
        difference[index] = (loss(up, target) - loss(down, target)) / (2 * step)
    torch.testing.assert_close(gradient, difference, atol=5e-3, rtol=0)


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("name", [name for name in LOSSES if takes(LOSSES[name], "engine")])
@pytest.mark.parametrize("shape", [(9, 13), (5, 6, 7)], ids=str)
def test_engines_agree(name, shape, frame):
    """Or say that they cannot do it."""
    likelihood, target = example(shape, 11)
    new_loss = partial(LOSSES[name], **({"frame": frame} if takes(LOSSES[name], "frame") else {}))
    own = value_and_gradient(new_loss(engine="native"), likelihood, target)
    assert own[1].abs().sum() > 0
    if "gudhi" not in ENGINES[name]:
        with pytest.raises(ValueError, match=r"engine 'gudhi' has no .*: take 'auto' or one of \('native',\)"):
            new_loss(engine="gudhi")(likelihood, target)
        return
    other = value_and_gradient(new_loss(engine="gudhi"), likelihood, target)
    assert other[0] == pytest.approx(own[0], rel=1e-6)
    torch.testing.assert_close(other[1], own[1])


@settings(SYMMETRIC)
@pytest.mark.parametrize("shape", [(5, 9), (3, 5, 7)], ids=str)
def test_axes_do_not_matter(new_loss, shape):
    likelihood, target = example(shape, 5)
    loss = new_loss()
    target = whole_target(loss, target)
    value, gradient = value_and_gradient(loss, likelihood, target)
    assert gradient.abs().sum() > 0
    turned = value_and_gradient(loss, likelihood.transpose(2, 3).contiguous(), target.transpose(2, 3))
    flipped = value_and_gradient(loss, likelihood.flip(-1), target.flip(-1))
    assert turned[0] == pytest.approx(value, rel=1e-5)
    assert flipped[0] == pytest.approx(value, rel=1e-5)
    torch.testing.assert_close(turned[1], gradient.transpose(2, 3))
    torch.testing.assert_close(flipped[1], gradient.flip(-1))


@settings(SYMMETRIC)
def test_batch_and_channels_one_by_one(new_loss):
    likelihood, target = stack((5, 6))
    loss = new_loss()
    each = new_loss(reduction="none")(likelihood, target)
    assert each.shape == (2, 3, 1, 1)
    for item, channel in np.ndindex(2, 3):
        alone = loss(likelihood[item, channel][None, None], target[item, channel][None, None])
        torch.testing.assert_close(each[item, channel, 0, 0], alone)
    assert len(set(each.flatten().tolist())) == 6
    torch.testing.assert_close(loss(likelihood, target), each.mean())
    torch.testing.assert_close(new_loss(reduction="sum")(likelihood, target), each.sum())


@symmetric_losses
def test_class_weights(new_loss):
    likelihood, target = stack((5, 6))
    plain = new_loss(reduction="none")(likelihood, target).flatten(1)
    assert plain.min() > 0
    weighted = new_loss(reduction="none", weight=[2.0, 0.0, 0.5])(likelihood, target).flatten(1)
    torch.testing.assert_close(weighted, plain * torch.tensor([2.0, 0.0, 0.5]))
    without = new_loss(reduction="none", include_background=False, weight=torch.tensor([3.0, 4.0]))(likelihood, target)
    torch.testing.assert_close(without.flatten(1), plain[:, 1:] * torch.tensor([3.0, 4.0]))
    torch.testing.assert_close(new_loss(weight=2.0)(likelihood, target), 2 * plain.mean())
    with pytest.raises(ValueError, match=r"one for each of 3 classes, got 2.*include_background"):
        new_loss(weight=[1.0, 2.0])(likelihood, target)
    with pytest.raises(ValueError, match="at least 0"):
        new_loss(weight=[1.0, -2.0])


@settings(LOSSES, frame=[False, True])
@pytest.mark.parametrize("shape", [(7, 9), (4, 5, 6)], ids=str)
def test_ignored_voxels_do_not_matter(new_loss, shape):
    """Neither their likelihood, not even NaN, nor what they are; they have no gradient; the rest has."""
    likelihood, target = example(shape, 7)
    target[..., 1:3, 2:] = 255
    other = likelihood.clone()
    other[target == 255] = float("nan")
    value, gradient = value_and_gradient(new_loss(ignore_index=255), likelihood, target)
    again, other_gradient = value_and_gradient(new_loss(ignore_index=255), other, target)
    assert value == again > 0
    assert gradient[target != 255].abs().sum() > 0
    assert not gradient[target == 255].any()
    assert not other_gradient[target == 255].any()
    with pytest.raises(ValueError, match="NaN"):
        new_loss()(other, target)


@settings({name: loss for name, loss in OF_LIKELIHOODS.items() if name in SYMMETRIC}, frame=[False, True])
def test_ignored_voxels_are_the_frame_or_the_outside(new_loss):
    """What is hidden has the value that it would have if both were cut there: 1 with a frame, else 0."""
    likelihood, target = example((8, 9), 4, threshold=0.6)
    value = float(takes(new_loss, "frame") and new_loss().frame)
    hidden, cut, truth = target.clone(), likelihood.clone(), target.clone()
    hidden[..., 6:] = 7
    cut[..., 6:] = truth[..., 6:] = value
    loss = new_loss(reduction="none")
    expected = loss(cut, truth)
    assert expected > 0
    torch.testing.assert_close(new_loss(reduction="none", ignore_index=7)(likelihood, hidden), expected)
    cut[..., 6:] = truth[..., 6:] = 1 - value
    if takes(new_loss, "dims"):  # a baseline that looks at single voxels sees no difference
        assert not torch.allclose(loss(cut, truth), expected)


@losses_of_likelihoods
def test_a_right_answer_beside_ignored_voxels_is_free(new_loss):
    _, truth = images.broken_ring()
    hidden = truth.clone()
    hidden[..., 4:8, 8:] = -1
    likelihood = truth.clone()
    likelihood[hidden == -1] = 0.4
    assert new_loss()(likelihood, truth) > 0
    loss = new_loss(ignore_index=-1)
    if not hasattr(loss, "height") or loss.height is None:
        assert loss(likelihood, hidden) == 0


@losses_of_likelihoods
def test_an_ignored_class(new_loss):
    logits = torch.stack([images.tie_free((6, 7), seed) for seed in range(3)])[None] * 4
    classes = torch.tensor(np.random.default_rng(0).integers(0, 3, (1, 1, 6, 7)))
    for ignored in (2, 255):
        marked = torch.where(classes == 2, ignored, classes)
        loss = new_loss(softmax=True, to_onehot_y=True, ignore_index=ignored)
        value, gradient = value_and_gradient(loss, logits, marked)
        assert value > 0
        assert not gradient[(marked == ignored).expand_as(gradient)].any()
        assert gradient.any()


@every_loss
def test_random_patches_are_drawn_anew_and_from_the_seed(new_loss):
    likelihood, target = (torch.cat([tensor] * 2) for tensor in example((9, 12)))

    def draw(seed):
        loss = new_loss(patch_size=(4, 5), patch_mode="random", num_patches=2, seed=seed, reduction="none")
        return [loss(likelihood, target).flatten().tolist() for _ in range(3)]

    first = draw(0)
    assert first == draw(0)
    assert first != draw(1)
    assert first[0] != first[1]
    assert first[0][0] != first[0][1]  # the two items, which are the same image, have patches of their own


@settings(SYMMETRIC)
def test_grid_patches_are_averaged(new_loss):
    likelihood, target = example((6, 10))
    whole = new_loss()
    patches = [(slice(0, 4), slice(0, 4)), (slice(0, 4), slice(4, 8)), (slice(0, 4), slice(6, 10))]
    patches += [(slice(2, 6), columns) for _, columns in patches]

    def one_by_one(likelihood, target):
        return torch.stack([whole(likelihood[..., r, c], target[..., r, c]) for r, c in patches]).mean()

    value, gradient = value_and_gradient(new_loss(patch_size=4), likelihood, target)
    expected, expected_gradient = value_and_gradient(one_by_one, likelihood, target)
    assert value == pytest.approx(expected, rel=1e-5)
    assert expected_gradient.any()
    torch.testing.assert_close(gradient, expected_gradient)
    assert float(whole(likelihood, target)) != pytest.approx(expected)


@every_loss
def test_patch_arguments_must_go_together(new_loss):
    for arguments in (
        {"patch_mode": "dense"},
        {"patch_size": 0},
        {"patch_size": 4, "patch_mode": "random"},
        {"patch_size": 4, "num_patches": 3},
        {"num_patches": 3, "patch_mode": "random"},
    ):
        with pytest.raises(ValueError, match="patch"):
            new_loss(**arguments)
    with pytest.raises(ValueError, match="does not fit data with 2 spatial axes"):
        new_loss(patch_size=(4, 4, 4))(*example((8, 8)))


@settings(LOSSES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 6), (1, 1, 1, 1), (1, 1, 4, 1, 5), (1, 1, 1, 1, 1)], ids=str)
def test_thin_patches(new_loss, shape):
    likelihood = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    for target in (torch.zeros(shape), torch.ones(shape)):
        value, gradient = value_and_gradient(new_loss(), likelihood, target)
        assert np.isfinite(value)
        assert torch.isfinite(gradient).all()


@settings(SYMMETRIC)
@pytest.mark.parametrize("filled", [0.0, 1.0])
def test_no_feature_is_no_loss(new_loss, filled):
    """Empty on empty, full on full, all ignored: 0 with a graph."""
    target = torch.full((2, 1, 4, 5, 3), filled)
    for loss in (new_loss(), new_loss(ignore_index=int(filled))):
        value, gradient = value_and_gradient(loss, target, target)
        assert value == 0
        if is_on_skeletons(loss) and loss.ignore_index is None:  # linear: more than 1 would be yet better
            assert (gradient <= 0).all()
        else:
            assert not gradient.any()
