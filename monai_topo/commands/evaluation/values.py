"""What the voxels of a file mean: masks, classes, instance ids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology import renumber_ids

_ROUNDING = 1e-6  # of a scale in a header, which is float32: 255 times 1/255 is 1.00000006
_NO_CELL = 2**64 - 1  # CREMI's mark


def to_mask(array: NDArray[Any], threshold: float | None = None, option: str = "--threshold") -> NDArray[np.bool_]:
    """The mask that a file holds: 0 and 1, or 0 and 255; or a likelihood from a threshold up.

    Args:
        array: the voxels.
        threshold: likelihood from which a voxel is foreground, inclusive; None for masks.
        option: option by which the user gives the threshold.

    Raises:
        ValueError: when it is none, saying what to do.

    Example:
        >>> to_mask(np.array([0.0, 0.5, 0.9]), threshold=0.5), to_mask(np.array([0, 255]))
        (array([False,  True,  True]), array([False,  True]))
    """
    _refuse_nan(array)
    if threshold is not None:
        _check_scale(array, threshold, option)
        return np.asarray((array >= threshold) | (rounded(array) >= threshold))
    whole = rounded(array)
    mask = whole != 0
    others = array[mask & (whole != (255 if whole.size and whole.max() == 255 else 1))]
    if not others.size:
        return np.asarray(mask)
    if array.min() >= 0 and array.max() <= 1:
        raise ValueError(f"it holds likelihoods such as {_text(others[0])}, so it is no mask: say {option} 0.5.")
    raise ValueError(
        f"it holds {_text(others[0])}, so it is no mask of 0 and 1: say --labels for classes, "
        f"--instances labels for instance ids, or {option}."
    )


def to_labels(array: NDArray[Any]) -> NDArray[Any]:
    """The integer labels that a file holds, exactly: no number passes through a float unless the file has floats.

    Returns:
        int64, or uint64 where numbers of 2^63 and more need it.

    Raises:
        ValueError: when a value is no integer of at least 0.

    Example:
        >>> to_labels(np.array([0, 2**64 - 2], np.uint64))
        array([                   0, 18446744073709551614], dtype=uint64)
    """
    _refuse_nan(array)
    whole = rounded(array)
    wrong = array[(whole < 0) | (whole != np.rint(whole) if whole.dtype.kind == "f" else False)]
    if wrong.size:
        raise ValueError(f"it must hold integer labels of at least 0, got {_text(wrong[0])}: {_advice(wrong[0])}.")
    large = bool(whole.size) and int(whole.max()) >= 2**63
    if large and int(whole.max()) >= 2**64:
        raise ValueError(f"it must hold labels below 2^64, got {_text(whole.max())}.")
    return np.asarray(whole.astype(np.uint64 if large else np.int64))


def to_ids(array: NDArray[Any]) -> NDArray[np.int64]:
    """Instance ids, numbered anew from 1 on in rising order; 0 stays 0, and CREMI's 2^64 - 1 for no cell becomes 0.

    Raises:
        ValueError: when a value is no integer of at least 0.

    Example:
        >>> to_ids(np.array([7, 0, 2**64 - 1, 2**63], np.uint64))
        array([1, 0, 0, 2])
    """
    return renumber_ids(cells_of(to_labels(array))).astype(np.int64)


def cells_of(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels in which CREMI's 2^64 - 1 for no cell is 0.

    Example:
        >>> cells_of(np.array([7, 2**64 - 1], np.uint64))
        array([7, 0], dtype=uint64)
    """
    if labels.dtype != np.uint64:
        return labels
    return np.where(labels == np.uint64(_NO_CELL), np.uint64(0), labels)


def _refuse_nan(array: NDArray[Any]) -> None:
    if array.dtype.kind not in "biuf":
        raise ValueError(f"it must hold numbers, got dtype {array.dtype}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("it holds NaN or infinity: replace them by 0 for background.")


def _check_scale(array: NDArray[Any], threshold: float, option: str) -> None:
    """Integers up to 255 under a threshold for likelihoods up to 1: all but 0 would be foreground."""
    if not 0 < threshold <= 1 and array.size and array.min() >= 0 and array.max() <= 1 and (array % 1 != 0).any():
        count = "all" if threshold <= 0 else "none"
        raise ValueError(
            f"it holds likelihoods from 0 to 1, of which {option} {threshold:g} makes {count} foreground: "
            f"say {option} 0.5."
        )
    if not 0 < threshold < 1 or not array.size or array.max() <= 1:
        return
    whole = rounded(array)
    if (whole != np.rint(whole)).any() or len(np.unique(whole[whole != 0])) < 2:
        return
    raise ValueError(
        f"it holds integers up to {_text(whole.max())}, for which {option} {threshold:g} makes all but 0 foreground: "
        f"give a threshold of that scale, or {option} 1 if that is meant."
    )


def rounded(array: NDArray[Any]) -> NDArray[Any]:
    """The array; of floats those that a scale in the header leaves beside an integer are that integer."""
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind != "f":
        return array
    whole = np.rint(array)
    near = np.abs(array - whole) <= np.minimum(_ROUNDING * np.maximum(1, np.abs(array)), 1e-3)
    return np.where(near, whole, array)


def _text(value: Any) -> str:
    return str(int(value)) if float(value).is_integer() else f"{float(value):.4g}"


def _advice(value: Any) -> str:
    return "give negative numbers a class of their own" if float(value).is_integer() else "threshold likelihoods first"
