"""Every topology loss as a MONAI loss: arguments, dtypes, wrappers, copies, errors."""

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

from monai_topo.losses import TopoLoss
from tests.losses import images
from tests.losses.cases import (
    SYMMETRIC,
    every_loss,
    example,
    losses_of_likelihoods,
    settings,
    stack,
    symmetric_losses,
    takes,
    value_and_gradient,
)

MONAIS = ["include_background", "to_onehot_y", "sigmoid", "softmax", "other_act", "reduction"]


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


@settings(SYMMETRIC)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes(new_loss, dtype):
    likelihood, target = (tensor.to(dtype) for tensor in example((5, 7)))
    value, gradient = value_and_gradient(new_loss(), likelihood, target)
    assert value == pytest.approx(float(new_loss()(likelihood.float(), target.float())))
    assert gradient.dtype == dtype
    assert gradient.abs().sum() > 0


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_under_autocast(new_loss, dtype):
    torch.manual_seed(0)
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
    dims = {"dims": 1} if takes(new_loss, "dims") else {}
    loss = new_loss(**dims, patch_size=5, patch_mode="random", num_patches=2)
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
    """Advice that works: softmax is none for a single channel."""
    logits = torch.tensor([[[[-3.0, 3.0]]]])
    for channels, advice in ((1, "set sigmoid=True or other_act"), (2, "set sigmoid=True, softmax=True or other_act")):
        with pytest.raises(ValueError, match=rf"from -3 to 3.*{advice}"):
            new_loss()(logits.expand(1, channels, 1, 2), torch.zeros(1, channels, 1, 2))
    advice = "means nothing for a single channel; if these are logits, set sigmoid=True instead"
    with pytest.warns(UserWarning, match="`softmax=True` ignored"), pytest.raises(ValueError, match=advice):
        new_loss(softmax=True)(logits, torch.zeros(1, 1, 1, 2))
    with pytest.raises(ValueError, match="other_act must return likelihoods"):
        new_loss(other_act=lambda x: x)(logits, torch.zeros(1, 1, 1, 2))


@losses_of_likelihoods
def test_soft_or_class_index_targets_say_what_to_set(new_loss):
    for value in (0.5, 2.0):
        with pytest.raises(
            ValueError, match=f"got {value:g}: set to_onehot_y=True for class indices, threshold a soft"
        ):
            new_loss()(torch.rand(1, 1, 4, 4), torch.full((1, 1, 4, 4), value))


@losses_of_likelihoods
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32, torch.uint16])
def test_images_of_masks(new_loss, dtype):
    """0 and 255 are no mask, and the advice works: divide, or ignore."""
    likelihood, target = example((6, 7))
    image = (255 * target).to(dtype)
    with pytest.raises(ValueError, match=r"got 255: divide it by 255 .* set ignore_index=255"):
        new_loss()(likelihood, image)
    torch.testing.assert_close(new_loss()(likelihood, image.to(torch.int64) // 255), new_loss()(likelihood, target))
    assert torch.isfinite(new_loss(ignore_index=255)(likelihood, image))


@losses_of_likelihoods
@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (2, "set ignore_index to it"),
        (255, "divide the target by 255"),
        (-1, "set ignore_index to it"),
        (0.5, "threshold a soft label"),
    ],
)
def test_a_class_that_the_input_has_no_channel_for_is_named(new_loss, value, advice):
    classes = torch.zeros(1, 1, 4, 5)
    classes[..., 2, 3] = value
    with pytest.raises(
        ValueError, match=rf"class indices from 0 to 1, as input has 2 channels, got {value:g}: .*{advice}"
    ):
        new_loss(softmax=True, to_onehot_y=True)(torch.rand(1, 2, 4, 5), classes)


@losses_of_likelihoods
def test_ids_that_float32_cannot_hold_can_be_ignored(new_loss):
    big = 2**24 + 1
    likelihood, target = example((6, 7))
    ids = target.to(torch.int64)
    ids[..., 3:] = big
    hidden = target.clone()
    hidden[..., 3:] = 9
    expected = new_loss(ignore_index=9)(likelihood, hidden)
    for dtype in (torch.int64, torch.uint32, torch.uint64):
        torch.testing.assert_close(new_loss(ignore_index=big)(likelihood, ids.to(dtype)), expected)
    ids[..., 0, 0] = big - 1  # one less is another id
    with pytest.raises(ValueError, match="only 0 and 1"):
        new_loss(ignore_index=big)(likelihood, ids)


@losses_of_likelihoods
def test_bools_and_one_hot_targets_with_ignored_voxels(new_loss):
    """MONAI's rule of ``DiceLoss``: a class of a one-hot target is ignored where its channel is 1, any other value of
    ``ignore_index`` where all channels are 0."""
    likelihood, _ = stack((6, 7), channels=3, batch=1)
    classes = torch.tensor(np.random.default_rng(3).integers(0, 3, (1, 1, 6, 7)))
    one_hot = torch.cat([classes == k for k in range(3)], 1)
    for ignored in (2, 255):
        hidden = one_hot.clone()
        if ignored == 255:
            hidden[:, :, 4:] = False  # no class
        marked = torch.where(hidden.any(1, keepdim=True), classes, 255)
        expected = new_loss(ignore_index=ignored, to_onehot_y=True)(likelihood, marked)
        for dtype in (torch.bool, torch.uint8, torch.float32):
            value, gradient = value_and_gradient(new_loss(ignore_index=ignored), likelihood, hidden.to(dtype))
            assert value == pytest.approx(float(expected))
            assert not gradient[(marked == ignored).expand_as(gradient)].any()


