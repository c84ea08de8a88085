"""Work in threads, for what runs without the interpreter lock: the kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from monai_topo.topology.compiled.cpus import available_cpus

Item = TypeVar("Item")
Result = TypeVar("Result")


def count_threads(num_threads: int | None, num_items: int) -> int:
    """How many threads to take for some items: at most ``num_threads``, None is one for each CPU core.

    Cores count that this process may use: those of its affinity mask, and not more than its cgroup's quota.

    Raises:
        ValueError: when ``num_threads`` is not positive.

    Example:
        >>> count_threads(8, num_items=3)
        3
    """
    if num_threads is not None and num_threads < 1:
        raise ValueError(f"num_threads must be None or at least 1, got {num_threads!r}.")
    return max(1, min(num_threads or available_cpus(), num_items))


def map_in_threads(function: Callable[[Item], Result], items: Sequence[Item], num_threads: int | None) -> list[Result]:
    """Apply a function to each item, in threads of which the calling one is the first; the order is that of the items.

    The calling thread works from the last item on and the others from the first: starting and waking one thread more
    takes as long as a small patch.

    Raises:
        ValueError: when ``num_threads`` is not positive.

    Example:
        >>> map_in_threads(len, ["a", "bc", "def"], num_threads=2)
        [1, 2, 3]
    """
    threads = count_threads(num_threads, len(items))
    if threads == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads - 1) as pool:
        waiting = [pool.submit(function, item) for item in items]
        try:
            own = {n: function(items[n]) for n in reversed(range(len(items))) if waiting[n].cancel()}
            return [own[n] if n in own else waiting[n].result() for n in range(len(items))]
        finally:  # after an error the rest is not begun
            for future in waiting:
                future.cancel()
