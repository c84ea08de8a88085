"""Responses of a network of random weights to likelihood and label, compared by scipy."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torch import nn

from monai_topo.losses import DiceCETopologyLoss, PerceptualTopologyLoss
from monai_topo.losses.perceptual import VGG19_LAYERS
from tests.losses import images
from tests.losses.cases import value_and_gradient


def vgg19_features():
    """The layers of VGG19 up to the fourth block, of random weights."""
    torch.manual_seed(0)
    layers, channels = [], 3
    for width in (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M"):
        if width == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
    return nn.Sequential(*layers)


def small_network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3, padding=1))


def responses(image, network):
    """Of a 2D image, by scipy, after each layer of the small network."""
    maps = np.stack([image] * 3)
    found = []
    for layer in network:
        if isinstance(layer, nn.ReLU):
            maps = np.maximum(maps, 0)
        else:
            weights, bias = layer.weight.double().numpy(), layer.bias.double().numpy()
            maps = np.stack(
                [
                    sum(correlate(m, w, mode="constant") for m, w in zip(maps, kernel, strict=True)) + b
                    for kernel, b in zip(weights, bias, strict=True)
                ]
            )
        found.append(maps)
    return found


def compare(p, y, network, layers):
    pairs = zip(responses(p, network), responses(y, network), strict=True)
    return sum(((a - b) ** 2).mean() for place, (a, b) in enumerate(pairs) if place in layers)


@pytest.mark.parametrize("layers", [(2,), (1, 2)])
@torch.no_grad()
def test_images_by_the_formula(layers):
    network = small_network()
    rng = np.random.default_rng(0)
    p, y = rng.random((200, 1, 6, 7)).astype(np.float32), rng.random((200, 1, 6, 7)) < 0.4
    p[::2] = np.round(p[::2] * 3) / 3
    loss = PerceptualTopologyLoss(network=network, layers=layers, reduction="none")
    found = loss(torch.from_numpy(p), torch.from_numpy(y)).flatten()
    wanted = [compare(p[n, 0].astype(float), y[n, 0].astype(float), network, layers) for n in range(200)]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    assert np.std(wanted) > 0


@torch.no_grad()
def test_volumes_by_slices_across_each_axis():
    network = small_network()
    rng = np.random.default_rng(1)
    p, y = rng.random((200, 1, 4, 5, 3)).astype(np.float32), rng.random((200, 1, 4, 5, 3)) < 0.4
    loss = PerceptualTopologyLoss(network=network, layers=[2], reduction="none")
    found = loss(torch.from_numpy(p), torch.from_numpy(y)).flatten()
    for n in range(0, 200, 10):
        axes = []
        for axis in range(3):
            slices = [np.moveaxis(v[n, 0].astype(float), axis, 0) for v in (p, y)]
            axes.append(np.mean([compare(a, b, network, (2,)) for a, b in zip(*slices, strict=True)]))
        assert found[n].item() == pytest.approx(np.mean(axes), rel=1e-4)


@pytest.mark.parametrize("shape", [(8, 9), (5, 6, 7)], ids=str)
def test_gradient_by_finite_differences(shape):
    """In float64."""
    loss = PerceptualTopologyLoss(network=small_network(), layers=(1, 2))
    loss.network.double()
    likelihood = images.tie_free(shape, 1).double()[None].requires_grad_()
    mask = images.tie_free(shape, 2)[None] < 0.5
    [gradient] = torch.autograd.grad(loss.patch_terms(likelihood, mask), likelihood)
    assert gradient.abs().max() > 1e-4
    assert torch.autograd.gradcheck(lambda p: loss.patch_terms(p, mask), likelihood, atol=1e-6)


def test_vgg19_at_the_papers_layers():
    features = vgg19_features()
    loss = PerceptualTopologyLoss(sigmoid=True, network=features)
    assert len(loss.network) == 18
    assert [type(features[layer]) for layer in VGG19_LAYERS] == [nn.ReLU] * 3
    assert [features[layer - 1].out_channels for layer in VGG19_LAYERS] == [64, 128, 256]
    logits = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    target = (images.tie_free((16, 16), 0) < 0.3).float()[None, None]
    value, gradient = value_and_gradient(loss, logits, target)
    assert value > 0
    assert gradient.abs().sum() > 0
    with pytest.raises(ValueError, match="at least 4 voxels along each axis"):
        loss(logits[..., :3, :], target[..., :3, :])


def test_the_network_is_a_frozen_copy():
    network = small_network().train()
    loss = PerceptualTopologyLoss(network=network, layers=[1]).train()
    assert network[0].weight.requires_grad
    assert not loss.network.training
    assert network.training
    assert not any(parameter.requires_grad for parameter in loss.parameters())
    assert len(loss.network) == 2


def test_weights_from_a_file(tmp_path, monkeypatch):
    """By torchvision's names, of the whole network or of its features."""
    models = ModuleType("torchvision.models")

    def vgg19(weights):
        assert weights is None
        network = nn.Module()
        network.features = nn.Sequential(*small_network())
        network.classifier = nn.Linear(2, 3)
        for parameter in network.parameters():
            nn.init.zeros_(parameter)
        return network

    models.vgg19 = vgg19
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    trained = small_network()
    whole = {f"features.{name}": value for name, value in trained.state_dict().items()}
    torch.save(
        {**whole, "classifier.weight": torch.ones(3, 2), "classifier.bias": torch.ones(3)}, tmp_path / "whole.pt"
    )
    torch.save(trained.state_dict(), tmp_path / "features.pt")
    likelihood, target = images.broken_ring()
    expected = PerceptualTopologyLoss(network=trained, layers=(1, 2))(likelihood, target)
    for file in ("whole.pt", "features.pt"):
        loss = PerceptualTopologyLoss(network=tmp_path / file, layers=(1, 2))
        torch.testing.assert_close(loss(likelihood, target), expected)


def test_beside_dice_and_cross_entropy():
    likelihood, target = images.broken_ring()
    loss = PerceptualTopologyLoss(sigmoid=True, network=small_network(), layers=[1])
    with pytest.raises(ValueError, match="lambda_topo must be given for PerceptualTopologyLoss"):
        DiceCETopologyLoss(sigmoid=True, topology=loss)
    compound = DiceCETopologyLoss(sigmoid=True, topology=loss, lambda_topo=0.1)
    expected = compound.voxelwise(likelihood, target) + 0.1 * loss(likelihood, target)
    torch.testing.assert_close(compound(likelihood, target), expected)


def test_errors():
    with pytest.raises(TypeError, match=r"network must be a file or an nn\.Sequential, got Conv2d"):
        PerceptualTopologyLoss(network=nn.Conv2d(1, 1, 3))
    with pytest.raises(ValueError, match="layers must be places from 0 to 2"):
        PerceptualTopologyLoss(network=small_network())
    with pytest.raises(FileNotFoundError, match="no file"):
        PerceptualTopologyLoss(network="nowhere.pt")
