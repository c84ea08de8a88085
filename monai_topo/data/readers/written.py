"""The one way to write a file: whole under its name, or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from monai.config import PathLike

from monai_topo.data.readers.suffixes import suffix_of

_PREFIX = ".part-"


@contextmanager
def written_whole(path: PathLike) -> Iterator[Path]:
    r"""Path to write to, which takes the name of the target when the block ends without an error.

    The temporary file lies in the target's folder, which is made if need be. Its name is hidden and unique, so that
    several processes can write one target: the last one wins. It ends as the target's does, for writers that
    look at the suffix. After an error it is removed, and a file that had the target's name before stays as it was.

    Args:
        path: path of the file to write.

    Yields:
        Where to write.

    Raises:
        OSError: when it cannot be written, such as for want of space or permission; it names ``path``.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "results" / "scores.csv"
        >>> with written_whole(target) as temporary:
        ...     _ = temporary.write_text("dice\n0.5\n")
        ...     target.exists()
        False
        >>> [file.name for file in target.parent.iterdir()]
        ['scores.csv']
    """
    target = Path(os.path.realpath(path))  # a link to a file stays a link
    temporary = target.with_name(f"{_PREFIX}{secrets.token_hex(8)}{suffix_of(target) or target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise _naming(error, temporary, path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _naming(error: OSError, temporary: Path, path: PathLike) -> OSError:
    """The error with the name of the target, if it is about the temporary file or about no file at all."""
    if error.filename is not None and Path(os.fsdecode(error.filename)) not in (temporary, temporary.parent):
        return error
    if error.errno is None or error.strerror is None:  # libraries write sentences of their own
        return OSError(f"{path} cannot be written: {error}")
    return OSError(error.errno, error.strerror, os.fspath(path))


def write_text(path: PathLike, text: str) -> None:
    """Write a text file whole, in UTF-8, with the line ends of ``text``.

    Args:
        path: path of the file; its folder is made if need be.
        text: content.

    Raises:
        OSError: when it cannot be written.
    """
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_json(path: PathLike, content: Any) -> None:
    """Write a JSON file whole.

    Args:
        path: path of the file; its folder is made if need be.
        content: content, JSON-serializable.

    Raises:
        OSError: when it cannot be written.
        ValueError: when a number is not finite.
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


@contextmanager
def folder_written_whole(path: PathLike) -> Iterator[Path]:
    """As :func:`written_whole`, for a result that is a folder: it takes the name of the target when it is complete.

    Args:
        path: path of the folder to write; what had its name before is removed at the end, not before.

    Yields:
        Where to make it.

    Raises:
        OSError: when it cannot be written; it names ``path``.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f"{_PREFIX}{secrets.token_hex(8)}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        put_in_place(temporary, target)
    except OSError as error:
        raise _naming(error, temporary, path) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def put_in_place(folder: Path, target: Path) -> None:
    """Give a folder the name of another, which is removed if it is there."""
    if not target.exists():
        folder.rename(target)
        return
    aside = target.with_name(f"{_PREFIX}{secrets.token_hex(8)}")
    target.rename(aside)
    folder.rename(target)
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink()
