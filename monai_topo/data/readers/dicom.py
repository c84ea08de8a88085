"""DICOM slices, each read from its own file through itk, with what the file says of its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.data.readers.dicom_bytes import BIG_ENDIAN, DEFLATED, RAW_SYNTAXES, DicomBytes, transfer_syntax

itk, _ = optional_import("itk")

_ROWS, _COLUMNS, _FRAMES, _SAMPLES, _COLORS = "0028|0010", "0028|0011", "0028|0008", "0028|0002", "0028|0004"
_ALLOCATED, _STORED, _HIGH_BIT = "0028|0100", "0028|0101", "0028|0102"
_INTERCEPT, _SLOPE = "0028|1052", "0028|1053"
_POSITION, _ORIENTATION = "0020|0032", "0020|0037"
_PIXEL_SPACING, _BETWEEN_SLICES, _THICKNESS = "0028|0030", "0018|0088", "0018|0050"

_SERIES, _CLASS = "0020|000e", "0008|0016"
_DOSE = "3004|000e"

_COMPRESSED = "1.2.840.10008.1.2.4."
_READABLE_SYNTAXES = (
    *RAW_SYNTAXES,
    *(f"{_COMPRESSED}{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91)),  # JPEG, JPEG-LS, JPEG 2000
    "1.2.840.10008.1.2.5",  # run lengths
)
_OTHER_SYNTAXES: Mapping[str, str] = {
    **{f"{_COMPRESSED}{number}": "MPEG" for number in range(100, 109)},
    **{f"{_COMPRESSED}{number}": "JPEG XL" for number in (110, 111, 112)},
    **{f"{_COMPRESSED}{number}": "High-Throughput JPEG 2000" for number in (201, 202, 203)},
    **{f"{_COMPRESSED}{number}": "JPEG 2000 with several components" for number in (92, 93)},
    **{f"{_COMPRESSED}{number}": "JPIP, whose pixels are elsewhere" for number in (94, 95, 204, 205)},
}
_OTHER_CLASSES: Mapping[str, str] = {
    **{f"1.2.840.10008.5.1.4.1.1.{number}": "an enhanced object" for number in ("2.1", "2.2", "4.1", "4.4", "128.1")},
    **{f"1.2.840.10008.5.1.4.1.1.66.{number}": "a segmentation object" for number in (4, 5, 7)},
    "1.2.840.10008.5.1.4.1.1.481.2": "a dose",
}
"""What says in other entries where its pixels lie and what they mean."""
_MOST_COMPRESSED = 1000  # bytes of pixels in one byte of the file
_TO_NIFTI = "convert it to NIfTI, with dcm2niix or 3D Slicer"


@dataclass(frozen=True)
class Slice:
    """One slice as its file has it; what the file does not say is None.

    Attributes:
        name: name of the file, for messages.
        pixels: ``(y, x)``, rescaled as the file says: Hounsfield units in CT.
        position: position of the first pixel in LPS, millimeters.
        rows: direction of the rows and of the columns in LPS, 6 numbers.
        spacing: spacing of the pixels along y and x.
        step: distance to the next slice, or else the thickness of this one.
        series: identifier of its series; "" where the file does not say.
    """

    name: str
    pixels: NDArray[Any]
    position: tuple[float, ...] | None
    rows: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    step: float | None
    series: str = ""


def slice_number(name: str) -> int | None:
    """Number at the end of a file's name, before its suffix if it has one; None if there is none.

    Example:
        >>> [slice_number(name) for name in ("image_10", "image_007.dcm", "1.2.40", "readme.txt")]
        [10, 7, 40, None]
    """
    found = re.search(r"(\d+)(\.[A-Za-z]\w*)?$", name)
    return int(found.group(1)) if found else None


def read_slice(path: Path, name: str, *, stored: bool = False) -> Slice:
    """Read one slice; the name of the file plays no part in recognizing its format.

    The values are the file's own: how they are to be displayed (``MONOCHROME1``, windows) changes nothing.

    Args:
        path: path of the file.
        name: name in messages.
        stored: whether the values stay as they are stored, which is right for masks, and are not rescaled.

    Raises:
        ValueError: when it is not DICOM or is truncated, is compressed in a way that cannot be read, holds more than
            one slice or channel, or says of its place what cannot be.
    """
    syntax = transfer_syntax(path)
    if syntax not in _READABLE_SYNTAXES:
        raise _unreadable(name, syntax)
    tags = _Tags(path, name, syntax)
    content = _checked_content(tags, path)
    slope, intercept = tags.number(_SLOPE, 1.0), tags.number(_INTERCEPT, 0.0)
    if slope == 0:
        raise ValueError(f"{name}: the rescale slope {_tag(_SLOPE)} is 0, so that all pixels would be one value.")
    pixels = _read_stored(tags, path, content)
    return Slice(
        name,
        pixels if stored else narrowed(pixels.astype(np.float64) * slope + intercept),
        tags.numbers(_POSITION, 3),
        _directions(tags),
        tags.lengths(_PIXEL_SPACING, 2),
        _step(tags),
        tags.text(_SERIES),
    )


def narrowed(array: NDArray[Any]) -> NDArray[Any]:
    """The values as int16, float32 or int32, the first that holds all of them, or else rounded to float32."""
    for dtype, largest in ((np.int16, 2**15), (np.float32, np.inf), (np.int32, 2**31)):
        if array.size == 0 or (-largest <= array.min() and array.max() < largest):
            narrow = array.astype(dtype)
            if np.array_equal(narrow, array):
                return narrow
    return array.astype(np.float32)


class _Tags:
    """The entries of a file's header, without its pixels."""

    def __init__(self, path: Path, name: str, syntax: str) -> None:
        self.name, self.syntax = name, syntax
        self.io = itk.GDCMImageIO.New(FileName=str(path))  # has to outlive its dictionary
        try:
            self.io.ReadImageInformation()
        except RuntimeError:
            raise _unreadable(name, syntax) from None
        self._entries = self.io.GetMetaDataDictionary()

    def text(self, tag: str) -> str:
        return str(self._entries[tag]).strip(" \0") if self._entries.HasKey(tag) else ""

    def numbers(self, tag: str, count: int) -> tuple[float, ...] | None:
        """None where the file has none."""
        text = self.text(tag)
        if not text:
            return None
        try:
            numbers = tuple(float(number) for number in text.split("\\"))
        except ValueError:
            numbers = ()
        if len(numbers) != count or not np.isfinite(numbers).all():
            raise ValueError(f"{self.name}: DICOM tag {_tag(tag)} must hold {count} numbers, got {text!r}.")
        return numbers

    def number(self, tag: str, default: float) -> float:
        return (self.numbers(tag, 1) or (default,))[0]

    def lengths(self, tag: str, count: int) -> tuple[float, ...] | None:
        """Numbers that are None too where one is 0: so some writers say that they do not know."""
        numbers = self.numbers(tag, count)
        if numbers is not None and min(numbers) < 0:
            raise ValueError(f"{self.name}: DICOM tag {_tag(tag)} must be positive, got {self.text(tag)!r}.")
        return None if numbers is None or 0 in numbers else numbers


