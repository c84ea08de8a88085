"""DICOM slices put together: their order, the volume and its affine, and masks laid on an image's slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.data.readers.dicom import Slice, narrowed, slice_number
from monai_topo.data.readers.volume import Volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

_ROUNDED, _UNEVEN = 0.02, 0.2
"""By how many voxels slices may lie elsewhere than the affine says: without a word, and at all."""
_SAME_PLACE = 0.1
"""Voxels by which a mask's pixels may lie beside the image's."""
_TILTED = 0.02
"""How far, in steps, slices may be shifted against each other without a word."""


def order_slices(slices: Sequence[Slice]) -> tuple[list[Slice], NDArray[np.float64]]:
    """The slices of one series by their positions, or without positions by the numbers in their names.

    Positions are the truth: what the header says of the distance of slices counts only where there are none.

    Returns:
        The slices in order, all with directions, and the vector from one to the next in LPS, millimeters.

    Raises:
        ValueError: when slices differ in shape, spacing or direction, lie at one position or unevenly, when one is
            missing, or when nothing says how large pixels are, how they lie, or how far apart slices are.
    """
    if not slices:
        raise ValueError("there are no slices.")
    first = slices[0]
    series = {one.series for one in slices}
    if 1 < len(series) <= len(slices) / 2:  # more are of a writer that gives each slice its own
        raise ValueError(f"{first.name} and the slices beside it are of {len(series)} series: keep one in the folder.")
    for one in slices:
        _check_like(one, first)
    if first.spacing is None:
        raise ValueError(f"{first.name} does not say how large its pixels are: DICOM tag (0028,0030) is missing or 0.")
    return _by_position(slices) if has_positions(slices) else _by_number(slices)


def _check_like(one: Slice, first: Slice) -> None:
    same = one.pixels.shape == first.pixels.shape
    for ours, theirs in ((one.spacing, first.spacing), (one.rows, first.rows)):
        same = same and (ours is None) == (theirs is None) and np.allclose(ours or (), theirs or (), atol=1e-4)
    if not same:
        raise ValueError(
            f"{one.name} differs from {first.name} in shape, spacing or direction: {one.pixels.shape} and "
            f"{first.pixels.shape} pixels, spacings {one.spacing} and {first.spacing}, directions {one.rows} and "
            f"{first.rows}."
        )


def stack_slices(ordered: Sequence[Slice], offset: NDArray[np.float64]) -> Volume:
    """Volume of ordered slices.

    Args:
        ordered: slices in order, as :func:`order_slices` returns them.
        offset: vector from one slice to the next in LPS.

    Returns:
        Array ``(x, y, z)``, int16 if that holds all values, and its affine in RAS.
    """
    return Volume(narrowed(np.stack([one.pixels for one in ordered]).T), _affine(ordered[0], offset), unit="mm")


def slice_volume(one: Slice) -> Volume:
    """Volume ``(x, y, 1)`` of a single slice, which knows as much of its place as its file says.

    Args:
        one: slice as :func:`~monai_topo.data.readers.dicom.read_slice` returns it.
    """
    offset = _normal(one) * (one.step or 1.0)
    volume = stack_slices([one], offset)
    if one.spacing is None:
        return replace(volume, affine=np.eye(4), knows="nothing", unit=None)
    return volume if one.position and one.rows else replace(volume, knows="spacing")


def has_positions(slices: Sequence[Slice]) -> bool:
    """Whether the slices say where they lie; some writers leave all of them at the origin.

    Raises:
        ValueError: when some say it and others do not, or all lie at one place that is not the origin.
    """
    places = {one.position for one in slices}
    if places == {None} or (len(slices) > 1 and places == {(0.0, 0.0, 0.0)}):
        return False
    if None in places:
        silent = next(one for one in slices if one.position is None)
        raise ValueError(f"{silent.name} does not say where it lies (DICOM tag (0020,0032)), other slices do.")
    if len(slices) > 1 and len(places) == 1:
        raise ValueError(f"{slices[0].name} and all other slices of its series lie at one position, {places.pop()}.")
    return True


def notes_on_geometry(ordered: Sequence[Slice], offset: NDArray[np.float64]) -> tuple[str, ...]:
    """What is remarkable about where the slices lie, each a sentence.

    Args:
        ordered: slices in order, as :func:`order_slices` returns them.
        offset: vector from one slice to the next in LPS.
    """
    step = float(np.linalg.norm(offset))
    if not has_positions(ordered):
        return (
            f"No slice says where it lies: they are in the order of the numbers in their names, {step:g} mm apart by "
            "their distance or thickness.",
        )
    notes = []
    sideways = offset - (offset @ _normal(ordered[0])) * _normal(ordered[0])
    if np.linalg.norm(sideways) > _TILTED * step:
        angle = np.degrees(np.arcsin(np.linalg.norm(sideways) / step))
        notes.append(
            f"The gantry was tilted: slices are shifted by {np.linalg.norm(sideways):.3g} mm against the one before "
            f"({angle:.3g} degrees), and the affine is sheared."
        )
    voxels, millimeters, _ = _deviation(ordered, offset)
    if voxels > _ROUNDED:
        notes.append(f"Slices lie up to {millimeters:.3g} mm from where the affine puts them.")
    return tuple(notes)


def _by_position(slices: Sequence[Slice]) -> tuple[list[Slice], NDArray[np.float64]]:
    """The slices along their normal, and the vector from one to the next."""
    if slices[0].rows is None:
        raise ValueError(f"{slices[0].name} does not say how its rows lie: DICOM tag (0020,0037) is missing.")
    normal = _normal(slices[0])
    heights = np.array([one.position for one in slices]) @ normal
    order = np.argsort(heights, kind="stable")
    ordered = [slices[index] for index in order]
    if len(slices) == 1:
        return ordered, normal * _step_of(ordered)
    _check_gaps(ordered, np.diff(heights[order]))
    ends = np.array([ordered[0].position, ordered[-1].position], dtype=np.float64)
    offset = (ends[1] - ends[0]) / (len(ordered) - 1)
    voxels, millimeters, worst = _deviation(ordered, offset)
    if voxels > _UNEVEN:
        raise ValueError(
            f"slices are unevenly spaced: {ordered[worst].name} lies {millimeters:.3g} mm from where even steps of "
            f"{np.linalg.norm(offset):.4g} mm put it. Resample the series, or take the part of it that is even."
        )
    return ordered, offset


def _check_gaps(ordered: Sequence[Slice], steps: NDArray[np.float64]) -> None:
    usual = float(np.median(steps))
    faulty = np.flatnonzero((steps < 0.5 * usual) | (steps > 1.5 * usual) | (steps <= 1e-6))
    if not len(faulty):
        return
    index = int(faulty[np.argmin(steps[faulty])])
    fault = "have a gap between them" if steps[index] > usual else "lie at one position"
    raise ValueError(
        f"{ordered[index].name} and {ordered[index + 1].name} {fault}: they are {steps[index]:g} mm apart, slices "
        f"usually {usual:g} mm. Is a slice missing or there twice?"
    )


def _deviation(ordered: Sequence[Slice], offset: NDArray[np.float64]) -> tuple[float, float, int]:
    """How far the slice that is worst off lies from its place in the affine: in voxels, in millimeters, and which."""
    places = np.array([one.position for one in ordered], dtype=np.float64)
    apart = places - places[0] - np.arange(len(places))[:, None] * offset
    voxels = np.abs(_in_voxels(apart, ordered[0], offset)).max(axis=1)
    worst = int(voxels.argmax())
    return float(voxels[worst]), float(np.linalg.norm(apart[worst])), worst


def _in_voxels(apart: NDArray[np.float64], one: Slice, offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors in LPS, along the last axis, in voxels along rows, columns and slices."""
    return np.asarray(np.linalg.solve(_columns(one, offset), apart.T).T)


