"""Readers, dataset layouts, phantoms and patches: the data's way to MONAI."""

from __future__ import annotations

from monai_topo.data.patches import PatchLayout

__all__ = ["PatchLayout"]
