"""MONAI's sliding window over a volume that is read and written a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.data import compute_importance_map, dense_patch_slices
from monai.inferers import Inferer, SimpleInferer, SlidingWindowInferer, SlidingWindowInfererAdapt
from monai.utils import PytorchPadMode, ensure_tuple_rep, fall_back_tuple

from monai_topo.inferers.bfloat16 import BFloat16Inferer
from monai_topo.inferers.flip_mean import FlipMeanInferer

Box = tuple[tuple[int, int], ...]
"""Start and end along each axis."""


class BlockWindows:
    """What a sliding window inferer gives for a whole volume, computed a block at a time.

    The windows are those of MONAI's ``SlidingWindowInferer`` on the whole volume, with its weights, and each is
    computed once: it belongs to the block in which it starts. A block's windows reach over its end, so that
    the output of a block is the sum of its own :meth:`part` and those of the blocks before it
    (:meth:`blocks_of`), each divided by the weights of all windows of the volume. The sum is equal to what the inferer
    gives for the whole but for the rounding of float32. In memory is one block with what its windows reach.

    Args:
        inferer: ``SlidingWindowInferer``, alone or within :class:`BFloat16Inferer`, :class:`FlipMeanInferer` or both.
        shape: voxels of the volume along each axis, 2 or 3.
        block: voxels of a block along each axis.

    Raises:
        ValueError: for another inferer, or a block or window that does not fit the axes.

    Example:
        >>> inferer = SlidingWindowInferer(roi_size=(4, 4), overlap=0.5, mode="gaussian")
        >>> image = torch.rand(1, 1, 9, 10)
        >>> windows = BlockWindows(inferer, (9, 10), block=(5, 5))
        >>> network = torch.nn.Conv2d(1, 2, 3, padding=1)
        >>> read = lambda box: image[0][:, *(slice(*bounds) for bounds in box)]
        >>> with torch.no_grad():
        ...     parts = {block: windows.part(block, read, network) for block in windows.blocks}
        ...     last = windows.joined((1, 1), lambda block: parts[block])
        ...     bool(torch.allclose(last, inferer(image, network)[0, :, 5:, 5:], atol=1e-5))
        True
    """

    def __init__(self, inferer: Inferer, shape: Sequence[int], block: Sequence[int]) -> None:
        ndim = len(shape)
        if len(block) != ndim or min(block) < 1:
            raise ValueError(f"block must have a positive size for each of the {ndim} axes, got {tuple(block)}.")
        self.shape, self.block = tuple(shape), tuple(block)
        self.passes: list[tuple[int, ...]] = [()]
        if isinstance(inferer, FlipMeanInferer):
            self.passes = [tuple(dim - 2 for dim in dims) for dims in inferer.flips(ndim)]
            inferer = inferer.inferer
        self.once = BFloat16Inferer(SimpleInferer(), isinstance(inferer, BFloat16Inferer) and inferer.enabled)
        self.sliding = _sliding_window(inferer)
        roi = self.sliding.roi_size
        if isinstance(roi, Sequence) and len(roi) != ndim:
            raise ValueError(f"roi_size of the inferer must have {ndim} axes as the volume, got {tuple(roi)}.")
        self.roi: tuple[int, ...] = tuple(fall_back_tuple(roi, self.shape))
        self.padding = [max(size - n, 0) for size, n in zip(self.roi, self.shape, strict=True)]
        self._starts = [tuple(self._starts_of(axis, flipped) for flipped in (False, True)) for axis in range(ndim)]

    @property
    def blocks(self) -> list[tuple[int, ...]]:
        """Indices of the blocks, in C order."""
        counts = [-(-n // size) for n, size in zip(self.shape, self.block, strict=True)]
        return list(product(*map(range, counts)))

    def box(self, block: tuple[int, ...]) -> Box:
        """Voxels of a block."""
        return tuple(
            (k * size, min((k + 1) * size, n)) for k, size, n in zip(block, self.block, self.shape, strict=True)
        )

    def reach(self, block: tuple[int, ...]) -> Box | None:
        """Voxels that the windows of a block cover; None if no window starts in it."""
        boxes = [found for flips in self.passes if (found := self._reach(block, flips)) is not None]
        if not boxes:
            return None
        return tuple((min(a for a, _ in axis), max(b for _, b in axis)) for axis in zip(*boxes, strict=True))

    def blocks_of(self, block: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Blocks whose windows cover voxels of a block: itself and those before it, as far as a window reaches."""
        far = [-(-size // step) for size, step in zip(self.roi, self.block, strict=True)]
        near = product(*(range(max(0, k - n), k + 1) for k, n in zip(block, far, strict=True)))
        return [other for other in near if _meet(self.reach(other), self.box(block)) is not None]

    @torch.no_grad()
    def part(
        self, block: tuple[int, ...], read: Callable[[Box], Any], network: Callable[..., Any]
    ) -> torch.Tensor | None:
        """What the windows of a block add to the output.

        Args:
            block: index of the block.
            read: function from a box inside the volume to its values ``(C, H, W[, D])``, tensor or array.
            network: function from windows ``(B, C, H, W[, D])`` to one output of their spatial shape. It is
                applied on the inferer's ``sw_device``, or else where it lies.

        Returns:
            ``(C, H, W[, D])`` on the CPU, over the voxels of :meth:`reach`; None if no window starts in the block.

        Raises:
            ValueError: when the network gives anything else, or the window cannot be padded in the inferer's mode.
        """
        reach = self.reach(block)
        if reach is None:
            return None
        values = torch.as_tensor(np.asarray(read(reach), dtype=np.float32))
        total: torch.Tensor | None = None
        for flips in self.passes:
            starts = self._starts_in(block, flips)
            if all(starts):
                summed = self._pass(values, reach, starts, flips, network)
                total = summed if total is None else total + summed
        return None if total is None else total / len(self.passes)

    def joined(self, block: tuple[int, ...], part: Callable[[tuple[int, ...]], Any]) -> torch.Tensor:
        """The output of a block.

        Args:
            block: index of the block.
            part: function from the index of each of :meth:`blocks_of` to its :meth:`part`, tensor or array.

        Returns:
            ``(C, H, W[, D])``: what the inferer would give for the whole volume, in this block.
        """
        box = self.box(block)
        total: torch.Tensor | None = None
        for other in self.blocks_of(block):
            reach = self.reach(other)
            meeting = _meet(reach, box)
            if reach is None or meeting is None:
                continue
            values = part(other)[(slice(None), *_slices(meeting, reach))]
            tensor = torch.as_tensor(np.asarray(values))
            if total is None:
                total = tensor.new_zeros((len(tensor), *(stop - start for start, stop in box)))
            total[(slice(None), *_slices(meeting, box))] += tensor
        if total is None:
            raise ValueError(f"no window covers block {block}.")
        return total

    def _pass(
        self,
        values: torch.Tensor,
        reach: Box,
        starts: Sequence[Sequence[int]],
        flips: tuple[int, ...],
        network: Callable[..., Any],
    ) -> torch.Tensor:
        """Weighted outputs of the windows from some starts, over all weights, on the box that they reach."""
        low = self._low(flips)
        padded = self._padded(values, low)
        corner = [start - pad for (start, _), pad in zip(reach, low, strict=True)]
        weight, dims = self._weight(), [axis + 2 for axis in flips]
        places = list(product(*starts))
        total = torch.zeros(())
        for first in range(0, len(places), self.sliding.sw_batch_size):
            where = [
                tuple(slice(s - c, s - c + n) for s, c, n in zip(place, corner, self.roi, strict=True))
                for place in places[first : first + self.sliding.sw_batch_size]
            ]
            windows = torch.stack([padded[(slice(None), *one)] for one in where]).to(self._device(network))
            output = torch.flip(self._output(torch.flip(windows, dims), network), dims).float().cpu()
            if total.ndim == 0:
                total = torch.zeros((output.shape[1], *padded.shape[1:]))
            for one, found in zip(where, output, strict=True):
                total[(slice(None), *one)] += found * weight
        weights = self._weights([(c, c + n) for c, n in zip(corner, padded.shape[1:], strict=True)], flips, weight)
        inner = tuple(slice(pad, pad + n) for pad, n in zip(low, values.shape[1:], strict=True))
        return (total / weights)[(slice(None), *inner)]

    def _output(self, windows: torch.Tensor, network: Callable[..., Any]) -> torch.Tensor:
        output = self.once(windows, network)
        if not isinstance(output, torch.Tensor) or output.shape[2:] != windows.shape[2:]:
            raise ValueError(
                f"the network must give one output of its input's spatial shape {tuple(windows.shape[2:])}, got "
                f"{tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__}."
            )
        return output

    def _device(self, network: Any) -> torch.device | str:
        first = next(network.parameters(), None) if isinstance(network, torch.nn.Module) else None
        return self.sliding.sw_device or ("cpu" if first is None else first.device)

    def _weight(self) -> torch.Tensor:
        """Weights of a window."""
        weight = compute_importance_map(
            self.roi, mode=self.sliding.mode, sigma_scale=self.sliding.sigma_scale, device="cpu", dtype=torch.float32
        )
        return torch.as_tensor(weight)

    def _weights(self, box: Sequence[tuple[int, int]], flips: tuple[int, ...], weight: torch.Tensor) -> torch.Tensor:
        """Sum of the weights of all windows of the volume, in a box."""
        total = torch.zeros([stop - start for start, stop in box])
        starts = [
            [s for s in self._starts[axis][axis in flips] if s < stop and s + self.roi[axis] > start]
            for axis, (start, stop) in enumerate(box)
        ]
        bounds = tuple(box)
        for place in product(*starts):
            window = tuple((s, s + n) for s, n in zip(place, self.roi, strict=True))
            meeting = _meet(window, bounds)
            if meeting is not None:
                total[_slices(meeting, bounds)] += weight[_slices(meeting, window)]
        return total

    def _low(self, flips: tuple[int, ...]) -> list[int]:
        """Voxels of padding in front of each axis; those of a flipped axis change sides."""
        return [size - size // 2 if axis in flips else size // 2 for axis, size in enumerate(self.padding)]

    def _padded(self, values: torch.Tensor, low: Sequence[int]) -> torch.Tensor:
        if not any(self.padding):
            return values
        ends = [(front, size - front) for front, size in zip(low, self.padding, strict=True)]
        mode = PytorchPadMode(self.sliding.padding_mode)
        pad = [number for pair in reversed(ends) for number in pair]
        options = {"value": self.sliding.cval} if mode == PytorchPadMode.CONSTANT else {}
        try:
            return F.pad(values[None], pad, mode=mode.value, **options)[0]
        except RuntimeError as error:
            raise ValueError(
                f"a volume of shape {self.shape} cannot be padded to {self.roi} by {mode.value}: {error}"
            ) from None

    def _starts_of(self, axis: int, flipped: bool) -> list[int]:
        """Where windows start along an axis, below 0 where the volume is padded."""
        size, roi = self.shape[axis] + self.padding[axis], self.roi[axis]
        overlap = ensure_tuple_rep(self.sliding.overlap, len(self.shape))[axis]
        step = roi if roi == size else max(1, int(roi * (1 - overlap)))
        starts = [bounds.start for (bounds,) in dense_patch_slices((size,), (roi,), (step,))]
        low = self._low((axis,) if flipped else ())[axis]
        return sorted((size - roi - start if flipped else start) - low for start in starts)

    def _starts_in(self, block: tuple[int, ...], flips: tuple[int, ...]) -> list[list[int]]:
        return [
            [start for start in self._starts[axis][axis in flips] if max(start, 0) // self.block[axis] == k]
            for axis, k in enumerate(block)
        ]

    def _reach(self, block: tuple[int, ...], flips: tuple[int, ...]) -> Box | None:
        starts = self._starts_in(block, flips)
        if not all(starts):
            return None
        return tuple(
            (max(places[0], 0), min(places[-1] + roi, n))
            for places, roi, n in zip(starts, self.roi, self.shape, strict=True)
        )


def _sliding_window(inferer: Any) -> SlidingWindowInferer:
    inner = inferer.inferer if isinstance(inferer, BFloat16Inferer) else inferer
    if type(inner) not in (SlidingWindowInferer, SlidingWindowInfererAdapt) or inner.with_coord:
        raise ValueError(
            "inferer must be a SlidingWindowInferer without coordinates, alone or within BFloat16Inferer, "
            f"FlipMeanInferer or both, for windows by blocks; got {type(inner).__name__}."
        )
    return inner


def _meet(a: Box | None, b: Box) -> Box | None:
    """What two boxes share."""
    if a is None:
        return None
    both = tuple((max(p[0], q[0]), min(p[1], q[1])) for p, q in zip(a, b, strict=True))
    return both if all(start < stop for start, stop in both) else None


def _slices(box: Box, within: Box) -> tuple[slice, ...]:
    return tuple(slice(start - low, stop - low) for (start, stop), (low, _) in zip(box, within, strict=True))
