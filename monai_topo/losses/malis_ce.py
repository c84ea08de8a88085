"""MalisCELoss: cross-entropy of affinities, and MalisLoss of those to the nearest neighbors, from ids alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.nn.modules.loss import _Loss

from monai_topo.losses.base import to_plain
from monai_topo.losses.inputs import check_finite, to_plain_labels
from monai_topo.losses.malis import MalisLoss
from monai_topo.topology import joined_places, nearest_offsets


class MalisCELoss(_Loss):
    """Cross-entropy of affinities and :class:`MalisLoss`, of logits and the ids of objects.

    The value is ``lambda_ce * ce + lambda_topo * malis``. The true affinity of a voxel and the one at an offset is 1
    where both have one id that is not 0, as :class:`monai_topo.transforms.InstanceToAffinities` makes it. The loss
    makes it itself: affinities have directions, so those of a patch that is turned or flipped are not the turned ones.
    Pairs that lead out of the patch, or that have an ignored voxel, count nowhere; the cross-entropy is the mean over
    all others and all offsets.

    Args:
        offsets: Offsets in voxels along each axis, one for each channel of the input; None is from each voxel to the
            one before it, along each axis. These must be among them, since :class:`MalisLoss` takes them.
        ignore_index: id of voxels that nothing is known of; None when there is no such id.
        lambda_ce: weight of the cross-entropy.
        lambda_topo: weight of :class:`MalisLoss`; may be changed while training, at 0 it costs nothing.
        **options: further arguments of :class:`MalisLoss` but for its activation.

    Raises:
        TypeError: for an argument that :class:`MalisLoss` does not have.
        ValueError: for a negative weight, an offset of 0 or no offsets; see also :meth:`forward`.

    Example:
        >>> ids = torch.tensor([[[[1, 1, 2, 2]]]])
        >>> logits = torch.full((1, 2, 1, 4), 9.0)
        >>> logits[0, 1, 0, 2] = -9.0
        >>> float(MalisCELoss()(logits, ids)) < 1e-3
        True
    """

    def __init__(
        self,
        offsets: Sequence[Sequence[int]] | None = None,
        ignore_index: int | None = None,
        lambda_ce: float = 1.0,
        lambda_topo: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__()
        if offsets is not None and not (len(offsets) and all(any(offset) for offset in offsets)):
            raise ValueError(f"offsets must be None or one or more that lead to another voxel, got {offsets!r}.")
        if min(lambda_ce, lambda_topo) < 0:
            raise ValueError(f"lambda_ce and lambda_topo must be at least 0, got {lambda_ce} and {lambda_topo}.")
        self.offsets = None if offsets is None else [tuple(int(step) for step in offset) for offset in offsets]
        self.ignore_index = ignore_index
        self.lambda_ce = lambda_ce
        self.lambda_topo = lambda_topo
        self.malis = MalisLoss(sigmoid=True, ignore_index=ignore_index, **options)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the loss.

        Args:
            input: logits of affinities, ``(B, K, H, W[, D])`` for K offsets.
            target: ids of objects, ``(B, 1, H, W[, D])``, whole numbers of at least 0; 0 is none.

        Returns:
            A scalar, attached to the graph of ``input``.

        Raises:
            ValueError: when the input holds NaN or infinity, or has not a channel for each offset, the offsets not as
                many axes as the input, or those to the nearest neighbors are not among them; see also
                :class:`MalisLoss`.
        """
        total = self.voxelwise(input, target)
        if self.lambda_topo:
            offsets = self._offsets(input)
            nearest = [offsets.index(offset) for offset in nearest_offsets(input.ndim - 2)]
            total = total + self.lambda_topo * self.malis(input[:, nearest], target)
        return total

    def voxelwise(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The cross-entropy alone, with its weight."""
        logits, ids = to_plain(input).float(), to_plain_labels(to_plain(target))
        check_finite(logits.detach(), "input")
        if ids.shape != (len(logits), 1, *logits.shape[2:]):
            raise ValueError(f"target must hold ids of shape (B, 1, ...) on the grid of input, got {tuple(ids.shape)}.")
        entropies = [
            self._entropies(channel, ids[:, 0], offset)
            for channel, offset in zip(logits.unbind(1), self._offsets(input), strict=True)
        ]
        found = torch.cat(entropies)
        return self.lambda_ce * (found.mean() if len(found) else logits.sum() * 0)

    def _entropies(self, logits: torch.Tensor, ids: torch.Tensor, offset: Sequence[int]) -> torch.Tensor:
        """The cross-entropy of each pair of voxels at an offset that are known, from ``(B, H, W[, D])``."""
        shape = ids.shape[1:]
        here = (slice(None), *joined_places(shape, offset))
        one, other = ids[here], ids[slice(None), *joined_places(shape, [-step for step in offset])]
        joined = (one == other) & (one != 0)
        found = functional.binary_cross_entropy_with_logits(logits[here], joined.float(), reduction="none")
        if self.ignore_index is None:
            return found.flatten()
        return found[(one != self.ignore_index) & (other != self.ignore_index)]

    def _offsets(self, input: torch.Tensor) -> list[tuple[int, ...]]:
        """The offsets of the input's channels.

        Raises:
            ValueError: when they do not fit.
        """
        ndim = input.ndim - 2
        nearest = nearest_offsets(ndim)
        offsets = [*nearest] if self.offsets is None else self.offsets
        if len(offsets) != input.shape[1] or any(len(offset) != ndim for offset in offsets):
            raise ValueError(f"input must have a channel for each of the offsets {offsets}, got {tuple(input.shape)}.")
        if not set(nearest) <= set(offsets):
            raise ValueError(f"offsets must hold those to the voxel before, {list(nearest)}, got {offsets}.")
        return offsets

    def extra_repr(self) -> str:
        """Offsets and weights."""
        return f"offsets={self.offsets}, lambda_ce={self.lambda_ce}, lambda_topo={self.lambda_topo}"
