"""Sums of losses: Dice, cross-entropy and topology in one, and any losses with weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from monai.losses import DiceCELoss
from torch import nn
from torch.nn.modules.loss import _Loss

from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.betti_matching import BettiMatchingLoss, SpatialMatchingLoss
from monai_topo.losses.centerline import CenterlineCrossEntropyLoss, CenterlineDiceLoss
from monai_topo.losses.centerline_boundary import CbDiceLoss
from monai_topo.losses.critical import CriticalRegionLoss
from monai_topo.losses.dmt import DMTLoss
from monai_topo.losses.lifetime import LifetimeTopoLoss
from monai_topo.losses.localized import LocalizedTopoLoss
from monai_topo.losses.neighbor_penalty import penalized_dice_ce
from monai_topo.losses.points import side_by_side
from monai_topo.losses.skeleton import target_of, without_skeletons
from monai_topo.losses.skeleton_recall import SkeletonRecallLoss
from monai_topo.losses.topo import TopoLoss


class Term(NamedTuple):
    """A topology loss and the weight that it is given beside Dice and cross-entropy.

    Attributes:
        loss: makes it.
        weight: its own.
        weighs_background: whether its class weights hold the background's even where that is left out.
    """

    loss: Callable[..., _Loss]
    weight: float
    weighs_background: bool = False


TOPOLOGY_TERMS = {
    "topo": Term(TopoLoss, 0.01),
    "localized": Term(partial(LocalizedTopoLoss, direction="superlevel"), 0.03),
    "lifetime": Term(LifetimeTopoLoss, 0.01),
    "dmt": Term(DMTLoss, 0.2),
    "betti_matching": Term(BettiMatchingLoss, 0.005),
    "spatial_matching": Term(SpatialMatchingLoss, 0.005),
    "skeleton_recall": Term(SkeletonRecallLoss, 1.0),
    "centerline_dice": Term(CenterlineDiceLoss, 1.0),
    "centerline_ce": Term(CenterlineCrossEntropyLoss, 1.0),
    "cb_dice": Term(CbDiceLoss, 1.0),
    "neighbor_penalty": Term(penalized_dice_ce, 1.0, weighs_background=True),
    "critical_components": Term(partial(CriticalRegionLoss, criterion="components"), 1.0),
    "critical_homotopy": Term(partial(CriticalRegionLoss, criterion="homotopy"), 0.05),
}
"""The names that ``DiceCETopologyLoss(topology=...)`` accepts.

