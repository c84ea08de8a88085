"""Transforms that turn image and label alike."""

from __future__ import annotations

from monai_topo.transforms.spatial.rand_symmetry import (
    RandSymmetry,
    RandSymmetryD,
    RandSymmetryd,
    RandSymmetryDict,
)

__all__ = [
    "RandSymmetry",
    "RandSymmetryD",
    "RandSymmetryDict",
    "RandSymmetryd",
]
