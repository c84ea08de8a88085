"""Transforms that make training targets of labels."""

from __future__ import annotations

from monai_topo.transforms.label.audit_topology import (
    AuditTopology,
    AuditTopologyD,
    AuditTopologyd,
    AuditTopologyDict,
    TopologyAudit,
)
from monai_topo.transforms.label.clipped_distance_map import (
    ClippedDistanceMap,
    ClippedDistanceMapD,
    ClippedDistanceMapd,
    ClippedDistanceMapDict,
)
from monai_topo.transforms.label.instance_to_affinities import (
    InstanceToAffinities,
    InstanceToAffinitiesD,
    InstanceToAffinitiesd,
    InstanceToAffinitiesDict,
)
from monai_topo.transforms.label.instance_to_membrane import (
    InstanceToMembrane,
    InstanceToMembraneD,
    InstanceToMembraned,
    InstanceToMembraneDict,
    in_plane_axes,
)
from monai_topo.transforms.label.skeleton_tube import (
    SkeletonTube,
    SkeletonTubeD,
    SkeletonTubed,
    SkeletonTubeDict,
)
from monai_topo.transforms.label.store_betti_numbers import (
    StoreBettiNumbers,
    StoreBettiNumbersD,
    StoreBettiNumbersd,
    StoreBettiNumbersDict,
)
from monai_topo.transforms.label.structure_mask import (
    StructureMask,
    StructureMaskD,
    StructureMaskd,
    StructureMaskDict,
)

__all__ = [
    "AuditTopology",
    "AuditTopologyD",
    "AuditTopologyDict",
    "AuditTopologyd",
    "ClippedDistanceMap",
    "ClippedDistanceMapD",
    "ClippedDistanceMapDict",
    "ClippedDistanceMapd",
    "InstanceToAffinities",
    "InstanceToAffinitiesD",
    "InstanceToAffinitiesDict",
    "InstanceToAffinitiesd",
    "InstanceToMembrane",
    "InstanceToMembraneD",
    "InstanceToMembraneDict",
    "InstanceToMembraned",
    "SkeletonTube",
    "SkeletonTubeD",
    "SkeletonTubeDict",
    "SkeletonTubed",
    "StoreBettiNumbers",
    "StoreBettiNumbersD",
    "StoreBettiNumbersDict",
    "StoreBettiNumbersd",
    "StructureMask",
    "StructureMaskD",
    "StructureMaskDict",
    "StructureMaskd",
    "TopologyAudit",
    "in_plane_axes",
]
