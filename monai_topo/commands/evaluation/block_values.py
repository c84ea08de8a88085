"""What the voxels of a volume mean, block by block: as `values.py` has it, for dask arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.blockwise import join_blocks, to_blocks
from monai_topo.commands.evaluation.values import cells_of, rounded, to_labels, to_mask
from monai_topo.data import Volume

_DISTINCT = 3  # so many different values tell a mask from anything else


def mask_by_blocks(volume: Volume, threshold: float | None = None, option: str = "--threshold") -> Any:
    """The mask that a volume holds, as :func:`to_mask` of the whole; a pass over the blocks finds out if it is one.

    Args:
        volume: volume with a dask array.
        threshold: likelihood from which a voxel is foreground; None for masks.
        option: option by which the user gives the threshold.

    Returns:
        Lazy dask array of bools.

    Raises:
        ValueError: when it is none, naming the file.
    """
    examples = join_blocks(_telling, _telling_of_both, to_blocks(volume.array)[0])
    try:
        to_mask(examples, threshold, option)
    except ValueError as error:
        raise ValueError(f"{volume.path}: {error}") from None
    blocks: Any = volume.array
    return blocks.map_blocks(_in_mask, threshold, dtype=bool)


def labels_by_blocks(volume: Volume) -> Any:
    """Integer labels of a volume, as :func:`to_labels` of the whole, in a lazy dask array of uint64."""
    blocks: Any = volume.array
    return blocks.map_blocks(partial(_labels, path=str(volume.path)), dtype=np.uint64)


def ids_by_blocks(volume: Volume) -> Any:
    """Instance ids as the file has them, 0 for CREMI's mark of no cell, in a lazy dask array of uint64."""
    return labels_by_blocks(volume).map_blocks(cells_of, dtype=np.uint64)


def _telling(block: NDArray[Any]) -> NDArray[Any]:
    """Values from which the whole is known to be a mask or none: extremes, some more, and one that is no integer."""
    if block.dtype.itemsize == 1:
        there = np.flatnonzero(np.bincount(block.ravel().view(np.uint8), minlength=256))
        return np.asarray(there.astype(np.uint8).view(block.dtype))
    if block.dtype.kind == "f" and not np.isfinite(block).all():
        return np.asarray(block[~np.isfinite(block)][:1])
    some = [block.min(), block.max()]
    rest = block[(block != some[0]) & (block != some[1])]
    for _ in range(_DISTINCT):
        if rest.size:
            some.append(rest[0])
            rest = rest[rest != rest[0]]
    return np.array([*some, *rest[rounded(rest) != np.rint(rest)][:1]], block.dtype)


def _telling_of_both(first: NDArray[Any], second: NDArray[Any], axis: int) -> NDArray[Any]:
    return _telling(np.concatenate([first, second]))


def _in_mask(block: NDArray[Any], threshold: float | None) -> NDArray[np.bool_]:
    """A block of what is known to be a mask."""
    whole = rounded(block)
    return np.asarray(whole != 0 if threshold is None else (block >= threshold) | (whole >= threshold))


def _labels(block: NDArray[Any], path: str) -> NDArray[np.uint64]:
    try:
        return to_labels(block).astype(np.uint64, copy=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
