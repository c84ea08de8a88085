"""Ignite handler that lets a topology term join the training after a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monai.utils import IgniteInfo, min_version, optional_import

Events, _ = optional_import("ignite.engine", IgniteInfo.OPT_IMPORT_VERSION, min_version, "Events")
if TYPE_CHECKING:
    from ignite.engine import Engine


class LossWeightSchedule:
    """Sets the weight of one term of a loss at the start of every epoch: 0, then a linear warm-up, then constant.

    The papers train with cross-entropy alone first: a network that does not yet see a structure has no feature that a
    topology loss could move. The weight is a function of the epoch alone, so a run that resumes from a checkpoint of
    its trainer goes on as if it had not stopped.

    Args:
        loss: the loss whose weight is set, such as ``DiceCETopologyLoss`` or ``WeightedSumLoss``.
        weight: value after the warm-up, at least 0.
        start_epoch: first epoch, counted from 1, with a weight above 0.
        warmup_epochs: epochs over which the weight rises to its value; 0 takes it at once.
        attribute: name of the weight on the loss.
        index: which entry of the attribute it is, where that is a list (``attribute="weights"`` of
            ``WeightedSumLoss``).

    Raises:
        ValueError: when the loss has no such attribute or entry, or a number is out of range.

    Example:
        >>> from monai_topo.losses import DiceCETopologyLoss
        >>> schedule = LossWeightSchedule(DiceCETopologyLoss(), weight=0.5, start_epoch=3, warmup_epochs=1)
        >>> [schedule.weight_in(epoch) for epoch in range(1, 6)]
        [0.0, 0.0, 0.25, 0.5, 0.5]
    """

    def __init__(
        self,
        loss: Any,
        weight: float,
        start_epoch: int = 1,
        warmup_epochs: int = 0,
        attribute: str = "lambda_topo",
        index: int | None = None,
    ) -> None:
        if weight < 0 or start_epoch < 1 or warmup_epochs < 0:
            raise ValueError(
                "weight and warmup_epochs must be at least 0 and start_epoch at least 1, "
                f"got {weight}, {warmup_epochs} and {start_epoch}."
            )
        if not hasattr(loss, attribute):
            raise ValueError(f"loss has no attribute {attribute!r}: {type(loss).__name__} has no such weight.")
        if index is not None and not 0 <= index < len(getattr(loss, attribute)):
            raise ValueError(f"index must be an entry of {attribute!r}, got {index}.")
        self.loss = loss
        self.weight = float(weight)
        self.start_epoch = start_epoch
        self.warmup_epochs = warmup_epochs
        self.attribute = attribute
        self.index = index

    def attach(self, engine: Engine) -> None:
        """Register with a trainer.

        Args:
            engine: ignite engine that trains.
        """
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the weight of the epoch that starts."""
        weight = self.weight_in(engine.state.epoch)
        if self.index is None:
            setattr(self.loss, self.attribute, weight)
        else:
            getattr(self.loss, self.attribute)[self.index] = weight

    def weight_in(self, epoch: int) -> float:
        """The weight in an epoch, counted from 1."""
        steps = epoch - self.start_epoch + 1
        return self.weight * min(max(steps, 0) / (self.warmup_epochs + 1), 1.0)
