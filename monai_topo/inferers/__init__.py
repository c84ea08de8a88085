"""How a network is applied to volumes, beside MONAI's sliding window."""

from __future__ import annotations

from monai_topo.inferers.bfloat16 import BFloat16Inferer, has_fast_bfloat16
from monai_topo.inferers.block_windows import BlockWindows
from monai_topo.inferers.flip_mean import FlipMeanInferer

__all__ = ["BFloat16Inferer", "BlockWindows", "FlipMeanInferer", "has_fast_bfloat16"]
