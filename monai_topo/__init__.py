"""Topology losses, metrics, transforms and bundles for MONAI.

``import monai_topo`` in a bundle's ``imports`` makes every public name a short ``_target_``.
"""

from __future__ import annotations

from monai_topo import data, handlers, losses, metrics, topology, transforms, visualize
from monai_topo.data import HDF5Reader, cremi_datalist, image_datalist, phantoms
from monai_topo.handlers import BettiError, LossWeightSchedule
from monai_topo.losses import (
    DiceCETopologyLoss,
    LifetimeTopoLoss,
    PersistenceLoss,
    TopologyLoss,
    TopoLoss,
    WeightedSumLoss,
)
from monai_topo.metrics import BettiErrorMetric, compute_betti_error
from monai_topo.transforms import (
    ClippedDistanceMap,
    ClippedDistanceMapD,
    ClippedDistanceMapd,
    ClippedDistanceMapDict,
    FillCavities,
    FillCavitiesD,
    FillCavitiesd,
    FillCavitiesDict,
    InstanceToMembrane,
    InstanceToMembraneD,
    InstanceToMembraned,
    InstanceToMembraneDict,
    RandCropByTopology,
    RandCropByTopologyD,
    RandCropByTopologyd,
    RandCropByTopologyDict,
    RemoveLowPersistence,
    RemoveLowPersistenceD,
    RemoveLowPersistenced,
    RemoveLowPersistenceDict,
    TopologicalDenoise,
    TopologicalDenoiseD,
    TopologicalDenoised,
    TopologicalDenoiseDict,
    TopologyWeightMap,
    TopologyWeightMapD,
    TopologyWeightMapd,
    TopologyWeightMapDict,
)

__version__ = "0.1.0"

__all__ = [
    "BettiError",
    "BettiErrorMetric",
    "ClippedDistanceMap",
    "ClippedDistanceMapD",
    "ClippedDistanceMapDict",
    "ClippedDistanceMapd",
    "DiceCETopologyLoss",
    "FillCavities",
    "FillCavitiesD",
    "FillCavitiesDict",
    "FillCavitiesd",
    "HDF5Reader",
    "InstanceToMembrane",
    "InstanceToMembraneD",
    "InstanceToMembraneDict",
    "InstanceToMembraned",
    "LifetimeTopoLoss",
    "LossWeightSchedule",
    "PersistenceLoss",
    "RandCropByTopology",
    "RandCropByTopologyD",
    "RandCropByTopologyDict",
    "RandCropByTopologyd",
    "RemoveLowPersistence",
    "RemoveLowPersistenceD",
    "RemoveLowPersistenceDict",
    "RemoveLowPersistenced",
    "TopoLoss",
    "TopologicalDenoise",
    "TopologicalDenoiseD",
    "TopologicalDenoiseDict",
    "TopologicalDenoised",
    "TopologyLoss",
    "TopologyWeightMap",
    "TopologyWeightMapD",
    "TopologyWeightMapDict",
    "TopologyWeightMapd",
    "WeightedSumLoss",
    "compute_betti_error",
    "cremi_datalist",
    "data",
    "handlers",
    "image_datalist",
    "losses",
    "metrics",
    "phantoms",
    "topology",
    "transforms",
    "visualize",
]
