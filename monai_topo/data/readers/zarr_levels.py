"""Levels of an OME-Zarr image: how coarse each is, and how it is made from the one before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

CHUNK = 64
"""Voxels of a chunk along each axis: a 3D window of a network touches few of them."""

Box = tuple[tuple[int, int], ...]
"""Start and end along each axis."""

_BLOCK_VOXELS = 2**22
"""Voxels of the blocks that are read at a time: few enough for memory, many enough that a block is worth its task."""


@dataclass(frozen=True)
class Level:
    """One level.

    Attributes:
        shape: voxels along each axis.
        factors: factors by which it is coarser than the level before.
        spacing: size of its voxels.
        origin: position of its first voxel.
    """

    shape: tuple[int, ...]
    factors: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]


def plan_levels(shape: Sequence[int], spacing: Sequence[float], origin: Sequence[float]) -> list[Level]:
    """Levels of an image, each half as fine, until one chunk holds the last.

    Along axes whose voxels are much longer than others, as those of thick sections, nothing is halved until the others
    have caught up.

    Args:
        shape: voxels of the first level.
        spacing: size of its voxels.
        origin: position of its first voxel.

    Example:
        >>> [level.factors for level in plan_levels((512, 512, 128), (4.0, 4.0, 40.0), (0.0, 0.0, 0.0))]
        [(1, 1, 1), (2, 2, 1), (2, 2, 1), (2, 2, 1), (2, 2, 2)]
    """
    levels = [Level(tuple(shape), (1,) * len(shape), tuple(spacing), tuple(origin))]
    while max(levels[-1].shape) > CHUNK:
        last = levels[-1]
        finest = min(size for size, n in zip(last.spacing, last.shape, strict=True) if n > 1)
        factors = tuple(
            2 if n > 1 and size < 2 * finest else 1 for n, size in zip(last.shape, last.spacing, strict=True)
        )
        levels.append(
            Level(
                tuple(-(-n // factor) for n, factor in zip(last.shape, factors, strict=True)),
                factors,
                tuple(size * factor for size, factor in zip(last.spacing, factors, strict=True)),
                tuple(
                    start + size * (factor - 1) / 2
                    for start, size, factor in zip(last.origin, last.spacing, factors, strict=True)
                ),
            )
        )
    return levels


def block_of_chunks(shape: Sequence[int], chunks: Sequence[int], space: Sequence[bool]) -> tuple[int, ...]:
    """Blocks to read an array in: chunks, of small ones as many as make a block of about four million voxels.

    Args:
        shape: voxels along each axis.
        chunks: voxels of a chunk.
        space: axes of space, along which chunks are taken together.

    Example:
        >>> block_of_chunks((1000, 1000, 1000), (64, 64, 64), (True,) * 3)
        (128, 128, 256)
        >>> block_of_chunks((3, 50, 9000, 9000), (1, 1, 4096, 4096), (False, True, True, True))
        (1, 1, 4096, 4096)
    """
    block = [min(size, n) for size, n in zip(chunks, shape, strict=True)]
    while True:
        growing = [k for k, n in enumerate(shape) if space[k] and block[k] < n]
        if not growing or 2 * math.prod(block) > _BLOCK_VOXELS:
            return tuple(block)
        shortest = min(reversed(growing), key=lambda k: block[k])
        block[shortest] = min(2 * block[shortest], shape[shortest])


def boxes(shape: Sequence[int], block: Sequence[int]) -> list[Box]:
    """Blocks of a volume, in C order; those at the end may be smaller.

    Example:
        >>> boxes((3, 2), (2, 2))
        [((0, 2), (0, 2)), ((2, 3), (0, 2))]
    """
    starts = [range(0, n, size) for n, size in zip(shape, block, strict=True)]
    return [
        tuple((start, min(start + size, n)) for start, size, n in zip(corner, block, shape, strict=True))
        for corner in product(*starts)
    ]


def coarser(array: NDArray[Any], factors: Sequence[int], how: Literal["mean", "nearest"]) -> NDArray[Any]:
    """An array with fewer voxels along its last axes.

    Args:
        array: values.
        factors: voxels that become one along each of the last axes; what is left over at the end is one too.
        how: ``"mean"`` of the voxels, rounded for integers; or ``"nearest"``, the first of them: no new ids.

    Returns:
        The same type of numbers.

    Example:
        >>> coarser(np.array([[1, 2, 6], [3, 4, 6]], np.uint8), (2, 2), "mean").tolist()
        [[2, 6]]
    """
    lead = array.ndim - len(factors)
    if how == "nearest":
        every = (slice(None),) * lead + tuple(slice(None, None, factor) for factor in factors)
        return array[every]
    missing = [(0, -n % factor) for n, factor in zip(array.shape[lead:], factors, strict=True)]
    padded = np.pad(array, [(0, 0)] * lead + missing, mode="edge") if any(end for _, end in missing) else array
    parts = [(n // factor, factor) for n, factor in zip(padded.shape[lead:], factors, strict=True)]
    split = padded.reshape(*padded.shape[:lead], *(number for part in parts for number in part))
    kind = np.float64 if array.dtype.itemsize > 4 or array.dtype.kind in "iu" else np.float32
    mean: NDArray[Any] = split.mean(axis=tuple(lead + 1 + 2 * k for k in range(len(factors))), dtype=kind)
    return np.rint(mean).astype(array.dtype) if array.dtype.kind in "iu" else mean.astype(array.dtype)
