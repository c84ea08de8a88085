"""From a tensor or array to the scalar field that is filtered: exact, finite, on the CPU, growing by sublevel sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import check_direction

_LARGEST_EXACT_INTEGER = 2**53


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
    return _grow_by_sublevel_sets(finite_field(field), direction)


def finite_field(field: ArrayLike | torch.Tensor) -> NDArray[Any]:
    """One channel as a C-ordered float32 or float64 array, which is ``field`` itself where it is such a one.

    Args:
        field: ``(H, W)`` or ``(H, W, D)``, finite.

    Raises:
        ValueError: for a wrong rank, an empty axis, NaN or infinity.
    """
    array = to_array(field)
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(f"field must be one channel of shape (H, W) or (H, W, D), not empty; got shape {array.shape}.")
    _check_finite(array)
    return array


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
    _check_finite(array)
    return _grow_by_sublevel_sets(array, direction)


def _check_finite(array: NDArray[Any]) -> None:
    if not np.isfinite(array).all():
        raise ValueError("field holds NaN or infinity: a filtration needs finite values.")


def _grow_by_sublevel_sets(array: NDArray[Any], direction: str) -> NDArray[Any]:
    zero = array.dtype.type(0)
    return np.asarray(zero - array if check_direction(direction) == "superlevel" else zero + array)


def to_integers(field: NDArray[Any]) -> tuple[NDArray[np.int32], bool]:
    """Integers that stand for the values of a field.

    Args:
        field: float32 or float64, finite, without negative zeros.

    Returns:
        int32 of the same shape, and whether they are the bits of float32 numbers. For float64 they are the ranks of the
        values that occur, unless all are exact in float32.

    Example:
        >>> to_integers(np.array([0.5, -0.5, 1e-300]))
        (array([2, 0, 1], dtype=int32), False)
    """
    if field.dtype != np.float32:
        with np.errstate(over="ignore"):
            single = field.astype(np.float32)
        if not np.array_equal(single, field):
            ranks = np.unique(field, return_inverse=True)[1].reshape(field.shape)
            return ranks.astype(np.int32), False
        field = single
    return np.ascontiguousarray(field).view(np.int32), True


def to_ordered_integers(field: NDArray[Any]) -> NDArray[np.int32]:
    """:func:`to_integers`, in the order of the values in either case.

    Example:
        >>> to_ordered_integers(np.array([0.5, -0.5, 0.25])).argsort()
        array([1, 2, 0])
    """
    integers, is_float = to_integers(field)
    # Of a negative float all bits but the sign are turned around.
    return integers ^ ((integers >> 31) & np.int32(2**31 - 1)) if is_float else integers
