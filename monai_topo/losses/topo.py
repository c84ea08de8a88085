"""TopoLoss of Hu et al. 2019."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import torch
from monai.utils import LossReduction

from monai_topo.losses.options import DiagramOptions
from monai_topo.losses.persistence import PersistenceLoss


class TopoLoss(PersistenceLoss):
    """The loss of "Topology-Preserving Deep Image Segmentation" (Hu, Li, Samaras, Chen, NeurIPS 2019).

    :class:`PersistenceLoss` with the paper's settings: as many points of the likelihood's diagram as the ground truth
    has features, those nearest to (birth 1, death 0), are pulled to that corner, every other point to the diagonal
    (equation 2.2). A loss of 0 implies that the likelihood thresholded at 0.5 has the Betti numbers of the ground
    truth (theorem 1), as long as its diagram has as many points: a feature that produces no point contributes no
    loss and no gradient. Each patch is framed by foreground ("relative homology", section 2.3).

    What is summed and averaged: the value for one item and channel is the sum over the points of all ``dims``, averaged
    over patches; it grows with the number of points, so a 3D patch has a much larger value than a 2D one. Beside a
    per-voxel mean (cross-entropy, Dice) the paper weighs the term by about 1e-4; choose the weight so that both
    gradients have similar norms.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        dims: homology dimensions; None is all below the number of spatial axes (the paper trains on loops in 2D,
            footnote 8, and calls both of a 2D image's dimensions important).
        frame: surround each patch by foreground; on, as in the paper.
        **options: :class:`DiagramOptions`. The paper's code leaves points of a persistence up to 0.03 alone
            (``persistence_threshold``; 0 in the paper), and takes random patches of 65 (``patch_size``,
            ``patch_mode="random"``).

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> logits = torch.zeros(2, 1, 8, 8, 8, requires_grad=True)
        >>> target = torch.zeros(2, 1, 8, 8, 8)
        >>> target[:, :, 3:5, 3:5, 3:5] = 1
        >>> TopoLoss(sigmoid=True)(logits, target)  # a constant likelihood has no feature to move
        tensor(0., grad_fn=<MeanBackward0>)
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
        dims: Sequence[int] | int | None = None,
        frame: bool = True,
        **options: Unpack[DiagramOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, matching="nearest_corner", dims=dims, frame=frame, **options)
