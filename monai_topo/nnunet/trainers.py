"""The trainers, one for each topology loss: what ``nnUNetv2_train -tr`` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monai.utils import optional_import
from torch import nn

from monai_topo.losses import SameClassNeighborPenalty
from monai_topo.nnunet.term import IGNORED, PenaltyAtFullResolution
from monai_topo.nnunet.trainer import TopologyTrainer

if TYPE_CHECKING:
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
else:
    nnUNetTrainer, _ = optional_import(
        "nnunetv2.training.nnUNetTrainer.nnUNetTrainer",
        name="nnUNetTrainer",
        descriptor="{} is missing, or older than 2.8: pip install 'nnunetv2>=2.8'",
        as_type="base",
    )


class nnUNetTrainerTopoLoss(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`TopoLoss`."""

    topology = "topo"


class nnUNetTrainerLocalizedTopo(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`LocalizedTopoLoss` on likelihoods."""

    topology = "localized"


class nnUNetTrainerLifetime(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`LifetimeTopoLoss`."""

    topology = "lifetime"


class nnUNetTrainerDMT(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`DMTLoss`."""

    topology = "dmt"


class nnUNetTrainerBettiMatching(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`BettiMatchingLoss`."""

    topology = "betti_matching"


class nnUNetTrainerSpatialMatching(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`SpatialMatchingLoss`."""

    topology = "spatial_matching"


class nnUNetTrainerCriticalComponents(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`CriticalRegionLoss` by components."""

    topology = "critical_components"


class nnUNetTrainerCriticalHomotopy(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`CriticalRegionLoss` by homotopy."""

    topology = "critical_homotopy"


class nnUNetTrainerSkeletonRecall(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`SkeletonRecallLoss`, of weight 1 from the first epoch on, as published."""

    topology = "skeleton_recall"
    topology_weight = 1.0
    topology_start = 0.0


class nnUNetTrainerCenterlineDice(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`CenterlineDiceLoss`, of weight 1 from the first epoch on."""

    topology = "centerline_dice"
    topology_weight = 1.0
    topology_start = 0.0


class nnUNetTrainerCenterlineCE(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`CenterlineCrossEntropyLoss`, of weight 1 from the first epoch on."""

    topology = "centerline_ce"
    topology_weight = 1.0
    topology_start = 0.0


class nnUNetTrainerCbDice(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`CbDiceLoss`, of weight 1 from the first epoch on."""

    topology = "cb_dice"
    topology_weight = 1.0
    topology_start = 0.0


class nnUNetTrainerNeighborPenalty(TopologyTrainer, nnUNetTrainer):
    """nnU-Net with :class:`SameClassNeighborPenalty` of its own loss, of weight 1 from the first epoch on."""

    topology = "neighbor_penalty"
    topology_weight = 1.0
    topology_start = 0.0

    def add_topology(self, base: nn.Module) -> PenaltyAtFullResolution:
        """nnU-Net's loss, and that of the worst logits around each voxel at full resolution."""
        regions, ignored = self.label_manager.has_regions, self.label_manager.ignore_label
        index = ignored if ignored is None or not regions else IGNORED
        penalty = SameClassNeighborPenalty(getattr(base, "loss", base), ignore_index=index, **self.topology_options)
        return PenaltyAtFullResolution(base, penalty, regions, ignored is not None)
