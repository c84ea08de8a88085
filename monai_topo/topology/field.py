"""From a tensor or array to the scalar field that is filtered: exact, finite, on the CPU, growing by sublevel sets."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

Direction = Literal["superlevel", "sublevel"]
DIRECTIONS: tuple[Direction, ...] = ("superlevel", "sublevel")

_LARGEST_EXACT_INTEGER = 2**53


def check_direction(direction: str) -> Direction:
    """Return ``direction`` if it is ``"superlevel"`` or ``"sublevel"``.

    Raises:
        ValueError: when it is anything else.
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
    """
    chosen = tuple(range(ndim)) if dims is None else tuple(sorted(set(np.atleast_1d(dims).tolist())))
    if not chosen or any(not isinstance(k, int) or not 0 <= k < ndim for k in chosen):
        raise ValueError(f"dims must be homology dimensions from 0 to {ndim - 1} for {ndim}D data, got {dims!r}.")
    return chosen


def to_array(values: ArrayLike | torch.Tensor) -> NDArray[Any]:
    """Detach a tensor to a C-ordered float32 or float64 array without changing any value.

    float16 and bfloat16, bools and small integers become float32; wider integers become float64.

    Args:
        values: tensor on any device, or array-like, of any shape.

    Raises:
        ValueError: when an integer is too large to be exact in float64.
        TypeError: when the values are neither numbers nor bools.
    """
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"the field must hold real numbers or bools, got dtype {array.dtype}.")
    if array.dtype.kind in "iu" and array.size and max(int(array.max()), -int(array.min())) > _LARGEST_EXACT_INTEGER:
        raise ValueError(f"integers beyond 2**53 are not exact in float64, got {array.min()} to {array.max()}.")
    dtype = np.float32 if np.can_cast(array.dtype, np.float32) else np.float64
    return np.ascontiguousarray(array, dtype=dtype)


def sublevel_field(field: ArrayLike | torch.Tensor, direction: str = "superlevel") -> NDArray[Any]:
    """The field whose sublevel sets are the filtration asked for.

    A superlevel filtration of ``f`` is the sublevel filtration of ``-f``, ties in the same order of flat indices.

    Args:
        field: one channel, ``(H, W)`` or ``(H, W, D)``, finite.
        direction: ``"superlevel"`` for likelihoods, ``"sublevel"`` for distance maps.

    Returns:
        A C-ordered float32 or float64 array of the same shape, without negative zeros.

    Raises:
        ValueError: for a wrong direction or rank, an empty axis, NaN or infinity.

    Example:
        >>> sublevel_field([[0.25, 0.5]], "superlevel")
        array([[-0.25, -0.5 ]])
    """
    array = to_array(field)
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(f"field must be one channel of shape (H, W) or (H, W, D), not empty; got shape {array.shape}.")
    return _grow_by_sublevel_sets(array, direction)


def sublevel_stack(stack: NDArray[Any] | torch.Tensor, direction: str = "superlevel") -> NDArray[Any]:
    """:func:`sublevel_field` of all fields of one shape at once.

    Args:
        stack: ``(N, H, W)`` or ``(N, H, W, D)``, finite.
        direction: ``"superlevel"`` or ``"sublevel"``.

    Raises:
        ValueError: for a wrong direction or rank, an empty axis, NaN or infinity.
    """
    array = to_array(stack)
    if array.ndim not in (3, 4) or array.size == 0:
        raise ValueError(f"fields must have shape (N, H, W) or (N, H, W, D), not empty; got shape {array.shape}.")
    return _grow_by_sublevel_sets(array, direction)


def _grow_by_sublevel_sets(array: NDArray[Any], direction: str) -> NDArray[Any]:
    if not np.isfinite(array).all():
        raise ValueError("field holds NaN or infinity: a filtration needs finite values.")
    zero = array.dtype.type(0)
    return np.asarray(zero - array if check_direction(direction) == "superlevel" else zero + array)


def to_ordered_integers(field: NDArray[Any]) -> NDArray[np.int32]:
    """Integers in the order of the values of a field.

    Args:
        field: float32 or float64, finite, without negative zeros.

    Returns:
        int32 of the same shape. For float64 they are ranks, unless all values are exact in float32.

    Example:
        >>> to_ordered_integers(np.array([0.5, -0.5, 1e-300])).argsort()
        array([1, 2, 0])
    """
    with np.errstate(over="ignore"):
        single = field.astype(np.float32, copy=False)
    if single is not field and not np.array_equal(single, field):
        return np.unique(field, return_inverse=True)[1].reshape(field.shape).astype(np.int32)
    bits = np.ascontiguousarray(single).view(np.int32)
    # Of a negative float all bits but the sign are turned around.
    return np.asarray(bits ^ ((bits >> 31) & np.int32(2**31 - 1)))
