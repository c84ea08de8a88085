"""The losses that are compared: their names in the tables, and those of networks that give no likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BASE = "dice_ce"
NAMES = {
    BASE: "Dice+CE",
    "weighted": "Dice+CE, foreground weighted 3",
    "topo": "TopoLoss",
    "lifetime": "LifetimeTopoLoss",
    "dmt": "DMTLoss",
    "betti_matching": "BettiMatchingLoss",
    "cldice": "clDice",
    "skeleton_recall": "SkeletonRecallLoss",
    "centerline_dice": "CenterlineDiceLoss",
    "centerline_ce": "CenterlineCrossEntropyLoss",
    "cb_dice": "CbDiceLoss",
    "neighbor_penalty": "SameClassNeighborPenalty",
    "critical_components": "CriticalRegionLoss, components",
    "critical_homotopy": "CriticalRegionLoss, homotopy",
    "localized": "LocalizedTopoLoss",
    "perceptual_random": "PerceptualTopologyLoss of a random network",
    "distance": "distances, MSE",
    "localized_distance": "distances, MSE + LocalizedTopoLoss",
    "unsigned": "unsigned distances, MSE",
    "connectivity": "unsigned distances, MSE + ConnectivityLoss",
    "affinities": "affinities, CE",
    "malis": "affinities, CE + MalisLoss",
}
"""Losses, named after their overlay ``loss_NAME.yaml`` as a rule, to what the tables show."""
LOSSES = (BASE, "topo", "lifetime", "dmt", "betti_matching", "cldice")
"""Those of a table that names no others."""


@dataclass(frozen=True)
class Other:
    """A loss of networks that give something else than a likelihood.

    Attributes:
        base: the loss without the term, of the same networks.
        overlay: configuration file that is laid over ``train.yaml``.
        inference: configuration files that are laid over ``inference.yaml``.
        inference_settings: entries of the inference's configuration.
    """

    base: str
    overlay: str
    inference: tuple[str, ...] = ()
    inference_settings: Mapping[str, Any] = field(default_factory=dict)


_SIGNED = {"activation": "$lambda distance: torch.sigmoid(-distance)"}
_UNSIGNED = {"activation": "$lambda distance: torch.sigmoid(4 * (0.5 - distance))"}
OTHERS = {
    **dict.fromkeys(
        ("distance", "localized_distance"), Other("distance", "loss_localized.yaml", inference_settings=_SIGNED)
    ),
    **dict.fromkeys(
        ("unsigned", "connectivity"), Other("unsigned", "loss_connectivity.yaml", inference_settings=_UNSIGNED)
    ),
    **dict.fromkeys(("affinities", "malis"), Other("affinities", "affinities.yaml", inference=("affinities.yaml",))),
}
