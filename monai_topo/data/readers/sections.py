"""Folders of sections: one image file for each, stacked to a volume in the order of their numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from monai.config import PathLike

from monai_topo.data.readers.suffixes import kind_of
from monai_topo.data.readers.volume import Volume, diagonal_affine

_KINDS = ("PNG", "TIFF")


def section_files(folder: PathLike) -> list[Path]:
    """Files of the sections in a folder, in the order of the numbers in their names: 2 before 10.

    Args:
        folder: folder with one PNG or TIFF file for each section; hidden files do not count.

    Returns:
        The files; none if the folder holds anything else, or fewer than two.

    Example:
        >>> section_files("nowhere")
        []
    """
    path = Path(folder)
    if not path.is_dir():
        return []
    entries = [entry for entry in path.iterdir() if entry.name[0] != "."]
    kinds = {kind_of(entry) if entry.is_file() else None for entry in entries}
    if len(kinds) != 1 or not kinds <= {*_KINDS} or len(entries) < 2:
        return []
    return sorted(entries, key=lambda entry: _natural(entry.name))


def read_sections(files: list[Path], read: Callable[[Path], Volume]) -> Volume:
    """Stack images along z.

    Args:
        files: files of the sections in their order.
        read: function that reads one of them.

    Returns:
        Axes (x, y, z). The voxel size is not known, as files of sections do not know their distance.

    Raises:
        ValueError: when one of them is no image of two axes, or differs from the first in shape or type, naming it.
    """
    first = read(files[0]).array
    volume = np.empty((*first.shape[:2], len(files)), first.dtype)
    for number, file in enumerate(files):
        section = first if number == 0 else read(file).array
        if section.ndim != 2 or section.shape != first.shape or section.dtype != first.dtype:
            raise ValueError(
                f"{file} must be a section as {files[0].name}, {first.shape[:2]} {first.dtype}; it is {section.shape} "
                f"{section.dtype}."
            )
        volume[..., number] = section
    return Volume(volume, diagonal_affine((1.0, 1.0, 1.0)), knows="nothing")


def _natural(name: str) -> list[tuple[int, str]]:
    """Key to sort by: numbers as numbers."""
    return [(int(part), part) if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]
