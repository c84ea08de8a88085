"""Cases one after the other in this process, or several at once in others."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from monai_topo.commands.evaluation.case import score_case
from monai_topo.commands.evaluation.pairs import Pair
from monai_topo.commands.evaluation.report import CaseResult
from monai_topo.commands.interrupt import unseen_by_children

Outcome = CaseResult | str
"""Of a case, or one line that says what is wrong with it."""


def outcomes(
    pairs: Sequence[Pair], options: Any, workers: int, score: Callable[[Pair, Any], Any] | None = None
) -> Iterator[tuple[Pair, Any]]:
    """Each pair with what comes of it, as they are finished.

    Where the loop over them is left, by Ctrl-C for instance, the other processes are ended at once.

    Args:
        pairs: pairs to be scored.
        options: options that define the numbers.
        workers: number of processes; 1 is this one.
        score: function of a pair and the options that gives its result; None is :func:`score_case`.
    """
    if workers == 1 or len(pairs) < 2:
        for pair in pairs:
            yield pair, attempt(pair, options, score)
        return
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    with unseen_by_children():
        pool = ProcessPoolExecutor(min(workers, len(pairs)), context, _ignore_interrupts)
        pending = {pool.submit(attempt, pair, options, score): pair for pair in pairs}
    try:
        for future in as_completed(pending):
            yield pending[future], _outcome(future)
    except BaseException:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def attempt(pair: Pair, options: Any, score: Callable[[Pair, Any], Any] | None = None) -> Any:
    """The numbers of a case, or what is wrong with it: the other cases are scored all the same."""
    try:
        return (score or score_case)(pair, options)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        return reason if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {reason}"


def _outcome(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BrokenProcessPool:
        return "a process was killed, most likely for lack of memory: take fewer --workers."


def _ignore_interrupts() -> None:
    """Of Ctrl-C the first process alone takes care, also where there are no signal masks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
