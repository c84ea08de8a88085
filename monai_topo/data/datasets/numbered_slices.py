"""Slices of a series by the numbers in their files' names, in a folder or in an archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path, PurePosixPath

from monai_topo.data.datasets.file_tree import FileTree
from monai_topo.data.readers.dicom import Slice, read_slice, slice_number


def numbered(tree: FileTree, names: Sequence[PurePosixPath]) -> dict[int, PurePosixPath]:
    """Files by the numbers at the end of their names; those without a number are left out.

    Raises:
        ValueError: when there is none, or one number twice.
    """
    found: dict[int, PurePosixPath] = {}
    for name in names:
        number = slice_number(name.name)
        if number is None:
            continue
        if number in found:
            raise ValueError(f"{tree.path} has slice {number} twice: {found[number]} and {name}.")
        found[number] = name
    if not found:
        raise ValueError(f"{tree.path} holds no slice: expected files such as image_0.")
    return found


def check_complete(tree: FileTree, numbers: Iterable[int]) -> None:
    """Raise a ``ValueError`` if a number between the first and the last is missing."""
    ordered = sorted(numbers)
    ranges = [range(one + 1, other) for one, other in pairwise(ordered) if other > one + 1]
    if ranges:
        gaps = some(chain.from_iterable(ranges))  # there may be as many as a date has seconds
        raise ValueError(
            f"{tree.path} has slices {ordered[0]} to {ordered[-1]}, but not {gaps}. Is the download complete?"
        )


def some(numbers: Iterable[int], count: int = 8) -> str:
    """The first numbers, for a message.

    Example:
        >>> some(range(10**13), count=3)
        '0, 1, 2 ...'
    """
    first = [str(number) for number in islice(numbers, count + 1)]
    return ", ".join(first[:count]) + (" ..." if len(first) > count else "")


def read_numbered(
    tree: FileTree, names: Mapping[int, PurePosixPath], scratch: Path, *, stored: bool = False
) -> dict[int, Slice]:
    """Read slices that :func:`numbered` found.

    Args:
        tree: files that hold them.
        names: number to file.
        scratch: existing folder for what is unpacked.
        stored: whether values stay as they are stored, as in :func:`read_slice`.
    """
    paths = tree.fetch(names.values(), scratch)
    return {
        number: read_slice(path, f"{tree.path}/{name}", stored=stored)
        for (number, name), path in zip(names.items(), paths, strict=True)
    }
