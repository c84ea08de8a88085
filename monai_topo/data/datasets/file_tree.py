"""Files below a folder or in a zip archive, whatever names the archive holds."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath


class FileTree:
    """The files below a folder, or in a zip archive, by their relative paths.

    Nothing of an archive is ever written under a name of its own, and one that holds a name that points outside is
    refused altogether: absolute paths, ``..``, drive letters and symbolic links, in the spelling of Windows too. Hidden
    files and what macOS adds to archives are left out.

    Args:
        path: folder or zip archive.

    Attributes:
        path: the same.
        names: relative paths of the files, sorted.

    Raises:
        FileNotFoundError: when there is no such folder or archive.
        ValueError: when an archive is damaged, encrypted or holds a name that points outside.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_archive = path.is_file()
        if self._is_archive:
            self._entries = {PurePosixPath(name.replace("\\", "/")): name for name in _safe_names(path)}
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
            ValueError: when the archive is damaged.
        """
        if not self._is_archive:
            return [self.path / name for name in names]
        start = sum(1 for _ in scratch.iterdir())
        try:
            with zipfile.ZipFile(self.path) as archive:
                return [
                    _unpack(archive, self._entries[name], scratch / f"{i:06d}") for i, name in enumerate(names, start)
                ]
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ValueError(f"{self.path} is damaged: {error}. Is the download complete?") from None
        except NotImplementedError as error:
            raise ValueError(f"{self.path} cannot be read ({error}): unpack it by another tool.") from None


def _unpack(archive: zipfile.ZipFile, name: str, path: Path) -> Path:
    with archive.open(name) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return path


def _safe_names(path: Path) -> list[str]:
    """Names of the files in an archive, if not one of its names points outside."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is no zip archive or a damaged one: {error}. Is the download complete?") from None
    for entry in entries:
        if _points_outside(entry):
            raise ValueError(
                f"{path} holds {entry.filename!r}, which points outside the archive: nothing of it is read."
            )
        if entry.flag_bits & 1:
            raise ValueError(f"{path} is encrypted ({entry.filename!r}): unpack it first.")
    return [entry.filename for entry in entries if not entry.is_dir()]


def _points_outside(entry: zipfile.ZipInfo) -> bool:
    name = PureWindowsPath(entry.filename)  # knows both kinds of slashes
    return bool(name.anchor) or ".." in name.parts or stat.S_ISLNK(entry.external_attr >> 16)


def _is_clutter(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"
