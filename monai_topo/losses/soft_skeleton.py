"""Soft skeletons of likelihoods, as published with clDice, on any device and without PyTorch's pooling."""

from __future__ import annotations

from typing import Any

import torch


def soft_skeleton(likelihood: torch.Tensor, iterations: int) -> torch.Tensor:
    """What repeated openings take away from a likelihood (Shit et al. 2021, algorithm 1), with gradients.

    An erosion takes the smallest value among a voxel and those at its faces, a dilation the largest of the 3 x 3 [x 3]
    voxels around it; outside of the image is nothing. Where several values are the smallest or largest, each has an
    equal share of the gradient.

    Args:
        likelihood: ``(N, H, W[, D])`` in [0, 1].
        iterations: erosions before the last opening; at least the largest radius of the structures.

    Returns:
        The skeleton's likelihood, the same shape, at most that of the voxel.

    Example:
        >>> bar = torch.zeros(1, 5, 7)
        >>> bar[:, 1:4] = 0.75
        >>> soft_skeleton(bar, 1)[0, :, 3]
        tensor([0.0000, 0.0000, 0.7500, 0.0000, 0.0000])
    """
    axes = tuple(range(1, likelihood.ndim))
    skeleton = torch.zeros_like(likelihood)
    for _ in range(iterations + 1):
        eroded = -largest_of_neighbors(-likelihood, axes)
        opened = eroded
        for axis in axes:
            opened = largest_of_neighbors(opened, (axis,))
        ridge = (likelihood - opened).relu()
        skeleton = skeleton + ridge * (1 - skeleton)
        likelihood = eroded
    return skeleton


def largest_of_neighbors(values: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """The largest among each voxel and those before and behind it along the axes."""
    largest: torch.Tensor = _Largest.apply(values, axes)
    return largest


class _Largest(torch.autograd.Function):
    """Maxima over neighborhoods. PyTorch's pooling keeps 64-bit indices and takes 10 times as long on a CPU."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
        largest = values.clone()
        for here, there in _neighbors(values.ndim, axes):
            torch.maximum(largest[here], values[there], out=largest[here])
        ctx.axes = axes
        ctx.save_for_backward(values, largest)
        return largest

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        values, largest = ctx.saved_tensors
        everywhere = (slice(None),) * values.ndim
        pairs = [(everywhere, everywhere), *_neighbors(values.ndim, ctx.axes)]
        part = torch.empty_like(values)  # used again and again: fresh memory takes longer than the arithmetic

        def less(here: tuple[slice, ...], there: tuple[slice, ...]) -> torch.Tensor:
            """1 where a neighbor is less than the largest, 0 where it is one."""
            return torch.sub(largest[here], values[there], out=part[here]).sign_()

        count = torch.zeros_like(values)
        for here, there in pairs:
            count[here] += 1
            count[here] -= less(here, there)
        share = gradients[0] / count
        gathered = torch.zeros_like(values)
        for here, there in pairs:
            gathered[there] += share[here]
            gathered[there].addcmul_(share[here], less(here, there), value=-1)
        return gathered, None


def _neighbors(ndim: int, axes: tuple[int, ...]) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """For each neighbor along the axes: the voxels that have it, and where it lies."""
    front, back = slice(None, -1), slice(1, None)
    ways = [(axis, *way) for axis in axes for way in ((front, back), (back, front))]
    return [tuple((slice(None),) * axis + (part,) for part in way) for axis, *way in ways]
