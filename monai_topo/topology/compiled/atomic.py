"""Numbers that several threads read and change: one step each, which no other thread comes between."""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

_BYTES = 4


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.gep(data, [arguments[1]])


def _number(context: Any, builder: Any, signature: Any, arguments: Any, place: int) -> Any:
    return context.cast(builder, arguments[place], signature.args[place], types.int32)


def _generate_load(typing_context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("acquire")
        address = _address(context, builder, signature, arguments)
        found = builder.load_atomic(address, "acquire", _BYTES, typ=ir.IntType(8 * _BYTES))
        return context.cast(builder, found, types.int32, types.int64)

    return types.int64(array, index), generate


def _generate_replace(typing_context: Any, array: Any, index: Any, expected: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments)
        old, new = (_number(context, builder, signature, arguments, place) for place in (2, 3))
        return builder.extract_value(builder.cmpxchg(address, old, new, "acq_rel", "acquire"), 1)

    return types.boolean(array, index, expected, number), generate


def _load(array: Any, index: Any) -> Any:
    return array[index]


def _replace(array: Any, index: Any, expected: Any, number: Any) -> Any:
    found = array[index] == expected
    if found:
        array[index] = number
    return found


load: Any = _load if numba.config.DISABLE_JIT else intrinsic(_generate_load)
"""``load(array, index)`` reads an element of a flat int32 array, after all that the kernel has read before.

What a thread wrote before it called ``replace`` is seen by every thread that loads the number it put there.
"""
replace: Any = _replace if numba.config.DISABLE_JIT else intrinsic(_generate_replace)
"""``replace(array, index, expected, number)`` writes a number where the expected one still is; says whether it did."""
