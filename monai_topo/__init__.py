"""Topology losses, metrics, transforms and bundles for MONAI.

``import monai_topo`` in a bundle's ``imports`` makes every public name a short ``_target_``.
"""

from __future__ import annotations

from monai_topo import data, handlers, losses, metrics, topology, transforms, visualize
from monai_topo.data import HDF5Reader, cremi_datalist, image_datalist, phantoms
from monai_topo.handlers import BettiError, BettiMatchingError, LossWeightSchedule
from monai_topo.losses import (
    BettiMatchingLoss,
    DiceCETopologyLoss,
    LifetimeTopoLoss,
    PersistenceLoss,
    SpatialMatchingLoss,
    TopologyLoss,
    TopoLoss,
    WeightedSumLoss,
)
from monai_topo.metrics import (
    BettiErrorMetric,
    BettiMatchingErrorMetric,
    TopologyMetric,
    compute_betti_error,
    compute_betti_matching_error,
)
from monai_topo.transforms import (
    InstanceToMembrane,
    InstanceToMembraneD,
    InstanceToMembraned,
    InstanceToMembraneDict,
)

__version__ = "0.1.0"

__all__ = [
    "BettiError",
    "BettiErrorMetric",
    "BettiMatchingError",
    "BettiMatchingErrorMetric",
    "BettiMatchingLoss",
    "DiceCETopologyLoss",
    "HDF5Reader",
    "InstanceToMembrane",
    "InstanceToMembraneD",
    "InstanceToMembraneDict",
    "InstanceToMembraned",
    "LifetimeTopoLoss",
    "LossWeightSchedule",
    "PersistenceLoss",
    "SpatialMatchingLoss",
    "TopoLoss",
    "TopologyLoss",
    "TopologyMetric",
    "WeightedSumLoss",
    "compute_betti_error",
    "compute_betti_matching_error",
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
