"""Sums of losses: Dice, cross-entropy and topology in one, and any losses with weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from monai.losses import DiceCELoss
from torch import nn
from torch.nn.modules.loss import _Loss

from monai_topo.losses.betti_matching import BettiMatchingLoss, SpatialMatchingLoss
from monai_topo.losses.lifetime import LifetimeTopoLoss
from monai_topo.losses.topo import TopoLoss

TOPOLOGY_TERMS: dict[str, Callable[..., _Loss]] = {
    "topo": TopoLoss,
    "lifetime": LifetimeTopoLoss,
    "betti_matching": BettiMatchingLoss,
    "spatial_matching": SpatialMatchingLoss,
}
"""The names that ``DiceCETopologyLoss(topology=...)`` accepts."""


class DiceCETopologyLoss(DiceCELoss):
    """Dice, cross-entropy and a topology term: a drop-in replacement of MONAI's ``DiceCELoss``.

    Every argument of ``DiceCELoss`` is accepted and means the same, so in a bundle it is enough to change the loss's
    ``_target_``. The value is ``lambda_dice * dice + lambda_ce * ce + lambda_topo * topology``.

    Args:
        include_background: if False, channel 0 is left out of the Dice and the topology term.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: if True, apply a sigmoid to the input of the Dice and the topology term.
        softmax: if True, apply a softmax to the input of the Dice and the topology term.
        other_act: another activation for the input of the Dice and the topology term.
        squared_pred: of the Dice term, as in ``DiceCELoss``.
        jaccard: of the Dice term, as in ``DiceCELoss``.
        reduction: ``"mean"`` or ``"sum"``, of all terms.
        smooth_nr: of the Dice term, as in ``DiceCELoss``.
        smooth_dr: of the Dice term, as in ``DiceCELoss``.
        batch: of the Dice term, as in ``DiceCELoss``.
        weight: of the Dice and the cross-entropy term, as in ``DiceCELoss``; with ``include_background=False`` its
            first entry is for the background.
        lambda_dice: weight of the Dice term.
        lambda_ce: weight of the cross-entropy term.
        label_smoothing: of the cross-entropy term, as in ``DiceCELoss``.
        topology: ``"topo"`` for :class:`TopoLoss`, ``"lifetime"`` for :class:`LifetimeTopoLoss`, ``"betti_matching"``
            for :class:`BettiMatchingLoss` or ``"spatial_matching"`` for :class:`SpatialMatchingLoss`, with its defaults
            and this loss's first six arguments; or any loss of (input, target), which then has its own activation,
            background and reduction.
        lambda_topo: weight of the topology term; 0 leaves it out, and it may be changed while training. The default
            suits 3D patches of 32 voxels an axis (``make demo``), where the term sums over thousands of dots; 2D wants
            more.

    Raises:
        ValueError: for a negative weight, an unknown name, or an option that ``DiceCELoss`` refuses.
        TypeError: when ``topology`` is neither a name nor a module.

    Example:
        >>> loss = DiceCETopologyLoss(to_onehot_y=True, softmax=True)
        >>> float(loss(torch.zeros(1, 2, 8, 8, 8), torch.ones(1, 1, 8, 8, 8))) > 0
        True
    """

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        squared_pred: bool = False,
        jaccard: bool = False,
        reduction: str = "mean",
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
        batch: bool = False,
        weight: torch.Tensor | None = None,
        lambda_dice: float = 1.0,
        lambda_ce: float = 1.0,
        label_smoothing: float = 0.0,
        topology: str | nn.Module = "topo",
        lambda_topo: float = 0.01,
    ) -> None:
        super().__init__(
            include_background=include_background,
            to_onehot_y=to_onehot_y,
            sigmoid=sigmoid,
            softmax=softmax,
            other_act=other_act,
            squared_pred=squared_pred,
            jaccard=jaccard,
            reduction=reduction,
            smooth_nr=smooth_nr,
            smooth_dr=smooth_dr,
            batch=batch,
            weight=weight,
            lambda_dice=lambda_dice,
            lambda_ce=lambda_ce,
            label_smoothing=label_smoothing,
        )
        if lambda_topo < 0.0:
            raise ValueError("lambda_topo should be no less than 0.0.")
        self.lambda_topo = lambda_topo
        if isinstance(topology, str):
            if topology not in TOPOLOGY_TERMS:
                raise ValueError(f"topology must be a loss or one of {tuple(TOPOLOGY_TERMS)}, got {topology!r}.")
            term = TOPOLOGY_TERMS[topology]
            topology = term(include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        if not isinstance(topology, nn.Module):
            raise TypeError(
                f"topology must be a loss or one of {tuple(TOPOLOGY_TERMS)}, got {type(topology).__name__}."
            )
        self.topology = topology

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the weighted sum of the three terms.

        Args:
            input: logits, ``(B, C, H, W[, D])``.
            target: ``(B, C, H, W[, D])`` holding 0 and 1, or ``(B, 1, H, W[, D])`` class indices.

        Returns:
            A scalar.

        Raises:
            ValueError: when the shapes do not fit, or the topology term is given no likelihoods.
        """
        total: torch.Tensor = super().forward(input, target)
        return total + self.lambda_topo * self.topology(input, target) if self.lambda_topo else total


class WeightedSumLoss(_Loss):
    """Weighted sum of any losses of (input, target).

    Args:
        losses: the losses; each has its own activation and reduction.
        weights: one number of at least 0 for each; a loss of weight 0 is not computed. May be changed while training.

    Raises:
        ValueError: when there is no loss, a weight is negative, or the numbers of losses and weights differ.

    Example:
        >>> total = WeightedSumLoss([nn.MSELoss(), nn.L1Loss()], [1.0, 0.5])
        >>> total(torch.tensor([2.0]), torch.tensor([0.0]))
        tensor(5.)
    """

    def __init__(self, losses: Sequence[nn.Module], weights: Sequence[float]) -> None:
        super().__init__()
        if not losses or len(losses) != len(weights):
            raise ValueError(f"weights must be one for each of {len(losses)} losses (at least 1), got {len(weights)}.")
        if min(weights) < 0:
            raise ValueError(f"weights should be no less than 0.0, got {list(weights)}.")
        self.losses = nn.ModuleList(losses)
        self.weights = [float(weight) for weight in weights]

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The sum, in the common shape of the losses' values; 0 attached to the graph when all weights are 0."""
        terms = [weight * loss(input, target) for loss, weight in zip(self.losses, self.weights, strict=True) if weight]
        return torch.stack(torch.broadcast_tensors(*terms)).sum(dim=0) if terms else input.sum() * 0
