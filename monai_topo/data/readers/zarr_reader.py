"""Reader of volumes in zarr folders: OME-Zarr images, and plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.config import PathLike
from monai.utils import ensure_tuple
from numpy.typing import NDArray

from monai_topo.data.readers.box_source import BoxSource
from monai_topo.data.readers.extras import scale_package
from monai_topo.data.readers.ids import as_wanted
from monai_topo.data.readers.lengths import PER_MICRON, in_one_unit
from monai_topo.data.readers.volume import Volume, VolumeReader, diagonal_affine
from monai_topo.data.readers.zarr_axes import Axis
from monai_topo.data.readers.zarr_files import ZarrArray, is_zarr, open_array, read_region
from monai_topo.data.readers.zarr_levels import block_of_chunks


class ZarrReader(VolumeReader):
    """Reads one channel of a zarr folder as a volume, or a box of it; nothing else is read.

    Use it as ``LoadImaged(keys="image", reader="monai_topo.data.ZarrReader", level=1, channel="membrane")``. OME-Zarr
    images of versions 0.4 and 0.5 have names for their axes, levels and channels, and scale and translation, which
    become a diagonal affine in RAS, in nanometers, micrometers or millimeters. Plain arrays of zarr 2 and 3 have axes
    (z, y, x), unless they name others (``dimension_names`` of zarr 3, xarray's); attributes ``resolution`` and
    ``offset`` place them, as in CREMI's files. The array comes as (x, y, z), as from :class:`HDF5Reader`. A chunk
    that is not there holds the fill value, as zarr has it.

    Args:
        dataset: path of the array or OME-Zarr image below the folder; None takes the only one there is. The path of a
            file may lead to it too: ``volume.zarr/labels/cells``.
        level: level of an OME-Zarr image, by number from 0, the finest, or by name; None takes the first.
        channel: channel, by number from 0 or by the name that OME's metadata has for it; needed where there are
            several.
        time: number of the time point, from 0; needed where there are several.
        within: box to read in voxels of the level, ``((x0, x1), (y0, y1), (z0, z1))`` with ends left out; None reads
            all.
        axes: names of the array's axes in its order, a letter each, in place of what the file says, such as ``"czyx"``.
        relabel: treatment of integers of 2^24 and more, which float32 cannot tell apart, as in :class:`HDF5Reader`; the
            name is that of the array in the folder. With ``within``, new numbers are those of the box.
        mask_value: value of the structure in a label, which becomes a mask of 0 and 1; None leaves the values.

    Raises:
        ImportError: when zarr is not installed (extra ``scale``).
        FileNotFoundError: when there is no such folder.
        ValueError: when it is no zarr, has no such array, level, channel or time, or several and no choice; when
            ``within`` is not inside; when a chunk is damaged, naming it; for integers and ``mask_value`` as in
            :class:`HDF5Reader`.

    Example:
        >>> import tempfile, zarr
        >>> path = Path(tempfile.mkdtemp()) / "volume.zarr"
        >>> array = zarr.create_array(path, data=np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
        >>> array.attrs["resolution"] = [40, 4, 4]
        >>> reader = ZarrReader(within=((1, 4), (0, 3), (1, 2)))
        >>> array, meta = reader.get_data(reader.read(path))
        >>> array.shape, meta["affine"].diagonal().tolist(), meta["affine"][:3, 3].tolist()
        ((3, 3, 1), [4.0, 4.0, 40.0, 1.0], [4.0, 0.0, 40.0])
    """

    suffixes = ("zarr",)

    def __init__(
        self,
        dataset: str | None = None,
        level: int | str | None = None,
        channel: int | str | None = None,
        time: int | None = None,
        within: Sequence[Sequence[int]] | None = None,
        axes: str | None = None,
        relabel: bool | None = None,
        mask_value: int | None = None,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.level = level
        self.channel = channel
        self.time = time
        self.within = None if within is None else _checked_box(within)
        self.axes = axes
        self.relabel = relabel
        self.mask_value = mask_value

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        """Whether all are zarr groups or arrays, or end in ``.zarr``."""
        return all(is_zarr(path) or super(ZarrReader, self).verify_suffix(path) for path in ensure_tuple(filename))

    def read_volume(self, path: Path) -> Volume:
        """Read one channel, or the box of it."""
        image, index, order = self._opened(path)
        array = read_region(image, index).transpose(order)
        name = f"{Path(path).name}/{image.name}"
        return self._placed(image, np.ascontiguousarray(as_wanted(array, path, name, self.relabel, self.mask_value)))

    def read_grid(self, path: Path) -> Volume:
        """Shape and place of what :meth:`read_volume` reads; only metadata is read, and all voxels are 0."""
        image, index, _ = self._opened(path)
        shape = [len(range(part.start, part.stop)) for part in index if isinstance(part, slice)]
        sizes = [shape[k] for k in _order([axis for axis in image.axes if axis.kind == "space"])]
        return self._placed(image, np.broadcast_to(np.zeros((), image.array.dtype.newbyteorder("=")), sizes))

    def read_lazily(self, path: PathLike) -> Volume:
        """The same volume as a ``dask.array``, of which nothing is read yet, in blocks of whole chunks of the file.

        Small chunks are read several at a time, about four million voxels.

        Args:
            path: folder.

        Raises:
            ImportError: when dask is not installed (extra ``scale``).
            ValueError: as :meth:`read_volume`; also for ``relabel=True`` and ``mask_value``, which need all voxels.
        """
        if self.relabel or self.mask_value is not None:
            raise ValueError("relabel and mask_value need the whole volume: leave them out.")
        image, index, order = self._opened(Path(path))
        space = [axis.kind == "space" for axis in image.axes]
        block = block_of_chunks(image.array.shape, image.array.chunks, space)
        array = scale_package("dask.array").from_array(_Checked(image), chunks=block)
        return self._placed(image, array[index].transpose(order))

    def read_boxes(self, path: PathLike) -> Volume:
        """The same volume as a :class:`BoxSource`, of which nothing is read but the boxes that are asked for.

        Args:
            path: folder.

        Raises:
            ValueError: as :meth:`read_lazily`.
        """
        if self.relabel or self.mask_value is not None:
            raise ValueError("relabel and mask_value need the whole volume: leave them out.")
        image, index, order = self._opened(Path(path))
        shape = self.read_grid(Path(path)).array.shape
        return self._placed(image, BoxSource.of(_Boxes(image, index, order), shape, image.array.dtype))

    def _opened(self, path: Path) -> tuple[ZarrArray, tuple[Any, ...], tuple[int, ...]]:
        """The array, the index of the channel and box in it, and the order of axes that makes it (x, y, z)."""
        image = open_array(path, self.dataset, self.level, self.axes)
        space = [k for k, axis in enumerate(image.axes) if axis.kind == "space"]
        if len(space) not in (2, 3):
            raise ValueError(
                f"{path} must have two or three axes of space, its axes are {_listed(image)}: name them by axes."
            )
        order = _order([image.axes[k] for k in space])
        box = self._box(image, [image.array.shape[space[k]] for k in order])
        bounds = {space[k]: slice(*box[place]) for place, k in enumerate(order)}
        index = tuple(bounds[k] if k in bounds else self._choice(image, k) for k in range(image.array.ndim))
        return image, index, order

    def _box(self, image: ZarrArray, shape: Sequence[int]) -> list[tuple[int, int]]:
        if self.within is None:
            return [(0, size) for size in shape]
        if len(self.within) != len(shape) or any(stop > n for (_, stop), n in zip(self.within, shape, strict=True)):
            raise ValueError(
                f"within must be a box inside of {image.path}, whose shape is {tuple(shape)}; got {self.within}."
            )
        return self.within

    def _choice(self, image: ZarrArray, k: int) -> int:
        """Index along an axis that is none of space."""
        axis, size = image.axes[k], image.array.shape[k]
        wanted = self.channel if axis.kind == "channel" else self.time if axis.kind == "time" else None
        if isinstance(wanted, str):
            if wanted not in image.channels:
                names = ", ".join(image.channels) or "no names for them"
                raise ValueError(f"{image.path} has no channel {wanted!r}; it has {names}.")
            wanted = image.channels.index(wanted)
        if wanted is None and size == 1:
            return 0
        if wanted is None:
            names = f" ({', '.join(image.channels)})" if axis.kind == "channel" and image.channels else ""
            what = axis.kind if axis.kind in ("channel", "time") else "axis"
            advice = f"choose one by {what}" if what != "axis" else "save one of them"
            raise ValueError(f"{image.path} has {size} places along its {what} {axis.name}{names}: {advice}.")
        if not 0 <= wanted < size:
            raise ValueError(f"{image.path}: {axis.kind} must be from 0 to {size - 1}, got {wanted}.")
        return wanted

    def _placed(self, image: ZarrArray, array: Any) -> Volume:
        space = [axis for axis in image.axes if axis.kind == "space"]
        axes = [space[k] for k in _order(space)]
        sizes, origin, unit, knows = _lengths(axes)
        corner = np.zeros(len(axes)) if self.within is None else np.array([start for start, _ in self.within], float)
        affine = diagonal_affine(sizes, (np.asarray(origin) + corner * sizes).tolist())
        return Volume(array, affine, path=image.path, knows=knows, unit=unit)


class _Checked:
    """An array for dask, whose errors name the chunk that is damaged."""

    def __init__(self, image: ZarrArray) -> None:
        self.image = image
        self.shape, self.dtype, self.ndim = image.array.shape, image.array.dtype.newbyteorder("="), image.array.ndim

    def __getitem__(self, region: tuple[Any, ...]) -> NDArray[Any]:
        return read_region(self.image, region)


class _Boxes:
    """Reads boxes along x, y[, z] of what an index chooses of an array."""

    def __init__(self, image: ZarrArray, index: tuple[Any, ...], order: tuple[int, ...]) -> None:
        self.image = image
        self.index = index
        self.order = order

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        space = [k for k, part in enumerate(self.index) if isinstance(part, slice)]
        index = list(self.index)
        for place, part in zip(self.order, region, strict=True):
            start = self.index[space[place]].start
            index[space[place]] = slice(start + part.start, start + part.stop)
        return read_region(self.image, tuple(index)).transpose(self.order)


def _order(axes: Sequence[Axis]) -> tuple[int, ...]:
    """Places of x, y and z among the axes of space; of other names, the last one comes first."""
    names = [axis.name for axis in axes]
    if {*names} == {*"xyz"[: len(names)]}:
        return tuple(names.index(name) for name in "xyz"[: len(names)])
    return tuple(range(len(names)))[::-1]


def _listed(image: ZarrArray) -> str:
    return ", ".join(f"{axis.name} ({axis.kind})" for axis in image.axes)


def _checked_box(within: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    box = [tuple(map(int, bounds)) for bounds in within]
    if not all(len(bounds) == 2 and 0 <= bounds[0] < bounds[1] for bounds in box):
        raise ValueError(f"within must be a start and a larger end for each of x, y and z, from 0 on; got {within!r}.")
    return [(bounds[0], bounds[1]) for bounds in box]


def _lengths(
    axes: Sequence[Axis],
) -> tuple[tuple[float, ...], tuple[float, ...], str | None, Literal["place", "spacing", "nothing"]]:
    """Voxel size, position of the first voxel and unit, along x, y and z, and how much of it the file knows."""
    if any(axis.scale is None for axis in axes):
        return (1.0,) * len(axes), (0.0,) * len(axes), None, "nothing"
    scales = [float(axis.scale or 0) for axis in axes]
    if min(scales) <= 0:
        raise ValueError(f"a voxel size must be positive, got {scales}.")
    offsets = [float(axis.offset or 0.0) for axis in axes]
    known = any(axis.offset is not None for axis in axes)
    if not any(axis.unit for axis in axes) and scales == [1.0] * len(axes):  # OME-Zarr cannot do without a scale
        return tuple(scales), tuple(offsets), None, "place" if any(offsets) else "nothing"
    found = in_one_unit([(scale, axis.unit) for scale, axis in zip(scales, axes, strict=True)])
    sizes, unit = (tuple(scales), None) if found is None else found
    origin = tuple(offset * size / scale for offset, size, scale in zip(offsets, sizes, scales, strict=True))
    return sizes, origin, unit, "place" if known else "spacing"


def in_ome_words(unit: str | None) -> str | None:
    """A unit of length as OME-Zarr spells it.

    Example:
        >>> in_ome_words("um"), in_ome_words(None)
        ('micrometer', None)
    """
    return {"mm": "millimeter", "um": "micrometer", "nm": "nanometer"}.get(unit or "") if unit in PER_MICRON else None
