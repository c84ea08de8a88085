"""Betti numbers that are stored with a mask, in a form that tells whether they are still those of the mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import Mask, check_mask, is_full_connectivity
from monai_topo.topology.masks.betti import betti_numbers

BETTI_KEY = "betti_numbers"
"""Key of the metadata that the records of all channels stand under."""

_ADVICE = "put StoreBettiNumbers behind every crop and every other transform of the label, with the loss's own options."


def betti_record(
    mask: ArrayLike | torch.Tensor, connectivity: int | None = None, *, frame: bool = False
) -> NDArray[np.int64]:
    """The Betti numbers of a mask with what they are the numbers of.

    Args:
        mask: one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.
        frame: whether they are relative to a frame of foreground.

    Returns:
        int64: 1 for full connectivity, 1 for a frame, voxels of the foreground, and the numbers.

    Raises:
        ValueError: as :func:`~monai_topo.topology.betti_numbers`.

    Example:
        >>> betti_record(np.eye(3))
        array([1, 0, 3, 1, 0])
    """
    foreground = check_mask(mask)
    head = (is_full_connectivity(connectivity, foreground.ndim), bool(frame), np.count_nonzero(foreground))
    return np.array([*head, *betti_numbers(foreground, connectivity, frame=frame)], np.int64)


def read_betti_record(
    record: NDArray[np.int64], mask: Mask, connectivity: int | None = None, *, frame: bool = False
) -> tuple[int, ...]:
    """The Betti numbers of a record that belongs to a mask.

    Args:
        record: record from :func:`betti_record`.
        mask: bool mask.
        connectivity: connectivity that is wanted.
        frame: whether they are wanted relative to a frame.

    Raises:
        ValueError: when the record is of another mask, or of other options.

    Example:
        >>> read_betti_record(betti_record(np.eye(3)), np.eye(3, dtype=bool))
        (1, 0)
    """
    full, framed, voxels, *numbers = np.asarray(record).tolist()
    if len(numbers) != mask.ndim or voxels != np.count_nonzero(mask):
        raise ValueError(
            f"target's metadata {BETTI_KEY!r} is of another mask, of {len(numbers)} axes and {voxels} voxels: {_ADVICE}"
        )
    if (bool(full), bool(framed)) != (is_full_connectivity(connectivity, mask.ndim), bool(frame)):
        given = f"connectivity={None if full else 1}, frame={bool(framed)}"
        wanted = f"connectivity={connectivity}, frame={bool(frame)}"
        raise ValueError(f"target's metadata {BETTI_KEY!r} has {given}, and the loss {wanted}: {_ADVICE}")
    return tuple(numbers)


def stored_betti_numbers(target: Any) -> NDArray[np.int64] | None:
    """The records ``(B, C, n)`` of a batch whose metadata holds them, else None.

    Example:
        >>> stored_betti_numbers(torch.zeros(1, 1, 4, 4)) is None
        True
    """
    records = getattr(target, "meta", {}).get(BETTI_KEY)
    if records is None:
        return None
    found = np.asarray(records, np.int64)
    if found.shape[:-1] != tuple(target.shape[:2]):
        raise ValueError(
            f"target's metadata {BETTI_KEY!r} must have one record for each of {tuple(target.shape[:2])} items and "
            f"channels, got {found.shape[:-1]}: {_ADVICE}"
        )
    return found
