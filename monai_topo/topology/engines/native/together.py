"""One 3D field in several threads: the steps one after the other, and what the threads share of each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.threads import Team
from monai_topo.topology.engines.native.pairing import ends, shares
from monai_topo.topology.engines.native.pairing.ends import Share, Shared

_FIRST_ROOM = 2
"""Voxels for one place to keep chains, at first: smooth fields need one for four of them, white noise two for each."""


def share_nothing(threads: int) -> Shared:
    """What threads share before any cell is found."""
    return Shared(
        edges=np.empty((ends.TAKER + 1, 0), np.int32),
        squares=np.empty((ends.ORDER + 1, 0), np.int32),
        spans=np.empty((2, 0), np.int64),
        voxels=np.empty(0, np.int32),
        bits=np.empty(0, np.uint8),
        counts=np.zeros((threads, int(ends.FEW)), np.int64),
        turns=np.zeros((2, threads), np.int32),
    )


def memory_of_threads(size: int, threads: int) -> NDArray[np.int32]:
    """Place for keys and words of that many voxels, and for what each thread has for itself."""
    return np.empty(2 * (1 + threads) * size, np.int32)


class Task(NamedTuple):
    """One field and the threads that work on it.

    Attributes:
        call: the entry kernel with all its arguments but the last two, ``share`` and ``shared``.
        wanted: dimensions whose pairs are wanted, as a mask.
        size: voxels of the padded grid.
        threads: number of threads.
        team: the threads.
    """

    call: Callable[[Share, Shared], Any]
    wanted: NDArray[np.bool_]
    size: int
    threads: int
    team: Team

    def together(self, step: int, shared: Shared) -> list[Any]:
        """Do a step in all threads; what each has found."""
        return self.side_by_side([step] * self.threads, shared)

    def side_by_side(self, steps: list[int], shared: Shared) -> list[Any]:
        """Do a step in each of some threads; what each has found."""
        parts = [Share(np.int64(step), np.int64(n), np.int64(self.threads)) for n, step in enumerate(steps)]
        return self.team.map(partial(self._do, shared=shared), parts)

    def _do(self, share: Share, shared: Shared) -> Any:
        return self.call(share, shared)


def pairs_in_threads(task: Task) -> list[NDArray[np.int64]] | None:
    """Pairs of one field as int64 ``(2, n)`` for each dimension; None where dimension 1 was given up."""
    shared = share_nothing(task.threads)
    task.together(shares.KEYS, shared)
    task.together(shares.CRITICAL, shared)
    shared.counts[0] = shared.counts.sum(axis=0)
    shared = _with_cells(shared)
    steps = [shares.MINIMA] * bool(task.wanted[:2].any()) + [shares.MAXIMA] * bool(task.wanted[1:].any())
    each = task.side_by_side(steps, shared)
    none = np.empty((2, 0), np.int64)
    low, high = each[0][1] if task.wanted[0] else none, each[-1][1] if task.wanted[2] else none
    if not task.wanted[1]:
        return [low, none, high]
    done, middle = _pair_loops(task, shared)
    return [low, middle, high] if done else None


def _with_cells(shared: Shared) -> Shared:
    """What is shared, with place for the critical cells that were counted."""
    _, edges, _, squares = shared.counts[0, :4].tolist()
    return shared._replace(
        edges=np.empty((ends.TAKER + 1, edges), np.int32),
        squares=np.empty((ends.ORDER + 1, squares), np.int32),
        spans=np.zeros((2, squares), np.int64),
    )


def _pair_loops(task: Task, shared: Shared) -> tuple[bool, Any]:
    """Dimension 1, once the other two are paired: whether it is done, and its pairs."""
    task.together(shares.MARK, shared)
    task.together(shares.COPY, shared)
    task.side_by_side([shares.ORDER_TURNS], shared)
    _divide_turns(task, shared)
    while _is_turn_left(shared):
        shared = _make_room(shared, max(shared.voxels.size, task.size // _FIRST_ROOM) // task.threads + 1)
        if not all(found[0] for found in task.together(shares.REDUCE, shared)):
            return False, None
    return True, task.side_by_side([shares.LOOPS], shared)[0][1]


def _divide_turns(task: Task, shared: Shared) -> None:
    """Give each thread as many squares as every other, bricks that are near each other."""
    cuts = np.arange(task.threads + 1) * shared.counts[0, shares.ORDERED] // task.threads
    shared.turns[:] = cuts[:-1], cuts[1:]
    shared.counts[:, [shares.TURN, shares.LAST]] = 0


def _is_turn_left(shared: Shared) -> bool:
    """Whether there are squares that no thread has reduced."""
    begun = shared.counts[:, shares.TURN] < shared.counts[:, shares.LAST]
    return bool(begun.any() or (shared.turns[0] < shared.turns[1]).any())


def _make_room(shared: Shared, room: int) -> Shared:
    """More places to keep chains, as many for each thread; what is kept stays where it is."""
    old, threads = shared.voxels.size, shared.counts.shape[0]
    voxels, bits = np.empty(old + threads * room, np.int32), np.empty(old + threads * room, np.uint8)
    voxels[:old], bits[:old] = shared.voxels, shared.bits
    shared.counts[:, shares.END] = old + np.arange(threads) * room
    shared.counts[:, shares.ROOM] = shared.counts[:, shares.END] + room
    return shared._replace(voxels=voxels, bits=bits)
