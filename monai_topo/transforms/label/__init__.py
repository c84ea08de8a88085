"""Transforms that make training targets of labels."""

from __future__ import annotations

from monai_topo.transforms.label.instance_to_membrane import (
    InstanceToMembrane,
    InstanceToMembraneD,
    InstanceToMembraned,
    InstanceToMembraneDict,
)

__all__ = ["InstanceToMembrane", "InstanceToMembraneD", "InstanceToMembraneDict", "InstanceToMembraned"]
