"""DICOM slices, read one by one through itk and put together by their positions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.utils import optional_import
from numpy.typing import NDArray

from monai_topo.data.readers.volume import Volume

itk, _ = optional_import("itk")

_POSITION, _ORIENTATION = "0020|0032", "0020|0037"
_PIXEL_SPACING, _BETWEEN_SLICES, _THICKNESS = "0028|0030", "0018|0088", "0018|0050"

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Slice:
    """One slice as its file has it; what the file does not say is None.

    Attributes:
        name: of the file, for messages.
        pixels: ``(y, x)``, rescaled as the file says: Hounsfield units in CT.
        position: of the first pixel in LPS, millimeters.
        rows: direction of the rows and of the columns in LPS, 6 numbers.
        spacing: of the pixels along y and x.
        step: distance to the next slice.
    """

    name: str
    pixels: NDArray[np.float32]
    position: tuple[float, ...] | None
    rows: tuple[float, ...]
    spacing: tuple[float, ...]
    step: float | None


def slice_number(name: str) -> int | None:
    """Number at the end of a file's name, before its suffix if it has one; None if there is none.

    Example:
        >>> [slice_number(name) for name in ("image_10", "image_007.dcm", "1.2.40", "readme.txt")]
        [10, 7, 40, None]
    """
    found = re.search(r"(\d+)(\.[A-Za-z]\w*)?$", name)
    return int(found.group(1)) if found else None


def read_slice(path: Path, name: str) -> Slice:
    """Read one slice; the name of the file plays no part in recognizing its format.

    Args:
        path: of the file.
        name: by which messages call it.

    Raises:
        ValueError: when it is not DICOM, is truncated, or holds more than one slice or channel.
    """
    io = itk.GDCMImageIO.New()
    reader = itk.ImageFileReader[itk.Image[itk.F, 3]].New(FileName=str(path), ImageIO=io)
    try:
        reader.Update()
    except RuntimeError:
        raise ValueError(f"{name} is no DICOM image, or a truncated one. Is the download complete?") from None
    pixels: NDArray[np.float32] = np.asarray(reader.GetOutput())
    if pixels.shape[0] != 1 or io.GetNumberOfComponents() != 1:
        raise ValueError(
            f"{name} must hold one slice of one channel, got {pixels.shape[0]} of {io.GetNumberOfComponents()}."
        )
    tags = io.GetMetaDataDictionary()
    return Slice(
        name,
        pixels[0].copy(),
        _numbers(tags, _POSITION, 3, name),
        _numbers(tags, _ORIENTATION, 6, name) or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        _numbers(tags, _PIXEL_SPACING, 2, name) or tuple(reader.GetOutput().GetSpacing())[1::-1],
        (_numbers(tags, _BETWEEN_SLICES, 1, name) or _numbers(tags, _THICKNESS, 1, name) or (None,))[0],
    )


def _numbers(tags: Any, tag: str, count: int, name: str) -> tuple[float, ...] | None:
    text = str(tags[tag]).strip(" \0") if tags.HasKey(tag) else ""
    if not text:
        return None
    try:
        numbers = tuple(float(number) for number in text.split("\\"))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError(f"{name}: DICOM tag ({tag.replace('|', ',')}) must hold {count} numbers, got {text!r}.")
    return numbers


def order_slices(slices: Sequence[Slice]) -> tuple[list[Slice], NDArray[np.float64]]:
    """The slices of one series by their positions, or without positions by the numbers in their names.

    Returns:
        The slices in order, and the vector from one to the next in LPS, millimeters.

    Raises:
        ValueError: when slices differ in shape, spacing or direction, lie at one position, when one is missing, or when
            nothing says how far apart they are.
    """
    if not slices:
        raise ValueError("there are no slices.")
    first = slices[0]
    for other in slices[1:]:
        if other.pixels.shape != first.pixels.shape or not np.allclose(
            other.spacing + other.rows, first.spacing + first.rows, atol=1e-4
        ):
            raise ValueError(
                f"{other.name} differs from {first.name} in shape, spacing or direction: {other.pixels.shape} and "
                f"{first.pixels.shape} pixels, spacings {other.spacing} and {first.spacing}."
            )
    return _by_position(slices) if has_positions(slices) else _by_number(slices)


def stack_slices(ordered: Sequence[Slice], offset: NDArray[np.float64]) -> Volume:
    """Volume of ordered slices.

    Args:
        ordered: as :func:`order_slices` returns them.
        offset: vector from one slice to the next in LPS.

    Returns:
        Array ``(x, y, z)``, int16 if that holds all values, and its affine in RAS.
    """
    array = np.stack([one.pixels for one in ordered]).T
    as_int = np.clip(array, -(2**15), 2**15 - 1).astype(np.int16)
    return Volume(as_int if np.array_equal(as_int, array) else array, _affine(ordered[0], offset))


def has_positions(slices: Sequence[Slice]) -> bool:
    """Whether the slices say where they lie; some writers leave all of them at one place."""
    return all(one.position is not None for one in slices) and (
        len(slices) == 1 or len({one.position for one in slices}) > 1
    )


def _by_position(slices: Sequence[Slice]) -> tuple[list[Slice], NDArray[np.float64]]:
    """The slices along their normal, and the vector from one to the next."""
    normal = np.cross(slices[0].rows[:3], slices[0].rows[3:])
    heights = np.array([one.position for one in slices]) @ normal
    order = np.argsort(heights, kind="stable")
    ordered = [slices[index] for index in order]
    if len(slices) == 1:
        return ordered, normal * (slices[0].step or 1.0)
    steps = np.diff(heights[order])
    usual = float(np.median(steps))
    uneven = np.flatnonzero((steps < 0.5 * usual) | (steps > 1.5 * usual) | (steps <= 0))
    if len(uneven):
        index = int(uneven[np.argmin(steps[uneven])])
        fault = "have a gap between them" if steps[index] > usual else "lie at one position"
        raise ValueError(
            f"{ordered[index].name} and {ordered[index + 1].name} {fault}: they are {steps[index]:g} mm apart, slices "
            f"usually {usual:g} mm. Is a slice missing or there twice?"
        )
    ends = np.array([ordered[0].position, ordered[-1].position], dtype=np.float64)
    return ordered, (ends[1] - ends[0]) / (len(ordered) - 1)


def _by_number(slices: Sequence[Slice]) -> tuple[list[Slice], NDArray[np.float64]]:
    ordered = sorted(slices, key=lambda one: slice_number(one.name) or 0)
    step = next((one.step for one in ordered if one.step), None)
    if step is None:
        raise ValueError(f"{ordered[0].name} and its series have neither positions nor a distance between slices.")
    return ordered, np.cross(ordered[0].rows[:3], ordered[0].rows[3:]) * step


def _affine(first: Slice, offset: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = first.spacing
    affine = np.eye(4)
    columns = np.stack([np.multiply(first.rows[:3], width), np.multiply(first.rows[3:], height), offset], axis=1)
    affine[:3, :3] = _LPS_TO_RAS @ columns
    affine[:3, 3] = _LPS_TO_RAS @ (first.position or (0.0, 0.0, 0.0))
    return affine
