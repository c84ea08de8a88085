"""Every topology loss, in the settings that the common tests run."""

from __future__ import annotations

from functools import partial

from monai_topo.losses import (
    DMTLoss,
    LifetimeTopoLoss,
    LocalizedTopoLoss,
    PersistenceLoss,
    RegionCrossEntropyLoss,
    TopoLoss,
)


def false_voxels(*, engine=None, connectivity=None, dims=None, **options):
    """The baseline, which knows nothing of engines and dimensions."""
    return RegionCrossEntropyLoss(**options)


def dmt(*, engine=None, **options):
    """Which has one engine, and here a threshold that leaves something of random values."""
    return DMTLoss(**{"persistence_threshold": 0.05, **options})


LOSSES = {
    "nearest_corner": partial(PersistenceLoss, frame=False),
    "topo": TopoLoss,
    "lifetime": LifetimeTopoLoss,
    "localized_likelihood": partial(LocalizedTopoLoss, direction="superlevel", slope=(0.01, 0.05), dims=(0, 1)),
    "dmt": dmt,
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


def value_and_gradient(loss, likelihood, target):
    likelihood = likelihood.clone().requires_grad_()
    value = loss(likelihood, target)
    value.backward()
    return value.item(), likelihood.grad
