"""Cross-entropy on false voxels, ridges and edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.feature import canny
from skimage.filters import sato
from torch.nn import functional

from monai_topo.losses import DMTLoss, RegionCrossEntropyLoss
from monai_topo.losses.region import VoxelCrossEntropyLoss
from tests.losses import images
from tests.losses.cases import value_and_gradient


class EveryVoxel(VoxelCrossEntropyLoss):
    """Plain cross-entropy."""

    def region_of(self, likelihood, mask):
        return torch.ones_like(mask)


REGIONS = ("false", "ridge", "canny")


def test_false_voxels_by_hand():
    likelihood = torch.tensor([[[[0.9, 0.4, 0.6, 0.1]]]])
    target = torch.tensor([[[[1.0, 1.0, 0.0, 0.0]]]])
    value, gradient = value_and_gradient(RegionCrossEntropyLoss(), likelihood, target)
    assert value == pytest.approx(-np.log(0.4))  # the mean of twice the same
    torch.testing.assert_close(gradient.flatten(), torch.tensor([0, -1 / 0.4 / 2, 1 / 0.4 / 2, 0]))


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("broken", [images.broken_ring, images.pierced_shell], ids=lambda b: b.__name__)
def test_against_scikit_image(region, broken):
    likelihood, target = broken()
    field, truth = likelihood[0, 0].numpy(), target[0, 0].numpy() > 0
    if region == "false":
        chosen = (field >= 0.5) != truth
    elif region == "ridge":
        response = sato(field, sigmas=[1], black_ridges=False)
        chosen = response > response.max() / 2
    elif field.ndim == 2:
        chosen = canny(field, sigma=1)
    else:
        chosen = np.zeros(field.shape, bool)
        for axis in range(3):
            for section, edges in zip(np.moveaxis(field, axis, 0), np.moveaxis(chosen, axis, 0), strict=True):
                edges |= canny(section, sigma=1)
    assert 0 < chosen.sum() < chosen.size
    entropy = functional.binary_cross_entropy(likelihood, target, reduction="none")[0, 0].numpy()
    loss = RegionCrossEntropyLoss(region=region)
    value, gradient = value_and_gradient(loss, likelihood, target)
    assert value == pytest.approx(entropy[chosen].mean(), rel=1e-5)
    np.testing.assert_array_equal(gradient[0, 0].numpy() != 0, chosen)
    whole = RegionCrossEntropyLoss(region=region, normalize="image")(likelihood, target)
    assert whole.item() == pytest.approx(entropy[chosen].sum() / chosen.size, rel=1e-5)


@pytest.mark.parametrize("region", REGIONS)
def test_an_empty_region_is_zero_with_a_graph(region):
    empty = torch.zeros(2, 1, 5, 6)
    value, gradient = value_and_gradient(RegionCrossEntropyLoss(region=region), empty, empty)
    assert value == 0
    assert not gradient.any()


def test_saturated_voxels_have_a_finite_loss_and_still_move():
    logits = torch.tensor([[[[-20.0, 200.0]]]])
    value, gradient = value_and_gradient(RegionCrossEntropyLoss(sigmoid=True), logits, torch.tensor([[[[1.0, 0.0]]]]))
    assert value == pytest.approx((20 + 200) / 2)
    assert gradient.flatten().tolist() == pytest.approx([-0.5, 0.5])


@pytest.mark.parametrize("options", [{"region": "sobel"}, {"normalize": "patch"}], ids=str)
def test_bad_arguments(options):
    with pytest.raises(ValueError, match="must be one of"):
        RegionCrossEntropyLoss(**options)


def exact(logits, target, softmax=False):
    """Cross-entropy of float64 logits and its gradient; one class against the rest where there are several."""
    logits = logits.double().requires_grad_()
    if softmax:
        present = torch.log_softmax(logits, 1)
        rest = [torch.cat([logits[:, :k], logits[:, k + 1 :]], 1).logsumexp(1) for k in range(logits.shape[1])]
        absent = torch.stack(rest, 1) - logits.logsumexp(1, keepdim=True)
        entropy = -torch.where(target > 0, present, absent)
    else:
        entropy = functional.binary_cross_entropy_with_logits(logits, target.double(), reduction="none")
    entropy.sum().backward()
    return entropy.detach(), logits.grad


LOGITS = [-80.0, -40.0, -17.0, -3.0, -0.1, 0.1, 3.0, 16.0, 17.0, 20.0, 40.0, 80.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("new_loss", [RegionCrossEntropyLoss, EveryVoxel], ids=lambda loss: loss.__name__)
def test_logits_are_not_rounded(new_loss, dtype, autocast):
    """However sure the network is of what is wrong."""
    for logit in LOGITS:
        target = torch.full((1, 1, 2, 3), float(logit < 0))
        logits = torch.full((1, 1, 2, 3), logit).to(dtype)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            value, gradient = value_and_gradient(new_loss(sigmoid=True), logits, target)
        entropy, slope = exact(logits, target)
        assert value == pytest.approx(float(entropy.mean()), rel=1e-5)
        tolerance = {"rtol": 1e-5 if dtype == torch.float32 else 1e-2, "atol": 0}
        torch.testing.assert_close(gradient.double(), slope / slope.numel(), **tolerance)


def test_ridges_of_sure_logits():
    """A ridge whose likelihood rounds to 1, where there is none: its slope is that of the logits."""
    logits = torch.full((1, 1, 5, 7), -20.0)
    logits[..., 2, :] = torch.tensor([20.0, 18.0, 16.0, -1.0, 16.0, 18.0, 20.0])
    value, gradient = value_and_gradient(DMTLoss(sigmoid=True), logits, torch.zeros(1, 1, 5, 7))
    seen = gradient != 0
    assert seen[..., 2, 3].all()
    entropy, slope = exact(logits, torch.zeros(1, 1, 5, 7))
    assert value == pytest.approx(float(entropy[seen].mean()), rel=1e-5)
    torch.testing.assert_close(gradient[seen].double(), slope[seen] / seen.sum(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("gap", [0.5, 5.0, 17.0, 40.0, 90.0])
@pytest.mark.parametrize("channels", [2, 3, 5])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_softmax_is_not_rounded(channels, gap, offset):
    generator = torch.Generator().manual_seed(channels)
    logits = torch.rand((1, channels, 4, 5), generator=generator)
    logits[:, 1] += gap
    logits += offset
    classes = torch.randint(channels, (1, 1, 4, 5), generator=generator)
    truth = torch.stack([classes[:, 0] == k for k in range(channels)], 1)
    value, gradient = value_and_gradient(EveryVoxel(softmax=True, to_onehot_y=True), logits, classes)
    entropy, slope = exact(logits, truth, softmax=True)
    assert value == pytest.approx(float(entropy.mean()), rel=1e-5)
    torch.testing.assert_close(gradient.double(), slope / entropy.numel(), rtol=1e-4, atol=1e-8)
    without = EveryVoxel(softmax=True, to_onehot_y=True, include_background=False)(logits, classes)
    assert float(without) == pytest.approx(float(entropy[:, 1:].mean()), rel=1e-5)


def test_ignored_voxels_of_logits():
    logits = torch.tensor([[[[30.0, float("nan"), -30.0, 2.0]]]])
    target = torch.tensor([[[[0.0, 7.0, 1.0, 1.0]]]])
    value, gradient = value_and_gradient(RegionCrossEntropyLoss(sigmoid=True, ignore_index=7), logits, target)
    assert value == pytest.approx(30.0)
    assert gradient.tolist() == [[[[0.5, 0.0, -0.5, 0.0]]]]


def test_likelihoods_are_held_at_100():
    likelihood = torch.tensor([[[[1.0, 0.0, 0.5]]]])
    target = torch.tensor([[[[0.0, 1.0, 1.0]]]])
    assert float(RegionCrossEntropyLoss()(likelihood, target)) == pytest.approx(100.0)
    act = RegionCrossEntropyLoss(other_act=torch.sigmoid)
    assert float(act(torch.tensor([[[[40.0, -200.0, 0.0]]]]), target)) == pytest.approx(100.0)
