"""TopoLoss and PersistenceLoss: values and gradients by hand, by differences, and by what descent does."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.losses import DeepSupervisionLoss

from monai_topo.losses import PersistenceLoss, TopoLoss
from monai_topo.topology import betti_numbers, diagram, persistence_pairs
from tests.losses import images


def value_and_gradient(loss, likelihood, target):
    likelihood = likelihood.clone().requires_grad_()
    value = loss(likelihood, target)
    value.backward()
    return value.item(), likelihood.grad


def test_components_by_hand(engine):
    """Peaks 0.9 (essential), 0.7 (dies at 0.3) and 0.5 (dies at 0.1); the truth has two."""
    likelihood = torch.tensor([[[[0.9, 0.3, 0.7, 0.1, 0.5]]]])
    target = torch.tensor([[[[1.0, 0.0, 1.0, 0.0, 0.0]]]])
    value, gradient = value_and_gradient(PersistenceLoss(dims=0, engine=engine), likelihood, target)
    # (1 - 0.9)^2 + 0^2 for the first, (1 - 0.7)^2 + 0.3^2 = 0.18 against (1 - 0.5)^2 + 0.1^2 = 0.26 for the second
    assert value == pytest.approx(0.01 + 0.18 + 0.4**2 / 2)
    expected = [2 * (0.9 - 1), 2 * 0.3, 2 * (0.7 - 1), -(0.5 - 0.1), 0.5 - 0.1]
    torch.testing.assert_close(gradient.flatten(), torch.tensor(expected))


def test_the_essential_component_counts(engine):
    likelihood = torch.tensor([[[[0.4, 0.2]]]])
    one, none = torch.tensor([[[[1.0, 0.0]]]]), torch.zeros(1, 1, 1, 2)
    loss = PersistenceLoss(engine=engine)
    value, gradient = value_and_gradient(loss, likelihood, one)
    assert value == pytest.approx(0.36)
    torch.testing.assert_close(gradient.flatten(), torch.tensor([-1.2, 0.0]))
    value, gradient = value_and_gradient(loss, likelihood, none)
    assert value == pytest.approx(0.4**2 / 2)
    torch.testing.assert_close(gradient.flatten(), torch.tensor([0.4, 0.0]))


def test_a_loop_by_hand(engine):
    """A ring whose weakest pixel is 0.6 around a center of 0.2."""
    likelihood = torch.full((1, 1, 5, 6), 0.0)
    likelihood[..., 1:4, 1:4] = torch.tensor([[0.9, 0.8, 0.95], [0.85, 0.2, 0.6], [0.7, 0.75, 0.65]])
    target = (likelihood > 0.5).float()
    value, gradient = value_and_gradient(PersistenceLoss(dims=1, engine=engine), likelihood, target)
    assert value == pytest.approx(0.4**2 + 0.2**2)
    expected = torch.zeros_like(likelihood)
    expected[..., 2, 3], expected[..., 2, 2] = 2 * (0.6 - 1), 2 * 0.2
    torch.testing.assert_close(gradient, expected)


def test_the_frame_closes_a_branch_that_leaves_the_patch(engine):
    """A line of 0.8 across the patch separates two regions; the shallower one, of 0.3, dies as the loop."""
    likelihood = torch.tensor([[[[0.1, 0.8, 0.3], [0.12, 0.7, 0.35], [0.15, 0.8, 0.4]]]])
    target = torch.tensor([[[[0.0, 1.0, 0.0]] * 3]])
    value, gradient = value_and_gradient(TopoLoss(dims=1, engine=engine), likelihood, target)
    assert value == pytest.approx(0.3**2 + 0.3**2)
    expected = torch.zeros(3, 3)
    expected[1, 1], expected[0, 2] = 2 * (0.7 - 1), 2 * 0.3
    torch.testing.assert_close(gradient[0, 0], expected)
    assert value_and_gradient(TopoLoss(dims=1, frame=False, engine=engine), likelihood, target)[0] == 0


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 5)], ids=str)
def test_gradient_by_finite_differences(engine, shape, connectivity, frame):
    likelihood = images.tie_free(shape, 0)[None, None]
    target = (images.tie_free(shape, 1)[None, None] > 0.6).float()
    loss = TopoLoss(frame=frame, connectivity=connectivity, engine=engine)
    _, gradient = value_and_gradient(loss, likelihood, target)
    assert gradient.abs().max() > 0.1
    step = 2e-3  # far less than the distance between two values: no pair changes
    difference = torch.zeros_like(likelihood)
    for index in np.ndindex(*likelihood.shape):
        up, down = likelihood.clone(), likelihood.clone()
        up[index] += step
        down[index] -= step
        difference[index] = (loss(up, target) - loss(down, target)) / (2 * step)
    torch.testing.assert_close(gradient, difference, atol=2e-3, rtol=0)


def test_gradient_is_nothing_outside_the_critical_voxels(engine):
    likelihood = images.tie_free((6, 9), 3)
    _, gradient = value_and_gradient(PersistenceLoss(engine=engine), likelihood[None, None], torch.zeros(1, 1, 6, 9))
    pairs = persistence_pairs(likelihood, engine=engine)
    critical = np.concatenate([*pairs.birth.values(), *pairs.death.values()])
    moved = gradient.flatten().nonzero().flatten().tolist()
    assert set(moved) == set(critical[critical >= 0].tolist())
    assert 0 < len(moved) < likelihood.numel()


@pytest.mark.parametrize("shape", [(5, 9), (3, 5, 7)], ids=str)
def test_axes_do_not_matter(engine, shape):
    likelihood = images.tie_free(shape, 5)[None, None]
    target = (images.tie_free(shape, 6)[None, None] > 0.5).float()
    loss = TopoLoss(engine=engine)
    value, gradient = value_and_gradient(loss, likelihood, target)
    assert gradient.abs().sum() > 0
    turned = value_and_gradient(loss, likelihood.transpose(2, 3).contiguous(), target.transpose(2, 3))
    flipped = value_and_gradient(loss, likelihood.flip(-1), target.flip(-1))
    assert turned[0] == pytest.approx(value, rel=1e-5)
    assert flipped[0] == pytest.approx(value, rel=1e-5)
    torch.testing.assert_close(turned[1], gradient.transpose(2, 3))
    torch.testing.assert_close(flipped[1], gradient.flip(-1))


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("shape", [(7, 9), (4, 5, 6)], ids=str)
def test_theorem_1(engine, shape, frame):
    """Loss 0 implies equal Betti numbers, for a likelihood with no fewer dots than the truth has features."""
    rng = np.random.default_rng(7)
    loss = TopoLoss(frame=frame, engine=engine)
    zeros = others = 0
    for _ in range(60):
        likelihood, target = images.batched(*(rng.random((2, *shape)) < 0.15))
        found, true = (betti_numbers(x[0, 0] >= 0.5, frame=frame) for x in (likelihood, target))
        assert float(loss(target, target)) == 0
        if any(f < t for f, t in zip(found, true, strict=True)):
            continue
        is_zero = float(loss(likelihood, target)) == 0
        assert is_zero == (found == true)
        zeros, others = zeros + is_zero, others + (not is_zero)
    assert zeros > 0
    assert others > 0


def test_what_is_missing_without_a_trace_adds_nothing(engine):
    """Equation 2.2 sums over the dots of the likelihood: the limit of theorem 1."""
    likelihood, target = images.batched(np.eye(1, 7), [[1, 0, 1, 0, 1, 0, 0]])
    assert float(TopoLoss(dims=0, frame=False, engine=engine)(likelihood, target)) == 0


@pytest.mark.parametrize(
    ("broken", "dims"),
    [
        (images.weak_blob, None),
        (images.weak_blob, 0),
        (images.joined_blobs, None),
        (images.joined_blobs, 0),
        (images.broken_ring, None),
        (images.broken_ring, 1),
        (images.pierced_shell, None),
        (images.pierced_shell, 2),
        (images.broken_tube, None),
        (images.broken_tube, 1),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_descent_by_the_loss_alone_mends(engine, broken, dims):
    likelihood, target = broken()
    wanted = betti_numbers(target[0, 0])
    assert betti_numbers(likelihood[0, 0] >= 0.5) != wanted
    mended = images.descend(PersistenceLoss(sigmoid=True, dims=dims, engine=engine), likelihood, target)
    assert betti_numbers(mended[0, 0] >= 0.5) == wanted


def test_persistence_threshold_leaves_small_dots_alone(engine):
    likelihood = torch.tensor([[[[0.9, 0.5, 0.525, 0.1, 0.7]]]])
    target = torch.tensor([[[[1.0, 0.0, 0.0, 0.0, 1.0]]]])
    _, every = value_and_gradient(PersistenceLoss(engine=engine), likelihood, target)
    _, large = value_and_gradient(PersistenceLoss(persistence_threshold=0.03, engine=engine), likelihood, target)
    assert every.flatten()[2] != 0
    assert large.flatten()[2] == 0
    torch.testing.assert_close(every.flatten()[[0, 3, 4]], large.flatten()[[0, 3, 4]])


def test_batch_and_channels_one_by_one(engine):
    likelihood = torch.stack([images.tie_free((5, 6), seed) for seed in range(6)]).reshape(2, 3, 5, 6)
    target = (torch.stack([images.tie_free((5, 6), seed) for seed in range(6, 12)]) > 0.5).float().reshape(2, 3, 5, 6)
    each = TopoLoss(reduction="none", engine=engine)(likelihood, target)
    assert each.shape == (2, 3, 1, 1)
    loss = TopoLoss(engine=engine)
    for item in range(2):
        for channel in range(3):
            alone = loss(likelihood[item, channel][None, None], target[item, channel][None, None])
            torch.testing.assert_close(each[item, channel, 0, 0], alone)
    assert len(set(each.flatten().tolist())) == 6
    torch.testing.assert_close(loss(likelihood, target), each.mean())
    torch.testing.assert_close(TopoLoss(reduction="sum", engine=engine)(likelihood, target), each.sum())


def test_none_has_as_many_axes_as_the_input():
    assert TopoLoss(reduction="none")(torch.rand(2, 1, 3, 4, 5), torch.zeros(2, 1, 3, 4, 5)).shape == (2, 1, 1, 1, 1)


def test_softmax_one_hot_and_background():
    logits = torch.stack([images.tie_free((6, 7), seed) for seed in range(3)])[None] * 4
    classes = torch.tensor(np.random.default_rng(0).integers(0, 3, (1, 1, 6, 7)))
    one_hot = torch.stack([classes[:, 0] == k for k in range(3)], dim=1).float()
    expected = TopoLoss(reduction="none")(torch.softmax(logits, 1), one_hot)
    every = TopoLoss(softmax=True, to_onehot_y=True, reduction="none")(logits, classes)
    foreground = TopoLoss(include_background=False, softmax=True, to_onehot_y=True, reduction="none")(logits, classes)
    torch.testing.assert_close(every, expected)
    torch.testing.assert_close(foreground, expected[:, 1:])
    assert expected.min() > 0


def test_activations_agree():
    logits = (images.tie_free((6, 7), 0) * 6 - 3)[None, None]
    target = (images.tie_free((6, 7), 1)[None, None] > 0.5).float()
    plain = TopoLoss()(torch.sigmoid(logits), target)
    assert plain > 0
    torch.testing.assert_close(TopoLoss(sigmoid=True)(logits, target), plain)
    torch.testing.assert_close(TopoLoss(other_act=torch.sigmoid)(logits, target), plain)


def test_grid_patches_are_averaged(engine):
    likelihood = images.tie_free((6, 10), 0)[None, None]
    target = (images.tie_free((6, 10), 1)[None, None] > 0.5).float()
    whole = TopoLoss(engine=engine)
    patches = [(slice(0, 4), slice(0, 4)), (slice(0, 4), slice(4, 8)), (slice(0, 4), slice(6, 10))]
    patches += [(slice(2, 6), columns) for _, columns in patches]
    expected = torch.stack([whole(likelihood[..., r, c], target[..., r, c]) for r, c in patches]).mean()
    torch.testing.assert_close(TopoLoss(patch_size=4, engine=engine)(likelihood, target), expected)
    assert float(whole(likelihood, target)) != pytest.approx(float(expected))


def test_random_patches_are_drawn_anew_and_from_the_seed():
    likelihood = torch.stack([images.tie_free((9, 12), 0)] * 2)[:, None]
    target = torch.zeros(2, 1, 9, 12)

    def draw(seed):
        loss = TopoLoss(patch_size=(3, 4), patch_mode="random", num_patches=2, seed=seed, reduction="none")
        return [loss(likelihood, target).flatten().tolist() for _ in range(3)]

    first = draw(0)
    assert first == draw(0)
    assert first != draw(1)
    assert first[0] != first[1]
    assert first[0][0] != first[0][1]  # the two items, which are the same image, have patches of their own


def test_patch_arguments_must_go_together():
    for arguments in (
        {"patch_mode": "dense"},
        {"patch_size": 0},
        {"patch_size": 4, "patch_mode": "random"},
        {"patch_size": 4, "num_patches": 3},
        {"num_patches": 3, "patch_mode": "random"},
    ):
        with pytest.raises(ValueError, match="patch"):
            TopoLoss(**arguments)
    with pytest.raises(ValueError, match="does not fit data with 2 spatial axes"):
        TopoLoss(patch_size=(4, 4, 4))(torch.rand(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes(engine, dtype):
    likelihood = images.tie_free((5, 7), 0)[None, None].to(dtype)
    target = (images.tie_free((5, 7), 1)[None, None] > 0.5).to(dtype)
    value, gradient = value_and_gradient(TopoLoss(engine=engine), likelihood, target)
    assert value == pytest.approx(float(TopoLoss(engine=engine)(likelihood.float(), target.float())))
    assert gradient.dtype == dtype
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_under_autocast(dtype):
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    image, target = images.tie_free((8, 9), 0)[None, None], torch.zeros(1, 1, 8, 9)
    with torch.autocast("cpu", dtype=dtype):
        output = network(image)
        value = TopoLoss(sigmoid=True)(output, target)
    assert output.dtype == dtype
    assert value.dtype == torch.float32
    value.backward()
    assert network.weight.grad.abs().sum() > 0


def test_metatensors():
    likelihood, target = images.broken_ring()
    plain = TopoLoss()(likelihood, target)
    wrapped = MetaTensor(likelihood.clone()).requires_grad_()
    value = TopoLoss()(wrapped, MetaTensor(target))
    value.backward()
    assert not isinstance(value, MetaTensor)
    torch.testing.assert_close(value, plain)
    assert wrapped.grad.abs().sum() > 0


@pytest.mark.parametrize("shape", [(1, 1, 1, 6), (1, 1, 1, 1), (1, 1, 4, 1, 5), (1, 1, 1, 1, 1)], ids=str)
def test_thin_patches(engine, shape):
    likelihood = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    for frame in (False, True):
        for target in (torch.zeros(shape), torch.ones(shape)):
            value, gradient = value_and_gradient(TopoLoss(frame=frame, engine=engine), likelihood, target)
            assert np.isfinite(value)
            assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("filled", [0.0, 1.0])
def test_a_constant_patch_is_zero_with_a_graph(engine, constant, filled):
    likelihood = torch.full((2, 1, 4, 5, 3), constant)
    value, gradient = value_and_gradient(TopoLoss(engine=engine), likelihood, torch.full((2, 1, 4, 5, 3), filled))
    assert value == 0
    assert not gradient.any()


def test_deep_supervision():
    outputs = [images.tie_free((8, 12), 0)[None, None], images.tie_free((4, 6), 1)[None, None], torch.rand(1, 1, 1, 2)]
    target = torch.zeros(1, 1, 8, 12)
    target[..., 2:5, 3:8] = 1
    outputs = [output.requires_grad_() for output in outputs]
    DeepSupervisionLoss(TopoLoss())(outputs, target).backward()
    assert outputs[0].grad.abs().sum() > 0
    assert outputs[1].grad.abs().sum() > 0


def test_copies_are_the_same_loss():
    likelihood, target = images.broken_ring()
    loss = TopoLoss(dims=1, patch_size=5, patch_mode="random", num_patches=2)
    copies = [copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))]
    value = loss(likelihood, target)
    assert value > 0
    for other in copies:
        torch.testing.assert_close(other(likelihood, target), value)


def test_the_loss_is_the_matching_of_the_diagram(engine):
    """Summed by hand from the public pieces, over dimensions, in 3D."""
    likelihood, target = images.pierced_shell()
    field = likelihood[0, 0]
    pairs = persistence_pairs(field, engine=engine)
    expected = 0.0
    for k, count in enumerate(betti_numbers(target[0, 0])):
        dots = diagram(field, pairs, k)
        order = ((1 - dots[:, 0]) ** 2 + dots[:, 1] ** 2).argsort()
        kept, other = dots[order[:count]], dots[order[count:]]
        expected += ((kept - torch.tensor([1.0, 0.0])) ** 2).sum() + ((other[:, 0] - other[:, 1]) ** 2).sum() / 2
    torch.testing.assert_close(PersistenceLoss(engine=engine)(likelihood, target), expected)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_nan_names_batch_index_and_channel(bad):
    likelihood = torch.rand(2, 3, 4, 5)
    likelihood[1, 2, 0, 0] = bad
    with pytest.raises(ValueError, match="batch index 1, channel 2"):
        TopoLoss()(likelihood, torch.zeros(2, 3, 4, 5))


def test_logits_without_activation_say_what_to_set():
    with pytest.raises(ValueError, match=r"from -3 to 3.*sigmoid=True, softmax=True or other_act"):
        TopoLoss()(torch.tensor([[[[-3.0, 3.0]]]]), torch.zeros(1, 1, 1, 2))


def test_soft_or_class_index_targets_say_what_to_set():
    for value in (0.5, 2.0):
        with pytest.raises(ValueError, match="to_onehot_y=True"):
            TopoLoss()(torch.rand(1, 1, 4, 4), torch.full((1, 1, 4, 4), value))


def test_monais_own_errors():
    with pytest.raises(TypeError, match="other_act must be None or callable but is int"):
        TopoLoss(other_act=1)
    with pytest.raises(ValueError, match="more than 1 of"):
        TopoLoss(sigmoid=True, softmax=True)
    with pytest.raises(ValueError, match="foo"):
        TopoLoss(reduction="foo")
    with pytest.raises(AssertionError, match="ground truth has different shape"):
        TopoLoss()(torch.rand(1, 1, 4, 4), torch.zeros(1, 1, 4, 5))
    with pytest.raises(ValueError, match=r"\(B, C, H, W\)"):
        TopoLoss()(torch.rand(1, 4, 4), torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match="matching must be one of"):
        PersistenceLoss(matching="birth")
    later = TopoLoss()
    later.reduction = "foo"
    with pytest.raises(ValueError, match="Unsupported reduction: foo"):
        later(torch.rand(1, 1, 4, 4), torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"softmax": True}, "`softmax=True` ignored"),
        ({"to_onehot_y": True}, "`to_onehot_y=True` ignored"),
        ({"include_background": False}, "`include_background=False` ignored"),
    ],
)
def test_single_channel_warnings(arguments, message):
    with pytest.warns(UserWarning, match=message):
        TopoLoss(**arguments)(torch.rand(1, 1, 4, 4), torch.zeros(1, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_the_gpu():
    likelihood, target = images.pierced_shell()
    value, gradient = value_and_gradient(TopoLoss(), likelihood, target)
    with torch.autocast("cuda"):
        on_gpu = value_and_gradient(TopoLoss(), likelihood.cuda(), target.cuda())
    assert on_gpu[0] == pytest.approx(value)
    torch.testing.assert_close(on_gpu[1].cpu(), gradient)
    assert gradient.abs().sum() > 0
