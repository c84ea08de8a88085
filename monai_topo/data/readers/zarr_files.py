"""Zarr hierarchies: opening one, finding an array in it, and what is known of its axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray

from monai_topo.data.readers.extras import scale_package
from monai_topo.data.readers.stores import is_store, open_store
from monai_topo.data.readers.zarr_axes import Axis, ome_axes, plain_axes, renamed_axes

_METADATA = ("zarr.json", ".zgroup", ".zarray")


@dataclass(frozen=True)
class ZarrArray:
    """An array of a zarr hierarchy.

    Attributes:
        path: path that was opened.
        array: ``zarr.Array``.
        axes: one for each of its axes.
        channels: names of the channels, as far as the file has some.
    """

    path: Path
    array: Any
    axes: tuple[Axis, ...]
    channels: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Path of the array below the folder that was opened; "" for the folder itself."""
        return str(self.array.path)


def is_zarr(path: PathLike) -> bool:
    """Whether a folder is a zarr group or array, or one inside of another; or N5 or Neuroglancer precomputed.

    Example:
        >>> is_zarr("nowhere.zarr")
        False
    """
    return _holds_zarr(Path(path)) or is_store(path)


def _holds_zarr(path: Path) -> bool:
    return any((path / name).is_file() for name in _METADATA)


def open_array(
    path: PathLike, dataset: str | None = None, level: int | str | None = None, axes: str | None = None
) -> ZarrArray:
    """Find one array of a zarr hierarchy.

    Args:
        path: folder of a group or an array; it may lie inside of another.
        dataset: path of an array or an OME-Zarr image below it; None takes the only one there is.
        level: level of an OME-Zarr image, by its number from 0 or its name; None takes the first.
        axes: names of the axes in place of those of the file, a letter each, such as ``"zyx"``.

    Raises:
        ImportError: when zarr is not installed.
        FileNotFoundError: when there is no such folder.
        ValueError: when it is no zarr, holds no such array or level, or more than one to choose from; when its axes or
            transformations cannot be understood.
    """
    path = Path(path)
    if not _holds_zarr(path) and is_store(path):
        array, found = open_store(path, dataset, level)
        return ZarrArray(path, array, found if axes is None else renamed_axes(path, array, axes, found))
    node = _node(path, dataset)
    if not _is_array(node) and _multiscales(node) is None:
        node = node[_only(path, list(_images(node)))]
    if _is_array(node):
        if level is not None:
            raise ValueError(f"{path}: level must be None for an array that is no OME-Zarr image, got {level!r}.")
        return _described(path, node, axes)
    return _level_of(path, node, level, axes)


def read_region(image: ZarrArray, region: tuple[Any, ...]) -> NDArray[Any]:
    """Part of an array, in this machine's byte order.

    Args:
        image: the array.
        region: a slice or an index for each axis.

    Raises:
        ValueError: when a chunk is damaged, naming it.
    """
    try:
        part = np.asarray(image.array[region])
    except Exception as error:  # every codec raises its own
        raise ValueError(_damage(image, region, error)) from error
    return part.astype(part.dtype.newbyteorder("="), copy=False)


