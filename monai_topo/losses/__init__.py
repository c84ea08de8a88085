"""Topology losses with MONAI's arguments."""

from __future__ import annotations

from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.betti_matching import BettiMatchingLoss, SpatialMatchingLoss
from monai_topo.losses.centerline import CenterlineCrossEntropyLoss, CenterlineDiceLoss, CenterlineLoss
from monai_topo.losses.centerline_boundary import CbDiceLoss
from monai_topo.losses.compound import TOPOLOGY_TERMS as TOPOLOGY_TERMS
from monai_topo.losses.compound import DiceCETopologyLoss, WeightedSumLoss
from monai_topo.losses.connectivity import ConnectivityLoss
from monai_topo.losses.critical import CriticalRegionLoss
from monai_topo.losses.deep_supervision import DeepSupervisionTopologyLoss
from monai_topo.losses.dmt import DMTLoss
from monai_topo.losses.lifetime import LifetimeTopoLoss
from monai_topo.losses.localized import LocalizedTopoLoss
from monai_topo.losses.malis import MalisLoss
from monai_topo.losses.malis_ce import MalisCELoss
from monai_topo.losses.neighbor_penalty import SameClassNeighborPenalty
from monai_topo.losses.options import DiagramOptions, LossOptions
from monai_topo.losses.perceptual import PerceptualTopologyLoss
from monai_topo.losses.persistence import PersistenceLoss
from monai_topo.losses.points import DiagramLoss
from monai_topo.losses.points import side_by_side as side_by_side
from monai_topo.losses.region import RegionCrossEntropyLoss
from monai_topo.losses.skeleton import SkeletonLoss
from monai_topo.losses.skeleton_recall import SkeletonRecallLoss
from monai_topo.losses.term_weight import TermWeight, gradient_norms
from monai_topo.losses.topo import TopoLoss

__all__ = [
    "BettiMatchingLoss",
    "CbDiceLoss",
    "CenterlineCrossEntropyLoss",
    "CenterlineDiceLoss",
    "CenterlineLoss",
    "ConnectivityLoss",
    "CriticalRegionLoss",
    "DMTLoss",
    "DeepSupervisionTopologyLoss",
    "DiagramLoss",
    "DiagramOptions",
    "DiceCETopologyLoss",
    "LifetimeTopoLoss",
    "LocalizedTopoLoss",
    "LossOptions",
    "MalisCELoss",
    "MalisLoss",
    "PerceptualTopologyLoss",
    "PersistenceLoss",
    "RegionCrossEntropyLoss",
    "SameClassNeighborPenalty",
    "SkeletonLoss",
    "SkeletonRecallLoss",
    "SpatialMatchingLoss",
    "TermWeight",
    "TopoLoss",
    "TopologyLoss",
    "WeightedSumLoss",
    "gradient_norms",
]
