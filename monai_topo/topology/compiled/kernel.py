"""How the kernels are compiled: without the interpreter lock, and only when they are first called.

Entry kernels are called from Python and kept in numba's cache on disk; the other kernels are linked into them, see
``linking``.

What compiles once instead of twice: numba makes one version of a kernel for a number or a bool that is written out in a
call, and another for the same type in a variable. So constants that are handed on are numpy's (``np.int64(0)``). What
takes seconds: an array that is assigned to a slice, with the message of the error that it may raise; arrays are copied
element by element.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np

from monai_topo.topology.compiled.versions import ADVICE, warn_of_unknown_versions

warn_of_unknown_versions()
try:
    import numba
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    from monai_topo.topology.compiled.cache import cache_of
    from monai_topo.topology.compiled.linking import EntryCompiler, InnerCompiler
except (ImportError, AttributeError) as error:
    raise ImportError(f"The kernels cannot be compiled ({error}); {ADVICE}") from error

Function = TypeVar("Function", bound=Callable[..., Any])

Int: TypeAlias = int | np.signedinteger[Any]
"""A whole number; for numba Python's and numpy's are alike."""

_INNER: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": InnerCompiler}
"""Without the code to be called from Python, and compiled as ``linking`` says: half of the time to compile.

Python that calls such a kernel all the same crashes: a test calls it from an ``njit`` function of its own.
"""

at: Any = np.uint64
"""Wraps an index that is not negative, which the compiler cannot know of one that was read from an array.

Otherwise numba sees to it that negative ones count from the end, and a step along a path costs half as much again.
"""


def kernel(function: Function) -> Function:
    """Compile a function that makes no arrays, without reference counting.

    numba cannot always prove that the counts of arrays handed from kernel to kernel cancel, and then one step of a
    union-find costs ten times as much.
    """
    return cast(Function, numba.njit(nogil=True, _nrt=False, **_INNER)(function))


def inlined_kernel(function: Function) -> Function:
    """Compile a short :func:`kernel` into its callers: in hot loops handing on arrays costs more than what it does."""
    return cast(Function, numba.njit(nogil=True, _nrt=False, forceinline=True, **_INNER)(function))


def allocating_kernel(function: Function) -> Function:
    """Compile a function that makes arrays."""
    return cast(Function, numba.njit(nogil=True, **_INNER)(function))


def entry_kernel(function: Function) -> Function:
    """Compile a function that Python calls, once for all processes.

    numba's cache looks only at the file of the function itself, so its name carries a digest of all sources that are
    compiled into it.
    """
    function.__qualname__ += f"_{_digest_of_sources(function.__module__)}"
    compiled: Any = numba.njit(nogil=True, no_cfunc_wrapper=True, pipeline_class=EntryCompiler)(function)
    if not numba.config.DISABLE_JIT:
        compiled._cache = cache_of(function)
        compiled.compile = _in_turn(compiled.compile, compiled._cache)
    return cast(Function, compiled)


def _in_turn(compile_kernel: Callable[[Any], Any], cache: Any) -> Callable[[Any], Any]:
    """Loads or compiles a kernel, after which other processes may."""

    def load_or_compile(signature: Any) -> Any:
        try:
            return compile_kernel(signature)
        finally:
            cache.end_turn()

    return load_or_compile


def _digest_of_sources(module: str) -> str:
    """Of the source of a module, and of all in this package that it imports, directly or not."""
    sources: dict[str, bytes] = {}
    left = {module, __name__}
    while left:
        name = left.pop()
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        sources[name] = Path(spec.origin).read_bytes()
        if spec.submodule_search_locations is None:  # what a package's face imports is not compiled
            imported = re.findall(rb"^ *from (monai_topo\.[\w.]+) import", sources[name], re.M)
            left |= {found.decode() for found in imported} - {*sources}
    return hashlib.sha256(b"".join(sources[name] for name in sorted(sources))).hexdigest()[:12]


_TO_READ, _MUCH_USED, _DATA = 0, 3, 1


def _generate_fetch(typing_context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        options = [cgutils.int32_t(option) for option in (_TO_READ, _MUCH_USED, _DATA)]
        kind = ir.FunctionType(ir.VoidType(), [address.type, *(option.type for option in options)])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(prefetch, [address, *options])
        return context.get_dummy_value()

    return types.void(array, index), generate


fetch: Any = (lambda array, index: None) if numba.config.DISABLE_JIT else intrinsic(_generate_fetch)
"""``fetch(array, index)`` has an element of a flat array brought to the cache while other things are computed.

The index may lie outside the array: nothing is read. It is LLVM's ``prefetch``, and as plain Python it does nothing.
"""