@every_loss
def test_an_empty_batch_is_no_loss(new_loss):
    for shape in ((0, 2, 5, 6), (0, 1, 3, 4, 5)):
        empty = torch.zeros(shape, requires_grad=True)
        for reduction in ("mean", "sum"):
            value = new_loss(reduction=reduction)(empty, torch.zeros(shape))
            assert value.item() == 0
            value.backward()
        assert new_loss(reduction="none")(empty, torch.zeros(shape)).shape == (0, shape[1], *[1] * (len(shape) - 2))


@every_loss
def test_an_empty_axis_or_stacked_heads_are_refused(new_loss):
    for shape in ((1, 1, 0, 4), (1, 0, 4, 4), (1, 3, 1, 4, 4, 4)):
        with pytest.raises(ValueError, match=r"input must have shape \(B, C, H, W\)"):
            new_loss()(torch.zeros(shape), torch.zeros(shape))
    with pytest.raises(ValueError, match="DeepSupervisionTopologyLoss"):
        new_loss()(torch.zeros(1, 3, 1, 4, 4, 4), torch.zeros(1, 1, 4, 4, 4))


@every_loss
def test_a_list_of_outputs_says_what_to_take(new_loss):
    likelihood, target = example((6, 7))
    with pytest.raises(TypeError, match=r"got a list: .*DeepSupervisionTopologyLoss"):
        new_loss()([likelihood, likelihood], target)


@every_loss
def test_integers_of_numpy_are_integers(new_loss):
    likelihood, target = example((9, 12))
    plain = new_loss(patch_size=4, patch_mode="random", num_patches=2, seed=1)(likelihood, target)
    for size in (np.int64(4), np.uint8(4), [np.int32(4)] * 2, np.array([4, 4]), torch.tensor(4)):
        loss = new_loss(patch_size=size, patch_mode="random", num_patches=np.int64(2), seed=np.int64(1))
        torch.testing.assert_close(loss(likelihood, target), plain)


@losses_of_likelihoods
def test_infinite_logits_are_an_error(new_loss):
    logits, target = stack((4, 5))
    logits[1, 2, 0, 0] = float("inf")
    for activation in ("sigmoid", "softmax"):
        with pytest.raises(ValueError, match="input holds NaN or infinity at batch index 1, channel 2"):
            new_loss(**{activation: True})(logits, target)


@losses_of_likelihoods
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_ignored_logits_may_be_anything(new_loss, activation):
    logits, target = stack((6, 7), channels=2, batch=1)
    classes = target[:, :1].clone()
    classes[..., 4:] = 7
    bad = logits.clone()
    bad[..., 4:] = float("nan")
    options = {"to_onehot_y": True, "ignore_index": 7, activation: True}
    value, gradient = value_and_gradient(new_loss(**options), logits, classes)
    again, other_gradient = value_and_gradient(new_loss(**options), bad, classes)
    assert value == again > 0
    torch.testing.assert_close(gradient, other_gradient)


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


@every_loss
def test_every_argument_is_a_setting_that_is_shown(new_loss):
    """By its name: in ``help``, as an attribute and in ``repr``; no argument goes unused without a word."""
    kind = new_loss.func if isinstance(new_loss, partial) else new_loss
    parameters = inspect.signature(kind).parameters
    assert list(parameters)[:6] == MONAIS
    assert {"weight", "ignore_index", "patch_size", "patch_mode", "num_patches", "seed"} <= set(parameters)
    assert not {parameter.kind for parameter in parameters.values()} & {inspect.Parameter.VAR_KEYWORD}
    loss = new_loss(sigmoid=True, weight=[2.0, 0.5], patch_size=5, seed=3)
    for name in parameters:
        assert hasattr(loss, name), name
        if name not in MONAIS:
            assert f"{name}=" in repr(loss), name
    assert "sigmoid=True" in repr(loss)
    assert "weight=[2.0, 0.5]" in repr(loss)
    assert "patch_size=5" in repr(loss)
    assert "softmax" not in repr(loss)


@every_loss
def test_an_unknown_argument_is_refused_by_the_losses_own_name(new_loss):
    kind = new_loss.func if isinstance(new_loss, partial) else new_loss
    with pytest.raises(TypeError, match=f"{kind.__name__} has no argument 'patch_sise': did you mean 'patch_size'"):
        new_loss(patch_sise=3)
    with pytest.raises(TypeError, match=f"{kind.__name__} has no argument 'xyzzy': it takes include_background, "):
        new_loss(xyzzy=3)


def test_what_a_setting_fixes_is_no_argument():
    with pytest.raises(TypeError, match="TopoLoss has no argument 'matching'"):
        TopoLoss(matching="optimal")


def test_options_of_a_loss_of_ones_own():
    class Own(TopoLoss):
        def __init__(self, *arguments, strength=2.0, **options):
            super().__init__(*arguments, **options)
            self.strength = strength

    assert "strength=3" in repr(Own(strength=3, frame=False))
    assert inspect.signature(Own).parameters["frame"].default is True
    with pytest.raises(TypeError, match="Own has no argument 'fram': did you mean 'frame'"):
        Own(fram=False)
