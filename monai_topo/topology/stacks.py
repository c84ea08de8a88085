"""From a batch of fields to stacks of one shape that grow by sublevel sets, in pieces for threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.compiled.threads import count_threads, map_in_threads
from monai_topo.topology.field import sublevel_field, sublevel_stack

Batch = Sequence[ArrayLike | torch.Tensor] | NDArray[Any] | torch.Tensor
"""Fields ``(N, H, W[, D])``, or a sequence of N fields that may differ in shape."""

Result = TypeVar("Result")

CHUNKS_PER_THREAD = 2
_LARGEST_STACK = 2**18
"""Voxels that are handed to an engine at once: as many as stay in the cache."""


def map_stacks(
    function: Callable[..., Result], batches: Mapping[str, Batch], direction: str, num_threads: int | None
) -> list[Result]:
    """Apply a function to stacks of one shape, one from each of the batches, that together are all their fields.

    Neighbors of one shape and dtype make a stack, of as many voxels as stay in the cache.

    Args:
        function: function of as many arrays ``(N, H, W[, D])`` as there are batches; they grow by sublevel sets.
        batches: batches of as many fields each, by the name that an error calls them.
        direction: ``"superlevel"`` or ``"sublevel"``.
        num_threads: at most this many threads; None is one for each CPU core.

    Returns:
        The results in the order of the fields.

    Raises:
        ValueError: for a bad field, named by batch and place, fields of different shapes at one place, or when
            ``num_threads`` is not positive.

    Example:
        >>> map_stacks(np.shape, {"fields": [np.eye(2), np.eye(2), np.eye(3)]}, "sublevel", num_threads=1)
        [(2, 2, 2), (1, 3, 3)]
    """
    count = len(next(iter(batches.values())))
    threads = count_threads(num_threads, count)
    length = -(-count // (threads * CHUNKS_PER_THREAD)) if threads > 1 else count
    chunks = [range(start, min(start + length, count)) for start in range(0, count, length or 1)]

    def of_chunk(chunk: range) -> list[Result]:
        return [function(*stacks) for stacks in _stacks(batches, chunk, direction)]

    return [result for found in map_in_threads(of_chunk, chunks, threads) for result in found]


def _stacks(batches: Mapping[str, Batch], chunk: range, direction: str) -> Iterator[tuple[NDArray[Any], ...]]:
    fields = [*batches.values()]
    whole: list[Any] = [x for x in fields if getattr(x, "ndim", 0) > 1]
    if len(whole) == len(fields) and all(x.shape == whole[0].shape for x in whole):
        length = max(1, _LARGEST_STACK // max(1, math.prod(whole[0].shape[1:])))
        for start in range(chunk.start, chunk.stop, length):
            part = range(start, min(start + length, chunk.stop))
            yield tuple(_named_stack(name, batch, part, direction) for name, batch in batches.items())
        return
    values = [_named_fields(batches, n, direction) for n in chunk]
    for _, run in groupby(values, key=lambda one: (one[0].shape, *(field.dtype for field in one))):
        stack = list(run)
        length = max(1, _LARGEST_STACK // stack[0][0].size)
        for start in range(0, len(stack), length):
            yield tuple(np.stack(side) for side in zip(*stack[start : start + length], strict=True))


def _named_stack(name: str, batch: Any, part: range, direction: str) -> NDArray[Any]:
    try:
        return sublevel_stack(batch[part.start : part.stop], direction)
    except (TypeError, ValueError):
        for n in part:
            _named_field(name, batch, n, direction)  # says which field it is
        raise


def _named_fields(batches: Mapping[str, Batch], n: int, direction: str) -> tuple[NDArray[Any], ...]:
    fields = tuple(_named_field(name, batch, n, direction) for name, batch in batches.items())
    shapes = [field.shape for field in fields]
    if len(set(shapes)) > 1:
        names = " and ".join(f"{name}[{n}]" for name in batches)
        raise ValueError(f"{names} must have one shape, got {' and '.join(map(str, shapes))}.")
    return fields


def _named_field(name: str, batch: Any, n: int, direction: str) -> NDArray[Any]:
    try:
        return sublevel_field(batch[n], direction)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}[{n}]: {error}") from None
