"""Centerline boundary Dice of Shi et al. 2024."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.centerline import CenterlineLoss
from monai_topo.losses.options import LossOptions
from monai_topo.losses.skeleton_recall import check_smooth
from monai_topo.topology import distance_to_background

INVERSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "division": lambda radii, largest: largest / radii,
    "subtraction": lambda radii, largest: (largest - radii + 1) / largest,
}
"""The names that ``CbDiceLoss(inverse=...)`` accepts: from radii and the largest of them to weights."""


class Weights(NamedTuple):
    """What the voxels of some patches count, ``(N, H, W[, D])`` each, without gradient.

    Attributes:
        depth: distance to the background, at most the largest radius, over that radius; 0 outside of the mask.
        radius: radius of the skeleton over the largest; 0 elsewhere.
        inverse: weight of the skeleton, large where it is thin; 0 elsewhere.
    """

    depth: torch.Tensor
    radius: torch.Tensor
    inverse: torch.Tensor


class CbDiceLoss(CenterlineLoss):
    r"""The loss of "Centerline Boundary Dice Loss for Vascular Segmentation" (Shi et al., MICCAI 2024).

    :class:`CenterlineDiceLoss` with radii. The radius R of a skeleton's voxel is its distance to the background; the
    depth D of a mask's voxel is its distance to the background, at most the largest R. Both are divided by that largest
    R, of each patch. A skeleton's voxel weighs I = 1/R in 2D and 1/R^2 in 3D, so that thin and thick branches count
    alike in 2D. With likelihood p, its mask p > 0.5 and the label y

    .. math:: P = \frac{\sum I_p S_p D_y + s}{\sum I_p S_p R + s},\quad R_{p, y} \text{ of the label's skeleton, or
        else } p\,R \text{ of the prediction's}

    and the sensitivity is the mirror image, with D_p p in the place of D_y, and the prediction's radii first. The loss
    is 1 less the harmonic mean of both. Where the two skeletons lie in different places it can be slightly below 0, as
    published. Distances, radii and the places of the prediction's skeleton (its soft skeleton above 0.5) are constants
    for the gradient, which goes through S_p and through p where p > 0.5: **nothing rewards a voxel below 0.5 for what
    it is**, so that a gap is left to the loss beside this one.

    Published code takes all classes as one foreground; here every channel has its own. The label's skeleton is exact.
    Compute it once, with ``SkeletonTubed(keys="label", dilations=0, append=True)``; without it the loss makes it itself
    each time (:class:`SkeletonLoss` says at which cost). The distances are computed on the CPU.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        iterations: iterations of the soft skeleton; at least the largest radius in voxels, 10 as published.
        kind: kind of the skeletons of the label that the loss makes itself: ``"curve"`` or, for membranes in 3D,
            ``"surface"``.
        inverse: weight of a skeleton's voxel: ``"division"``, the paper's, or ``"subtraction"``, (largest - R + 1) over
            the largest (squared in 3D), which the authors' code has taken since.
        smooth: the s of the formula, 1 as published; more than 0.
        **options: :class:`LossOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> label = torch.ones(1, 1, 1, 7)
        >>> label[..., 0] = label[..., 6] = 0
        >>> CbDiceLoss()(label, label)
        tensor(0.)
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
        iterations: int = 10,
        kind: str = "curve",
        inverse: str = "division",
        smooth: float = 1.0,
        **options: Unpack[LossOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, iterations=iterations, kind=kind, **options)
        if inverse not in INVERSES:
            raise ValueError(f"inverse must be one of {tuple(INVERSES)}, got {inverse!r}.")
        self.inverse = inverse
        self.smooth = check_smooth(smooth)

    def soft_terms(
        self, likelihood: torch.Tensor, soft: torch.Tensor, mask: torch.Tensor, skeleton: torch.Tensor
    ) -> torch.Tensor:
        """1 less the harmonic mean of the weighted precision and sensitivity."""
        label = self._weights(mask > 0, skeleton > 0, likelihood)
        found = self._weights(likelihood > 0.5, soft > 0.5, likelihood)
        radius = found.radius * likelihood
        precision = self._share(found.inverse * soft, label.depth, label.radius, radius)
        sensitivity = self._share(label.inverse, found.depth * likelihood, radius, label.radius)
        return 1 - 2 * precision * sensitivity / (precision + sensitivity)

    def _share(
        self, skeleton: torch.Tensor, depth: torch.Tensor, radius: torch.Tensor, other: torch.Tensor
    ) -> torch.Tensor:
        """The sum of depths over that of radii, those of the other skeleton where the first has none."""
        radius = torch.where(radius > 0, radius, other)
        found, wanted = ((skeleton * values).flatten(1).sum(dim=1) for values in (depth, radius))
        return (found + self.smooth) / (wanted + self.smooth)

    def _weights(self, mask: torch.Tensor, skeleton: torch.Tensor, like: torch.Tensor) -> Weights:
        measured = np.stack([_distances(patch) for patch in mask.detach().cpu().numpy()])
        distance = torch.from_numpy(measured).to(like)
        radius = torch.where(skeleton, distance, 0)
        largest = radius.flatten(1).amax(dim=1).clamp(min=1).reshape(-1, *[1] * (mask.ndim - 1))
        weight = INVERSES[self.inverse](torch.where(skeleton, distance, 1), largest) ** (mask.ndim - 2)
        return Weights(
            torch.minimum(distance, largest) / largest, radius / largest, torch.where(skeleton, weight, 0).to(like)
        )


def _distances(mask: NDArray[np.bool_]) -> NDArray[Any]:
    """From each voxel of a mask to the nearest one outside of it; 1 everywhere if there is none."""
    return np.ones(mask.shape, np.float32) if mask.all() else distance_to_background(mask)
