"""DeepSupervisionTopologyLoss: topology at full resolution, the voxelwise part everywhere."""

from __future__ import annotations

import pytest
import torch
from monai.losses import DeepSupervisionLoss, DiceCELoss, DiceLoss
from monai.networks.nets import DynUNet
from torch.nn import functional

from monai_topo.losses import DeepSupervisionTopologyLoss, DiceCETopologyLoss, TopoLoss, WeightedSumLoss
from monai_topo.topology import betti_numbers


def tree(size=32):
    """A thin trunk with two branches."""
    mask = torch.zeros(1, 1, size, size, size)
    mask[..., size // 2, size // 2, 2:-2] = 1
    for n in range(1, size // 2 - 3):
        mask[..., size // 2 + n, size // 2, size // 3 + n // 2] = 1
        mask[..., size // 2, size // 2 - n, size // 2 + n // 2] = 1
    return mask


def heads(sizes=(32, 16, 8)):
    return [torch.randn(1, 1, n, n, n, generator=torch.Generator().manual_seed(n)).requires_grad_() for n in sizes]


def expected(loss, voxelwise, outputs, target):
    total = loss(outputs[0], target)
    for level, output in enumerate(outputs[1:], 1):
        total = total + 0.5**level * voxelwise(
            output, functional.interpolate(target, output.shape[2:], mode="nearest-exact")
        )
    return total


def test_a_smaller_label_has_another_topology():
    """Why: what is one tree at full resolution is in pieces below."""
    target = tree()
    assert betti_numbers(target[0, 0].numpy()) == (1, 0, 0)
    small = functional.interpolate(target, scale_factor=0.25, mode="nearest-exact")
    assert betti_numbers(small[0, 0].numpy()) != (1, 0, 0)


OPTIONS = {"sigmoid": True}
LOSSES = [
    (DiceCETopologyLoss(**OPTIONS, lambda_topo=0.3), DiceCELoss(**OPTIONS)),
    (WeightedSumLoss([DiceLoss(**OPTIONS), TopoLoss(**OPTIONS)], [1.0, 0.2]), DiceLoss(**OPTIONS)),
    (TopoLoss(**OPTIONS), lambda input, target: input.sum() * 0),
]


@pytest.mark.parametrize(("loss", "voxelwise"), LOSSES, ids=lambda loss: type(loss).__name__)
def test_topology_at_full_resolution_only(loss, voxelwise):
    outputs, target = heads(), tree()
    value = DeepSupervisionTopologyLoss(loss)(outputs, target)
    torch.testing.assert_close(value, expected(loss, voxelwise, outputs, target))
    everywhere = DeepSupervisionLoss(loss)(outputs, target)
    assert everywhere.item() != pytest.approx(value.item())
    value.backward()
    assert all(torch.isfinite(output.grad).all() for output in outputs)
    assert outputs[0].grad.any()


@pytest.mark.parametrize(("loss", "voxelwise"), LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("size", [32, (32, 32, 32)])
def test_inside_monais_wrapper(loss, voxelwise, size):
    outputs, target = heads(), tree()
    inside = DeepSupervisionLoss(DeepSupervisionTopologyLoss(loss, spatial_size=size))
    torch.testing.assert_close(inside(outputs, target), expected(loss, voxelwise, outputs, target))


def test_stacked_heads_of_a_dynunet():
    torch.manual_seed(0)
    network = DynUNet(
        3, 1, 1, [3, 3, 3, 3], [1, 2, 2, 2], [2, 2, 2], filters=[2, 2, 2, 2], deep_supervision=True, deep_supr_num=2
    ).train()
    target = tree()
    output = network(target)
    assert output.shape == (1, 3, 1, 32, 32, 32)
    loss = DiceCETopologyLoss(**OPTIONS, lambda_topo=0.3)
    value = DeepSupervisionTopologyLoss(loss)(output, target)
    torch.testing.assert_close(value, expected(loss, DiceCELoss(**OPTIONS), list(output.unbind(1)), target))
    value.backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
    network.eval()
    alone = network(target)
    torch.testing.assert_close(DeepSupervisionTopologyLoss(loss)(alone, target), loss(alone, target))


def test_stacked_heads_in_2d():
    loss = DiceCETopologyLoss(**OPTIONS, lambda_topo=0.3)
    output, target = torch.randn(2, 3, 1, 12, 14), (torch.rand(2, 1, 12, 14) > 0.6).float()
    value = DeepSupervisionTopologyLoss(loss)(output, target)
    torch.testing.assert_close(value, expected(loss, DiceCELoss(**OPTIONS), list(output.unbind(1)), target))


def test_weights_and_another_lower_loss():
    outputs, target = heads((16, 8)), tree(16)
    whole, lower = TopoLoss(**OPTIONS), DiceLoss(**OPTIONS)
    value = DeepSupervisionTopologyLoss(whole, weights=[2.0, 0.25], lower=lower)(outputs, target)
    small = functional.interpolate(target, (8, 8, 8), mode="nearest-exact")
    torch.testing.assert_close(value, 2 * whole(outputs[0], target) + 0.25 * lower(outputs[1], small))


def test_what_cannot_be_is_refused():
    with pytest.raises(TypeError, match="give that of the lower levels as lower"):
        DeepSupervisionTopologyLoss(DiceLoss())
    for nothing in (None, []):
        with pytest.raises(ValueError, match="at least one tensor"):
            DeepSupervisionTopologyLoss(TopoLoss())(nothing, tree())
