"""Axes of zarr arrays: their names and kinds, and where their voxels lie, by OME's metadata or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KINDS = {"z": "space", "y": "space", "x": "space", "c": "channel", "t": "time"}


@dataclass(frozen=True)
class Axis:
    """An axis of an array, as the file has it.

    Attributes:
        name: name of the axis, such as ``"z"``.
        kind: ``"space"``, ``"channel"``, ``"time"``, or whatever else the file says.
        unit: unit of its lengths, in the words of the file; "" where there is none.
        scale: size of a voxel along it; None where it is not known.
        offset: position of the first voxel; None where it is not known.
    """

    name: str
    kind: str
    unit: str = ""
    scale: float | None = None
    offset: float | None = None


def ome_axes(path: Path, array: Any, multiscales: Mapping[str, Any], level: int, names: str | None) -> tuple[Axis, ...]:
    """Axes of a level of an OME-Zarr image.

    Raises:
        ValueError: when they are not those of the array, or it is placed by anything but scale and translation.
    """
    stated = multiscales.get("axes") or ()
    own = [_stated(entry) for entry in stated]
    given = _named(path, array, names, ()) if names is not None or not own else own
    if len(given) != array.ndim:
        raise ValueError(f"{path} names {len(given)} axes, but its level {array.path} has {array.ndim}.")
    steps = [*(multiscales["datasets"][level].get("coordinateTransformations") or ())]
    steps += multiscales.get("coordinateTransformations") or ()
    scale, offset = _place(path, steps, array.ndim)
    return tuple(
        Axis(
            axis.name, axis.kind, axis.unit, None if scale is None else scale[k], None if offset is None else offset[k]
        )
        for k, axis in enumerate(given)
    )


def _stated(entry: Any) -> Axis:
    """An axis of OME's metadata, a mere name up to version 0.3."""
    if isinstance(entry, str):
        return Axis(entry, _KINDS.get(entry, "other"))
    name = str(entry.get("name"))
    return Axis(name, str(entry.get("type") or _KINDS.get(name, "other")), str(entry.get("unit") or ""))


def _place(path: Path, steps: Sequence[Any], ndim: int) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Scale and translation of transformations that are done one after the other."""
    scale: NDArray[Any] | None = None
    offset: NDArray[Any] | None = None
    for step in steps:
        kind = step.get("type") if isinstance(step, Mapping) else step
        if kind == "identity":
            continue
        values = np.asarray(step.get(kind, ()) if kind in ("scale", "translation") else (), np.float64)
        if values.shape != (ndim,) or not np.isfinite(values).all() or (kind == "scale" and (values <= 0).any()):
            raise ValueError(
                f"{path}: a coordinate transformation must be a scale (positive) or a translation with {ndim} numbers, "
                f"got {step!r}."
            )
        if kind == "scale":
            scale, offset = values * (1 if scale is None else scale), None if offset is None else offset * values
        else:
            offset = values + (0 if offset is None else offset)
    return scale, offset


def plain_axes(path: Path, array: Any, names: str | None) -> tuple[Axis, ...]:
    """Axes of an array without OME's metadata: names of zarr 3 or xarray, resolution and offset as CREMI's files."""
    attributes = array.attrs.asdict()
    stated = getattr(array.metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS") or ()
    given = _named(path, array, names, [str(name).lower() for name in stated])
    space = [k for k, axis in enumerate(given) if axis.kind == "space"]
    found: dict[str, list[float | None]] = {}
    for key in ("resolution", "offset"):
        values = np.asarray(attributes.get(key, ()), np.float64)
        if values.size == 0:
            found[key] = [None] * array.ndim
            continue
        if values.shape not in ((array.ndim,), (len(space),)):
            raise ValueError(f"{path}: attribute {key!r} must hold a number for each axis, got {attributes[key]!r}.")
        places = range(array.ndim) if len(values) == array.ndim else space
        numbers = dict(zip(places, values.tolist(), strict=True))
        found[key] = [numbers.get(k) for k in range(array.ndim)]
    unit = str(attributes.get("unit") or "")
    return tuple(
        Axis(axis.name, axis.kind, unit, found["resolution"][k], found["offset"][k]) for k, axis in enumerate(given)
    )


def renamed_axes(path: Path, array: Any, names: str, axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Axes with other names, of the same lengths."""
    given = _named(path, array, names, ())
    return tuple(replace(axis, name=one.name, kind=one.kind) for axis, one in zip(axes, given, strict=True))


def _named(path: Path, array: Any, names: str | None, stated: Sequence[str]) -> list[Axis]:
    """Axes by the names that were given, else by those of the file, else (z, y, x) or (y, x)."""
    if names is not None:
        if len(names) != array.ndim or len({*names.lower()}) != len(names):
            raise ValueError(f"axes must have a letter for each of the {array.ndim} axes of {path}, got {names!r}.")
        return [Axis(name, _KINDS.get(name, "other")) for name in names.lower()]
    if len(stated) == array.ndim and {"x", "y"} <= {*stated}:
        return [Axis(name, _KINDS.get(name, "other")) for name in stated]
    if array.ndim not in (2, 3):
        raise ValueError(
            f"{path}: an array of shape {array.shape} does not say what its axes are: name them, such as axes='czyx'."
        )
    return [Axis(name, "space") for name in "zyx"[-array.ndim :]]
