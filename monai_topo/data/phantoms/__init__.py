"""Volumes with known Betti numbers: shells, tori, tubes, trees and membranes; and folders of them."""

from __future__ import annotations

from monai_topo.data.phantoms.shapes import Phantom, membranes, shells, tori, tree, tube

__all__ = ["Phantom", "membranes", "shells", "tori", "tree", "tube"]
