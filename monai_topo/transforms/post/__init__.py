"""Transforms of what a network gives."""

from __future__ import annotations

from monai_topo.transforms.post.stable_manifolds import (
    StableManifolds,
    StableManifoldsD,
    StableManifoldsd,
    StableManifoldsDict,
)

__all__ = ["StableManifolds", "StableManifoldsD", "StableManifoldsDict", "StableManifoldsd"]
