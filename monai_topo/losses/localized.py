"""LocalizedTopoLoss of Oner et al. 2023."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import torch
from monai.utils import LossReduction

from monai_topo.losses.options import DiagramOptions
from monai_topo.losses.persistence import PersistenceLoss


class LocalizedTopoLoss(PersistenceLoss):
    """The localized filtration of "Persistent Homology With Improved Locality Information" (Oner et al. 2023).

    :class:`PersistenceLoss` with the paper's settings, for a network that regresses the truncated distance to the
    nearest foreground voxel (:class:`monai_topo.transforms.ClippedDistanceMap` makes the target): to the predicted and
    to the true map the same height function is added, drawn anew for each patch and call; both are filtered by
    sublevel sets, and their diagrams are matched at least cost (sections 3.1 and 3.3, equation 2). Features in
    different places have points in different places, so that a feature is matched to the one that lies where it lies.

    What is summed and averaged: the value for one item and channel is the sum over the points of all ``dims``, averaged
    over patches; it grows with the number of points and with the square of the map's unit. The paper weighs it by 0.01
    beside the mean squared error, on maps in [0, 1]: ``WeightedSumLoss([MSELoss(), LocalizedTopoLoss()], [1, 0.01])``.

    The paper's other rows are settings: Homo-Reg is ``height=None``; Homo-Pre is ``height=None,
    direction="superlevel"`` on a likelihood, beside cross-entropy; UNet-MSE and UNet-CE leave the term out.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether, for likelihoods only, to turn a ``(B, 1, ...)`` target of class indices into one channel
            for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        height: ``"linear"``, the paper's best, ``"radial"`` or ``"quadratic"``; None adds nothing.
        slope: range that the slope is drawn from, in units of the input for each voxel. None is (0.2, 0.8) for maps of
            distances in voxels, and (0.002, 0.008) for likelihoods, which rise by 0.1 to 0.5 over 64 voxels. The paper
            names none. A distance in voxels rises by 1 a voxel, and a slope beyond that hides it; between the two ends
            the features are told apart better and better while the value falls (docs/losses.md shows by how much).
            Divide by the same number as the map: for distances truncated at 10 voxels and divided by 10, take
            (0.02, 0.08).
        direction: ``"sublevel"`` for maps of distances, ``"superlevel"`` for likelihoods with a binary ground truth.
        dims: homology dimensions; loops, as in the paper (section 4.2.2).
        frame: surround each patch by foreground; on, as in the paper: the window's border closes loops.
        **options: :class:`DiagramOptions`. The paper's ``patch_size`` is 64.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> truth = torch.tensor([[[[2.0, 1.0, 0.0, 1.0, 2.0]]]])  # one line that leaves the patch on both sides
        >>> gap = torch.tensor([[[[2.0, 1.0, 1.0, 1.0, 2.0]]]])
        >>> loss = LocalizedTopoLoss(height=None)
        >>> loss(gap, truth)  # the loop between line and frame is born at 1 instead of 0
        tensor(1.)
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
        height: str | None = "linear",
        slope: tuple[float, float] | None = None,
        direction: str = "sublevel",
        dims: Sequence[int] | int | None = 1,
        frame: bool = True,
        **options: Unpack[DiagramOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(
            *six,
            matching="optimal",
            direction=direction,
            height=height,
            slope=slope,
            dims=dims,
            frame=frame,
            **options,
        )
