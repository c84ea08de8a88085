"""Files below a folder or in a zip archive, whatever names the archive holds."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

MAX_UNPACKED = 16.0
"""Gigabytes that an archive may be unpacked to; a case of 3Dircadb with all its masks takes two."""

_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError, OverflowError)
_UNSUPPORTED = (NotImplementedError, RuntimeError)


class FileTree:
    """The files below a folder, or in a zip archive, by their relative paths.

    Nothing of an archive is ever written under a name of its own, and one that holds a name that points outside is
    refused altogether: absolute paths, ``..``, drive letters and symbolic links, in the spelling of Windows too. Hidden
    files and what macOS adds to archives are left out.

    Args:
        path: folder or zip archive.
        max_unpacked: gigabytes that the files of the archive may take when they are unpacked.

    Attributes:
        path: the same.
        names: relative paths of the files, sorted.

    Raises:
        FileNotFoundError: when there is no such folder or archive.
        ValueError: when an archive is damaged, encrypted, of a kind that cannot be read, or holds a name that points
            outside.
    """

    def __init__(self, path: Path, max_unpacked: float = MAX_UNPACKED) -> None:
        self.path = path
        self._max_unpacked = max_unpacked
        self._left = int(max_unpacked * 1e9)
        self._is_archive = path.is_file()
        if self._is_archive:
            self._entries = {PurePosixPath(name.replace("\\", "/")): name for name in self._safe_names()}
        elif path.is_dir():
            files = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
            self._entries = {PurePosixPath(name): name for name in files}
        else:
            raise FileNotFoundError(f"no such file or folder: {path}")
        self.names = sorted(name for name in self._entries if not any(map(_is_clutter, name.parts)))

    def fetch(self, names: Iterable[PurePosixPath], scratch: Path) -> list[Path]:
        """Paths under which the files can be read; those of an archive are unpacked first.

        Args:
            names: some of ``names``.
            scratch: existing folder for what is unpacked; the files there are numbered.

        Raises:
            ValueError: when the archive is damaged, or holds more than ``max_unpacked``.
        """
        if not self._is_archive:
            return [self.path / name for name in names]
        start = sum(1 for _ in scratch.iterdir())
        with self._archive("damaged") as archive:
            return [
                self._unpack(archive, self._entries[name], scratch / f"{i:06d}") for i, name in enumerate(names, start)
            ]

    @contextmanager
    def _archive(self, fault: str) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield archive
        except _Refused as error:
            raise ValueError(str(error)) from None
        except _UNSUPPORTED as error:
            raise ValueError(f"{self.path} cannot be read ({error}): unpack it by another tool.") from None
        except (*_DAMAGED, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # bz2 raises one of its own
                raise
            reason = str(error) or type(error).__name__
            raise ValueError(f"{self.path} is {fault}: {reason}. Is the download complete?") from None

    def _unpack(self, archive: zipfile.ZipFile, name: str, path: Path) -> Path:
        """Copy a file; what the archive says of its size is not believed."""
        with archive.open(name) as source, path.open("wb") as target:
            while block := source.read(min(2**20, self._left + 1)):
                self._left -= len(block)
                if self._left < 0:
                    raise _Refused(
                        f"{self.path} takes more than {self._max_unpacked:g} GB when it is unpacked: raise "
                        "--max-unpacked (max_unpacked) if that is right."
                    )
                target.write(block)
        return path

    def _safe_names(self) -> list[str]:
        """Names of the files in an archive, if not one of its names points outside."""
        with self._archive("no zip archive or a damaged one") as archive:
            entries = archive.infolist()
            for entry in entries:
                if _points_outside(entry):
                    raise _Refused(
                        f"{self.path} holds {entry.filename!r}, which points outside the archive: nothing of it is "
                        "read."
                    )
                if entry.flag_bits & 1:
                    raise _Refused(f"{self.path} is encrypted ({entry.filename!r}): unpack it first.")
            return [entry.filename for entry in entries if not entry.is_dir()]


class _Refused(Exception):  # noqa: N818
    """What is wrong with an archive that is not damaged."""


def _points_outside(entry: zipfile.ZipInfo) -> bool:
    name = PureWindowsPath(entry.filename)  # knows both kinds of slashes
    return bool(name.anchor) or ".." in name.parts or stat.S_ISLNK(entry.external_attr >> 16)


def _is_clutter(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"
