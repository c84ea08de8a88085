"""Topology at full resolution only, for networks with deep supervision."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.losses import DeepSupervisionLoss
from torch import nn

from monai_topo.losses.base import TopologyLoss


class DeepSupervisionTopologyLoss(DeepSupervisionLoss):
    """MONAI's ``DeepSupervisionLoss`` with the topology term at full resolution only.

    A label made smaller has another topology: nearest-neighbor interpolation by 4 breaks a thin tree in pieces, and a
    term at that level would teach them. So the whole loss is computed on the first output, and on the others only its
    voxelwise part. It may be given to MONAI's ``DeepSupervisionLoss`` too, which calls it level by level: then
    ``spatial_size`` says what full resolution is.

    Args:
        loss: the loss at full resolution: a :class:`DiceCETopologyLoss` or :class:`WeightedSumLoss`, whose terms other
            than topology make the voxelwise part, or a topology loss, which has none.
        weight_mode: ``"exp"`` (1, 0.5, 0.25, ...), ``"same"`` or ``"two"`` (1, 0.5, 0.5, ...), of the levels, as in
            ``DeepSupervisionLoss``.
        weights: one for each level, in place of ``weight_mode``.
        spatial_size: spatial shape of full resolution, one number for all axes or one for each. A single output that
            is smaller than this on any axis is taken for a lower level. None takes every single output as full.
        lower: loss of the lower levels; None is the voxelwise part of ``loss``.

    Raises:
        TypeError: when ``loss`` has no voxelwise part and ``lower`` is None.

    Example:
        >>> from monai_topo.losses import DiceCETopologyLoss
        >>> loss = DeepSupervisionTopologyLoss(DiceCETopologyLoss(sigmoid=True))
        >>> heads = [torch.zeros(1, 1, 8, 8, 8), torch.zeros(1, 1, 4, 4, 4)]
        >>> float(loss(heads, torch.ones(1, 1, 8, 8, 8))) > 0
        True
    """

    def __init__(
        self,
        loss: nn.Module,
        weight_mode: str = "exp",
        weights: list[float] | None = None,
        spatial_size: Sequence[int] | int | None = None,
        lower: nn.Module | None = None,
    ) -> None:
        super().__init__(loss, weight_mode, weights)
        if lower is None and not isinstance(loss, TopologyLoss) and not hasattr(loss, "voxelwise"):
            raise TypeError(
                f"loss must be a topology loss, a DiceCETopologyLoss or a WeightedSumLoss, got {type(loss).__name__}: "
                "for another loss give that of the lower levels as lower."
            )
        self.spatial_size = spatial_size
        self.lower = lower

    def forward(self, input: torch.Tensor | Sequence[torch.Tensor] | None, target: torch.Tensor) -> torch.Tensor:
        """Compute the weighted sum over the levels.

        Args:
            input: the outputs, full resolution first: a list of ``(B, C, H, W[, D])`` that get smaller, the heads of
                a ``DynUNet`` stacked to ``(B, heads, C, H, W[, D])``, or one tensor.
            target: target as the loss takes it, at full resolution.

        Raises:
            ValueError: when the input is None or empty.
        """
        if input is None or not len(input):
            raise ValueError("input must be a tensor or a list of at least one tensor.")
        if isinstance(input, torch.Tensor):
            if input.ndim != target.ndim + 1:
                return self._level(input.float(), target, full=self._is_full(input))
            input = input.unbind(1)
        weights = self.get_weights(len(input))
        levels = [self._level(output.float(), target, full=level == 0) for level, output in enumerate(input)]
        return torch.stack([weight * value for weight, value in zip(weights, levels, strict=True)]).sum(dim=0)

    def _is_full(self, input: torch.Tensor) -> bool:
        if self.spatial_size is None:
            return True
        shape = input.shape[2:]
        wanted = (self.spatial_size,) * len(shape) if isinstance(self.spatial_size, int) else self.spatial_size
        return all(length >= size for length, size in zip(shape, wanted, strict=True))

    def _level(self, input: torch.Tensor, target: torch.Tensor, full: bool) -> torch.Tensor:
        if input.shape[2:] != target.shape[2:]:
            target = nn.functional.interpolate(target.float(), size=input.shape[2:], mode=self.interp_mode)
        if full:
            value: torch.Tensor = self.loss(input, target)
        elif self.lower is not None:
            value = self.lower(input, target)
        elif isinstance(self.loss, TopologyLoss):
            value = input.sum() * 0
        else:
            value = self.loss.voxelwise(input, target)
        return value
