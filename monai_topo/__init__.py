"""Topology losses, metrics, transforms and bundles for MONAI.

``import monai_topo`` in a bundle's ``imports`` makes every public name a short ``_target_``.
"""

from __future__ import annotations

from monai_topo import data, graphs, handlers, losses, metrics, topology, transforms, visualize
from monai_topo.data import (
    HDF5Reader,
    SWCReader,
    TIFFStackReader,
    cremi_datalist,
    image_datalist,
    ircadb_datalist,
    isbi_datalist,
    neuron_datalist,
    phantoms,
    prepared_datalist,
    small_features,
    split_folds,
)
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
    InstanceToMembrane,
    InstanceToMembraneD,
    InstanceToMembraned,
    InstanceToMembraneDict,
)

__version__ = "0.1.0"

__all__ = [
    "BettiError",
    "BettiErrorMetric",
    "DiceCETopologyLoss",
    "HDF5Reader",
    "InstanceToMembrane",
    "InstanceToMembraneD",
    "InstanceToMembraneDict",
    "InstanceToMembraned",
    "LifetimeTopoLoss",
    "LossWeightSchedule",
    "PersistenceLoss",
    "SWCReader",
    "TIFFStackReader",
    "TopoLoss",
    "TopologyLoss",
    "WeightedSumLoss",
    "compute_betti_error",
    "cremi_datalist",
    "data",
    "graphs",
    "handlers",
    "image_datalist",
    "ircadb_datalist",
    "isbi_datalist",
    "losses",
    "metrics",
    "neuron_datalist",
    "phantoms",
    "prepared_datalist",
    "small_features",
    "split_folds",
    "topology",
    "transforms",
    "visualize",
]
