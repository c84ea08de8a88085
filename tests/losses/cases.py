"""Every topology loss, in the settings that the common tests run."""

from __future__ import annotations

import inspect
from functools import partial
from itertools import product

import pytest
import torch

from monai_topo.losses import (
    BettiMatchingLoss,
    CbDiceLoss,
    CenterlineCrossEntropyLoss,
    CenterlineDiceLoss,
    ConnectivityLoss,
    CriticalRegionLoss,
    DMTLoss,
    LifetimeTopoLoss,
    LocalizedTopoLoss,
    PerceptualTopologyLoss,
    PersistenceLoss,
    RegionCrossEntropyLoss,
    SkeletonLoss,
    SkeletonRecallLoss,
    SpatialMatchingLoss,
    TopoLoss,
)
from monai_topo.topology import available_engines
from tests.losses import images


def small_network():
    """Something that answers otherwise to every voxel."""
    torch.manual_seed(3)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3, padding=1), torch.nn.Tanh())
    network[0].weight.data *= 4
    return network


LOSSES = {
    "nearest_corner": partial(PersistenceLoss, frame=False),
    "topo": TopoLoss,
    "lifetime": LifetimeTopoLoss,
    "localized_likelihood": partial(LocalizedTopoLoss, direction="superlevel", slope=(0.01, 0.05), dims=(0, 1)),
    "dmt": partial(DMTLoss, persistence_threshold=0.05),  # which leaves something of random values
    "betti_matching": BettiMatchingLoss,
    "spatial_matching": SpatialMatchingLoss,
    "false_voxels": RegionCrossEntropyLoss,
    "skeleton_recall": partial(SkeletonRecallLoss, dilations=0),
    "centerline_dice": partial(CenterlineDiceLoss, iterations=1),
    "centerline_ce": partial(CenterlineCrossEntropyLoss, iterations=1),
    "cb_dice": partial(CbDiceLoss, iterations=1),
    "perceptual": partial(PerceptualTopologyLoss, network=small_network(), layers=[1]),
    "critical_components": CriticalRegionLoss,
    "critical_homotopy": partial(CriticalRegionLoss, criterion="homotopy", aggregation="max"),
    "connectivity": partial(ConnectivityLoss, tolerance=0, same_weight=1.0),
    "localized_map": partial(LocalizedTopoLoss, slope=(0.01, 0.05), dims=(0, 1)),
}
"""A map of distances is any image, so one of zeros and ones will do as its target."""

SYMMETRIC = {
    **{name: loss for name, loss in LOSSES.items() if "localized" not in name and name != "perceptual"},
    "homo_pre": partial(LocalizedTopoLoss, height=None, direction="superlevel"),
    "homo_reg": partial(LocalizedTopoLoss, height=None),
}
"""Those that know no direction in space."""

OF_LIKELIHOODS = {name: loss for name, loss in LOSSES.items() if name not in ("localized_map", "connectivity")}


ENGINES = {name: available_engines() for name in LOSSES} | {
    "homo_pre": available_engines(),
    "homo_reg": available_engines(),
    "dmt": ("native",),
    "betti_matching": ("native",),
}
"""The engines that each loss can take: what rests on manifolds or image persistence has one."""


def whole_target(loss, target):
    """The target with all that the loss takes along: what it would make in another way of a turned one."""
    return torch.cat([target, loss.skeletons_of(target[:, 0] > 0)[:, None]], 1) if is_on_skeletons(loss) else target


def is_on_skeletons(loss):
    return isinstance(loss, SkeletonLoss)


def takes(new_loss, name):
    """Whether the loss has an argument of this name."""
    return name in inspect.signature(new_loss).parameters


def settings(losses, **axes):
    """Parametrize a test over losses, each over all values of those axes that are arguments of it.

    The axis ``engine`` is there for every loss that has one. An axis that no loss has is an error.
    """
    cases = []
    for name, new_loss in losses.items():
        own = {"engine": ENGINES[name], **axes}
        own = {axis: values for axis, values in own.items() if takes(new_loss, axis)}
        for values in product(*own.values()):
            id_ = "-".join([name, *(f"{axis}={value}" for axis, value in zip(own, values, strict=True))])
            cases.append(pytest.param(partial(new_loss, **dict(zip(own, values, strict=True))), id=id_))
    unused = [axis for axis in axes if not any(takes(new_loss, axis) for new_loss in losses.values())]
    assert not unused, f"no loss takes {unused}"
    return pytest.mark.parametrize("new_loss", cases)


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


def value_and_gradient(loss, likelihood, target):
    likelihood = likelihood.clone().requires_grad_()
    value = loss(likelihood, target)
    value.backward()
    return value.item(), likelihood.grad
