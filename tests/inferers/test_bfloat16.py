"""bfloat16 on the CPU: what it computes, in which layout, and on which CPUs it is taken."""

from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor
from monai.inferers import SimpleInferer, SlidingWindowInferer
from monai.networks.nets import UNet

from monai_topo.inferers import BFloat16Inferer, has_fast_bfloat16


def network(ndim):
    torch.manual_seed(0)
    return UNet(ndim, 1, 2, channels=[4, 8], strides=[2], num_res_units=1)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("windows", [SimpleInferer(), SlidingWindowInferer(8, overlap=0.5)], ids=["simple", "windows"])
def test_close_to_float32_and_float32_again(ndim, windows):
    net, image = network(ndim), torch.rand(1, 1, *(8, 16, 8)[:ndim])
    expected = windows(image, net)
    output = BFloat16Inferer(windows)(MetaTensor(image), net)
    assert output.dtype == torch.float32
    assert not torch.equal(output.as_tensor(), expected)
    torch.testing.assert_close(output.as_tensor(), expected, atol=0.05, rtol=0.05)
    torch.testing.assert_close(BFloat16Inferer(windows, enabled=False)(image, net), expected)


@pytest.mark.parametrize("ndim", [2, 3])
def test_gradients_come_back_in_float32(ndim):
    net, image = network(ndim), torch.rand(2, 1, *(8, 16, 8)[:ndim])
    expected = torch.autograd.grad(net(image).square().sum(), list(net.parameters()))
    loss = BFloat16Inferer(SimpleInferer())(image, net).square().sum()
    found = torch.autograd.grad(loss, list(net.parameters()))
    scale = max(gradient.abs().max() for gradient in expected)
    for gradient, wanted in zip(found, expected, strict=True):
        assert gradient.dtype == torch.float32
        torch.testing.assert_close(gradient / scale, wanted / scale, atol=0.03, rtol=0.1)


@pytest.mark.parametrize(("ndim", "layout"), [(2, torch.channels_last), (3, torch.channels_last_3d)])
def test_what_the_network_is_given(ndim, layout):
    seen = []

    def spy(image, scale):
        seen.append((image.is_contiguous(memory_format=layout), torch.is_autocast_enabled("cpu")))
        return [image.bfloat16() * scale, image]

    image = torch.rand(2, 3, *(4, 5, 6)[:ndim])
    outputs = BFloat16Inferer(SimpleInferer())(image, spy, 2)
    assert seen == [(True, True)]
    assert [output.dtype for output in outputs] == [torch.float32] * 2
    torch.testing.assert_close(outputs[1], image)
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize(("avx", "amx"), [(False, False), (True, False), (False, True)])
def test_which_cpus_are_fast(avx, amx, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert has_fast_bfloat16() == (avx or amx)
