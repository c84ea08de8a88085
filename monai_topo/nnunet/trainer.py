"""What makes a topology trainer of a trainer of nnU-Net: the term, its weight, its state and the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import torch
from torch import distributed, nn

from monai_topo.losses import SkeletonLoss, TermWeight, gradient_norms
from monai_topo.metrics import BettiErrorMetric, BettiMatchingF1Metric, TopologyMetric
from monai_topo.nnunet.checkpoints import read_state, reading_trainer, save_with_state
from monai_topo.nnunet.scores import PatchScores, masks_of
from monai_topo.nnunet.term import TermAtFullResolution, build_term, full_resolution
from monai_topo.nnunet.tubes import AppendTubes, with_tubes
from monai_topo.visualize import plot_training_curves

_Trainer: Any = object
"""For type checkers: what the mixin is put before."""


class TopologyTrainer(_Trainer):
    """Mixin for trainers of nnU-Net: a topology loss joins their own loss. Put it before them.

    The loss stays nnU-Net's, deep supervision, batch Dice, ignore label and regions with it. The term is added at full
    resolution, over the foreground classes or the regions, after a share of the epochs that train without it. Its
    weight is measured once, as ``LossWeightSchedule`` does it, or given, and goes into the checkpoint. Losses of
    validation are without the term, so that they compare with those of other trainers; the log has metrics of
    topology beside them, ``betti_error`` (framed, lower is better) and ``betti_matching_f1`` (framed, higher is
    better), class by class, of the patches of the first validation batches.

    Attributes:
        topology: name of the loss, one of those that ``DiceCETopologyLoss(topology=...)`` takes.
        topology_options: further arguments of the loss.
        topology_weight: weight of the term; None measures it.
        topology_gradient_ratio: ratio of the gradients' norms, term to nnU-Net's loss, that a measured weight gives:
            0.3 as docs/choose.md has it; 1 where topology counts more than Dice, and in 2D.
        topology_start: share of the epochs, from 0 to 1, that train without the term; half, as the bundles do.
        topology_warmup_epochs: epochs over which the weight rises.
        topology_validation_batches: number of batches in each validation that the metrics are computed on; 0 is none.
            The F1 of a patch of 128^3 voxels takes seconds for each class.

    Example:
        A trainer of one's own, in a file in a folder that ``nnUNet_extTrainer`` lists, beside that of this package::

            from monai_topo.nnunet import TopologyTrainer
            from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

            class nnUNetTrainerLoops(TopologyTrainer, nnUNetTrainer):
                topology = "betti_matching"
                topology_options = {"dims": (1,)}
                topology_gradient_ratio = 1.0
    """

    topology: str = "topo"
    topology_options: ClassVar[Mapping[str, Any]] = {}
    topology_weight: float | None = None
    topology_gradient_ratio: float = 0.3
    topology_start: float = 0.5
    topology_warmup_epochs: int = 0
    topology_validation_batches: int = 2

    def build_topology_metrics(self) -> dict[str, TopologyMetric]:
        """The metrics of the log by name; their channels are the foreground classes or regions."""
        return {"betti_error": BettiErrorMetric(frame=True), "betti_matching_f1": BettiMatchingF1Metric(frame=True)}

    def _build_loss(self) -> nn.Module:
        if not 0 <= self.topology_start <= 1:
            raise ValueError(f"topology_start must be a share of the epochs, from 0 to 1, got {self.topology_start!r}.")
        self.term_weight = TermWeight(
            self.topology_weight,
            start_epoch=1 + round(self.topology_start * self.num_epochs),
            warmup_epochs=self.topology_warmup_epochs,
            gradient_ratio=self.topology_gradient_ratio if self.topology_weight is None else None,
        )
        num_classes = self.label_manager.num_segmentation_heads - (not self.label_manager.has_regions)
        self.scores = PatchScores(self.build_topology_metrics(), num_classes)
        return self.add_topology(super()._build_loss())

    def add_topology(self, base: nn.Module) -> TermAtFullResolution:
        """nnU-Net's loss with the term beside it, of weight 0."""
        regions, ignored = self.label_manager.has_regions, self.label_manager.ignore_label
        term = build_term(self.topology, regions, ignored, self.topology_options)
        return TermAtFullResolution(base, term, regions, ignored is not None)

    def get_training_transforms(self, *arguments: Any, **options: Any) -> Any:
        """nnU-Net's augmentation; for a loss on skeletons the label's follow the label."""
        transforms = super().get_training_transforms(*arguments, **options)
        term, regions = self.loss.topology, options.get("regions")
        if not isinstance(term, SkeletonLoss):
            return transforms
        count = None if regions is None else len(regions)
        return with_tubes(transforms, AppendTubes(term.dilations, term.kind, count, options.get("ignore_label")))

    def on_train_start(self) -> None:
        """Start, with places in nnU-Net's log for what is new."""
        super().on_train_start()
        log = self.logger.local_logger.my_fantastic_logging
        unknown = {"topology_weight": float("nan"), **dict.fromkeys(self.scores.metrics, self.scores.unknown)}
        for name, value in unknown.items():
            log.setdefault(name, [value] * self.current_epoch)  # a log that began without them
        self.print_to_log_file(f"Topology term: {self.loss.topology}, from epoch {self.term_weight.start_epoch - 1} on")

    def on_train_epoch_start(self) -> None:
        """Set the weight of the epoch."""
        super().on_train_epoch_start()
        self.loss.weight = self.term_weight.weight_in(self.current_epoch + 1)

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Train on a batch, and measure gradients first where the weight is not known yet."""
        if self.term_weight.is_measured_in(self.current_epoch + 1):
            self.term_weight.add(self._gradient_norms(batch))
            self.loss.weight = self.term_weight.weight_in(self.current_epoch + 1)
            if self.term_weight.weight is not None:
                self.print_to_log_file(f"Topology term: weight {self.term_weight.weight:.4g} from the gradients")
        result: dict[str, Any] = super().train_step(batch)
        return result

    def _gradient_norms(self, batch: dict[str, Any]) -> torch.Tensor:
        """Norms of the gradients of the term and of nnU-Net's loss, averaged over the processes.

        The network itself is run, not its compiled or distributed form: their backward passes bear no second one.
        """
        network = bare(self.network)
        target = [each.to(self.device) for each in as_list(batch["target"])]
        with torch.autocast("cuda") if self.device.type == "cuda" else nullcontext():
            output = network(batch["data"].to(self.device))
            truth = target if isinstance(output, (list, tuple)) else target[0]
            rest = self.loss.base(output, self.loss.without_tubes(output, truth))
            values = [self.loss.term(output, truth), rest]
        scale = 1.0 if self.grad_scaler is None else self.grad_scaler.get_scale()
        parameters: list[torch.Tensor] = [parameter for parameter in network.parameters() if parameter.requires_grad]
        norms = gradient_norms(values, parameters, scale, keep_graph=False).to(self.device)
        if self.is_ddp:
            distributed.all_reduce(norms)
            norms /= distributed.get_world_size()
        return norms

    def on_validation_epoch_start(self) -> None:
        """Validate by nnU-Net's loss alone."""
        super().on_validation_epoch_start()
        self.log_weight = self.loss.weight
        self.loss.weight = 0.0
        self.scores.reset()

    def validation_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Validate on a batch, and score the topology of the first ones."""
        hook = self.loss.register_forward_hook(self._score)  # the label is changed in place after the loss
        try:
            result: dict[str, Any] = super().validation_step(batch)
        finally:
            hook.remove()
        return result

    def _score(self, loss: nn.Module, inputs: tuple[Any, Any], value: torch.Tensor) -> None:
        if self.scores.num_batches < self.topology_validation_batches:
            labels = self.label_manager
            self.scores.add(
                *masks_of(
                    full_resolution(inputs[0]), full_resolution(inputs[1]), labels.has_regions, labels.ignore_label
                )
            )

    def on_validation_epoch_end(self, val_outputs: list[dict[str, Any]]) -> None:
        """Log the metrics of topology and the weight of the term."""
        super().on_validation_epoch_end(val_outputs)
        self.logger.log("topology_weight", self.log_weight, self.current_epoch)
        for name, values in self.scores.means().items():
            self.logger.log(name, values, self.current_epoch)
        self.loss.weight = self.log_weight

    def on_epoch_end(self) -> None:
        """Print them beside nnU-Net's own."""
        for name in self.scores.metrics:
            values = self.logger.get_value(name, step=-1)
            self.print_to_log_file(f"{name.replace('_', ' ').capitalize()}", [float(np.round(v, 4)) for v in values])
        self.print_to_log_file("Topology weight", self.logger.get_value("topology_weight", step=-1))
        super().on_epoch_end()
        if self.local_rank == 0:
            names = [*self.scores.metrics, "topology_weight"]
            curves = {name.replace("_", " "): self.logger.get_value(name, step=None) for name in names}
            plot_training_curves(f"{self.output_folder}/progress_topology.png", curves, self._class_names())

    def _class_names(self) -> list[str]:
        """The foreground classes or regions in the order of the metrics' channels."""
        labels = self.label_manager
        wanted = labels.foreground_regions if labels.has_regions else labels.foreground_labels
        names = {_values(value): name for name, value in self.dataset_json["labels"].items()}
        return [names.get(_values(value), str(value)) for value in wanted]

    def save_checkpoint(self, filename: str) -> None:
        """Save with the state of the weight, for nnU-Net's predictor to read with or without this package."""
        if self.local_rank != 0 or self.disable_checkpointing:
            super().save_checkpoint(filename)
            return
        save_with_state(super().save_checkpoint, filename, reading_trainer(type(self)), self.term_weight.state_dict())

    def load_checkpoint(self, filename_or_checkpoint: str) -> None:
        """Load with the state of the weight."""
        super().load_checkpoint(filename_or_checkpoint)
        state = read_state(filename_or_checkpoint)
        if state is None:
            self.print_to_log_file("This checkpoint has no topology term: its weight is measured anew")
        else:
            self.term_weight.load_state_dict(state)


def bare(network: Any) -> nn.Module:
    """A network without what makes it distributed or compiled."""
    network = network.module if isinstance(network, nn.parallel.DistributedDataParallel) else network
    bare_network: nn.Module = getattr(network, "_orig_mod", network)
    return bare_network


def _values(label: Any) -> tuple[int, ...]:
    """The label values of a class or of a region."""
    return tuple(map(int, label)) if isinstance(label, (list, tuple)) else (int(label),)


def as_list(tensors: Any) -> list[torch.Tensor]:
    """One tensor or several as a list."""
    return [tensors] if isinstance(tensors, torch.Tensor) else list(tensors)