The weights are those that docs/results.md chose on 3D patches of membranes, trees and neurons, in the middle: there a
term's gradient is 0.3 times that of Dice and cross-entropy. ``"localized"`` was measured on maps of distances, and
``"spatial_matching"``, which was not, has that of ``"betti_matching"``, whose points it shares. The losses on skeletons
and the penalty have the weight 1 that they were published with.
The critical regions were not measured: 1 adds cross-entropy where they are, 0.05 makes a term as large as the others.
"""


class DiceCETopologyLoss(DiceCELoss):
    """Dice, cross-entropy and topology terms: a drop-in replacement of MONAI's ``DiceCELoss``.

    Every argument of ``DiceCELoss`` is accepted and means the same, so in a bundle it is enough to change the loss's
    ``_target_``. The value is ``lambda_dice * dice + lambda_ce * ce + lambda_topo * topology``, the last product summed
    over the terms where there are several. Dice and cross-entropy are means over voxels; what a topology term sums
    and averages stands in its own docstring.

    Args:
        include_background: whether channel 0 counts in the Dice and the topology term.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input of the Dice and the topology term.
        softmax: whether to apply a softmax to the input of the Dice and the topology term.
        other_act: another activation for the input of the Dice and the topology term.
        squared_pred: option of the Dice term, as in ``DiceCELoss``.
        jaccard: option of the Dice term, as in ``DiceCELoss``.
        reduction: ``"mean"`` or ``"sum"``, of all terms.
        smooth_nr: option of the Dice term, as in ``DiceCELoss``.
        smooth_dr: option of the Dice term, as in ``DiceCELoss``.
        batch: option of the Dice term, as in ``DiceCELoss``.
        weight: class weights, as in ``DiceCELoss``; with ``include_background=False`` its first entry is for the
            background.
        lambda_dice: weight of the Dice term.
        lambda_ce: weight of the cross-entropy term.
        label_smoothing: label smoothing of the cross-entropy term, as in ``DiceCELoss``.
        topology: the name of a topology loss, built with its defaults and this loss's first six arguments and
            ``weight``: ``"topo"`` for :class:`TopoLoss`, ``"localized"`` for :class:`LocalizedTopoLoss` on likelihoods,
            ``"lifetime"`` for :class:`LifetimeTopoLoss`, ``"dmt"`` for :class:`DMTLoss`, ``"betti_matching"`` for
            :class:`BettiMatchingLoss`, ``"spatial_matching"`` for :class:`SpatialMatchingLoss`, ``"skeleton_recall"``
            for :class:`SkeletonRecallLoss`, ``"centerline_dice"`` for :class:`CenterlineDiceLoss`, ``"centerline_ce"``
            for :class:`CenterlineCrossEntropyLoss`, ``"cb_dice"`` for :class:`CbDiceLoss`,
            ``"neighbor_penalty"`` for :class:`SameClassNeighborPenalty` of ``DiceCELoss``,
            ``"critical_components"`` and ``"critical_homotopy"`` for :class:`CriticalRegionLoss`; or any loss of
            (input, target), which then has its own activation, background and reduction; or a list of these.
        lambda_topo: weight of the topology term, for a list of terms one for each; 0 leaves a term out, and it may be
            changed while training. None is the term's own: 0.01 for ``"topo"`` and ``"lifetime"``, 0.03 for
            ``"localized"``, 0.2 for ``"dmt"``, 0.005 for ``"betti_matching"`` and ``"spatial_matching"``, chosen on 3D
            patches (docs/results.md), 1 for those on skeletons and the penalty, 1 for ``"critical_components"`` and
            0.05 for ``"critical_homotopy"``, not measured; a loss of another class has none. 2D, where a patch has a
            tenth of the points, wants ten times as much of those on points.

    Raises:
        ValueError: for a negative weight, none where a term has no own, an unknown name, another number of weights than
            of terms, or an option that ``DiceCELoss`` refuses.
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
        topology: str | nn.Module | Sequence[str | nn.Module] = "topo",
        lambda_topo: float | Sequence[float | None] | None = None,
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
        several = not isinstance(topology, (str, nn.Module)) and isinstance(topology, Sequence)
        terms: list[Any] = [*topology] if several else [topology]  # type: ignore[misc]
        weights = [*lambda_topo] if isinstance(lambda_topo, Sequence) else [lambda_topo] * (len(terms) or 1)
        if (isinstance(lambda_topo, Sequence) != several and lambda_topo is not None) or len(weights) != len(terms):
            raise ValueError(f"lambda_topo must be one weight for each of {len(terms)} terms, got {lambda_topo}.")
        chosen = [_weight_of(term, given) for term, given in zip(terms, weights, strict=True)]
        self.lambda_topo: float | list[float] = chosen if several else chosen[0]
        if min(chosen, default=0.0) < 0.0:
            raise ValueError("lambda_topo should be no less than 0.0.")
        options = {"reduction": reduction, "weight": weight}
        first = (include_background, to_onehot_y, sigmoid, softmax, other_act)
        self.topology = nn.ModuleList([_build_term(term, *first, **options) for term in terms])

    @property
    def _lambdas(self) -> list[float]:
        return self.lambda_topo if isinstance(self.lambda_topo, list) else [self.lambda_topo]

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the weighted sum of the terms.

        Args:
            input: logits, ``(B, C, H, W[, D])``.
            target: ``(B, C, H, W[, D])`` holding 0 and 1, or ``(B, 1, H, W[, D])`` class indices; with a term on
                skeletons of twice as many channels, the skeletons last (:class:`SkeletonLoss`).

        Returns:
            A scalar.

        Raises:
            ValueError: when the shapes do not fit, or the topology term is given no likelihoods.
        """
        terms = [(weight, term) for weight, term in zip(self._lambdas, self.topology, strict=True) if weight]
        calls = [(term, input, target_of(term, self.topology, input, target)) for _, term in terms]
        total, *values = side_by_side([(self.voxelwise, input, target), *calls])
        for (weight, _), value in zip(terms, values, strict=True):
            total = total + weight * value
        return total

    def voxelwise(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Dice and cross-entropy alone."""
        value: torch.Tensor = super().forward(input, without_skeletons(self.topology, input, target))
        return value

    def extra_repr(self) -> str:
        """The weights of the terms."""
        return f"lambda_dice={self.lambda_dice}, lambda_ce={self.lambda_ce}, lambda_topo={self.lambda_topo}"


def _weight_of(topology: Any, given: float | None) -> float:
    """The weight given, or else the term's own."""
    if given is not None:
        return float(given)
    if isinstance(topology, str) and topology in TOPOLOGY_TERMS:
        return TOPOLOGY_TERMS[topology].weight
    alike = [term for term in TOPOLOGY_TERMS.values() if type(topology) is _class_of(term)]
    for term in alike:
        if all(getattr(topology, name) == value for name, value in getattr(term.loss, "keywords", {}).items()):
            return term.weight
    if alike:
        return alike[0].weight
    if isinstance(topology, nn.Module):
        raise ValueError(f"lambda_topo must be given for {type(topology).__name__}: it has no weight of its own.")
    return 0.0  # no term at all: refused where it is built


def _class_of(term: Term) -> Any:
    return term.loss.func if isinstance(term.loss, partial) else term.loss


def _build_term(topology: Any, *arguments: Any, **options: Any) -> nn.Module:
    if isinstance(topology, nn.Module):
        return topology
    if not isinstance(topology, str):
        raise TypeError(f"topology must be a loss or one of {tuple(TOPOLOGY_TERMS)}, got {type(topology).__name__}.")
    if topology not in TOPOLOGY_TERMS:
        raise ValueError(f"topology must be a loss or one of {tuple(TOPOLOGY_TERMS)}, got {topology!r}.")
    term = TOPOLOGY_TERMS[topology]
    weight, include_background = options["weight"], arguments[0]
    if weight is not None and not include_background and not term.weighs_background:
        options["weight"] = weight[1:]
    return term.loss(*arguments, **options)


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
        return self._sum(self.losses, input, target)

    def voxelwise(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The sum without the topology losses."""
        return self._sum([None if isinstance(loss, TopologyLoss) else loss for loss in self.losses], input, target)

    def extra_repr(self) -> str:
        """The weights."""
        return f"weights={self.weights}"

    def _sum(self, losses: Iterable[nn.Module | None], input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        used = [
            (weight, loss) for weight, loss in zip(self.weights, losses, strict=True) if weight and loss is not None
        ]
        values = side_by_side([(loss, input, target_of(loss, self.losses, input, target)) for _, loss in used])
        terms = [weight * value for (weight, _), value in zip(used, values, strict=True)]
        return torch.stack(torch.broadcast_tensors(*terms)).sum(dim=0) if terms else input.sum() * 0
