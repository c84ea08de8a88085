"""Thin ignite adapters; they need the extra ``bundle``."""

from __future__ import annotations

from monai_topo.handlers.betti_error import BettiError

__all__ = ["BettiError"]
