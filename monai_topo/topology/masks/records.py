"""Betti numbers that are stored with a mask, in a form that tells whether they are still those of the mask."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import Mask, check_mask, is_full_connectivity
from monai_topo.topology.masks.betti import betti_numbers

BETTI_KEY = "betti_numbers"
"""Key of the metadata that the records of all channels stand under."""

_ADVICE = "put StoreBettiNumbers behind every crop and every other transform of the label, with the loss's own options."
_DIGEST_BYTES = 4
_HEAD = 3
"""What stands in a record before the numbers."""


def betti_record(
    mask: ArrayLike | torch.Tensor, connectivity: int | None = None, *, frame: bool = False
) -> NDArray[np.int64]:
    """The Betti numbers of a mask with what they are the numbers of.

    Args:
        mask: one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.
        frame: whether they are relative to a frame of foreground.

    Returns:
        int64: 1 for full connectivity, 1 for a frame, a digest of the mask, and the numbers. The digest is of the
        foreground in each layer along each axis, so it stays what it is when axes are flipped or swapped, as the
        numbers do.

    Raises:
        ValueError: as :func:`~monai_topo.topology.betti_numbers`.

    Example:
        >>> record = betti_record(np.eye(3))
        >>> record[:2], record[3:]
        (array([1, 0]), array([1, 0]))
    """
    foreground = check_mask(mask)
    head = (is_full_connectivity(connectivity, foreground.ndim), bool(frame), _digest(foreground))
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
    full, framed, digest, *numbers = np.asarray(record).tolist()
    if len(numbers) != mask.ndim or digest != _digest(mask):
        raise ValueError(
            f"target's metadata {BETTI_KEY!r} is of another mask: it was cropped, padded, moved or changed since: "
            f"{_ADVICE}"
        )
    if (bool(full), bool(framed)) != (is_full_connectivity(connectivity, mask.ndim), bool(frame)):
        given = f"connectivity={None if full else 1}, frame={bool(framed)}"
        wanted = f"connectivity={connectivity}, frame={bool(frame)}"
        raise ValueError(f"target's metadata {BETTI_KEY!r} has {given}, and the loss {wanted}: {_ADVICE}")
    return tuple(numbers)


def _digest(mask: NDArray[np.bool_]) -> int:
    """What tells a mask from others, but not from itself with axes flipped or swapped."""
    volume = mask.reshape(-1, *mask.shape[-2:]).astype(np.float32)
    _, height, width = volume.shape
    # A product is five times as fast as a sum, and exact along one axis.
    lines = (volume @ np.ones(width, np.float32)).astype(np.int64)
    columns = (np.ones(height, np.float32) @ volume).astype(np.int64)
    layers = [counts.tolist() for counts in (lines.sum(1), lines.sum(0), columns.sum(0))]
    content = repr(sorted(min(counts, counts[::-1]) for counts in layers))
    return int.from_bytes(hashlib.blake2b(content.encode(), digest_size=_DIGEST_BYTES).digest())


def stored_betti_numbers(target: Any) -> NDArray[np.int64] | None:
    """The records ``(B, C, n)`` of a batch whose metadata holds them, else None.

    Raises:
        ValueError: for metadata of that name that is no record for each item and channel.

    Example:
        >>> stored_betti_numbers(torch.zeros(1, 1, 4, 4)) is None
        True
    """
    records = getattr(target, "meta", {}).get(BETTI_KEY)
    if records is None:
        return None
    found = np.asarray(records)
    wanted = (*target.shape[:2], _HEAD + target.ndim - 2)
    if found.dtype.kind not in "iu" or found.shape != wanted:
        raise ValueError(
            f"target's metadata {BETTI_KEY!r} must have one record for each of {wanted[:2]} items and channels, whole "
            f"numbers of shape {wanted}, got {found.dtype} of {found.shape}: {_ADVICE}"
        )
    return found.astype(np.int64)
