"""Transforms of the input image."""

from __future__ import annotations

from monai_topo.transforms.intensity.topological_denoise import (
    TopologicalDenoise,
    TopologicalDenoiseD,
    TopologicalDenoised,
    TopologicalDenoiseDict,
)

__all__ = [
    "TopologicalDenoise",
    "TopologicalDenoiseD",
    "TopologicalDenoiseDict",
    "TopologicalDenoised",
]
