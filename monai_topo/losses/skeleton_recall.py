"""Skeleton Recall of Kirchhoff et al. 2024."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

import torch
from monai.utils import LossReduction

from monai_topo.losses.options import LossOptions
from monai_topo.losses.skeleton import SkeletonLoss


class SkeletonRecallLoss(SkeletonLoss):
    r"""The loss of "Skeleton Recall Loss for Connectivity Conserving ... Segmentation of Thin Tubular Structures".

    Soft recall on the tube T around the label's skeleton (Kirchhoff, Rokuss, Roy et al., ECCV 2024): whatever lies on
    it must be found; a break costs as many voxels there as it is long, however thin the vessel. With likelihood p

    .. math:: L = 1 - \frac{\sum p\,T + s}{\sum T + s}

    Published is the same less 1, over the classes without background (``include_background=False``), beside Dice and
    cross-entropy of weight 1 each. It sees no false voxel: never take it alone.

    Compute the tubes once, with ``SkeletonTubed(keys="label", append=True)``: then the loss costs less than Dice.
    Without them it makes them itself each time (:class:`SkeletonLoss` says at which cost).

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        dilations: number of times that the skeletons that the loss makes itself are dilated by the voxels at their
            faces.
        kind: kind of the skeletons that the loss makes itself: ``"curve"`` or, for membranes in 3D, ``"surface"``.
        smooth: the s of the formula, 1e-5 as published; more than 0.
        **options: :class:`LossOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> label = torch.ones(1, 1, 1, 8)
        >>> likelihood = torch.tensor([[[[1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0]]]])  # broken
        >>> SkeletonRecallLoss()(likelihood, label)
        tensor(0.2500)
        >>> SkeletonRecallLoss()(likelihood, torch.cat([label, label], 1))  # with its tube
        tensor(0.2500)
    """

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        reduction: LossReduction | str = LossReduction.MEAN,
        *,
        dilations: int = 2,
        kind: str = "curve",
        smooth: float = 1e-5,
        **options: Unpack[LossOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, kind=kind, **options)
        if dilations < 0:
            raise ValueError(f"dilations must be at least 0, got {dilations!r}.")
        self.dilations = dilations
        self.smooth = check_smooth(smooth)

    def skeleton_terms(self, likelihood: torch.Tensor, mask: torch.Tensor, skeleton: torch.Tensor) -> torch.Tensor:
        """What of each tube is not found."""
        return 1 - share_on(skeleton.to(likelihood.dtype), likelihood, self.smooth)


def check_smooth(smooth: float) -> float:
    """Refuse a constant that is not more than 0: of an empty skeleton nothing would be left.

    Raises:
        ValueError: then.
    """
    if not 0 < smooth < float("inf"):
        raise ValueError(f"smooth must be more than 0 and finite, got {smooth!r}.")
    return smooth


def share_on(skeleton: torch.Tensor, values: torch.Tensor, smooth: float) -> torch.Tensor:
    """The mean of values weighted by a skeleton, ``(N, H, W[, D])`` each, to ``(N,)``.

    Example:
        >>> share_on(torch.tensor([[[1.0, 1.0, 0.0]]]), torch.tensor([[[1.0, 0.5, 0.0]]]), 1e-5)
        tensor([0.7500])
    """
    return (_sums(skeleton * values) + smooth) / (_sums(skeleton) + smooth)


def _sums(values: torch.Tensor) -> torch.Tensor:
    return values.flatten(1).sum(dim=1)
