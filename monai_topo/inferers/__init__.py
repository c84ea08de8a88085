"""How a network is applied to volumes, beside MONAI's sliding window."""

from __future__ import annotations

from monai_topo.inferers.flip_mean import FlipMeanInferer

__all__ = ["FlipMeanInferer"]
