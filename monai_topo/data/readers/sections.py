"""Folders of sections: one image file for each, stacked to a volume in the order of their numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray

from monai_topo.data.readers.suffixes import kind_of
from monai_topo.data.readers.volume import Volume, diagonal_affine

_KINDS = ("PNG", "TIFF")
_BLOCK_VOXELS = 2**22


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


class SectionStack:
    """The sections of a folder as an array of which parts are read.

    Args:
        files: files of the sections in their order.
        read: function that reads one of them.
    """

    ndim = 3

    def __init__(self, files: list[Path], read: Callable[[Path], Volume]) -> None:
        self.files = files
        self.read = read
        first = read(files[0]).array
        self.dtype = first.dtype
        self.shape = (*first.shape[:2], len(files))

    def __getitem__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        sections = read_sections(self.files[region[2]], self.read).array
        if sections.shape[:2] != self.shape[:2] or sections.dtype != self.dtype:
            raise ValueError(
                f"{self.files[region[2]][0]} must be a section as {self.files[0].name}, {self.shape[:2]} {self.dtype}; "
                f"it is {sections.shape[:2]} {sections.dtype}."
            )
        return sections[region[:2]]

    @property
    def block(self) -> tuple[int, ...]:
        """Whole sections that are read at a time, about four million voxels."""
        area = self.shape[0] * self.shape[1]
        return (*self.shape[:2], min(max(_BLOCK_VOXELS // area, 1), self.shape[2]))


def _natural(name: str) -> list[tuple[int, str]]:
    """Key to sort by: numbers as numbers."""
    return [(int(part), part) if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]
