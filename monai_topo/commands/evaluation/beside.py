"""Results that stand beside a report, such as comparisons and controls: never over what is not theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def read_own(files: Sequence[Path], kind: str, of: Mapping[str, str]) -> dict[str, Any] | None:
    """An earlier result of the same kind and the same folders, or None if there is none.

    Args:
        files: files of the result, the JSON first.
        kind: entry ``kind`` of the JSON.
        of: entries that must be the same, such as the folders.

    Raises:
        ValueError: when a file is there that is not this result.
    """
    if not files[0].exists():
        there = next((file for file in files if file.exists()), None)
        if there is not None:
            raise ValueError(f"--out would write {there}, which is there already: name another file.")
        return None
    try:
        content: Any = json.loads(files[0].read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise ValueError(f"--out {files[0]} is there already and is no result of {kind}: name another file.")
    for key, value in of.items():
        if content.get(key) != value:
            raise ValueError(
                f"--out {files[0]} is there already, with another {key}, {content.get(key)}: name another file."
            )
    return content


def set_aside(files: Sequence[Path]) -> int:
    """Give the files of an earlier result the first number that none of them has yet, and say it.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.json").touch()
        >>> set_aside([folder / "a.csv", folder / "a.json"]), [path.name for path in folder.iterdir()]
        (1, ['a-1.json'])
    """
    number = 1
    while any(numbered(path, number).exists() for path in files):
        number += 1
    for path in files:
        if path.exists():
            path.rename(numbered(path, number))
    return number


def numbered(path: Path, number: int) -> Path:
    """The path with a number behind its stem."""
    return path.with_name(f"{path.name[: -len(path.suffix)]}-{number}{path.suffix}")


def rows_of(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Rows of all cases, by case; a class that no file holds has no numbers, as in the report.

    Args:
        results: case to rows with ``label``, ``scores`` and ``held``, whether the case holds the class.

    Example:
        >>> rows = [{"label": 1, "scores": {"x": 2.0}}, {"label": 7, "scores": {"x": 0.0}, "held": False}]
        >>> [row["scores"] for _, row in rows_of({"a": rows})]
        [{'x': 2.0}, {'x': None}]
    """
    rows = [(case, row) for case, found in sorted(results.items()) for row in found]
    held = {row["label"] for _, row in rows if row.get("held", True)}
    return [
        (case, row if row["label"] in held else {**row, "scores": dict.fromkeys(row["scores"])}) for case, row in rows
    ]


def folders_of(of: tuple[Path, Path]) -> dict[str, str]:
    """Folders of predictions and labels as entries of a JSON."""
    return {"prediction": str(of[0].resolve()), "label": str(of[1].resolve())}


def named_after(report: Path, word: str, suffix: str) -> Path:
    """File beside a report.

    Example:
        >>> named_after(Path("scores.json"), "controls", ".csv").name
        'scores_controls.csv'
    """
    return report.with_name(f"{report.name[: -len(report.suffix)]}_{word}{suffix}")


def plain(value: Any) -> Any:
    """The value as JSON has it: lists for tuples, None for numbers that are not finite.

    Example:
        >>> plain({"a": (1.0, np.nan), "b": np.int64(3)})
        {'a': [1.0, None], 'b': 3}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
