"""Transforms, each an array class and its dictionary twin."""

from __future__ import annotations

from monai_topo.transforms.croppad import (
    RandCropByTopology,
    RandCropByTopologyD,
    RandCropByTopologyd,
    RandCropByTopologyDict,
    TopologyWeightMap,
    TopologyWeightMapD,
    TopologyWeightMapd,
    TopologyWeightMapDict,
)
from monai_topo.transforms.intensity import (
    TopologicalDenoise,
    TopologicalDenoiseD,
    TopologicalDenoised,
    TopologicalDenoiseDict,
)
from monai_topo.transforms.label import (
    ClippedDistanceMap,
    ClippedDistanceMapD,
    ClippedDistanceMapd,
    ClippedDistanceMapDict,
    InstanceToMembrane,
    InstanceToMembraneD,
    InstanceToMembraned,
    InstanceToMembraneDict,
)
from monai_topo.transforms.post import (
    FillCavities,
    FillCavitiesD,
    FillCavitiesd,
    FillCavitiesDict,
    RemoveLowPersistence,
    RemoveLowPersistenceD,
    RemoveLowPersistenced,
    RemoveLowPersistenceDict,
)

__all__ = [
    "ClippedDistanceMap",
    "ClippedDistanceMapD",
    "ClippedDistanceMapDict",
    "ClippedDistanceMapd",
    "FillCavities",
    "FillCavitiesD",
    "FillCavitiesDict",
    "FillCavitiesd",
    "InstanceToMembrane",
    "InstanceToMembraneD",
    "InstanceToMembraneDict",
    "InstanceToMembraned",
    "RandCropByTopology",
    "RandCropByTopologyD",
    "RandCropByTopologyDict",
    "RandCropByTopologyd",
    "RemoveLowPersistence",
    "RemoveLowPersistenceD",
    "RemoveLowPersistenceDict",
    "RemoveLowPersistenced",
    "TopologicalDenoise",
    "TopologicalDenoiseD",
    "TopologicalDenoiseDict",
    "TopologicalDenoised",
    "TopologyWeightMap",
    "TopologyWeightMapD",
    "TopologyWeightMapDict",
    "TopologyWeightMapd",
]
