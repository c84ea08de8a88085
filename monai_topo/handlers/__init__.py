"""Thin ignite adapters; they need the extra ``bundle``."""

from __future__ import annotations

from monai_topo.handlers.loss_weight_schedule import LossWeightSchedule
from monai_topo.handlers.metrics import (
    CCQ,
    AdaptedRandError,
    BettiError,
    CenterlineDice,
    EulerError,
    VariationOfInformation,
)

__all__ = [
    "CCQ",
    "AdaptedRandError",
    "BettiError",
    "CenterlineDice",
    "EulerError",
    "LossWeightSchedule",
    "VariationOfInformation",
]
