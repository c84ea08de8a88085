"""DICOM files written by hand, byte by byte, so that what they say is known."""

from __future__ import annotations

import struct
import zlib

IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED, RUN_LENGTHS = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"
CT, MR, SECONDARY = (f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("2", "4", "7"))
ENHANCED, SEGMENTATION, DOSE = (f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("2.1", "66.4", "481.2"))
_LONG = ("OB", "OW", "UT", "UN", "SQ")


class _Writer:
    """Elements in one transfer syntax."""

    def __init__(self, syntax):
        self.order = ">" if syntax == BIG_ENDIAN else "<"
        self.implicit = syntax == IMPLICIT

    def element(self, group, number, kind, value, undefined=False):
        if kind == "US":
            value = struct.pack(f"{self.order}H", value)
        elif not isinstance(value, bytes):
            value = str(value).encode()
        value += (b"\0" if kind in ("UI", "OB") else b" ") * (len(value) % 2)
        length = 2**32 - 1 if undefined else len(value)
        head = struct.pack(f"{self.order}HH", group, number)
        if self.implicit:
            return head + struct.pack("<I", length) + value
        if kind in _LONG:
            return head + kind.encode() + struct.pack(f"{self.order}HI", 0, length) + value
        return head + kind.encode() + struct.pack(f"{self.order}H", length) + value


def _decimals(numbers):
    return "\\".join(f"{number:.10g}"[:16] for number in numbers)


def _encapsulated(fragment):
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    return item + struct.pack("<HHI", 0xFFFE, 0xE000, len(fragment)) + fragment + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def write_dicom(
    path,
    pixels,
    *,
    position=(0.0, 0.0, 0.0),
    rows=(1, 0, 0, 0, 1, 0),
    spacing=(0.7, 0.5),
    thickness=None,
    between=None,
    colors="MONOCHROME2",
    rescale=None,
    stored_bits=None,
    high_bit=None,
    syntax=EXPLICIT,
    kind=CT,
    size=None,
    frames=None,
    series=None,
    table=False,
):
    """One slice of integers ``(y, x)``; what is None is left out.

    ``size`` is what the header claims; ``table`` puts a table of values into it. In a syntax that compresses, the
    pixels are what no decoder takes.
    """
    bits = 8 * pixels.itemsize
    stored = bits if stored_bits is None else stored_bits
    height, width = pixels.shape if size is None else size
    file, write = _Writer(EXPLICIT), _Writer(syntax)
    meta = file.element(2, 1, "OB", b"\0\1") + file.element(2, 2, "UI", kind) + file.element(2, 3, "UI", "1.2.3")
    meta += file.element(2, 16, "UI", syntax)
    meta = file.element(2, 0, "UL", struct.pack("<I", len(meta))) + meta
    entries = [
        (0x08, 0x16, "UI", kind),
        (0x08, 0x18, "UI", "1.2.3"),
        (0x08, 0x60, "CS", "CT"),
        (0x18, 0x50, "DS", None if thickness is None else _decimals([thickness])),
        (0x18, 0x88, "DS", None if between is None else _decimals([between])),
        (0x20, 0x0E, "UI", series),
        (0x20, 0x32, "DS", None if position is None else _decimals(position)),
        (0x20, 0x37, "DS", None if rows is None else _decimals(rows)),
        (0x28, 0x02, "US", 1),
        (0x28, 0x04, "CS", colors),
        (0x28, 0x08, "IS", frames),
        (0x28, 0x10, "US", height),
        (0x28, 0x11, "US", width),
        (0x28, 0x30, "DS", None if spacing is None else _decimals(spacing)),
        (0x28, 0x100, "US", bits),
        (0x28, 0x101, "US", stored),
        (0x28, 0x102, "US", stored - 1 if high_bit is None else high_bit),
        (0x28, 0x103, "US", int(pixels.dtype.kind == "i")),
        (0x28, 0x1052, "DS", None if rescale is None else _decimals(rescale[1:])),
        (0x28, 0x1053, "DS", None if rescale is None else _decimals(rescale[:1])),
        (0x28, 0x3000, "SQ", b"" if table else None),
    ]
    body = b"".join(write.element(*entry) for entry in entries if entry[3] is not None)
    if syntax.startswith("1.2.840.10008.1.2.4") or syntax == RUN_LENGTHS:
        body += write.element(0x7FE0, 0x10, "OB", _encapsulated(pixels.tobytes()), undefined=True)
    else:
        order = write.order
        data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        body += write.element(0x7FE0, 0x10, "OB" if bits == 8 else "OW", data)
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(body) + packer.flush()
        body += b"\0" * (len(body) % 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(128) + b"DICM" + meta + body)
