"""A label moved by a voxel, and repairs that flip voxels at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def moved(label: ArrayLike, axis: int) -> NDArray[Any]:
    """The label, one voxel further along an axis; the first plane stands twice, the last one is lost.

    Args:
        label: ``(H, W[, D])`` mask or ids.
        axis: axis along which it moves.

    Example:
        >>> moved([[1, 2, 3, 0]], 1)
        array([[1, 1, 2, 3]])
    """
    values = np.moveaxis(np.asarray(label), axis, 0)
    return np.ascontiguousarray(np.moveaxis(np.concatenate([values[:1], values[:-1]]), 0, axis))


def random_flips(before: ArrayLike, repaired: ArrayLike, *, seed: int | Sequence[int] = 0) -> NDArray[np.bool_]:
    """As many voxels added and removed at random as a repair did, at the repair's distances from the surface.

    Voxels that the repair added are counted by their distance from the mask, in whole voxels (rounded up), and as many
    are drawn from all background voxels at that distance; likewise those that it removed, by their distance from the
    background.

    Args:
        before: ``(H, W[, D])`` mask before the repair.
        repaired: mask after it, the same shape.
        seed: random seed.

    Returns:
        The mask with the random flips.

    Raises:
        ValueError: when the shapes differ.

    Example:
        >>> before = np.zeros((8, 9), bool)
        >>> before[4, 1:8] = True
        >>> repaired = before.copy()
        >>> repaired[3, 2:5], repaired[4, 7] = True, False
        >>> flipped = random_flips(before, repaired)
        >>> (flipped & ~before).sum(), (before & ~flipped).sum()
        (np.int64(3), np.int64(1))
    """
    mask, wanted = np.asarray(before, bool), np.asarray(repaired, bool)
    if mask.shape != wanted.shape:
        raise ValueError(f"before and repaired must have one shape, got {mask.shape} and {wanted.shape}.")
    rng, flipped = np.random.default_rng(seed), mask.copy()
    for side in (~mask, mask):
        changed = side & (mask != wanted)
        if changed.any():
            flipped.flat[_drawn(_shells(side), changed, rng)] ^= True
    return flipped


def _shells(side: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Distance to the other side in whole voxels, 0 on the other side; all are 1 where there is no other side."""
    from scipy.ndimage import distance_transform_edt

    if side.all():
        return np.ones(side.shape, np.int64)
    return np.asarray(np.ceil(distance_transform_edt(side) - 1e-9).astype(np.int64))


def _drawn(shells: NDArray[np.int64], changed: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Flat indices drawn from each shell, as many as changed there."""
    numbers, counts = np.unique(shells[changed], return_counts=True)
    return np.concatenate(
        [
            rng.choice(np.flatnonzero(shells == number), count, replace=False)
            for number, count in zip(numbers, counts, strict=True)
        ]
    )
