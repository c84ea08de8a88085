"""Work in threads, for what runs without the interpreter lock: the kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral
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
    return max(1, min(_all_threads(num_threads), num_items))


def threads_for_each(num_threads: int | None, num_items: int) -> int:
    """How many threads each of some items may take, when all are worked on at once with ``num_threads`` in all.

    Raises:
        ValueError: when ``num_threads`` is not positive.

    Example:
        >>> threads_for_each(16, num_items=3)
        5
    """
    return max(1, _all_threads(num_threads) // max(1, num_items))


def _all_threads(num_threads: int | None) -> int:
    if num_threads is None:
        return available_cpus()
    if not isinstance(num_threads, Integral) or num_threads < 1:
        raise ValueError(f"num_threads must be None or a whole number of at least 1, got {num_threads!r}.")
    return int(num_threads)


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
    with Team(count_threads(num_threads, len(items))) as team:
        return team.map(function, items)


class Team:
    """Threads that stay together for several calls, of which the calling one is the first; to be used with ``with``.

    Args:
        num_threads: threads in all.

    Example:
        >>> with Team(2) as team:
        ...     team.map(len, ["a", "bc"]), team.map(abs, [-1, -2])
        ([1, 2], [1, 2])
    """

    def __init__(self, num_threads: int) -> None:
        self._pool = ThreadPoolExecutor(num_threads - 1) if num_threads > 1 else None

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Apply a function to each item, as :func:`map_in_threads` does."""
        if self._pool is None or len(items) < 2:
            return [function(item) for item in items]
        waiting = [self._pool.submit(function, item) for item in items]
        try:
            own = {n: function(items[n]) for n in reversed(range(len(items))) if waiting[n].cancel()}
            return [own[n] if n in own else waiting[n].result() for n in range(len(items))]
        finally:  # after an error the rest is not begun
            for future in waiting:
                future.cancel()

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()
