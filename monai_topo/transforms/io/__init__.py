"""Transforms that read files."""

from __future__ import annotations

from monai_topo.transforms.io.image_by_patches import ImageByPatches
from monai_topo.transforms.io.load_volume import LoadVolume, LoadVolumeD, LoadVolumed, LoadVolumeDict

__all__ = ["ImageByPatches", "LoadVolume", "LoadVolumeD", "LoadVolumeDict", "LoadVolumed"]
