"""What commands write: aligned text for people, files that stand under their name only when complete."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def align(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as text: the first column to the left, the others to the right.

    Example:
        >>> print(align([["case", "Dice"], ["a", "0.5"]]))
        case   Dice
        a       0.5
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "   ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    )


def write_text(path: Path, text: str) -> None:
    """Write a file to a temporary name and move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(f"{os.fspath(path)}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_json(path: Path, content: Any) -> None:
    """Write JSON to a temporary name and move it into place.

    Raises:
        ValueError: when a number is not finite.
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
