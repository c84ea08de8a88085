"""LifetimeTopoLoss: the loss of "Image segmentation with topological priors"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import torch
from monai.utils import LossReduction

from monai_topo.losses.options import DiagramOptions
from monai_topo.losses.persistence import PersistenceLoss

SORT_BY = ("lifetime", "birth")


class LifetimeTopoLoss(PersistenceLoss):
    """The loss of "Image segmentation with topological priors" (Sofi, Alsahanova).

    :class:`PersistenceLoss` with the paper's setting: the points of the likelihood's diagram and of the ground truth's
    are sorted by lifetime, longest first, and paired in that order; the squared distances of the pairs are summed. The
    shorter diagram is filled with points on the diagonal: an unpaired point costs ``(b - d)**2 / 2``, so a feature of
    the ground truth that the likelihood has no point for adds the constant 1/2.

    What is summed and averaged: points and ``dims`` are summed, patches averaged. The paper weighs the term by 1/12000
    beside cross-entropy.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        sort_by: ``"lifetime"``, the paper's text, or ``"birth"``, the order in which its published notebook pairs
            points.
        dims: homology dimensions; components and loops, as in the paper.
        frame: surround each patch by foreground; off, as in the paper.
        **options: :class:`DiagramOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> likelihood = torch.tensor([[[[0.5, 0.0, 0.75]]]])
        >>> LifetimeTopoLoss()(likelihood, torch.tensor([[[[1.0, 0.0, 0.0]]]]))  # (1 - 0.75)**2 + 0.5**2 / 2
        tensor(0.1875)
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
        sort_by: str = "lifetime",
        dims: Sequence[int] | int | None = (0, 1),
        frame: bool = False,
        **options: Unpack[DiagramOptions],
    ) -> None:
        if sort_by not in SORT_BY:
            raise ValueError(f"sort_by must be one of {SORT_BY}, got {sort_by!r}.")
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, matching=f"by_{sort_by}", dims=dims, frame=frame, **options)
        self.sort_by = sort_by
