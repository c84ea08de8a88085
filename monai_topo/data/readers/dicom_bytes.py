"""What ITK does not show of a DICOM file: how it is encoded, and what its bytes say beside the entries."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
_EXPLICIT = "1.2.840.10008.1.2.1"
RAW_SYNTAXES = ("", "1.2.840.10008.1.2", _EXPLICIT, BIG_ENDIAN, DEFLATED)
"""Syntaxes in which pixels lie as they are; "" where the file does not say."""

_MAGIC = 132  # bytes up to the entries about the file
_PIXELS = re.compile(rb"(\xe0\x7f\x10\x00|\x7f\xe0\x00\x10)(?:(?:OB|OW|UN)\0\0)?", re.DOTALL)
_TABLE = re.compile(rb"\x28\x00\x00\x30(?:SQ|.{3}\0|\xff{4})|\x00\x28\x30\x00SQ", re.DOTALL)
_INVERTED = re.compile(rb"(\x28\x00\x04\x00(?:CS\x0c\x00|\x0c\x00\x00\x00)|\x00\x28\x00\x04CS\x00\x0c)MONOCHROME1")


def is_dicom(path: Path) -> bool:
    """Whether a file says at its beginning that it is DICOM, or its name does."""
    with path.open("rb") as file:
        head = file.read(_MAGIC)
    return head.endswith(b"DICM") or path.suffix.lower() in (".dcm", ".dicom", ".ima")


def transfer_syntax(path: Path) -> str:
    """How the file is encoded; "" where it does not say."""
    with path.open("rb") as file:
        head = file.read(4096)
    _, tag, rest = head.partition(b"\x02\x00\x10\x00UI")
    return rest[2 : 2 + int.from_bytes(rest[:2], "little")].decode("ascii", "replace").strip(" \0") if tag else ""


class DicomBytes:
    """The bytes of a file, unpacked if it is deflated.

    Args:
        path: path of the file.
        syntax: its transfer syntax.
        largest: bytes that a deflated file may be unpacked to.

    Raises:
        ValueError: when a deflated file is damaged or larger.
    """

    def __init__(self, path: Path, syntax: str, largest: int) -> None:
        content = path.read_bytes()
        self.content = _inflated(content, largest) if syntax == DEFLATED else content
        first = _PIXELS.search(self.content)
        self._header = self.content[: first.start()] if first else self.content

    def has_table_of_values(self) -> bool:
        """Whether stored values become intensities by a table (Modality LUT) instead of slope and intercept."""
        return _TABLE.search(self._header) is not None

    def num_pixel_bytes(self) -> int:
        """Bytes of pixels that lie in the file, as they are; 0 if there are none."""
        return max(map(self._length_at, _PIXELS.finditer(self.content)), default=0)

    def _length_at(self, tag: re.Match[bytes]) -> int:
        order = "little" if tag.group(1)[0] == 0xE0 else "big"
        length = int.from_bytes(self.content[tag.end() : tag.end() + 4], order)  # type: ignore[arg-type]
        return length if tag.end() + 4 + length <= len(self.content) else 0

    @contextmanager
    def not_inverted(self) -> Iterator[Path]:
        """A file of the same values that ITK does not turn round, as it does where 0 is to be displayed white."""
        with TemporaryDirectory() as folder:
            copy = Path(folder) / "slice"
            copy.write_bytes(_INVERTED.sub(rb"\1MONOCHROME2", self.content))
            yield copy


def _inflated(content: bytes, largest: int) -> bytes:
    """The same file in Explicit VR Little Endian."""
    start = _MAGIC + 12 + int.from_bytes(content[_MAGIC + 8 : _MAGIC + 12], "little")  # group length comes first
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = unpacking.decompress(content[start:], largest)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise ValueError("its deflated part breaks off or is too large")
    syntax = DEFLATED.encode()
    return content[:start].replace(syntax, _EXPLICIT.encode().ljust(len(syntax), b"\0"), 1) + body
