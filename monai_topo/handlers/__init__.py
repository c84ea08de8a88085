"""Thin ignite adapters; they need the extra ``bundle``."""

from __future__ import annotations

from monai_topo.handlers.betti_error import BettiError
from monai_topo.handlers.betti_matching_error import BettiMatchingError
from monai_topo.handlers.loss_weight_schedule import LossWeightSchedule

__all__ = ["BettiError", "BettiMatchingError", "LossWeightSchedule"]
