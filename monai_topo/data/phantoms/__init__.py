"""Volumes with known Betti numbers: shells, tori, tubes, trees and membranes; and folders of them."""

from __future__ import annotations

from monai_topo.data.phantoms.balls import shells, tori
from monai_topo.data.phantoms.drawing import Phantom
from monai_topo.data.phantoms.membranes import membranes
from monai_topo.data.phantoms.tubes import tree, tube

__all__ = ["Phantom", "membranes", "shells", "tori", "tree", "tube"]
