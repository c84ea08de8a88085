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
    StableManifolds,
    StableManifoldsD,
    StableManifoldsd,
    StableManifoldsDict,
)

__all__ = [
    "ClippedDistanceMap",
    "ClippedDistanceMapD",
    "ClippedDistanceMapDict",
    "ClippedDistanceMapd",
    "InstanceToMembrane",
    "InstanceToMembraneD",
    "InstanceToMembraneDict",
    "InstanceToMembraned",
    "RandCropByTopology",
    "RandCropByTopologyD",
    "RandCropByTopologyDict",
    "RandCropByTopologyd",
    "StableManifolds",
    "StableManifoldsD",
    "StableManifoldsDict",
    "StableManifoldsd",
    "TopologicalDenoise",
    "TopologicalDenoiseD",
    "TopologicalDenoiseDict",
    "TopologicalDenoised",
    "TopologyWeightMap",
    "TopologyWeightMapD",
    "TopologyWeightMapDict",
    "TopologyWeightMapd",
]