def _damage(image: ZarrArray, region: tuple[Any, ...], error: Exception) -> str:
    """Which chunk of a region cannot be read."""
    array = image.array
    sizes = array.shards or array.chunks
    bounds = [
        (part.start, part.stop) if isinstance(part, slice) else (part, part + 1)
        for part in (
            slice(*part.indices(size)) if isinstance(part, slice) else part
            for part, size in zip(region, array.shape, strict=True)
        )
    ]
    grids = [range(start // size, -(-stop // size)) for (start, stop), size in zip(bounds, sizes, strict=True)]
    for place in product(*grids):
        try:
            ends = [min((k + 1) * size, n) for k, size, n in zip(place, sizes, array.shape, strict=True)]
            array[tuple(slice(k * size, end) for k, size, end in zip(place, sizes, ends, strict=True))]
        except Exception as reason:
            return f"{_where(image)}: chunk {'/'.join(map(str, place))} is damaged: {_first_line(reason)}."
    return f"{_where(image)} cannot be read: {_first_line(error)}."


def _where(image: ZarrArray) -> str:
    return f"{image.path / image.name}" if image.name else f"{image.path}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _open(path: Path) -> Any:
    zarr = scale_package("zarr")
    return zarr.open(zarr.storage.LocalStore(path, read_only=True), mode="r")


def _is_array(node: Any) -> bool:
    return hasattr(node, "shape")


def _node(path: Path, dataset: str | None) -> Any:
    if not path.is_dir():
        raise FileNotFoundError(f"no such folder: {path}")
    if not _holds_zarr(path):
        raise ValueError(f"{path} is no zarr group or array: it holds none of {', '.join(_METADATA)}.")
    try:
        node = _open(path)
    except ImportError:
        raise
    except Exception as error:  # what JSON and zarr raise for damaged metadata
        raise ValueError(f"{path} cannot be opened: {_first_line(error)}.") from error
    if dataset is None:
        return node
    try:
        return node[dataset.strip("/")]
    except (KeyError, TypeError, IndexError):
        names = [] if _is_array(node) else list(_images(node))
        raise ValueError(f"{path} holds no {dataset!r}; it has {_some(names) or 'no images'}.") from None


def _images(group: Any, start: str = "") -> Iterator[str]:
    """Paths of the arrays with two axes or more, and of the OME-Zarr images, below a group."""
    for name, node in sorted(group.members(), key=lambda member: str(member[0])):
        if not _is_array(node) and _multiscales(node) is None:
            yield from _images(node, f"{start}{name}/")
        elif not _is_array(node) or (len(node.shape) > 1 and node.dtype.kind in "biuf"):
            yield f"{start}{name}"


def _only(path: Path, names: Sequence[str]) -> str:
    if not names:
        raise ValueError(f"{path} holds no array of two or three axes of numbers.")
    if len(names) > 1:
        raise ValueError(f"{path} holds {len(names)} images ({_some(names)}): name one of them as dataset.")
    return names[0]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")


def _ome(group: Any) -> Mapping[str, Any]:
    """OME's metadata: under a key of its own from version 0.5 on."""
    attributes = group.attrs.asdict()
    own = attributes.get("ome", attributes)
    return own if isinstance(own, Mapping) else {}


def _multiscales(group: Any) -> Mapping[str, Any] | None:
    found = _ome(group).get("multiscales")
    return found[0] if isinstance(found, list) and found and isinstance(found[0], Mapping) else None


def _level_of(path: Path, group: Any, level: int | str | None, axes: str | None) -> ZarrArray:
    multiscales = _multiscales(group) or {}
    datasets = multiscales.get("datasets") or []
    names = [str(entry.get("path")) for entry in datasets]
    wanted: int | None = 0 if level is None else level if isinstance(level, int) else None
    if isinstance(level, str):
        wanted = names.index(level) if level in names else None
    if wanted is None or not 0 <= wanted < len(names):
        raise ValueError(f"{path} has no level {level!r}; it has {_some(names) or 'none'}.")
    try:
        array = group[names[wanted]]
    except KeyError:
        raise ValueError(f"{path}: level {names[wanted]} is in its metadata, but not there.") from None
    found = ome_axes(path, array, multiscales, wanted, axes)
    return ZarrArray(path, array, found, _channel_names(group))


def _channel_names(group: Any) -> tuple[str, ...]:
    about = _ome(group).get("omero")
    channels = about.get("channels", []) if isinstance(about, Mapping) else []
    return tuple(str(channel.get("label", "")) for channel in channels)


def _described(path: Path, array: Any, axes: str | None) -> ZarrArray:
    """An array that was opened itself: a level of the OME-Zarr image around it, or a plain one."""
    place = path / str(array.path)
    for above in (place.parent, place.parent.parent):
        group = _group(above)
        multiscales = None if group is None else _multiscales(group)
        levels = [] if multiscales is None else [str(entry.get("path")) for entry in multiscales.get("datasets", ())]
        name = place.relative_to(above).as_posix()
        if group is not None and multiscales is not None and name in levels:
            found = ome_axes(path, array, multiscales, levels.index(name), axes)
            return ZarrArray(path, array, found, _channel_names(group))
    return ZarrArray(path, array, plain_axes(path, array, axes))


def _group(path: Path) -> Any:
    if not _holds_zarr(path):
        return None
    node = _open(path)
    return None if _is_array(node) else node
