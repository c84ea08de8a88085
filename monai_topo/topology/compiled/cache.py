"""The compiled kernels on disk: numba's cache, which a bad file or a folder that cannot be written does not stop.

numba reads its files as they are. Here each carries a digest of its content and of numba's and llvmlite's version, so
that one that is cut off, damaged or of another version is seen before anything in it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import logging
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache

from monai_topo.topology.compiled.turns import Turn

_logger = logging.getLogger("monai_topo")
_told: set[str] = set()

_Locator: Any = FunctionCache._impl_class._locator_classes[0]
_SEED = f"{numba.__version__} {llvmlite.__version__} ".encode()
_DIGEST_SIZE = hashlib.sha256().digest_size


def cache_of(function: Callable[..., Any]) -> Any:
    """Where numba looks for the compiled code of a function and keeps it.

    That is the first folder that can be written: ``NUMBA_CACHE_DIR``, ``__pycache__`` beside the source, the user's
    cache, a private one among the temporary files. Without any, nothing is kept.
    """
    try:
        return KernelCache(function)
    except (RuntimeError, OSError):  # numba has no folder
        _tell(
            "No folder for compiled kernels can be written: every process compiles them anew. "
            "Set NUMBA_CACHE_DIR to a folder that can."
        )
        return _NothingKept()


class _TemporaryLocator(_Locator):
    """A folder among the temporary files that nobody else can write to: code that is loaded from it is run."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file, self._lineno = file, function.__code__.co_firstlineno
        self._cache_path = os.path.join(_private_folder(), self.get_suitable_cache_subpath(file))

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> _TemporaryLocator | None:
        """None where there is no such folder."""
        try:
            self = cls(function, file)
            self.ensure_cache_path()
        except OSError:
            return None
        _tell(
            f"No lasting folder for compiled kernels can be written; they are kept in {_private_folder()}. "
            "Set NUMBA_CACHE_DIR to a folder that lasts."
        )
        return self


class _Storage(FunctionCache._impl_class):
    _locator_classes = (*FunctionCache._impl_class._locator_classes, _TemporaryLocator)


class KernelCache(FunctionCache):
    """numba's cache of one function, with :class:`_CheckedFiles`, and one process at a time that compiles it.

    Folders that cannot be written are read too: those of a container that is mounted read-only, or of another user.
    """

    _impl_class = _Storage

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        name, stamp = self._impl.filename_base, self._impl.locator.get_source_stamp()
        self._cache_file: _CheckedFiles = _CheckedFiles(self._cache_path, name, stamp)
        self._read_only = [_CheckedFiles(folder, name, stamp) for folder in _unwritable(function, self._cache_path)]
        self._turn = Turn(os.path.join(self._cache_path, f"{name}.lock"))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function for a signature; None if it has to be compiled, which is said.

        With None it is this process's turn to compile, until ``end_turn``.
        """
        found = self._load(sig, target_context)
        if found is None:
            self._turn.take()
            found = self._load(sig, target_context)  # what another process has compiled meanwhile
        if found is None:
            _announce(f"later ones load them from {self._cache_path}")
        return found

    def end_turn(self) -> None:
        """Let other processes compile."""
        self._turn.end()

    def _load(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        key = self._index_key(sig, target_context.codegen())
        for files in (self._cache_file, *self._read_only):
            try:
                data = files.load(key)
                if data is not None:
                    return self._impl.rebuild(target_context, data)
            except Exception as error:  # what a file holds that is whole but does not fit is not known
                files.throw_away(files._index_path, error)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled function; where that fails this process goes on without."""
        try:
            super().save_overload(sig, data)
        except Exception as error:
            _tell(f"Compiled kernels could not be kept in {self._cache_path}: {error}")


class _NothingKept(NullCache):
    def end_turn(self) -> None:
        """No other process is waited for."""

    def load_overload(self, sig: Any, target_context: Any) -> None:
        _announce("so does every later one, because no folder for them can be written")


class _CheckedFiles(IndexDataCacheFile):
    """An index from signatures to data files, and these; a file that is not as it was written is thrown away."""

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        name = self._load_index().get(key)
        found = None if name is None else self._read(self._data_path(name))
        if found is None:
            return None
        # Of two processes that begin an index at once each names its data file number 1.
        return found[1] if found[0] == key else None

    def _load_index(self) -> dict[Any, str]:
        stamp, overloads = self._read(self._index_path) or (None, {})
        return overloads if stamp == self._source_stamp else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write(self._index_path, (self._source_stamp, overloads))

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), data)

    def _read(self, path: str) -> Any:
        """What a file holds; None if there is none, or none that can be used any more."""
        try:
            content = Path(path).read_bytes()
            if content[:_DIGEST_SIZE] != _digest(content[_DIGEST_SIZE:]):
                raise ValueError("it is cut off, damaged or of another version of numba")
            return pickle.loads(content[_DIGEST_SIZE:])
        except FileNotFoundError:
            return None
        except Exception as error:
            self.throw_away(path, error)
            return None

    def _write(self, path: str, content: Any) -> None:
        pickled = self._dump(content)
        with self._open_for_write(path) as file:
            file.write(_digest(pickled) + pickled)

    def throw_away(self, path: str, error: Exception) -> None:
        """Remove a file, and say so."""
        _tell(f"The file {path} of compiled kernels is thrown away and made anew: {error}.")
        with contextlib.suppress(OSError):
            os.unlink(path)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(_SEED + content).digest()


def _unwritable(function: Callable[..., Any], chosen: str) -> list[str]:
    """The folders before the chosen one, of those that may hold compiled code of a function."""
    source = inspect.getfile(function)
    subfolder = _Locator.get_suitable_cache_subpath(source)
    folders = [os.path.join(os.path.dirname(source), "__pycache__")]
    if numba.config.CACHE_DIR:
        folders.insert(0, os.path.join(numba.config.CACHE_DIR, subfolder))
    return folders[: folders.index(chosen)] if chosen in folders else folders


def _private_folder() -> str:
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"monai_topo_{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if hasattr(os, "getuid") and (state.st_uid != user or state.st_mode & 0o022 or folder.is_symlink()):
        raise PermissionError(f"{folder} belongs to another user, or others may write to it")
    return str(folder)


def _announce(later: str) -> None:
    if "compiling" not in _told:
        _told.add("compiling")
        _tell(f"Compiling kernels, which takes up to a minute in this process; {later}.")


def _tell(line: str) -> None:
    """Log a line, once in this process."""
    if line not in _told:
        _told.add(line)
        _logger.warning(line)
