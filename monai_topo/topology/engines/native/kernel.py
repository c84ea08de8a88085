"""How the kernels are compiled: without the interpreter lock, and only when they are first called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

kernel: Callable[[Callable[..., Any]], Callable[..., Any]] = numba.njit(nogil=True, _nrt=False)
"""Marks a function that runs inside an entry kernel. It is linked into the entry, so it needs no cache of its own.

It makes no arrays and has no reference counting: numba cannot always prove that counts of arrays handed from kernel to
kernel cancel, and then a step of a union-find costs ten times as much.
"""

inlined_kernel: Callable[[Callable[..., Any]], Callable[..., Any]] = numba.njit(
    nogil=True, _nrt=False, forceinline=True
)
"""Marks a short ``kernel`` for hot loops: handing on arrays costs more than what it does."""

allocating_kernel: Callable[[Callable[..., Any]], Callable[..., Any]] = numba.njit(nogil=True)
"""Marks a function inside an entry kernel that makes arrays."""

entry_kernel: Callable[[Callable[..., Any]], Callable[..., Any]] = numba.njit(nogil=True, cache=True)
"""Marks a function that Python calls: compiled on first use, and kept on disk for later processes."""
