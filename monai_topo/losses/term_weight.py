"""The weight of one term of a loss while a network trains: given, or measured once from the gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


class TermWeight:
    """Weight of a term over the epochs: 0 in the first ones, then a linear warm-up, then constant.

    The constant is either given, or measured once in the first iterations of ``start_epoch``: the norms of the
    gradients of the term and of the rest are added up, and the weight becomes what makes their ratio
    ``gradient_ratio``. The class holds the numbers alone; the handler ``LossWeightSchedule`` and the trainers of
    ``monai_topo.nnunet`` measure and set them.

    Args:
        weight: value after the warm-up, at least 0.
        start_epoch: first epoch, counted from 1, with a weight above 0.
        warmup_epochs: epochs over which the weight rises to its value; 0 takes it at once.
        gradient_ratio: wanted ratio of the gradient norms, term to rest, above 0.
        ratio_iterations: iterations over which the norms are added up.

    Raises:
        ValueError: when not exactly one of ``weight`` and ``gradient_ratio`` is given, or a number is out of range.

    Example:
        >>> weight = TermWeight(gradient_ratio=0.5, start_epoch=2, ratio_iterations=1)
        >>> weight.is_measured_in(1), weight.is_measured_in(2)
        (False, True)
        >>> weight.add(torch.tensor([4.0, 2.0]))  # the term's gradient is twice as long as that of the rest
        >>> weight.weight_in(1), weight.weight_in(2)
        (0.0, 0.25)
    """

    def __init__(
        self,
        weight: float | None = None,
        start_epoch: int = 1,
        warmup_epochs: int = 0,
        gradient_ratio: float | None = None,
        ratio_iterations: int = 10,
    ) -> None:
        _check_numbers(weight, gradient_ratio, start_epoch, warmup_epochs, ratio_iterations)
        self.weight = None if weight is None else float(weight)
        self.gradient_ratio = gradient_ratio
        self.ratio_iterations = ratio_iterations
        self.start_epoch = start_epoch
        self.warmup_epochs = warmup_epochs
        self._measured = 0
        self._norms = torch.zeros(2, dtype=torch.float64)  # of the term and of the rest

    def weight_in(self, epoch: int) -> float:
        """The weight in an epoch, counted from 1; 0 as long as it is not known."""
        steps = epoch - self.start_epoch + 1
        return (self.weight or 0.0) * min(max(steps, 0) / (self.warmup_epochs + 1), 1.0)

    def is_measured_in(self, epoch: int) -> bool:
        """Whether the gradients of an iteration of this epoch, counted from 1, are to be added."""
        return self.weight is None and epoch >= self.start_epoch

    def add(self, norms: torch.Tensor) -> None:
        """Add the norms of an iteration; once there are enough, the weight is known.

        Args:
            norms: ``(2,)`` norms of the gradients of the term at weight 1 and of the rest, the same in every process of
                a distributed run. An iteration whose norms are not finite does not count: half-precision gradients
                overflow now and then.
        """
        norms = norms.double().cpu()
        if not bool(torch.isfinite(norms).all()):
            return
        self._norms = self._norms + norms
        self._measured += 1
        term, rest = self._norms.tolist()
        if self._measured >= self.ratio_iterations and term > 0:
            self.weight = float(self.gradient_ratio or 0) * rest / term

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to go on with the same weight."""
        return {"weight": self.weight, "measured": self._measured, "norms": self._norms.clone()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a measured weight, or what was measured so far; a weight that was given stays."""
        if self.gradient_ratio is not None:
            self.weight = state_dict["weight"]
            self._measured = state_dict["measured"]
            self._norms = state_dict["norms"].clone()


def gradient_norms(
    values: Iterable[torch.Tensor], parameters: list[torch.Tensor], scale: float = 1.0, keep_graph: bool = True
) -> torch.Tensor:
    """Norms of the gradients of some values with respect to a network's parameters.

    Args:
        values: scalars of one graph, such as a topology term and the rest of a loss.
        parameters: tensors that require a gradient.
        scale: factor of the values, and therefore of the norms: that of a gradient scaler, without which half-precision
            gradients vanish.
        keep_graph: whether the graph is still there afterward, for the backward pass of the training itself.

    Returns:
        ``(n,)`` norms, float64, on the CPU; 0 for a value without a gradient. Plain numbers: gradients may be of
        MONAI's ``MetaTensor``, which a checkpoint must not hold.

    Example:
        >>> x = torch.tensor([3.0, 4.0], requires_grad=True)
        >>> gradient_norms([(x**2).sum() / 2, x.sum() * 0], [x])
        tensor([5., 0.], dtype=torch.float64)
    """
    listed = list(values)
    kept = [keep_graph or k < len(listed) - 1 for k in range(len(listed))]
    norms = [_norm(value * scale, parameters, keep) for value, keep in zip(listed, kept, strict=True)]
    return torch.tensor(norms, dtype=torch.float64)


def _norm(value: torch.Tensor, parameters: list[torch.Tensor], keep_graph: bool) -> float:
    if not value.requires_grad:
        return 0.0
    gradients = torch.autograd.grad(value, parameters, retain_graph=keep_graph, allow_unused=True)
    squares = [gradient.double().square().sum().cpu() for gradient in gradients if gradient is not None]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0


def _check_numbers(
    weight: float | None, gradient_ratio: float | None, start_epoch: int, warmup_epochs: int, ratio_iterations: int
) -> None:
    if (weight is None) == (gradient_ratio is None):
        raise ValueError(f"give one of weight and gradient_ratio, got {weight} and {gradient_ratio}.")
    if gradient_ratio is not None and (gradient_ratio <= 0 or ratio_iterations < 1):
        raise ValueError(
            f"gradient_ratio must be above 0 and ratio_iterations at least 1, got {gradient_ratio} and "
            f"{ratio_iterations}."
        )
    if (weight or 0) < 0 or start_epoch < 1 or warmup_epochs < 0:
        raise ValueError(
            "weight and warmup_epochs must be at least 0 and start_epoch at least 1, "
            f"got {weight}, {warmup_epochs} and {start_epoch}."
        )
