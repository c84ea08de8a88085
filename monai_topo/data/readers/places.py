"""Where volumes lie: files, zarr folders and folders of sections."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from monai.config import PathLike

from monai_topo.data.readers.sections import section_files
from monai_topo.data.readers.zarr_files import is_zarr


def is_volume_folder(path: PathLike) -> bool:
    """Whether a folder is one volume: zarr, or sections in files of their own.

    Example:
        >>> is_volume_folder("nowhere")
        False
    """
    return is_zarr(path) or bool(section_files(path))


def is_volume(path: PathLike) -> bool:
    """Whether a path is a file, or a folder that is one volume."""
    return Path(path).is_file() or is_volume_folder(path)


def walk_volumes(root: Path, is_one: Callable[[Path], bool] = is_zarr) -> Iterator[Path]:
    """Files and folders that are volumes below a folder, sorted; what is in such a folder is not looked at.

    Args:
        root: folder.
        is_one: function that says of a folder whether it is one volume.
    """
    for folder, names, files in os.walk(root):
        volumes = [name for name in names if is_one(Path(folder) / name)]
        names[:] = sorted(name for name in names if name not in volumes and not name.startswith("."))
        yield from sorted(Path(folder) / name for name in (*files, *volumes))


def state_of(path: PathLike) -> list[tuple[str, int, int]]:
    """Path, size and time of the last change of a file, or of all files of a folder: what fingerprints are made of."""
    top = Path(path)
    files = [top]
    if top.is_dir():
        files = sorted(Path(folder) / name for folder, _, names in os.walk(top) for name in names)
    return [_state(file) for file in files]


def _state(path: Path) -> tuple[str, int, int]:
    try:
        state = path.stat()
    except OSError:  # to read it will say what is wrong
        return str(path.resolve()), 0, 0
    return str(path.resolve()), state.st_size, state.st_mtime_ns
