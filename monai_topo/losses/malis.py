"""MalisLoss of Turaga et al. 2009: affinities judged by all pairs of voxels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray
from torch.autograd.function import once_differentiable

from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.channels import Channels
from monai_topo.losses.checks import AT_ONCE, Checks
from monai_topo.losses.inputs import AFFINITIES, Inputs, check_finite
from monai_topo.losses.options import LossOptions
from monai_topo.topology import map_in_threads, maximin_pairs


class MalisLoss(TopologyLoss):
    r"""Squared error of the maximin affinity over all pairs of voxels of objects.

    "Maximin affinity learning of image segmentation" (Turaga, Briggman, Helmstaedter, Denk, Seung, NIPS 2009), in the
    constrained form of "Large Scale Image Segmentation with Structured Loss Based Deep Learning for Connectome
    Reconstruction" (Funke et al. 2017; MALA). An affinity joins a voxel and the one before it along an axis. The
    maximin affinity of two voxels is the smallest on the path between them where that is largest: at a threshold over
    it they are in two segments, under it in one. It should be 1 for two voxels of one object and 0 for two of different
    objects, and is the value of one edge, which alone receives the gradient of the pair
    (:func:`monai_topo.topology.maximin_pairs`). Pairs with a voxel of id 0 count nowhere.

    With the maximin affinity a of a pair, P the pairs of one id and N those of two:

    .. math:: L = \frac{1}{|P|} \sum_P (1 - a)^2 + \frac{1}{|N|} \sum_N a^2

    each in a pass of its own: in the first the affinities between ids are their truth 0, so that no path leaves the
    object (the pairs of an object in several pieces add their constant 1), in the second those within ids are 1.
    Unconstrained, both sums have the same affinities and are divided by the number of all pairs. A sum without pairs is
    0.

    What is summed and averaged: the value for one item and class is at most 2, averaged over patches. It counts pairs,
    so large objects weigh most, and an edge between two large objects has nearly all of the gradient.

    Args:
        include_background: whether the affinities and ids of class 0 count, where there are several classes.
        to_onehot_y: must be False: ids are no classes.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: must be False: affinities of the axes do not exclude each other.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and classes.
        constrained: two passes, as above; False is the form of 2009.
        num_threads: Threads for the patches; None is one for each CPU core.
        **options: :class:`LossOptions`. ``ignore_index`` is an id: its voxels count in no pair, and the edges at them
            join nothing.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for ``to_onehot_y`` or ``softmax``, more than one activation or an unknown option; see also
            :meth:`forward`.

    Example:
        >>> affinities = torch.zeros(1, 2, 1, 4)
        >>> affinities[0, 1, 0] = torch.tensor([0.0, 0.5, 0.25, 1.0])  # from each voxel to the one before
        >>> ids = torch.tensor([[[[1, 1, 2, 2]]]])
        >>> MalisLoss()(affinities, ids)  # ((1 - 0.5)**2 + 0) / 2 and 4 * 0.25**2 / 4
        tensor(0.1875)
    """

    inputs: Inputs = AFFINITIES

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        reduction: LossReduction | str = LossReduction.MEAN,
        *,
        constrained: bool = True,
        num_threads: int | None = None,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(include_background, to_onehot_y, sigmoid, softmax, other_act, reduction, **options)
        if to_onehot_y:
            raise ValueError("to_onehot_y needs classes: the target of affinities holds the ids of objects.")
        if softmax:
            raise ValueError("softmax=True makes affinities exclude each other: set sigmoid=True or other_act.")
        self.constrained = constrained
        self.num_threads = num_threads

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the loss.

        Args:
            input: affinities ``(B, C * ndim, H, W[, D])`` of C classes, for each class one channel for each axis,
                in [0, 1], or logits when an activation is set. Mostly C is 1.
            target: ids of objects, ``(B, C, H, W[, D])``, whole numbers of at least 0; 0 is none.

        Returns:
            A scalar, or ``(B, C, 1, 1[, 1])`` for ``reduction="none"``; attached to the graph of ``input``.

        Raises:
            AssertionError: when the shapes do not fit.
            TypeError: when the input is a list, as networks with deep supervision return in training.
            ValueError: when the input holds NaN, infinity or values outside [0, 1], its channels are no multiple of
                the axes, or the target holds no ids.
        """
        return super().forward(input, target)

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The term of each patch: ``(N, ndim, H, W[, D])`` affinities and ids ``(N, H, W[, D])`` to ``(N,)``."""
        patches = list(zip(likelihood.detach().cpu().numpy(), mask.cpu().numpy(), strict=True))
        gradients = np.zeros(likelihood.shape, patches[0][0].dtype)
        values = map_in_threads(
            lambda number: self._value(*patches[number], gradients[number]), range(len(patches)), self.num_threads
        )
        terms: torch.Tensor = _WithGradient.apply(
            likelihood, likelihood.new_tensor(values), torch.from_numpy(gradients).to(likelihood.device)
        )
        return terms

    def _value(self, affinities: NDArray[Any], ids: NDArray[Any], gradient: NDArray[Any]) -> float:
        """The term of one patch; its gradient is written. In place: fresh memory takes longer than the arithmetic."""
        pairs = maximin_pairs(affinities, ids, constrained=self.constrained)
        total = pairs.total_same, pairs.total_different
        if not self.constrained:
            total = (sum(total),) * 2
        same, different = (
            np.multiply(counts, 1 / max(1, number), dtype=affinities.dtype, casting="unsafe")
            for counts, number in zip((pairs.same, pairs.different), total, strict=True)
        )
        apart = (pairs.total_same - int(pairs.same.sum())) / max(1, total[0])
        at_edges = affinities.ravel()[pairs.edges]
        missing = 1 - at_edges
        same *= missing
        different *= at_edges
        value = float(same @ missing) + float(different @ at_edges) + apart
        different -= same
        different *= 2
        gradient.ravel()[pairs.edges] = different
        return value

    def channel_terms(self, channels: Channels) -> torch.Tensor:
        """The mean over patches, ``(B, C, 1, 1[, 1])``."""
        ndim = channels.truth.ndim - 2
        return self.mean_over_patches(
            lambda ids, affinities: self.patch_terms(affinities.unflatten(0, (-1, ndim)), ids),
            channels.truth,
            channels.prediction,
        )

    def _channels(self, input: torch.Tensor, target: torch.Tensor, checks: Checks = AT_ONCE) -> Channels:
        """Affinities and ids of the classes that count; edges at ignored voxels are 0, ignored voxels have id 0."""
        ndim = input.ndim - 2
        if input.shape[1] % ndim:
            raise ValueError(
                f"input must have {ndim} channels for each class, an affinity for each axis, got {input.shape[1]}."
            )
        classes = input.shape[1] // ndim
        if target.shape != (len(input), classes, *input.shape[2:]):
            raise AssertionError(f"ground truth has different shape ({target.shape}) from input ({input.shape})")
        valid = None if self.ignore_index is None else target != self.ignore_index
        if valid is not None:
            joined = torch.stack([valid & valid.roll(1, axis) for axis in range(2, input.ndim)], 2).flatten(1, 2)
            input = torch.where(joined, input, 0)
            target = torch.where(valid, target, 0)
        if self.sigmoid:
            check_finite(input.detach(), "input", checks)
        prediction = self._activate(input)
        if valid is not None:
            prediction = torch.where(joined, prediction, 0)
        if not self.include_background and classes > 1:
            prediction, target = prediction[:, ndim:], target[:, 1:]
        elif not self.include_background:
            warnings.warn("single channel prediction, `include_background=False` ignored.", stacklevel=3)
        return Channels(input, prediction, target, None)

    def _advice(self, num_channels: int) -> str:
        if self.other_act is not None:
            return "other_act must return affinities."
        return "if these are logits, set sigmoid=True or other_act."


class _WithGradient(torch.autograd.Function):
    """Values ``(N,)`` of N patches, given with their gradients, which are as large as the patches."""

    @staticmethod
    def forward(ctx: Any, patches: torch.Tensor, values: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(gradients)
        return values

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradients,) = ctx.saved_tensors
        return gradients * outer[0].reshape(-1, *[1] * (gradients.ndim - 1)), None, None
