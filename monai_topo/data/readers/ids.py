"""Ids and masks: what becomes of the integers of a label that float32 cannot tell apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.data.readers.volume import mask_of_value

_LABEL_WORDS = ("label", "seg", "instance", "cleft", "truth")


def as_wanted(array: NDArray[Any], path: Path, name: str, relabel: bool | None, mask_value: int | None) -> NDArray[Any]:
    """The array of a dataset as a reader's ``mask_value`` and ``relabel`` want it.

    Args:
        array: values of the dataset.
        path: path of the file.
        name: name of the dataset in it, which may say that it holds ids.
        relabel: True: large integers are ids and get consecutive numbers; False: they stay; None: as the name says.
        mask_value: value that becomes a mask of 0 and 1; None leaves the values.

    Raises:
        ValueError: when there are integers that float32 cannot tell apart and nothing says what they are; when there is
            no voxel of ``mask_value``.
    """
    if mask_value is not None:
        return mask_of_value(array, mask_value, path)
    are_ids = _ids_by_name(name) if relabel is None else relabel
    if relabel is False or not _exceeds_float32(array):
        return array.astype(np.int32) if are_ids and array.dtype.str[1:] in ("i8", "u8") else array
    if not are_ids:
        raise ValueError(
            f"{path}: {name} holds integers up to {array.max()}, which float32 cannot tell apart: say "
            "relabel=True if they are ids, relabel=False if they are intensities."
        )
    return _consecutive(array)


def _ids_by_name(name: str) -> bool:
    """Whether a dataset's name says that it holds ids or classes."""
    words = re.split(r"[^a-z]+", name.lower())
    return any(word.startswith(_LABEL_WORDS) or word in ("id", "ids", "gt") for word in words)


def _consecutive(array: NDArray[Any]) -> NDArray[Any]:
    ids, index = np.unique(array, return_inverse=True)
    none = ids == 0
    if ids.dtype == np.uint64:
        none |= ids == 2**64 - 1
    numbers = np.where(none, 0, np.cumsum(~none)).astype(np.int32)
    return np.asarray(numbers[index].reshape(array.shape))


def _exceeds_float32(array: NDArray[Any]) -> bool:
    """Whether the array holds integers that float32, in which MONAI loads images, cannot tell apart."""
    if array.size == 0 or (array.dtype.kind in "iu" and array.dtype.itemsize < 4) or array.dtype.kind not in "iuf":
        return False
    if array.dtype.kind == "f":
        large = array[np.abs(array) >= 2**24] if array.dtype.itemsize == 8 else array[:0]
        return bool(large.size and (np.rint(array) == array).all())
    return bool(array.max() >= 2**24 or array.min() <= -(2**24))
