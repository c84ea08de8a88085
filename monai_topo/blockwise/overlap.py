"""The overlap of two masks by blocks."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_topo.blockwise.arrays import join_blocks, mask_of, to_block_pair


class OverlapCounts(NamedTuple):
    """How many voxels two masks have, together and each, and how many are scored.

    Example:
        >>> counts = OverlapCounts(both=3, predicted=4, true=6, scored=100)
        >>> 2 * counts.both / (counts.predicted + counts.true)
        0.6
    """

    both: int
    predicted: int
    true: int
    scored: int


def overlap_counts(prediction: Any, target: Any, *, ignore_index: int | None = None) -> OverlapCounts:
    """Count the voxels of two masks, block by block: what Dice, precision, sensitivity and accuracy follow from.

    Args:
        prediction: Mask of one channel, as for :func:`dice`.
        target: True mask, the same shape; its blocks may be others.
        ignore_index: value of ``target`` whose voxels are not scored.

    Returns:
        ``(both, predicted, true, scored)``.

    Raises:
        ValueError: as :func:`dice`.
        TypeError: for what is no array.

    Example:
        >>> import numpy as np
        >>> overlap_counts(np.array([[1, 1, 0, 0]]), np.array([[0, 1, 0, 255]]), ignore_index=255)
        OverlapCounts(both=1, predicted=2, true=1, scored=3)
    """
    first, second, _ = to_block_pair(prediction, target)
    counts = join_blocks(partial(_count, ignore_index=ignore_index), _add, first, second)
    return OverlapCounts(*counts.tolist())


def dice(prediction: Any, target: Any, *, ignore_empty: bool = True, ignore_index: int | None = None) -> float:
    """Dice score of two masks, block by block: 2 TP / (2 TP + FP + FN), as MONAI's ``DiceMetric`` of the whole.

    Args:
        prediction: Mask of one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1: a dask array with
            any blocks, or a NumPy or zarr array.
        target: True mask, the same shape; its blocks may be others.
        ignore_empty: whether the score of an empty target is NaN; otherwise it is 1 if the prediction is empty too, and
            0 if not.
        ignore_index: value of ``target`` whose voxels are not scored.

    Raises:
        ValueError: when the shapes differ, and as :func:`monai_topo.blockwise.betti_numbers`.
        TypeError: for what is no array.

    Example:
        >>> import numpy as np
        >>> dice(np.array([[1, 1, 0, 0]]), np.array([[0, 1, 0, 255]]), ignore_index=255)
        0.6666666666666666
    """
    both, predicted, true, _ = overlap_counts(prediction, target, ignore_index=ignore_index)
    if true == 0:
        return np.nan if ignore_empty else float(predicted == 0)
    return float(2 * both / (predicted + true))


def _count(prediction: NDArray[Any], target: NDArray[Any], ignore_index: int | None) -> NDArray[np.int64]:
    predicted = mask_of(prediction, "prediction")
    scored = predicted.size
    if ignore_index is not None:
        kept = np.asarray(target) != ignore_index
        scored = np.count_nonzero(kept)
        predicted, target = predicted & kept, np.where(kept, target, target.dtype.type(0))
    true = mask_of(target, "target")
    return np.array([*(np.count_nonzero(part) for part in (predicted & true, predicted, true)), scored])


def _add(first: NDArray[np.int64], second: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
    return first + second