def _tag(tag: str) -> str:
    return f"({tag.replace('|', ',')})"


def _unreadable(name: str, syntax: str) -> ValueError:
    what = f"{syntax} ({_OTHER_SYNTAXES[syntax]})" if syntax in _OTHER_SYNTAXES else syntax
    if syntax and syntax not in _READABLE_SYNTAXES:
        return ValueError(
            f"{name} is in transfer syntax {what}, which cannot be read: convert the series to Explicit VR Little "
            "Endian, with gdcmconv --raw or dcmconv."
        )
    known = f" in transfer syntax {what}" if syntax else ""
    return ValueError(f"{name} is no DICOM image, or a truncated one{known}. Is the download complete?")


def _checked_content(tags: _Tags, path: Path) -> DicomBytes:
    """The bytes of a file, if it holds one slice of one channel, and as many of them as that takes."""
    _check_kind(tags)
    _check_bits(tags)
    size = tags.number(_ROWS, 0) * tags.number(_COLUMNS, 0) * tags.number(_ALLOCATED, 0) / 8
    most = path.stat().st_size * (1 if tags.syntax in RAW_SYNTAXES and tags.syntax != DEFLATED else _MOST_COMPRESSED)
    if size <= most:
        try:
            content = DicomBytes(path, tags.syntax, int(size) + 2**24)
        except ValueError:
            raise _unreadable(tags.name, tags.syntax) from None
        if content.has_table_of_values():
            raise ValueError(f"{tags.name} has a table of intensities (Modality LUT), which is not read: {_TO_NIFTI}.")
        most = content.num_pixel_bytes() if tags.syntax in RAW_SYNTAXES else most
    if size > most:
        raise ValueError(
            f"{tags.name} says that it has {tags.number(_ROWS, 0):.0f} x {tags.number(_COLUMNS, 0):.0f} pixels, which "
            "is more than it can hold. Is the download complete?"
        )
    return content


