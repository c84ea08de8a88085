"""What holds for every topology loss: gradients, symmetries, patches, class weights, ignored voxels."""

from __future__ import annotations

import inspect
from functools import partial

import numpy as np
import pytest
import torch

from monai_topo.topology import available_engines
from tests.losses import images
from tests.losses.cases import every_loss, example, losses_of_likelihoods, stack, symmetric_losses, value_and_gradient


@every_loss
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 5)], ids=str)
def test_gradient_by_finite_differences(engine, new_loss, shape, connectivity):
    likelihood, target = example(shape, 3, threshold=0.6)
    likelihood = likelihood**1.3  # so that no two lifetimes tie either

    def loss(likelihood, target):  # a new one at each call draws the same heights
        return new_loss(connectivity=connectivity, engine=engine)(likelihood, target)

    _, gradient = value_and_gradient(loss, likelihood, target)
    assert gradient.abs().max() > 0.1
    step = 2e-4  # less than the distance between two values, heights added: no pair changes
    difference = torch.zeros_like(likelihood)
    for index in np.ndindex(*likelihood.shape):
        up, down = likelihood.clone(), likelihood.clone()
        up[index] += step
        down[index] -= step
        difference[index] = (loss(up, target) - loss(down, target)) / (2 * step)
    torch.testing.assert_close(gradient, difference, atol=5e-3, rtol=0)


@every_loss
@pytest.mark.parametrize("shape", [(9, 13), (5, 6, 7)], ids=str)
def test_engines_agree(new_loss, shape):
    likelihood, target = example(shape, 11)
    found = [value_and_gradient(new_loss(engine=engine), likelihood, target) for engine in available_engines()]
    assert found[0][1].abs().sum() > 0
    for other in found[1:]:
        assert other[0] == pytest.approx(found[0][0], rel=1e-6)
        torch.testing.assert_close(other[1], found[0][1])


@symmetric_losses
@pytest.mark.parametrize("shape", [(5, 9), (3, 5, 7)], ids=str)
def test_axes_do_not_matter(engine, new_loss, shape):
    likelihood, target = example(shape, 5)
    loss = new_loss(engine=engine)
    value, gradient = value_and_gradient(loss, likelihood, target)
    assert gradient.abs().sum() > 0
    turned = value_and_gradient(loss, likelihood.transpose(2, 3).contiguous(), target.transpose(2, 3))
    flipped = value_and_gradient(loss, likelihood.flip(-1), target.flip(-1))
    assert turned[0] == pytest.approx(value, rel=1e-5)
    assert flipped[0] == pytest.approx(value, rel=1e-5)
    torch.testing.assert_close(turned[1], gradient.transpose(2, 3))
    torch.testing.assert_close(flipped[1], gradient.flip(-1))


@symmetric_losses
def test_batch_and_channels_one_by_one(engine, new_loss):
    likelihood, target = stack((5, 6))
    loss = new_loss(engine=engine)
    each = new_loss(reduction="none", engine=engine)(likelihood, target)
    assert each.shape == (2, 3, 1, 1)
    for item, channel in np.ndindex(2, 3):
        alone = loss(likelihood[item, channel][None, None], target[item, channel][None, None])
        torch.testing.assert_close(each[item, channel, 0, 0], alone)
    assert len(set(each.flatten().tolist())) == 6
    torch.testing.assert_close(loss(likelihood, target), each.mean())
    torch.testing.assert_close(new_loss(reduction="sum", engine=engine)(likelihood, target), each.sum())


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


@every_loss
@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("shape", [(7, 9), (4, 5, 6)], ids=str)
def test_ignored_voxels_do_not_matter(engine, new_loss, shape, frame):
    """Neither their likelihood, not even NaN, nor what they are; they have no gradient; the rest has."""
    likelihood, target = example(shape, 7)
    target[..., 1:3, 2:] = 255
    other = likelihood.clone()
    other[target == 255] = float("nan")
    has_frame = "frame" in inspect.signature(new_loss).parameters
    loss = partial(new_loss, engine=engine, **({"frame": frame} if has_frame else {}))
    value, gradient = value_and_gradient(loss(ignore_index=255), likelihood, target)
    again, other_gradient = value_and_gradient(loss(ignore_index=255), other, target)
    assert value == again > 0
    assert gradient[target != 255].abs().sum() > 0
    assert not gradient[target == 255].any()
    assert not other_gradient[target == 255].any()
    with pytest.raises(ValueError, match="NaN"):
        loss()(other, target)


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


@symmetric_losses
def test_grid_patches_are_averaged(engine, new_loss):
    likelihood, target = example((6, 10))
    whole = new_loss(engine=engine)
    patches = [(slice(0, 4), slice(0, 4)), (slice(0, 4), slice(4, 8)), (slice(0, 4), slice(6, 10))]
    patches += [(slice(2, 6), columns) for _, columns in patches]

    def one_by_one(likelihood, target):
        return torch.stack([whole(likelihood[..., r, c], target[..., r, c]) for r, c in patches]).mean()

    value, gradient = value_and_gradient(new_loss(patch_size=4, engine=engine), likelihood, target)
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


@every_loss
@pytest.mark.parametrize("shape", [(1, 1, 1, 6), (1, 1, 1, 1), (1, 1, 4, 1, 5), (1, 1, 1, 1, 1)], ids=str)
def test_thin_patches(engine, new_loss, shape):
    likelihood = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    for target in (torch.zeros(shape), torch.ones(shape)):
        value, gradient = value_and_gradient(new_loss(engine=engine), likelihood, target)
        assert np.isfinite(value)
        assert torch.isfinite(gradient).all()


@symmetric_losses
@pytest.mark.parametrize("filled", [0.0, 1.0])
def test_no_feature_is_no_loss(engine, new_loss, filled):
    """Empty on empty, full on full, all ignored: 0 with a graph."""
    target = torch.full((2, 1, 4, 5, 3), filled)
    for loss in (new_loss(engine=engine), new_loss(engine=engine, ignore_index=int(filled))):
        value, gradient = value_and_gradient(loss, target, target)
        assert value == 0
        assert not gradient.any()
