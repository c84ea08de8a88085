"""Ignite handler that lets a topology term join the training after a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.utils import IgniteInfo, min_version, optional_import

from monai_topo.handlers.ranks import average_over_ranks
from monai_topo.losses import TermWeight, gradient_norms

if TYPE_CHECKING:
    from ignite.engine import Engine, Events
else:
    Events, _ = optional_import("ignite.engine", IgniteInfo.OPT_IMPORT_VERSION, min_version, "Events")


class LossWeightSchedule(TermWeight):
    """Sets the weight of one term of a loss: 0 in the first epochs, then a linear warm-up, then constant.

    The papers train with cross-entropy alone first: a network that does not yet see a structure has no feature that a
    topology loss could move. The constant is either given, or set once from the gradients: in the first iterations of
    ``start_epoch``, with the term still off, the norms of the gradients of the term and of the rest with respect to
    the network's parameters are added up, and the weight becomes what makes their ratio ``gradient_ratio``. That
    number carries over between 2D and 3D, patch sizes and data sets, which a weight does not.

    The weight in force is at ``engine.state.<attribute>`` (``<attribute>_<index>`` for an entry of a list), so that
    ``TensorBoardStatsHandler(state_attributes=["lambda_topo"])`` logs it. Saved in a checkpoint beside the network
    (``save_dict={"schedule": schedule, ...}``), a weight that was measured is not measured again.

    Args:
        loss: the loss whose weight is set, such as ``DiceCETopologyLoss`` or ``WeightedSumLoss``; its value must be
            linear in the weight.
        weight: value after the warm-up, at least 0.
        gradient_ratio: wanted ratio of the gradient norms, term to rest, above 0. Needs MONAI's
            ``SupervisedTrainer``. 3 did best on membranes in 3D, 1 on thin sections (docs/choose.md).
        ratio_iterations: iterations of ``start_epoch`` over which the norms are added up.
        start_epoch: first epoch, counted from 1, with a weight above 0.
        warmup_epochs: epochs over which the weight rises to its value; 0 takes it at once.
        attribute: name of the weight on the loss.
        index: number of the entry in the attribute, where that is a list (``attribute="weights"`` of
            ``WeightedSumLoss``, ``lambda_topo`` of a ``DiceCETopologyLoss`` with several terms).

    Raises:
        ValueError: when not exactly one of ``weight`` and ``gradient_ratio`` is given, the loss has no such attribute
            or entry, or a number is out of range.

    Example:
        >>> from monai_topo.losses import DiceCETopologyLoss
        >>> schedule = LossWeightSchedule(DiceCETopologyLoss(), weight=0.5, start_epoch=3, warmup_epochs=1)
        >>> [schedule.weight_in(epoch) for epoch in range(1, 6)]
        [0.0, 0.0, 0.25, 0.5, 0.5]
    """

    def __init__(
        self,
        loss: Any,
        weight: float | None = None,
        start_epoch: int = 1,
        warmup_epochs: int = 0,
        attribute: str = "lambda_topo",
        index: int | None = None,
        gradient_ratio: float | None = None,
        ratio_iterations: int = 10,
    ) -> None:
        super().__init__(weight, start_epoch, warmup_epochs, gradient_ratio, ratio_iterations)
        _check_attribute(loss, attribute, index)
        self.loss = loss
        self.attribute = attribute
        self.index = index

    def attach(self, engine: Engine) -> None:
        """Register with a trainer.

        Args:
            engine: ignite engine that trains.

        Raises:
            ValueError: when gradients are to be measured and the engine is no MONAI trainer.
        """
        if self.gradient_ratio is not None:
            from monai.engines import SupervisedTrainer
            from monai.engines.utils import IterationEvents

            if not isinstance(engine, SupervisedTrainer):
                raise ValueError(
                    f"gradient_ratio needs MONAI's SupervisedTrainer, got {type(engine).__name__}: "
                    "give a weight instead."
                )
            engine.add_event_handler(IterationEvents.FORWARD_COMPLETED, self.measure)
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the weight of the epoch that starts."""
        weight = self.weight_in(engine.state.epoch)
        self._set(weight)
        setattr(engine.state, self.attribute if self.index is None else f"{self.attribute}_{self.index}", weight)

    def measure(self, engine: Any) -> None:
        """Add up the norms of this iteration's gradients; once there are enough, the weight is known and set."""
        if not self.is_measured_in(engine.state.epoch):
            return
        self.add(average_over_ranks(self._gradient_norms(engine)))  # every process must come to the same weight
        if self.weight is not None:
            self(engine)

    def _gradient_norms(self, engine: Any) -> torch.Tensor:
        """Norms of the gradients of the term at weight 1 and of the rest."""
        output = engine.state.output
        parameters = [p for p in engine.network.parameters() if p.requires_grad]
        values = []
        for weight in (0.0, 1.0):
            self._set(weight)
            values.append(self.loss(output["pred"], output["label"]).mean())
        self._set(0.0)
        scaler = getattr(engine, "scaler", None)
        scale = 1.0 if scaler is None else scaler.get_scale()  # half-precision gradients vanish without it
        return gradient_norms([values[1] - values[0], values[0]], parameters, scale)

    def _set(self, weight: float) -> None:
        if self.index is None:
            setattr(self.loss, self.attribute, weight)
        else:
            getattr(self.loss, self.attribute)[self.index] = weight


def _check_attribute(loss: Any, attribute: str, index: int | None) -> None:
    if not hasattr(loss, attribute):
        raise ValueError(f"loss has no attribute {attribute!r}: {type(loss).__name__} has no such weight.")
    value = getattr(loss, attribute)
    if index is None and not isinstance(value, (int, float)):
        raise ValueError(f"index must say which entry of {attribute!r} it is: {type(loss).__name__} has {len(value)}.")
    if index is not None and (isinstance(value, (int, float)) or not 0 <= index < len(value)):
        raise ValueError(f"index must be an entry of {attribute!r}, got {index}.")
