"""Of the processes that need one kernel at once, such as the ranks of a node, one compiles and the others wait."""

from __future__ import annotations

import logging
from pathlib import Path

from filelock import FileLock, Timeout

LONGEST_WAIT = 120.0
"""Seconds after which a process that waits compiles all the same: the one that holds the lock may have been stopped."""

_AT_ONCE = 0.2
_logger = logging.getLogger("monai_topo")
_told: set[str] = set()


class Turn:
    """A lock that the operating system keeps on a file: it ends with its process, however that ends.

    Args:
        path: path of the file, whose folder exists; the file stays.
    """

    def __init__(self, path: str) -> None:
        self._lock = FileLock(path, thread_local=False)

    def take(self) -> bool:
        """Wait until no other process compiles; return whether it is this one's turn, which ``end`` must end.

        Where files cannot be locked, and after ``LONGEST_WAIT``, nobody is waited for.
        """
        if self._lock.is_locked:
            return True
        try:
            self._acquire()
        except (Timeout, OSError, NotImplementedError):
            return False
        return True

    def _acquire(self) -> None:
        try:
            self._lock.acquire(timeout=_AT_ONCE)
        except Timeout:
            if not _told:
                _told.add("waiting")
                _logger.warning("Another process is compiling kernels, beside %s: waiting for it.", self._folder)
            self._lock.acquire(timeout=LONGEST_WAIT)

    @property
    def _folder(self) -> Path:
        return Path(self._lock.lock_file).parent

    def end(self) -> None:
        """Let the next one have its turn; without one nothing happens."""
        self._lock.release()
