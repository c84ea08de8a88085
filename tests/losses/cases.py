"""Every topology loss, in the settings that the common tests run."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from monai_topo.losses import (
    BettiMatchingLoss,
    DMTLoss,
    LifetimeTopoLoss,
    LocalizedTopoLoss,
    PersistenceLoss,
    RegionCrossEntropyLoss,
    SpatialMatchingLoss,
    TopoLoss,
)
from tests.losses import images


def false_voxels(*, engine=None, connectivity=None, dims=None, **options):
    """The baseline, which knows nothing of engines and dimensions."""
    return RegionCrossEntropyLoss(**options)


def dmt(*, engine=None, **options):
    """Which has one engine, and here a threshold that leaves something of random values."""
    return DMTLoss(**{"persistence_threshold": 0.05, **options})


def in_space(new_loss):
    """On image persistence, which the native engine alone has."""
    return lambda *, engine=None, **options: new_loss(**options)


LOSSES = {
    "nearest_corner": partial(PersistenceLoss, frame=False),
    "topo": TopoLoss,
    "lifetime": LifetimeTopoLoss,
    "localized_likelihood": partial(LocalizedTopoLoss, direction="superlevel", slope=(0.01, 0.05), dims=(0, 1)),
    "dmt": dmt,
    "betti_matching": in_space(BettiMatchingLoss),
    "spatial_matching": in_space(SpatialMatchingLoss),
    "false_voxels": false_voxels,
    "localized_map": partial(LocalizedTopoLoss, slope=(0.01, 0.05), dims=(0, 1)),
}
"""A map of distances is any image, so one of zeros and ones will do as its target."""

SYMMETRIC = {
    **{name: loss for name, loss in LOSSES.items() if "localized" not in name},
    "homo_pre": partial(LocalizedTopoLoss, height=None, direction="superlevel"),
    "homo_reg": partial(LocalizedTopoLoss, height=None),
}
"""Those that know no direction in space."""

OF_LIKELIHOODS = {name: loss for name, loss in LOSSES.items() if name != "localized_map"}


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
