"""What holds for every topology loss: gradients, symmetries, MONAI's arguments and habits."""

from __future__ import annotations

import copy
import inspect
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.losses import DeepSupervisionLoss, MaskedLoss

from monai_topo.topology import available_engines
from tests.losses import images
from tests.losses.cases import LOSSES, OF_LIKELIHOODS, SYMMETRIC, value_and_gradient

every_loss = pytest.mark.parametrize("new_loss", LOSSES.values(), ids=LOSSES)
symmetric_losses = pytest.mark.parametrize("new_loss", SYMMETRIC.values(), ids=SYMMETRIC)
losses_of_likelihoods = pytest.mark.parametrize("new_loss", OF_LIKELIHOODS.values(), ids=OF_LIKELIHOODS)


def example(shape, seed=0, threshold=0.5):
    """A tie-free likelihood and a random mask, ``(1, 1, ...)``."""
    return images.tie_free(shape, seed)[None, None], (images.tie_free(shape, seed + 1) > threshold).float()[None, None]


def stack(shape, channels=3, batch=2):
    """Tie-free likelihoods and random masks, ``(batch, channels, ...)``."""
    pairs = [example(shape, 2 * n) for n in range(batch * channels)]
    return tuple(torch.cat(tensors).reshape(batch, channels, *shape) for tensors in zip(*pairs, strict=True))


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


@every_loss
def test_none_has_as_many_axes_as_the_input(new_loss):
    assert new_loss(reduction="none")(*stack((3, 4, 5), channels=1)).shape == (2, 1, 1, 1, 1)


@losses_of_likelihoods
def test_softmax_one_hot_and_background(new_loss):
    logits = torch.stack([images.tie_free((6, 7), seed) for seed in range(3)])[None] * 4
    classes = torch.tensor(np.random.default_rng(0).integers(0, 3, (1, 1, 6, 7)))
    one_hot = torch.stack([classes[:, 0] == k for k in range(3)], dim=1).float()
    expected = new_loss(reduction="none")(torch.softmax(logits, 1), one_hot)
    every = new_loss(softmax=True, to_onehot_y=True, reduction="none")(logits, classes)
    torch.testing.assert_close(every, expected)
    assert expected.min() > 0
    foreground = new_loss(include_background=False, softmax=True, to_onehot_y=True, reduction="none")(logits, classes)
    alone = new_loss(reduction="none")(torch.softmax(logits, 1)[:, 1:], one_hot[:, 1:])
    torch.testing.assert_close(foreground, alone)


@every_loss
def test_activations_agree(new_loss):
    likelihood, target = example((6, 7))
    logits = likelihood * 6 - 3
    plain = new_loss()(torch.sigmoid(logits), target)
    assert plain > 0
    torch.testing.assert_close(new_loss(sigmoid=True)(logits, target), plain)
    torch.testing.assert_close(new_loss(other_act=torch.sigmoid)(logits, target), plain)


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
    expected = torch.stack([whole(likelihood[..., r, c], target[..., r, c]) for r, c in patches]).mean()
    torch.testing.assert_close(new_loss(patch_size=4, engine=engine)(likelihood, target), expected)
    assert float(whole(likelihood, target)) != pytest.approx(float(expected))


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


@symmetric_losses
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes(engine, new_loss, dtype):
    likelihood, target = (tensor.to(dtype) for tensor in example((5, 7)))
    value, gradient = value_and_gradient(new_loss(engine=engine), likelihood, target)
    assert value == pytest.approx(float(new_loss(engine=engine)(likelihood.float(), target.float())))
    assert gradient.dtype == dtype
    assert gradient.abs().sum() > 0


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_under_autocast(new_loss, dtype):
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    image, target = example((8, 9))
    with torch.autocast("cpu", dtype=dtype):
        output = network(image)
        value = new_loss(sigmoid=True)(output, target)
    assert output.dtype == dtype
    assert value.dtype == torch.float32
    value.backward()
    assert network.weight.grad.abs().sum() > 0


@symmetric_losses
def test_metatensors(new_loss):
    likelihood, target = example((8, 9))
    plain = new_loss()(likelihood, target)
    wrapped = MetaTensor(likelihood.clone()).requires_grad_()
    value = new_loss()(wrapped, MetaTensor(target))
    value.backward()
    assert not isinstance(value, MetaTensor)
    torch.testing.assert_close(value, plain)
    assert wrapped.grad.abs().sum() > 0


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


