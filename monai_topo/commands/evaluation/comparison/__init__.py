"""``evaluate --compare``: two segmentations of the same cases, case by case."""

from __future__ import annotations

from monai_topo.commands.evaluation.comparison.run import compare

__all__ = ["compare"]