def _check_kind(tags: _Tags) -> None:
    """One slice of one channel whose place and values are in the entries that are read here."""
    frames, samples = tags.number(_FRAMES, 1), tags.number(_SAMPLES, 1)
    channels = max(int(samples), tags.io.GetNumberOfComponents())
    if frames != 1 or channels != 1:
        raise ValueError(
            f"{tags.name} must hold one slice of one channel, got {frames:.0f} of {channels}: {_TO_NIFTI}."
        )
    kind = _OTHER_CLASSES.get(tags.text(_CLASS), "a dose" if tags.text(_DOSE) else "")
    if kind:
        raise ValueError(f"{tags.name} is {kind}, which is not read: {_TO_NIFTI}.")


def _check_bits(tags: _Tags) -> None:
    allocated = tags.number(_ALLOCATED, 0)
    stored = tags.number(_STORED, allocated)
    highest = tags.number(_HIGH_BIT, stored - 1)
    if allocated not in (8, 16, 32) or (allocated != 16 and stored != allocated) or highest != stored - 1:
        raise ValueError(
            f"{tags.name} stores {stored:.0f} of {allocated:.0f} bits up to bit {highest:.0f}, which cannot be read: "
            "it must be 8 of 8, up to 16 of 16 from bit 0 on, or 32 of 32."
        )
    if allocated == 32 and tags.syntax == BIG_ENDIAN:  # itk swaps words, not their bytes
        raise ValueError(f"{tags.name} stores 32 bits in big-endian order, which cannot be read.")


def _read_stored(tags: _Tags, path: Path, content: DicomBytes) -> NDArray[Any]:
    """The values before they are rescaled, whatever itk knows of rescaling for this kind of image."""
    inverted = tags.text(_COLORS) == "MONOCHROME1"
    with content.not_inverted() if inverted else nullcontext(path) as readable:
        io = itk.GDCMImageIO.New()
        # Of 2 axes: an image of 3 would ask for the distance of slices, which the header of one may not know.
        reader = itk.ImageFileReader[itk.Image[itk.D, 2]].New(FileName=str(readable), ImageIO=io)
        try:
            reader.Update()
        except RuntimeError:
            raise _unreadable(tags.name, tags.syntax) from None
        pixels = np.asarray(reader.GetOutput())
    return narrowed(np.rint((pixels - io.GetRescaleIntercept()) / io.GetRescaleSlope()))


def _directions(tags: _Tags) -> tuple[float, ...] | None:
    rows = tags.numbers(_ORIENTATION, 6)
    if rows is not None:
        row, column = np.reshape(rows, (2, 3))
        if not np.allclose([row @ row, column @ column, row @ column], [1, 1, 0], atol=1e-3):
            raise ValueError(
                f"{tags.name}: DICOM tag {_tag(_ORIENTATION)} must hold two unit vectors at right angles, got {rows}."
            )
    return rows


def _step(tags: _Tags) -> float | None:
    for tag in (_BETWEEN_SLICES, _THICKNESS):
        number = tags.numbers(tag, 1)
        if number is not None and number[0] != 0:  # some writers count slices downward
            return abs(number[0])
    return None
