"""Cross-entropy on false voxels, ridges and edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.feature import canny
from skimage.filters import sato
from torch.nn import functional

from monai_topo.losses import RegionCrossEntropyLoss
from tests.losses import images
from tests.losses.cases import value_and_gradient

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
    assert value == pytest.approx((20 + 100) / 2)
    assert gradient.flatten()[0] == pytest.approx(-0.5)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("options", [{"region": "sobel"}, {"normalize": "patch"}], ids=str)
def test_bad_arguments(options):
    with pytest.raises(ValueError, match="must be one of"):
        RegionCrossEntropyLoss(**options)