@every_loss
def test_deep_supervision(new_loss):
    outputs = [example(shape, seed)[0].requires_grad_() for seed, shape in enumerate([(8, 12), (4, 6), (1, 2)])]
    target = torch.zeros(1, 1, 8, 12)
    target[..., 2:5, 3:8] = 1
    DeepSupervisionLoss(new_loss())(outputs, target).backward()
    assert outputs[0].grad.abs().sum() > 0
    assert outputs[1].grad.abs().sum() > 0


@symmetric_losses
def test_as_a_masked_loss(new_loss):
    """MONAI's wrapper multiplies input and target by the mask: what it hides is background."""
    likelihood, target = example((8, 9))
    region = torch.zeros_like(target)
    region[..., :5, :] = 1
    value = MaskedLoss(new_loss())(likelihood, target, region)
    torch.testing.assert_close(value, new_loss()(likelihood * region, target * region))
    assert value > 0


@every_loss
def test_copies_are_the_same_loss(new_loss):
    likelihood, target = example((9, 12))
    loss = new_loss(dims=1, patch_size=5, patch_mode="random", num_patches=2)
    copies = [copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))]
    value = loss(likelihood, target)
    assert value > 0
    for other in copies:
        torch.testing.assert_close(other(likelihood, target), value)


@pytest.mark.filterwarnings("default")  # of torch's own tracing
@symmetric_losses
def test_in_a_compiled_training_step(new_loss):
    """The loss may break the graph; the network's gradient is the one without compilation."""
    image, target = example((8, 9))
    gradients = []
    for compiled in (False, True):
        torch.manual_seed(0)
        network = torch.nn.Conv2d(1, 1, 3, padding=1)
        loss = new_loss(sigmoid=True)

        def step(network=network, loss=loss):
            value = loss(network(image), target)
            value.backward()
            return value.detach()

        value = torch.compile(step, backend="aot_eager")() if compiled else step()
        gradients.append((value, network.weight.grad))
    assert gradients[0][1].abs().sum() > 0
    torch.testing.assert_close(*gradients)


@every_loss
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_nan_names_batch_index_and_channel(new_loss, bad):
    likelihood, target = stack((4, 5))
    likelihood[1, 2, 0, 0] = bad
    with pytest.raises(ValueError, match="batch index 1, channel 2"):
        new_loss()(likelihood, target)


@losses_of_likelihoods
def test_logits_without_activation_say_what_to_set(new_loss):
    with pytest.raises(ValueError, match=r"from -3 to 3.*sigmoid=True, softmax=True or other_act"):
        new_loss()(torch.tensor([[[[-3.0, 3.0]]]]), torch.zeros(1, 1, 1, 2))


@losses_of_likelihoods
def test_soft_or_class_index_targets_say_what_to_set(new_loss):
    for value in (0.5, 2.0):
        with pytest.raises(ValueError, match="to_onehot_y=True"):
            new_loss()(torch.rand(1, 1, 4, 4), torch.full((1, 1, 4, 4), value))


@every_loss
def test_monais_own_errors(new_loss):
    with pytest.raises(TypeError, match="other_act must be None or callable but is int"):
        new_loss(other_act=1)
    with pytest.raises(ValueError, match="more than 1 of"):
        new_loss(sigmoid=True, softmax=True)
    with pytest.raises(ValueError, match="foo"):
        new_loss(reduction="foo")
    with pytest.raises(AssertionError, match="ground truth has different shape"):
        new_loss()(torch.rand(1, 1, 4, 4), torch.zeros(1, 1, 4, 5))
    with pytest.raises(ValueError, match=r"\(B, C, H, W\)"):
        new_loss()(torch.rand(1, 4, 4), torch.zeros(1, 4, 4))
    later = new_loss()
    later.reduction = "foo"
    with pytest.raises(ValueError, match="Unsupported reduction: foo"):
        later(torch.rand(1, 1, 4, 4), torch.zeros(1, 1, 4, 4))


@losses_of_likelihoods
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"softmax": True}, "`softmax=True` ignored"),
        ({"to_onehot_y": True}, "`to_onehot_y=True` ignored"),
        ({"include_background": False}, "`include_background=False` ignored"),
    ],
)
def test_single_channel_warnings(new_loss, arguments, message):
    with pytest.warns(UserWarning, match=message):
        new_loss(**arguments)(*example((4, 4)))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@symmetric_losses
def test_on_the_gpu(new_loss):
    likelihood, target = images.pierced_shell()
    value, gradient = value_and_gradient(new_loss(), likelihood, target)
    with torch.autocast("cuda"):
        on_gpu = value_and_gradient(new_loss(), likelihood.cuda(), target.cuda())
    assert on_gpu[0] == pytest.approx(value)
    torch.testing.assert_close(on_gpu[1].cpu(), gradient)
    assert gradient.abs().sum() > 0
