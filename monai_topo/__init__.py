"""Topology losses, metrics, transforms and bundles for MONAI.

``import monai_topo`` in a bundle's ``imports`` makes every public name a short ``_target_``.
"""

from __future__ import annotations

from monai_topo import data, graphs, handlers, losses, metrics, topology, transforms, visualize
from monai_topo.data import HDF5Reader, cremi_datalist, image_datalist, phantoms
from monai_topo.handlers import (
    CCQ,
    AdaptedRandError,
    BettiError,
    CenterlineDice,
    EulerError,
    LossWeightSchedule,
    VariationOfInformation,
)
from monai_topo.losses import (
    DiceCETopologyLoss,
    LifetimeTopoLoss,
    PersistenceLoss,
    TopologyLoss,
    TopoLoss,
    WeightedSumLoss,
)
from monai_topo.metrics import (
    AdaptedRandErrorMetric,
    BettiErrorMetric,
    CCQMetric,
    CenterlineDiceMetric,
    EulerErrorMetric,
    TopologyMetric,
    VariationOfInformationMetric,
    compute_adapted_rand_error,
    compute_betti_error,
    compute_ccq,
    compute_centerline_dice,
    compute_euler_error,
    compute_variation_of_information,
)
from monai_topo.transforms import (
    InstanceToMembrane,
    InstanceToMembraneD,
    InstanceToMembraned,
    InstanceToMembraneDict,
)

__version__ = "0.1.0"

__all__ = [
    "CCQ",
    "AdaptedRandError",
    "AdaptedRandErrorMetric",
    "BettiError",
    "BettiErrorMetric",
    "CCQMetric",
    "CenterlineDice",
    "CenterlineDiceMetric",
    "DiceCETopologyLoss",
    "EulerError",
    "EulerErrorMetric",
    "HDF5Reader",
    "InstanceToMembrane",
    "InstanceToMembraneD",
    "InstanceToMembraneDict",
    "InstanceToMembraned",
    "LifetimeTopoLoss",
    "LossWeightSchedule",
    "PersistenceLoss",
    "TopoLoss",
    "TopologyLoss",
    "TopologyMetric",
    "VariationOfInformation",
    "VariationOfInformationMetric",
    "WeightedSumLoss",
    "compute_adapted_rand_error",
    "compute_betti_error",
    "compute_ccq",
    "compute_centerline_dice",
    "compute_euler_error",
    "compute_variation_of_information",
    "cremi_datalist",
    "data",
    "graphs",
    "handlers",
    "image_datalist",
    "losses",
    "metrics",
    "phantoms",
    "topology",
    "transforms",
    "visualize",
]
