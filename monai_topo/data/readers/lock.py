"""One process at a time writes a result."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def locked(path: Path, command: str, *, wait: bool = False) -> Iterator[None]:
    """Keep other processes from writing the same result in this block.

    The lock is the operating system's on a hidden file beside the result, or in it if it is a folder: it ends with its
    process however that ends, so that none is ever left over; the file itself may be, and does no harm.

    Args:
        path: path of the result, which is a folder if one is there; a file's folder is made if need be.
        command: name of the command that writes it, for the message.
        wait: whether to wait until no other process holds it, instead of raising.

    Raises:
        BlockingIOError: when another process holds it, saying which.
        OSError: when the folder cannot be written.
    """
    file = path / ".lock" if path.is_dir() else path.with_name(f".{path.name}.lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise BlockingIOError(
            f"{path} is being written by another {command}{_holder(file)}: wait for it, or name another result."
        ) from None
    try:
        with suppress(OSError):  # Windows lets nobody write there
            file.write_text(f" (process {os.getpid()} on {platform.node()})", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            file.unlink()
        lock.release()


def _holder(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
