"""Cases of a data set: what is loaded of each, and from which files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from monai_topo.data.readers.places import state_of
from monai_topo.data.readers.text import printable
from monai_topo.data.readers.volume import Volume


@dataclass(frozen=True)
class Converted:
    """A case in memory.

    Attributes:
        image: intensities.
        label: mask on the image's grid; None for a case that has none.
        notes: remarks on what is missing or unusual, each a short sentence.
        facts: further facts, JSON-serializable.
    """

    image: Volume
    label: Volume | None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A case that can be loaded.

    Attributes:
        name: name of its files.
        patient: patient to whom it belongs; cases of one patient come into one fold.
        load: reads it. Whatever it raises says what is wrong with the case.
        files: files that it is made of, or folders of them: when they change, it is converted anew.
    """

    name: str
    patient: str
    load: Callable[[], Converted]
    files: tuple[Path, ...] = ()

    def fingerprint(self) -> str:
        """Digest of the names, sizes and times of its files, and of the version that converts them."""
        states = [state for path in self.files for state in state_of(path)]
        return hashlib.sha256(json.dumps([states, version("monai_topo")]).encode()).hexdigest()


def one_line(error: BaseException) -> str:
    r"""What an error says, in one line that a terminal can show.

    Example:
        >>> one_line(ValueError("a.zip is damaged.\nTry again.")), one_line(KeyError("raw")), one_line(MemoryError())
        ('a.zip is damaged.', "KeyError: 'raw'", 'MemoryError: it takes more memory than there is.')
    """
    text = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, MemoryError):
        text = text or "it takes more memory than there is."
    elif isinstance(error, (ValueError, OSError)) and text:
        return printable(text)
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)
