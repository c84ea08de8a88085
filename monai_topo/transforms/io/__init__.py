"""Transforms that read files."""

from __future__ import annotations

from monai_topo.transforms.io.load_volume import LoadVolume, LoadVolumeD, LoadVolumed, LoadVolumeDict

__all__ = ["LoadVolume", "LoadVolumeD", "LoadVolumeDict", "LoadVolumed"]