def _by_number(slices: Sequence[Slice]) -> tuple[list[Slice], NDArray[np.float64]]:
    rows = slices[0].rows or _AXIAL
    ordered = [replace(one, rows=rows) for one in sorted(slices, key=lambda one: slice_number(one.name) or 0)]
    return ordered, _normal(ordered[0]) * _step_of(ordered)


def _step_of(ordered: Sequence[Slice]) -> float:
    step = next((one.step for one in ordered if one.step), None)
    if step is None:
        raise ValueError(f"{ordered[0].name} and its series have neither positions nor a distance between slices.")
    return step


def _normal(one: Slice) -> NDArray[np.float64]:
    rows = one.rows or _AXIAL
    normal = np.cross(rows[:3], rows[3:])
    return np.asarray(normal / np.linalg.norm(normal))


def _columns(one: Slice, offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors in LPS from a voxel to the next along x, y and z, as columns."""
    rows, (height, width) = one.rows or _AXIAL, one.spacing or (1.0, 1.0)
    return np.stack([np.multiply(rows[:3], width), np.multiply(rows[3:], height), offset], axis=1)


def _affine(first: Slice, offset: NDArray[np.float64]) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = _LPS_TO_RAS @ _columns(first, offset)
    affine[:3, 3] = _LPS_TO_RAS @ (first.position or (0.0, 0.0, 0.0))
    return affine


def laid_on(mask: Sequence[Slice], image: Sequence[Slice], offset: NDArray[np.float64]) -> list[NDArray[Any]]:
    """Pixels of a mask's slices, turned so that each lies on the image's slice of the same place in the list.

    A slice that is stored mirrored or transposed is turned back, by its direction and position. What a mask does not
    say is taken to be as in the image.

    Args:
        mask: slices that belong to the image's, one to one.
        image: slices of the image, as :func:`order_slices` returns them.
        offset: vector from one slice of the image to the next in LPS.

    Raises:
        ValueError: when a slice of the mask has other pixels than the image's, or they lie elsewhere.
    """
    placed = has_positions(mask) and has_positions(image)
    return [_laid_on(one, other, offset, placed) for one, other in zip(mask, image, strict=True)]


def _laid_on(mask: Slice, image: Slice, offset: NDArray[np.float64], placed: bool) -> NDArray[Any]:
    position = mask.position if placed else image.position
    known = replace(mask, position=position, rows=mask.rows or image.rows, spacing=mask.spacing or image.spacing)
    turned = [one for one in _turned(known) if one.pixels.shape == image.pixels.shape]
    if not turned:
        raise ValueError(
            f"{mask.name} has {mask.pixels.shape} pixels, {image.name} {image.pixels.shape}: they must be the same."
        )
    for one in turned:
        apart = _in_voxels(_corners(one) - _corners(image), image, offset)
        if np.abs(apart).max() <= _SAME_PLACE:
            return one.pixels
    raise ValueError(
        f"{mask.name} and {image.name} have one number, but lie at {mask.position} and {image.position}, in directions "
        f"{mask.rows} and {image.rows}, with pixels of {mask.spacing} and {image.spacing}: the masks are in another "
        "order than the image, or on another grid."
    )


def _corners(one: Slice) -> NDArray[np.float64]:
    """Positions of the first pixel, and of the last of the first row and of the first column."""
    right, down = _edges(one)
    start = np.array(one.position or (0.0, 0.0, 0.0))
    return np.stack([start, start + right, start + down])


def _edges(one: Slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vectors along the first row and the first column, from end to end."""
    rows, (height, width) = one.rows or _AXIAL, one.spacing or (1.0, 1.0)
    lines, columns = one.pixels.shape
    return np.multiply(rows[:3], width * (columns - 1)), np.multiply(rows[3:], height * (lines - 1))


def _turned(one: Slice) -> Iterator[Slice]:
    """The same pixels at the same places, stored in the eight orders that there are; as they are first."""
    for transpose, flip_x, flip_y in product((False, True), repeat=3):
        yield _flipped(_transposed(one) if transpose else one, flip_x, flip_y)


def _transposed(one: Slice) -> Slice:
    rows, spacing = one.rows or _AXIAL, one.spacing or (1.0, 1.0)
    return replace(one, pixels=one.pixels.T, rows=(*rows[3:], *rows[:3]), spacing=spacing[::-1])


def _flipped(one: Slice, flip_x: bool, flip_y: bool) -> Slice:
    rows = np.array(one.rows or _AXIAL)
    right, down = _edges(one)
    start = np.array(one.position or (0.0, 0.0, 0.0)) + flip_x * right + flip_y * down
    signs = np.repeat([-1 if flip_x else 1, -1 if flip_y else 1], 3)
    pixels = one.pixels[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
    return replace(one, pixels=pixels, position=tuple(start.tolist()), rows=tuple((rows * signs).tolist()))
