"""What lies in a TIFF file: its pages, whether they are whole and alike, and the one channel that is asked for."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from monai.utils import optional_import
from numpy.typing import NDArray

tifffile, _ = optional_import("tifffile")
PILImage, _ = optional_import("PIL.Image")

_SECTIONS = "ZIQ"  # planes of a volume: sections, and pages or axes of which the file does not say what they are
_MINISWHITE = 0
_BY_PILLOW = ("bool", "uint8", "uint16", "float32")


def check_chain(path: Path) -> None:
    """Refuse a file whose chain of pages breaks off: readers show such files without their last pages.

    Raises:
        ValueError: when it is no TIFF file, or ends too early.
    """
    with path.open("rb") as file:
        for _ in _page_offsets(file, path):
            pass


def only_series(file: Any, path: Path) -> Any:
    """The image of a file, in full resolution, after all its pages were looked at.

    Args:
        file: a ``tifffile.TiffFile``.
        path: path, for messages.

    Raises:
        ValueError: when the file holds several images, pages that differ, that are not whole, or that mean something
            else than one number for each pixel.
    """
    file.pages.useframes = False
    pages = [page for page in file.pages if not page.is_reduced]
    _check_alike(pages, path)
    series = [one for one in file.series if not one.keyframe.is_reduced]
    if len(series) != 1:
        images = ", ".join(f"{one.axes} {one.shape}" for one in series)
        raise ValueError(f"{path} holds {len(series)} images ({images}); one is wanted.")
    kind = next((name for name in ("ome", "imagej") if getattr(file, f"is_{name}")), series[0].kind)
    if kind != series[0].kind or not _is_covered(series[0], len(pages)):
        raise ValueError(
            f"{path}: its {len(pages)} pages are not those that its description ({kind}) speaks of: is the file "
            "complete, or are pages in other files?"
        )
    _check_segments(pages, series[0], file.filehandle.size, path)
    return series[0]


def _is_covered(series: Any, num_pages: int) -> bool:
    """Whether a series has all pages of the file and needs no others; large stacks have one, and the rest behind it."""
    if num_pages == 1 and series.dataoffset is not None:
        return True
    return None not in series.pages and not series.is_truncated and len({*series.pages}) == num_pages


def _check_alike(pages: list[Any], path: Path) -> None:
    facts = [(page.shape, page.dtype, page.photometric, page.samplesperpixel) for page in pages]
    if not facts:
        raise ValueError(f"{path} holds no page in full resolution.")
    for number, (page, fact) in enumerate(zip(pages, facts, strict=True)):
        if fact != facts[0]:
            raise ValueError(
                f"{path}: page {number + 1} is {page.shape} {page.dtype} {_photometric(page)}, page 1 is "
                f"{pages[0].shape} {pages[0].dtype} {_photometric(pages[0])}; pages of a volume must be alike."
            )
        orientation = page.tags.valueof(274, 1)
        if orientation not in (0, 1):
            raise ValueError(
                f"{path}: page {number + 1} has orientation {int(orientation)}, which some programs obey and others "
                "do not: save it in orientation 1, from the top left."
            )
    if facts[0][2] == _MINISWHITE:
        raise ValueError(f"{path} stores white as 0 (MINISWHITE): save it with black as 0.")


def _photometric(page: Any) -> str:
    return str(getattr(page.photometric, "name", page.photometric))


def _check_segments(pages: list[Any], series: Any, size: int, path: Path) -> None:
    """Refuse strips and tiles that are not in the file; readers fill some of them with zeros."""
    ends = [series.dataoffset + series.nbytes] if series.dataoffset is not None else []
    for page in pages:
        ends += [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
        if not page.dataoffsets or 0 in page.dataoffsets or 0 in page.databytecounts:
            raise ValueError(f"{path}: page {page.index + 1} lacks some of its pixels. Is the file complete?")
    if max(ends) > size:
        raise ValueError(f"{path} ends before its pixels do, after {size} bytes. Is the download complete?")


def one_channel(
    series: Any, path: Path, *, axes: str | None = None, channel: int | None = None, time: int | None = None
) -> NDArray[Any]:
    """One channel of an image at one time, axes (x, y) or (x, y, z).

    Args:
        series: series of :func:`only_series`.
        path: path of the file.
        axes: letters for the axes in place of those of the file, in its order.
        channel: number of the channel or sample.
        time: number of the time point.

    Raises:
        ValueError: when axes are left that are no sections, a channel or time is asked for that is not there, or the
            pixels cannot be decoded.
    """
    names = series.axes if axes is None else _checked_axes(series, axes, path)
    array = _pixels(series, path)
    for letters, option, index in (("CS", "channel", channel), ("T", "time", time)):
        array, names = _take(array, names, letters, option, index, path)
    _check_axes(array, names, path)
    kept = [axis for axis in range(array.ndim) if names[axis] in "YX" or array.shape[axis] > 1]
    names = "".join(names[axis] if names[axis] in "YX" else "Z" for axis in kept)
    array = array.reshape([array.shape[axis] for axis in kept])
    return np.transpose(array, [names.index(name) for name in "XYZ" if name in names])


def _checked_axes(series: Any, axes: str, path: Path) -> str:
    if len(axes) != len(series.shape) or sorted({*axes} & {"X", "Y"}) != ["X", "Y"] or len({*axes}) < len(axes):
        raise ValueError(
            f"axes must name each of the {len(series.shape)} axes of {path} once, X and Y among them, got {axes!r}; "
            f"the file has {_axes_text(series)}."
        )
    return axes


def _take(
    array: NDArray[Any], names: str, letters: str, option: str, index: int | None, path: Path
) -> tuple[NDArray[Any], str]:
    if index is None:
        return array, names
    found = [axis for axis, name in enumerate(names) if name in letters]
    size = array.shape[found[0]] if len(found) == 1 else 1
    if len(found) > 1 or not 0 <= index < size:
        raise ValueError(f"{option} must be from 0 to {size - 1} in {path}, got {index}.")
    if not found:
        return array, names
    return array.take(index, found[0]), names[: found[0]] + names[found[0] + 1 :]


def _check_axes(array: NDArray[Any], names: str, path: Path) -> None:
    others = [axis for axis, name in enumerate(names) if name not in "YX" and array.shape[axis] > 1]
    if len(others) > 1 or any(names[axis] not in _SECTIONS for axis in others):
        advice = {"C": "(channel=0) takes the first channel", "S": "(channel=0) takes the first sample"}
        advice |= {"T": "(time=0) takes the first time point"}
        how = [advice[names[axis]] for axis in others if names[axis] in advice]
        if len(others) == 1 and names[others[0]] != "S":
            how.append(f'(axes="{names.replace(names[others[0]], "Z")}") reads them as sections')
        raise ValueError(
            f"{path} has the axes {_text(names, array.shape)}; a volume has sections, rows and columns of one channel. "
            f"{'; '.join(f'TIFFStackReader{way}' for way in how) or 'save one of them'}."
        )


def _axes_text(series: Any) -> str:
    return _text(series.axes, series.shape)


def _text(names: str, shape: tuple[int, ...]) -> str:
    known = {"X": "columns", "Y": "rows", "Z": "sections", "C": "channels", "T": "times", "S": "samples", "I": "pages"}
    return ", ".join(f"{size} {known.get(name, 'of axis ' + name)}" for name, size in zip(names, shape, strict=True))


def _pixels(series: Any, path: Path) -> NDArray[Any]:
    try:
        return np.asarray(series.asarray())
    except Exception as error:  # what tifffile and the codecs raise
        if "imagecodecs" in str(error):
            return _pixels_by_pillow(series, path)
        raise ValueError(f"{path} cannot be read: {str(error).splitlines()[0]}. Is the download complete?") from None


def _pixels_by_pillow(series: Any, path: Path) -> NDArray[Any]:
    """Pixels in a compression that tifffile leaves to imagecodecs, by the codecs of Pillow where types are simple."""
    page = series.keyframe
    compression = getattr(page.compression, "name", page.compression)
    wanted = f"{path} is compressed by {compression}: install imagecodecs to read it (pip install imagecodecs)."
    if page.samplesperpixel != 1 or page.dtype.name not in _BY_PILLOW or page.ndim != 2:
        raise ValueError(wanted)
    pages = []
    try:
        with PILImage.open(path) as image:
            for one in series.pages:
                image.seek(one.index)
                pages.append(np.asarray(image))
    except (OSError, ValueError, SyntaxError):
        raise ValueError(f"{wanted} Or is it incomplete?") from None
    if any(one.dtype != page.dtype or one.shape != page.shape for one in pages):
        raise ValueError(wanted)
    return np.reshape(np.stack(pages), series.shape)


def _page_offsets(file: BinaryIO, path: Path) -> Iterator[int]:
    """Where the pages' directories lie. A file that was cut off is missing some, of which libraries say nothing."""
    header = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(header[:2], "")
    version = struct.unpack(f"{order}H", header[2:4])[0] if order and len(header) == 16 else 0
    if version not in (42, 43):
        raise ValueError(f"{path} is no TIFF file.")
    big = version == 43
    count_format, entry_size, offset_format = (f"{order}Q", 20, f"{order}Q") if big else (f"{order}H", 12, f"{order}I")
    offset = struct.unpack_from(offset_format, header, 8 if big else 4)[0]
    seen: set[int] = set()
    while offset:
        try:
            file.seek(offset)
            (count,) = struct.unpack(count_format, file.read(struct.calcsize(count_format)))
            file.seek(count * entry_size, 1)
            following = struct.unpack(offset_format, file.read(struct.calcsize(offset_format)))[0]
        except (struct.error, OSError, OverflowError):
            following = offset
        if following == offset or offset in seen:
            raise ValueError(f"{path} ends before its page {len(seen) + 1} does. Is the download complete?")
        seen.add(offset)
        yield offset
        offset = following
