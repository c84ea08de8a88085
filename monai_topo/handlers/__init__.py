"""Thin ignite adapters; they need the extra ``bundle``."""

from __future__ import annotations

from monai_topo.handlers.best_model import BestModel
from monai_topo.handlers.epoch_seed import EpochSeed
from monai_topo.handlers.loss_weight_schedule import LossWeightSchedule
from monai_topo.handlers.metrics import (
    APLS,
    CCQ,
    TLTS,
    AdaptedRandError,
    BettiError,
    BettiMatchingError,
    BettiMatchingF1,
    CenterlineDice,
    EulerError,
    InstanceF1,
    JunctionF1,
    VariationOfInformation,
)
from monai_topo.handlers.run_log import RunLog
from monai_topo.handlers.segmentation_pictures import SegmentationPictures
from monai_topo.handlers.topology_images import TopologyImageHandler
from monai_topo.handlers.training_checkpoint import TrainingCheckpoint
from monai_topo.handlers.tree_metrics import BranchesDetected, ExpectedRunLength, TreeLengthDetected

__all__ = [
    "APLS",
    "CCQ",
    "TLTS",
    "AdaptedRandError",
    "BestModel",
    "BettiError",
    "BettiMatchingError",
    "BettiMatchingF1",
    "BranchesDetected",
    "CenterlineDice",
    "EpochSeed",
    "EulerError",
    "ExpectedRunLength",
    "InstanceF1",
    "JunctionF1",
    "LossWeightSchedule",
    "RunLog",
    "SegmentationPictures",
    "TopologyImageHandler",
    "TrainingCheckpoint",
    "TreeLengthDetected",
    "VariationOfInformation",
]
