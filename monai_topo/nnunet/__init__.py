"""Trainers for nnU-Net with topology losses; they need nnU-Net (``pip install "monai_topo[nnunet]"``)."""

from __future__ import annotations

from monai_topo.nnunet.term import PenaltyAtFullResolution, TermAtFullResolution
from monai_topo.nnunet.trainer import TopologyTrainer
from monai_topo.nnunet.trainers import (
    nnUNetTrainerBettiMatching,
    nnUNetTrainerCbDice,
    nnUNetTrainerCenterlineCE,
    nnUNetTrainerCenterlineDice,
    nnUNetTrainerCriticalComponents,
    nnUNetTrainerCriticalHomotopy,
    nnUNetTrainerDMT,
    nnUNetTrainerLifetime,
    nnUNetTrainerLocalizedTopo,
    nnUNetTrainerNeighborPenalty,
    nnUNetTrainerSkeletonRecall,
    nnUNetTrainerSpatialMatching,
    nnUNetTrainerTopoLoss,
)

__all__ = [
    "PenaltyAtFullResolution",
    "TermAtFullResolution",
    "TopologyTrainer",
    "nnUNetTrainerBettiMatching",
    "nnUNetTrainerCbDice",
    "nnUNetTrainerCenterlineCE",
    "nnUNetTrainerCenterlineDice",
    "nnUNetTrainerCriticalComponents",
    "nnUNetTrainerCriticalHomotopy",
    "nnUNetTrainerDMT",
    "nnUNetTrainerLifetime",
    "nnUNetTrainerLocalizedTopo",
    "nnUNetTrainerNeighborPenalty",
    "nnUNetTrainerSkeletonRecall",
    "nnUNetTrainerSpatialMatching",
    "nnUNetTrainerTopoLoss",
]
