"""Cross-validation: data lists split by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def split_folds(
    datalist: Sequence[Mapping[str, Any]], num_folds: int = 3, *, seed: int = 0, key: str = "patient"
) -> list[dict[str, list[dict[str, Any]]]]:
    """Folds of a data list in which no patient is on both sides.

    The patients are shuffled and dealt out, so that folds differ by at most one patient. Whether an item comes into a
    fold does not depend on the order of the list.

    Args:
        datalist: MONAI data list.
        num_folds: number of folds; the papers on topology losses use 3.
        seed: random seed of the shuffle.
        key: entry by which items belong together; an item without it belongs to its ``"image"``.

    Returns:
        For each fold ``{"training": [...], "validation": [...]}``, in the order of the list; every item is in the
        validation part of exactly one fold. JSON-serializable if the list is.

    Raises:
        ValueError: for fewer than 2 folds, or fewer patients than folds.

    Example:
        >>> items = [{"image": f"{name}.nii", "patient": name[0]} for name in ("a1", "a2", "b1", "c1")]
        >>> for fold in split_folds(items):
        ...     print([item["image"] for item in fold["validation"]])
        ['c1.nii']
        ['b1.nii']
        ['a1.nii', 'a2.nii']
    """
    fold_of = assign_folds(datalist, num_folds, seed=seed, key=key)
    items = [dict(item) for item in datalist]
    return [
        {
            "training": [item for item, at in zip(items, fold_of, strict=True) if at != fold],
            "validation": [item for item, at in zip(items, fold_of, strict=True) if at == fold],
        }
        for fold in range(num_folds)
    ]


def assign_folds(
    datalist: Sequence[Mapping[str, Any]], num_folds: int = 3, *, seed: int = 0, key: str = "patient"
) -> list[int]:
    """For each item the fold that validates on it; arguments and errors as in :func:`split_folds`.

    Example:
        >>> assign_folds([{"image": name} for name in "abcd"], num_folds=2)
        [1, 0, 0, 1]
    """
    groups = [str(item.get(key, item["image"])) for item in datalist]
    patients = sorted(set(groups))
    if num_folds < 2:
        raise ValueError(f"num_folds must be at least 2, got {num_folds}.")
    if len(patients) < num_folds:
        raise ValueError(f"num_folds={num_folds} needs as many patients, the data list has {len(patients)}.")
    order = np.random.RandomState(seed).permutation(len(patients))  # the same in every version of numpy
    fold_of = {patients[patient]: place % num_folds for place, patient in enumerate(order.tolist())}
    return [fold_of[group] for group in groups]
