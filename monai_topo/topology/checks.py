"""Arguments that many functions take, read in one way: direction, connectivity, dimensions, masks."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

Direction = Literal["superlevel", "sublevel"]
DIRECTIONS: tuple[Direction, ...] = ("superlevel", "sublevel")

Mask = NDArray[np.bool_]


def check_direction(direction: str) -> Direction:
    """Return ``direction`` if it is ``"superlevel"`` or ``"sublevel"``.

    Raises:
        ValueError: when it is anything else.

    Example:
        >>> check_direction("sublevel")
        'sublevel'
    """
    for known in DIRECTIONS:
        if direction == known:
            return known
    raise ValueError(f"direction must be one of {DIRECTIONS}, got {direction!r}.")


def is_full_connectivity(connectivity: int | None, ndim: int) -> bool:
    """Read the package-wide ``connectivity`` argument.

    Args:
        connectivity: the foreground's connectivity. None or ``ndim`` is full (8 neighbors in 2D, 26 in 3D),
            1 is face (4 in 2D, 6 in 3D). The background always has the other one.
        ndim: number of spatial axes.

    Returns:
        True for full, False for face.

    Raises:
        ValueError: for any other value; there is no homology of 18-connected sets.

    Example:
        >>> is_full_connectivity(None, 3), is_full_connectivity(1, 3)
        (True, False)
    """
    if connectivity is None or connectivity == ndim:
        return True
    if connectivity == 1:
        return False
    raise ValueError(
        f"connectivity must be None or {ndim} (full) or 1 (face) for {ndim}D data, got {connectivity!r}: "
        "only these two have a dual connectivity for the background."
    )


def check_dims(dims: Any, ndim: int) -> tuple[int, ...]:
    """Return the homology dimensions asked for, sorted; None is all below ``ndim``.

    Raises:
        ValueError: when one is not an integer in ``[0, ndim)``, or none is left.

    Example:
        >>> check_dims(None, 3), check_dims([1, 0, 1], 2)
        ((0, 1, 2), (0, 1))
    """
    chosen = tuple(range(ndim)) if dims is None else tuple(sorted(set(np.atleast_1d(dims).tolist())))
    if not chosen or any(not isinstance(k, int) or not 0 <= k < ndim for k in chosen):
        raise ValueError(f"dims must be homology dimensions from 0 to {ndim - 1} for {ndim}D data, got {dims!r}.")
    return chosen


def check_mask(mask: ArrayLike | torch.Tensor, name: str = "mask") -> Mask:
    """One channel, ``(H, W)`` or ``(H, W, D)``, as bools.

    Args:
        mask: bools, or numbers that are 0 or 1, on any device.
        name: name in error messages.

    Raises:
        ValueError: for another number of axes, an empty axis, or values other than 0 and 1.

    Example:
        >>> check_mask([[0, 1]])
        array([[False,  True]])
    """
    if isinstance(mask, torch.Tensor):
        mask = mask.detach().cpu()
        mask = (mask.float() if mask.dtype == torch.bfloat16 else mask).numpy()  # NumPy has no bfloat16
    array: NDArray[Any] = np.asarray(mask)
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(
            f"{name} must be one channel of shape (H, W) or (H, W, D), not empty; got shape {array.shape}."
        )
    foreground = array.astype(bool)
    if array.dtype != bool and not np.array_equal(array, foreground):
        raise ValueError(
            f"{name} must hold only 0 and 1 (or bools); threshold a likelihood, one-hot encode a label map."
        )
    return foreground


def check_mask_pair(prediction: ArrayLike | torch.Tensor, target: ArrayLike | torch.Tensor) -> tuple[Mask, Mask]:
    """Two masks of one shape, as bools.

    Raises:
        ValueError: when the shapes differ, and as :func:`check_mask`.

    Example:
        >>> check_mask_pair([[0, 1]], [[1, 1]])[1]
        array([[ True,  True]])
    """
    masks = check_mask(prediction, "prediction"), check_mask(target, "target")
    if masks[0].shape != masks[1].shape:
        raise ValueError(f"prediction and target must have one shape, got {masks[0].shape} and {masks[1].shape}.")
    return masks
