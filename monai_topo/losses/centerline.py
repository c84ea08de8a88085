"""Losses on the soft skeleton of the prediction: clDice and centerline cross-entropy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Unpack

import torch
from monai.utils import LossReduction

from monai_topo.losses.channels import Channels
from monai_topo.losses.options import LossOptions
from monai_topo.losses.region import cross_entropy, voxel_cross_entropy
from monai_topo.losses.skeleton import SkeletonLoss
from monai_topo.losses.skeleton_recall import check_smooth, share_on
from monai_topo.losses.soft_skeleton import soft_skeleton


class CenterlineLoss(SkeletonLoss):
    """Base of the losses on two skeletons: the label's exact one, and the soft one of the prediction.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        iterations: iterations of the soft skeleton; at least the largest radius in voxels.
        kind: kind of the skeletons of the label that the loss makes itself: ``"curve"`` or, for membranes in 3D,
            ``"surface"``.
        **options: :class:`LossOptions`.

    Example:
        >>> class Missed(CenterlineLoss):
        ...     def soft_terms(self, likelihood, soft, mask, skeleton):
        ...         return (skeleton * (1 - soft)).flatten(1).mean(1)
        >>> line = torch.zeros(1, 1, 5, 10)
        >>> line[0, 0, 2, 1:9] = 1
        >>> Missed()(line, line), Missed()(torch.zeros_like(line), line)
        (tensor(0.), tensor(0.1600))
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
        iterations: int = 3,
        kind: str = "curve",
        **options: Unpack[LossOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, kind=kind, **options)
        if iterations < 0:
            raise ValueError(f"iterations must be at least 0, got {iterations!r}.")
        self.iterations = iterations

    def skeleton_terms(self, likelihood: torch.Tensor, mask: torch.Tensor, skeleton: torch.Tensor) -> torch.Tensor:
        """The term of each patch, from both skeletons."""
        soft = soft_skeleton(likelihood, self.iterations)
        return self.soft_terms(likelihood, soft, mask.to(soft.dtype), skeleton.to(soft.dtype))

    @abstractmethod
    def soft_terms(
        self, likelihood: torch.Tensor, soft: torch.Tensor, mask: torch.Tensor, skeleton: torch.Tensor
    ) -> torch.Tensor:
        """From likelihoods and their soft skeletons, masks and theirs, ``(N, H, W[, D])`` each, to ``(N,)``."""


class CenterlineDiceLoss(CenterlineLoss):
    r"""The loss of "clDice - a Novel Topology-Preserving Loss Function for Tubular Structure Segmentation".

    Shit, Paetzold et al., CVPR 2021. Precision is the share of the prediction's skeleton within the label, sensitivity
    that of the label's skeleton within the prediction. With likelihood p, label y and skeletons S

    .. math:: P = \frac{\sum S(p)\,y + s}{\sum S(p) + s},\quad R = \frac{\sum S(y)\,p + s}{\sum S(y) + s},\quad
        L = 1 - \frac{2PR}{P + R}

    S(p) is the soft skeleton of the paper's algorithm 1, with gradients. Unlike MONAI's ``SoftclDiceLoss``, S(y) is
    the exact skeleton, whatever the radius (the soft one of a label has gaps), the value is that of each channel
    instead of all channels together, and the mean of precision and sensitivity has no further constant.

    Compute S(y) once, with ``SkeletonTubed(keys="label", dilations=0, append=True)``; without it the loss makes it
    itself each time (:class:`SkeletonLoss` says at which cost).

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        iterations: iterations of the soft skeleton; at least the largest radius in voxels, 3 as in the public code.
        kind: kind of the skeletons of the label that the loss makes itself: ``"curve"`` or, for membranes in 3D,
            ``"surface"``.
        smooth: the s of the formula, 1 as published; more than 0.
        **options: :class:`LossOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> label = torch.ones(1, 1, 1, 7)
        >>> likelihood = torch.tensor([[[[1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]]]])  # broken: precision 1, sensitivity 7/8
        >>> CenterlineDiceLoss()(likelihood, label)
        tensor(0.0667)
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
        iterations: int = 3,
        kind: str = "curve",
        smooth: float = 1.0,
        **options: Unpack[LossOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, iterations=iterations, kind=kind, **options)
        self.smooth = check_smooth(smooth)

    def soft_terms(
        self, likelihood: torch.Tensor, soft: torch.Tensor, mask: torch.Tensor, skeleton: torch.Tensor
    ) -> torch.Tensor:
        """1 less the harmonic mean of precision and sensitivity."""
        precision = share_on(soft, mask, self.smooth)
        sensitivity = share_on(skeleton, likelihood, self.smooth)
        return 1 - 2 * precision * sensitivity / (precision + sensitivity)


class CenterlineCrossEntropyLoss(CenterlineLoss):
    r"""The loss of "The Centerline-Cross Entropy Loss for Vessel-Like Structure Segmentation" (Acebes et al. 2024).

    Cross-entropy on both skeletons, of the label and of the prediction, where it counts double:

    .. math:: L = \frac{1}{|\Omega|} \sum_{x \in \Omega} e_x\,(S(y)_x + S(p)_x)

    with e the binary cross-entropy of the channel and S(p) the soft skeleton, through which the gradient goes too. The
    mean is over all voxels of the patch. Published beside Dice or cross-entropy, of weight 1 each. The published code
    takes the cross-entropy over all classes and the skeletons of class 1; here every channel has its own.

    Compute S(y) once, with ``SkeletonTubed(keys="label", dilations=0, append=True)``; without it the loss makes it
    itself each time (:class:`SkeletonLoss` says at which cost).

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        iterations: iterations of the soft skeleton; at least the largest radius in voxels, 3 as published.
        kind: kind of the skeletons of the label that the loss makes itself: ``"curve"`` or, for membranes in 3D,
            ``"surface"``.
        **options: :class:`LossOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> label = torch.ones(1, 1, 1, 4)
        >>> likelihood = torch.tensor([[[[1.0, 0.5, 1.0, 1.0]]]])  # log 2 in one place of both skeletons
        >>> CenterlineCrossEntropyLoss()(likelihood, label)  # 0.6931 / 4, S(p) is 0 in a dent
        tensor(0.1733)
    """

    def channel_terms(self, channels: Channels) -> torch.Tensor:
        """The mean over patches, with the cross-entropy of logits where there are some."""
        given = (channels.prediction, channels.truth, voxel_cross_entropy(self, channels))
        if channels.skeleton is None:
            return self.mean_over_patches(self._with_own_skeletons, *given)
        return self.mean_over_patches(self._entropy_on_skeletons, *given, channels.skeleton)

    def soft_terms(
        self, likelihood: torch.Tensor, soft: torch.Tensor, mask: torch.Tensor, skeleton: torch.Tensor
    ) -> torch.Tensor:
        """The term of each patch, of likelihoods."""
        return ((skeleton + soft) * cross_entropy(likelihood, mask > 0)).flatten(1).mean(dim=1)

    def _with_own_skeletons(self, likelihood: torch.Tensor, mask: torch.Tensor, entropy: torch.Tensor) -> torch.Tensor:
        return self._entropy_on_skeletons(likelihood, mask, entropy, self.skeletons_of(mask))

    def _entropy_on_skeletons(
        self, likelihood: torch.Tensor, mask: torch.Tensor, entropy: torch.Tensor, skeleton: torch.Tensor
    ) -> torch.Tensor:
        return ((soft_skeleton(likelihood, self.iterations) + skeleton) * entropy).flatten(1).mean(dim=1)
