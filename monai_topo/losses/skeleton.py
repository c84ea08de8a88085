"""What losses on skeletons share: the skeleton of the label as a second target, or made on the way."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from torch import nn

from monai_topo.graphs import check_skeleton, skeleton_tube
from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.channels import Channels
from monai_topo.losses.checks import AT_ONCE, Checks
from monai_topo.losses.inputs import to_mask
from monai_topo.losses.options import LossOptions


class SkeletonLoss(TopologyLoss):
    """Base of the losses on the label's skeleton.

    The target may hold the skeleton as further channels, as ``SkeletonTube(append=True)`` makes it: the masks of all
    classes and then their skeletons, or a class index and the class of the skeleton there. Otherwise the loss makes
    the skeleton of each patch itself, on the CPU, each time, and with the ends that the patch cuts. A subclass
    implements :meth:`skeleton_terms`.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        kind: kind of the skeletons that the loss makes itself: ``"curve"`` or, for membranes in 3D, ``"surface"``.
        **options: :class:`LossOptions`.

    Example:
        >>> class MissedSkeleton(SkeletonLoss):
        ...     def skeleton_terms(self, likelihood, mask, skeleton):
        ...         return (skeleton * (1 - likelihood)).flatten(1).sum(1)
        >>> label = torch.ones(1, 1, 3, 7)
        >>> MissedSkeleton()(torch.zeros_like(label), label)
        tensor(5.)
    """

    dilations: int = 0

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        reduction: LossReduction | str = LossReduction.MEAN,
        *,
        kind: str = "curve",
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(include_background, to_onehot_y, sigmoid, softmax, other_act, reduction, **options)
        check_skeleton(kind)
        self.kind = kind

    @abstractmethod
    def skeleton_terms(self, likelihood: torch.Tensor, mask: torch.Tensor, skeleton: torch.Tensor) -> torch.Tensor:
        """The term of each patch: likelihoods, bool masks and their skeletons ``(N, H, W[, D])`` to ``(N,)``."""

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The term of each patch, with skeletons of the masks."""
        return self.skeleton_terms(likelihood, mask, self.skeletons_of(mask))

    def channel_terms(self, channels: Channels) -> torch.Tensor:
        """The mean over patches, with the skeletons that came with the target or those of the patches."""
        if channels.skeleton is None:
            return super().channel_terms(channels)
        return self.mean_over_patches(self.skeleton_terms, channels.prediction, channels.truth, channels.skeleton)

    def skeletons_of(self, mask: torch.Tensor) -> torch.Tensor:
        """The skeletons of ``(N, H, W[, D])`` masks, bool, on their device."""
        made = [skeleton_tube(patch, self.kind, self.dilations) for patch in mask.cpu().numpy()]
        return torch.from_numpy(np.stack(made)).to(mask.device)

    def halves(self, input: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The masks or class indices of a target, and its skeletons if it holds them."""
        count = 1 if self.to_onehot_y else input.shape[1]
        if target.ndim == input.ndim and target.shape[1] == 2 * count:
            return target[:, :count], target[:, count:]
        return target, None

    def _channels(self, input: torch.Tensor, target: torch.Tensor, checks: Checks = AT_ONCE) -> Channels:
        target, second = self.halves(input, target)
        channels = super()._channels(input, target, checks)
        if second is None:
            return channels
        if channels.valid is not None:
            second = torch.where(channels.valid, second, 0)
        return channels._replace(
            skeleton=to_mask(self._skeleton_channels(second, input.shape[1]), "its skeletons", checks)
        )

    def _skeleton_channels(self, second: torch.Tensor, count: int) -> torch.Tensor:
        if count == 1:
            return second
        if self.to_onehot_y and self.include_background:
            raise ValueError(
                "target holds class indices and the class of the skeletons, where background, class 0, has none: set "
                "include_background=False, or give the masks of all classes and their skeletons as channels."
            )
        second = self._one_hot(second, count) if self.to_onehot_y else second
        return second if self.include_background else second[:, 1:]


def without_skeletons(losses: Iterable[nn.Module], input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The target as losses take it that know no skeletons, where one of some losses, or of their parts, takes them.

    Example:
        >>> from monai_topo.losses import SkeletonRecallLoss
        >>> both = torch.zeros(1, 2, 4, 5)  # a mask and its skeleton
        >>> without_skeletons([SkeletonRecallLoss()], torch.zeros(1, 1, 4, 5), both).shape
        torch.Size([1, 1, 4, 5])
    """
    for loss in losses:
        for part in loss.modules():
            if isinstance(part, SkeletonLoss):
                return part.halves(input, target)[0]
    return target


def target_of(loss: nn.Module, losses: Iterable[nn.Module], input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The target as one of several losses takes it: with skeletons if it, or a part of it, knows some."""
    knows = any(isinstance(part, SkeletonLoss) for part in loss.modules())
    return target if knows else without_skeletons(losses, input, target)
