"""Cross-entropy on chosen voxels: false ones, ridges and edges, the plain alternatives to topology losses."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray
from torch.nn import functional

from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.channels import Channels
from monai_topo.losses.options import LossOptions

NORMALIZATIONS = ("mask", "image")
"""What the cross-entropy on a region is divided by: the number of its voxels, or of the patch's."""


class VoxelCrossEntropyLoss(TopologyLoss):
    """Base of the losses that are a binary cross-entropy on some of the voxels.

    A subclass implements :meth:`region_of` and sets ``normalize``. With ``sigmoid`` or ``softmax`` the logarithms are
    taken of the logits, before anything is rounded; of likelihoods they are held at -100 or more.
    """

    normalize: str = "mask"

    @abstractmethod
    def region_of(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The voxels that count, bool, from likelihoods without gradient and masks ``(N, H, W[, D])``."""

    def channel_terms(self, channels: Channels) -> torch.Tensor:
        """The mean over patches of the cross-entropy on their regions, ``(B, C, 1, 1[, 1])``."""
        entropy = self._entropy(channels)
        return self.mean_over_patches(self._on_region, channels.prediction.detach(), channels.truth, entropy)

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The term of each patch, of likelihoods."""
        return self._on_region(likelihood.detach(), mask, cross_entropy(likelihood, mask))

    def _on_region(self, likelihood: torch.Tensor, mask: torch.Tensor, entropy: torch.Tensor) -> torch.Tensor:
        return mean_on(self.region_of(likelihood, mask), entropy, self.normalize)

    def _entropy(self, channels: Channels) -> torch.Tensor:
        return voxel_cross_entropy(self, channels)


class RegionCrossEntropyLoss(VoxelCrossEntropyLoss):
    """Binary cross-entropy on the voxels that a simple rule takes for the hard ones.

    The baselines of "Topology-Aware Segmentation Using Discrete Morse Theory" (Hu et al. 2021, section 3, tables 5 and
    7), to be compared with topology losses as a term beside cross-entropy; such a term never asks what a voxel does to
    the topology. The region is a constant for the gradient. Averaged over the region's voxels and patches; 0 where the
    region is empty.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        region: ``"false"``: voxels on the wrong side of 0.5, so that the sum with cross-entropy re-weighs them;
            ``"ridge"``: where scikit-image's Sato filter of the likelihood (sigma 1) exceeds half its largest response;
            ``"canny"``: scikit-image's Canny edges of the likelihood (sigma 1), in 3D those of the sections across all
            three axes.
        normalize: ``"mask"`` divides by the number of the region's voxels, ``"image"`` by that of the patch's.
        **options: :class:`LossOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> likelihood = torch.tensor([[[[0.75, 0.25, 0.5]]]])
        >>> RegionCrossEntropyLoss(region="false")(likelihood, torch.tensor([[[[1.0, 1.0, 0.0]]]]))  # 0.25 and 0.5
        tensor(1.0397)
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
        region: str = "false",
        normalize: str = "mask",
        **options: Unpack[LossOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, **options)
        if region not in REGIONS:
            raise ValueError(f"region must be one of {tuple(REGIONS)}, got {region!r}.")
        check_normalization(normalize)
        self.region = region
        self.normalize = normalize

    def region_of(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The region of each of N patches."""
        return REGIONS[self.region](likelihood, mask)


def check_normalization(normalize: str) -> None:
    """Refuse what is none of ``NORMALIZATIONS``.

    Raises:
        ValueError: then.
    """
    if normalize not in NORMALIZATIONS:
        raise ValueError(f"normalize must be one of {NORMALIZATIONS}, got {normalize!r}.")


def mean_on(region: torch.Tensor, entropy: torch.Tensor, normalize: str) -> torch.Tensor:
    """Mean of a cross-entropy on a region, ``(N, H, W[, D])`` each, to ``(N,)``.

    Example:
        >>> mean_on(torch.tensor([[[True, False]]]), torch.tensor([[[0.5, 0.1]]]), "image")
        tensor([0.2500])
    """
    total = torch.where(region, entropy, 0).flatten(1).sum(dim=1)
    voxels = region.flatten(1).sum(dim=1).clamp(min=1) if normalize == "mask" else region[0].numel()
    return total / voxels


def cross_entropy(likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of each likelihood against a mask, its logarithms held at -100 or more.

    Example:
        >>> cross_entropy(torch.tensor([0.5, 1.0]), torch.tensor([True, False]))
        tensor([  0.6931, 100.0000])
    """
    return functional.binary_cross_entropy(likelihood.clamp(0, 1), mask.to(likelihood.dtype), reduction="none")


def voxel_cross_entropy(loss: TopologyLoss, channels: Channels) -> torch.Tensor:
    """Binary cross-entropy of every voxel, of the logits where the loss has an activation; that of ignored ones is 0.

    Args:
        loss: loss whose activation the channels' prediction has passed.
        channels: channels that the terms are computed from.

    Returns:
        ``(B, C, H, W[, D])``, the channels of the prediction.
    """
    count = channels.prediction.shape[1]
    if loss.sigmoid:
        present, absent = (functional.logsigmoid(sign * channels.input[:, -count:]) for sign in (1, -1))
    elif loss.softmax and channels.input.shape[1] > 1:
        present, absent = (log[:, -count:] for log in log_softmax_and_rest(channels.input))
    else:
        return cross_entropy(channels.prediction, channels.truth)
    entropy = -torch.where(channels.truth, present, absent)
    return entropy if channels.valid is None else torch.where(channels.valid, entropy, 0)


def log_softmax_and_rest(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logarithms of the softmax p over the channels ``(B, C, ...)``, and of 1 - p, both exact for p near 0 and 1.

    Example:
        >>> present, absent = log_softmax_and_rest(torch.tensor([[30.0, 0.0]]))
        >>> absent
        tensor([[-3.0000e+01, -9.3576e-14]])
    """
    logits = logits - logits.detach().amax(1, keepdim=True)
    present = torch.log_softmax(logits, 1)
    largest = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, logits.argmax(1, keepdim=True), True)
    others = logits.masked_fill(largest, -torch.inf).logsumexp(1, keepdim=True) - logits.logsumexp(1, keepdim=True)
    small = torch.where(largest, -1.0, present)  # at most 1/2, so that 1 - p is not rounded away
    return present, torch.where(largest, others, torch.log1p(-small.exp()))


def _false_voxels(likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (likelihood >= 0.5) != mask


def _ridges(likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    from skimage.filters import sato

    def ridges_of(field: NDArray[Any]) -> NDArray[np.bool_]:
        response = sato(field, sigmas=[1], black_ridges=False)
        return np.asarray(response > max(response.max() / 2, 1e-6))

    return _each(ridges_of, likelihood)


def _edges(likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return _each(_canny_edges, likelihood)


def _canny_edges(field: NDArray[Any]) -> NDArray[np.bool_]:
    from skimage.feature import canny

    if field.ndim == 2:
        return np.asarray(canny(field, sigma=1))
    sections = [np.moveaxis(field, axis, 0) for axis in range(3)]
    edges = [np.stack([canny(section, sigma=1) for section in stack]) for stack in sections]
    joined: NDArray[np.bool_] = np.any([np.moveaxis(found, 0, axis) for axis, found in enumerate(edges)], axis=0)
    return joined


def _each(function: Callable[[NDArray[Any]], NDArray[np.bool_]], fields: torch.Tensor) -> torch.Tensor:
    found = [function(field) for field in fields.cpu().numpy()]
    return torch.from_numpy(np.stack(found)).to(fields.device)


REGIONS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "false": _false_voxels,
    "ridge": _ridges,
    "canny": _edges,
}
"""The names that ``RegionCrossEntropyLoss(region=...)`` accepts: from likelihoods and masks to the region."""
