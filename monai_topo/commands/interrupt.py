"""Ctrl-C on the command line: exit status 130 and one line, at whatever moment it comes.

This file imports nothing heavy: it is at work while everything else is imported.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""Exit status of an interrupted command, as shells have it."""


def leave_at_interrupts() -> None:
    """Let Ctrl-C end the process at once: for imports and for the end, where nothing is half done.

    An exception would not do: it comes out of the midst of other packages, some of which catch it or print it. A
    process that ignores Ctrl-C, as under ``nohup``, goes on to ignore it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


@contextmanager
def interruptible() -> Iterator[None]:
    """In this block Ctrl-C raises ``KeyboardInterrupt`` again, so that work is ended in order."""
    if signal.getsignal(signal.SIGINT) is not _leave:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _leave)


@contextmanager
def unseen_by_children() -> Iterator[None]:
    """Processes that are started in this block see no Ctrl-C; this one sees it when the block has ended.

    A terminal sends it to all of them, and each would print where it was. The signal mask is what a process inherits;
    Windows has none.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # where it starts, this process would see signals again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.stderr.write("monai_topo: interrupted\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)
