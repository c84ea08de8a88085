"""Arrays by blocks: what is taken for one, and how summaries of its blocks are joined to one of the whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from monai_topo.topology import check_mask

Mask = NDArray[np.bool_]

Axes = tuple[int, ...]
"""Axes across which a volume has neighbors and borders: all three, or the last two of an image of shape (1, H, W)."""


def dask_array() -> Any:
    """The module ``dask.array``.

    Raises:
        ImportError: where dask is not installed.
    """
    try:
        import dask.array
    except ImportError as error:
        raise ImportError("volumes by blocks need dask: pip install 'monai_topo[scale]'.") from error
    return dask.array


def to_blocks(array: Any, name: str = "array") -> tuple[Any, Axes]:
    """The array as dask array of three axes, and the axes that count.

    Args:
        array: dask array, or what dask makes one of: a NumPy or zarr array, ``(H, W)`` or ``(H, W, D)``; a tensor.
        name: name in error messages.

    Raises:
        ValueError: for another number of axes, an empty axis, or blocks of unknown size.
        TypeError: for what is no array.

    Example:
        >>> blocks, axes = to_blocks(np.zeros((4, 6)))
        >>> blocks.shape, axes
        ((1, 4, 6), (1, 2))
    """
    da = dask_array()
    array = array.detach().cpu().numpy() if isinstance(array, torch.Tensor) else array
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        raise TypeError(f"{name} must be a dask, NumPy or zarr array, got {type(array).__name__}.")
    if len(array.shape) not in (2, 3) or 0 in array.shape:
        raise ValueError(
            f"{name} must be one channel of shape (H, W) or (H, W, D), not empty; got shape {tuple(array.shape)}."
        )
    blocks = array if isinstance(array, da.Array) else da.from_array(array)
    if np.isnan(blocks.shape).any():
        raise ValueError(f"{name} has blocks of unknown size: call its compute_chunk_sizes() first.")
    if any(0 in sizes for sizes in blocks.chunks):
        blocks = blocks.rechunk(tuple(tuple(size for size in sizes if size) for sizes in blocks.chunks))
    return (blocks[None], (1, 2)) if blocks.ndim == 2 else (blocks, (0, 1, 2))


def to_block_pair(prediction: Any, target: Any) -> tuple[Any, Any, Axes]:
    """Two arrays of one shape as dask arrays with the same blocks, those of the first.

    Raises:
        ValueError: when the shapes differ, and as :func:`to_blocks`.
    """
    first, axes = to_blocks(prediction, "prediction")
    second, others = to_blocks(target, "target")
    if first.shape != second.shape or axes != others:
        shapes = tuple(prediction.shape), tuple(target.shape)
        raise ValueError(f"prediction and target must have one shape, got {shapes[0]} and {shapes[1]}.")
    return first, second.rechunk(first.chunks), axes


def check_section_axis(section_axis: int, axes: Axes) -> int:
    """The axis of the blocks that an axis of the array is.

    Raises:
        ValueError: when the array has no such axis.

    Example:
        >>> check_section_axis(-1, (1, 2))
        2
    """
    ndim = len(axes)
    if not -ndim <= section_axis < ndim:
        raise ValueError(f"section_axis must be an axis of {ndim}D data, got {section_axis}.")
    return axes[section_axis]


def mask_of(block: NDArray[Any], name: str) -> Mask:
    """A block as bools.

    Raises:
        ValueError: when it holds other values than 0 and 1.
    """
    return check_mask(np.asarray(block), name)


def join_blocks(summarize: Callable[..., Any], join: Callable[[Any, Any, int], Any], *arrays: Any) -> Any:
    """Summarize each block, and join the summaries in a tree: neighbors to boxes, boxes to larger ones.

    It is computed at once by dask's current scheduler. What is in memory at a time is a few blocks and the summaries
    of those that are not yet joined.

    Args:
        summarize: function of a block of each array, which may take the block's place, a keyword ``block_id``.
        join: function of two summaries and the axis along which they are neighbors, the first one below.
        *arrays: dask arrays of three axes with the same blocks.

    Example:
        >>> blocks, _ = to_blocks(np.arange(6).reshape(2, 3))
        >>> join_blocks(lambda block: int(block.max()), lambda first, second, axis: max(first, second), blocks)
        5
    """
    da = dask_array()
    nothing = np.empty((0, 0, 0), object)
    ones = tuple((1,) * count for count in arrays[0].numblocks)
    summaries = da.map_blocks(summarize, *arrays, dtype=object, chunks=ones, meta=nothing)
    whole = da.reduction(
        summaries,
        chunk=_keep,
        combine=partial(_join_box, join),
        aggregate=partial(_wrap_box, join),
        split_every=dict.fromkeys(range(3), 2),
        concatenate=False,
        dtype=object,
        meta=np.empty((), object),
    )
    return whole.compute().item()


def _keep(summary: Any, axis: Any, keepdims: bool) -> Any:
    return summary


def _join_box(join: Callable[[Any, Any, int], Any], box: Any, axis: Any = None, keepdims: bool = True) -> Any:
    """Join summaries in lists of lists of lists, one level for each axis."""
    return _join_level(join, box, 0)


def _join_level(join: Callable[[Any, Any, int], Any], box: Any, axis: int) -> Any:
    if not isinstance(box, list):
        return box
    return reduce(lambda first, second: join(first, second, axis), [_join_level(join, part, axis + 1) for part in box])


def _wrap_box(join: Callable[[Any, Any, int], Any], box: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The joined summary in an array, as dask wants its result."""
    result = np.empty((), object)
    result[()] = _join_box(join, box)
    return result
