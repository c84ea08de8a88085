"""Patches cut out of a batch, with their gradients gathered in one tensor, and the mean of their terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from monai_topo.topology import Slices


def cut_patches(tensor: torch.Tensor, layouts: list[list[Slices]]) -> torch.Tensor:
    """The patches of every item and channel, ``(N, H, W[, D])``, channels fastest."""
    if layouts[0][0] == tuple(slice(0, size) for size in tensor.shape[2:]) and len(layouts[0]) == 1:
        return tensor.flatten(0, 1)  # without the copy
    patches = [(item, slice(None), *patch) for item, layout in enumerate(layouts) for patch in layout]
    cut: torch.Tensor = _CutPatches.apply(tensor, patches)
    return cut.flatten(0, 1)


def mean_of_patches(terms: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """The mean for each item and channel, ``(B, C, 1, 1[, 1])``, of the terms ``(N,)`` of patches, channels fastest.

    Args:
        terms: terms of as many patches for each item.
        shape: shape of the batch that they were cut from, ``(B, C, H, W[, D])``.
    """
    batch, channels, *spatial = shape
    mean = terms.reshape(batch, -1, channels).mean(dim=1)
    return mean.reshape(batch, channels, *[1] * len(spatial))


class _CutPatches(torch.autograd.Function):
    """Stacks patches. The gradient is gathered in one tensor; indexing would make one as large for every patch."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor, patches: list[tuple[Any, ...]]) -> torch.Tensor:
        ctx.shape, ctx.patches = tensor.shape, patches
        return torch.stack([tensor[patch] for patch in patches])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        gathered = gradients[0].new_zeros(ctx.shape)
        for patch, gradient in zip(ctx.patches, gradients[0], strict=True):
            gathered[patch] += gradient
        return gathered, None
