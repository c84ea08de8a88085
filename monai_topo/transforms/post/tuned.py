"""Arguments that were chosen on validation data, from the file that ``python -m monai_topo tune`` writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def tuned_arguments(path: str | Path, transform: str) -> dict[str, Any]:
    """Arguments of a transform from a file of ``python -m monai_topo tune``.

    In inference with a bundle: ``--finish#closed "$monai_topo.CloseWalls(**monai_topo.tuned_arguments('tuned.json',
    'close_walls'))"``.

    Args:
        path: JSON file that the command wrote.
        transform: the command's name of it, such as ``"close_walls"``: those of another are refused.

    Returns:
        Names and values of the arguments.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is none of the command's, or another transform's.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "tuned.json")
        ...     _ = path.write_text('{"transform": "close_walls", "arguments": {"sigma": 0.7}}')
        ...     tuned_arguments(path, "close_walls")
        {'sigma': 0.7}
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        found, arguments = content["transform"], dict(content["arguments"])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        raise ValueError(f"{path} is no file of `python -m monai_topo tune`: write it anew.") from None
    if found != transform:
        raise ValueError(f"{path} holds arguments of {found}, not of {transform}: tune that one.")
    return arguments
