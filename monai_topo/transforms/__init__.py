"""Transforms, each an array class and its dictionary twin."""

from __future__ import annotations

from monai_topo.transforms.label import (
    InstanceToMembrane,
    InstanceToMembraneD,
    InstanceToMembraned,
    InstanceToMembraneDict,
)

__all__ = ["InstanceToMembrane", "InstanceToMembraneD", "InstanceToMembraneDict", "InstanceToMembraned"]
