"""Same-class neighbor penalty of Valverde et al. 2026."""

from __future__ import annotations

from typing import Any

import torch
from monai.losses import DiceCELoss
from monai.metrics.utils import create_ignore_mask
from monai.networks import one_hot
from torch import nn
from torch.nn.modules.loss import _Loss

from monai_topo.losses.base import to_plain
from monai_topo.losses.inputs import check_classes, check_finite, check_shape, to_mask, to_plain_labels
from monai_topo.losses.skeleton import without_skeletons
from monai_topo.losses.soft_skeleton import largest_of_neighbors


class SameClassNeighborPenalty(_Loss):
    r"""Any loss of logits, taken of the worst logit around each voxel (SCNP).

    "Towards High-Quality Image Segmentation: Improving Topology Accuracy by Penalizing Neighbor Pixels" (Valverde,
    Papadopoulos, Larsen, Dahl, CVPR 2026). The wrapped loss sees, in the place of the logit z of a voxel, the smallest
    of the foreground voxels in its neighborhood if it is foreground, the largest of the background voxels there if it
    is background:

    .. math:: \tilde z_x = \begin{cases} \min_{N(x),\,y = 1} z & y_x = 1 \\ \max_{N(x),\,y = 0} z & y_x = 0 \end{cases}

    for each channel on its own. So a voxel gets no better before its worst neighbor does, and a gap in a vessel counts
    as many times as it has neighbors in the vessel. The gradient goes to those worst voxels; several that are equal
    share it. A loss on whole structures, such as ``TopoLoss``, is better given the logits as they are.

    Args:
        loss: any loss of (logits, target), with its own activation, reduction and class weights.
        kernel_size: edge of the neighborhood in voxels, odd; 3 in the paper.
        add_plain: whether to add the loss of the logits as they are, the paper's second form.
        ignore_index: class, or value of the target, whose voxels are nobody's neighbor; the same as the loss's.

    Raises:
        TypeError: when ``loss`` is no module.
        ValueError: for an even ``kernel_size``.

    Example:
        >>> from monai.losses import DiceCELoss
        >>> penalty = SameClassNeighborPenalty(DiceCELoss(sigmoid=True))
        >>> logits = torch.tensor([[[[5.0, 5.0, -5.0, 5.0, 5.0, -5.0, -5.0]]]])  # a gap
        >>> label = torch.tensor([[[[1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]]]])
        >>> penalty.worst(logits, label)
        tensor([[[[ 5., -5., -5., -5.,  5., -5., -5.]]]])
        >>> bool(penalty(logits, label) > DiceCELoss(sigmoid=True)(logits, label))
        True
    """

    def __init__(
        self, loss: nn.Module, kernel_size: int = 3, add_plain: bool = False, ignore_index: int | None = None
    ) -> None:
        super().__init__()
        if not isinstance(loss, nn.Module):
            raise TypeError(f"loss must be a module, got {type(loss).__name__}.")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd and at least 1, got {kernel_size!r}.")
        self.loss = loss
        self.kernel_size = kernel_size
        self.add_plain = add_plain
        self.ignore_index = ignore_index

    def extra_repr(self) -> str:
        """The settings."""
        return f"kernel_size={self.kernel_size}, add_plain={self.add_plain}, ignore_index={self.ignore_index}"

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the loss.

        Args:
            input: logits, ``(B, C, H, W[, D])``.
            target: target as the loss takes it: ``(B, C, H, W[, D])`` holding 0 and 1, or ``(B, 1, H, W[, D])`` class
                indices.

        Raises:
            ValueError: when the logits are not finite, or the target holds no masks or classes of the input.
        """
        input, target = to_plain(input), to_plain(target)
        value: torch.Tensor = self.loss(self.worst(input, target), target)
        return value + self.loss(input, target) if self.add_plain else value

    def worst(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The worst logit around each voxel among those of its class, ``(B, C, H, W[, D])``, float32.

        Args:
            input: input as for :meth:`forward`.
            target: the same.
        """
        check_shape(input)
        with torch.autocast(device_type=input.device.type, enabled=False):
            logits, labels = to_plain(input).float(), to_plain_labels(to_plain(target))
            labels = without_skeletons([self.loss], logits, labels)
            valid = create_ignore_mask(labels, self.ignore_index)
            valid = torch.ones_like(logits[:, :1]).bool() if valid is None else valid.bool()
            logits = torch.where(valid, logits, 0)
            check_finite(logits.detach(), "input")
            if not len(logits):
                return logits
            return self._worst(logits, self._masks(labels, valid, logits), valid.expand_as(logits))

    def _masks(self, labels: torch.Tensor, valid: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        labels = torch.where(valid, labels, 0)
        if labels.shape[1] == 1 and logits.shape[1] > 1:
            check_classes(labels, logits.shape[1])
            labels = one_hot(labels, num_classes=logits.shape[1])
        if labels.shape != logits.shape:
            raise AssertionError(f"ground truth has different shape ({labels.shape}) from input ({logits.shape})")
        return to_mask(labels)

    def _worst(self, logits: torch.Tensor, mask: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        badness = torch.where(mask, -logits, logits).flatten(0, 1)
        lowest = badness.detach().amin() - 1  # is never the worst
        found = torch.zeros_like(badness)
        for one in (mask.flatten(0, 1), ~mask.flatten(0, 1)):
            worst = torch.where(one & valid.flatten(0, 1), badness, lowest)
            for axis in [*range(1, badness.ndim)] * (self.kernel_size // 2):
                worst = largest_of_neighbors(worst, (axis,))
            found = torch.where(one, worst, found)
        worst = found.reshape(logits.shape)
        return torch.where(valid, torch.where(mask, -worst, worst), logits)


def penalized_dice_ce(*arguments: Any, **options: Any) -> SameClassNeighborPenalty:
    """The penalty around MONAI's ``DiceCELoss`` of these arguments.

    Example:
        >>> penalized_dice_ce(sigmoid=True).kernel_size
        3
    """
    return SameClassNeighborPenalty(DiceCELoss(*arguments, **options))
