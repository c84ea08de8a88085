"""Writing OME-Zarr 0.5: levels, places and units, labels under `labels/`, in chunks and shards for 3D windows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from monai.config import PathLike
from numpy.typing import DTypeLike, NDArray

from monai_topo.data.readers.extras import scale_package
from monai_topo.data.readers.grid import on_grid_of
from monai_topo.data.readers.volume import Volume, diagonal_affine
from monai_topo.data.readers.written import folder_written_whole
from monai_topo.data.readers.zarr_levels import CHUNK, Box, Level, boxes, coarser, plan_levels
from monai_topo.data.readers.zarr_reader import in_ome_words

SHARD = 256
"""Voxels of a shard, the file that holds chunks, along each axis."""
_METADATA = "zarr.json"
_VERSION = "0.5"
_ABOVE = "../../"  # the image of a label in its labels/


def save_zarr(
    path: PathLike, volume: Volume, *, labels: Mapping[str, Volume] | None = None, is_label: bool = False
) -> None:
    """Write a volume as an OME-Zarr 0.5 image, a block at a time; it appears under its name only when complete.

    Levels follow, each half as fine, until 64 voxels hold the longest axis: of intensities the mean, of labels every
    other voxel. Chunks are of 64 voxels along each axis, and a file (shard) holds 4 of them along each. Axes are
    (z, y, x).

    Args:
        path: folder to write, ending in ``.zarr``.
        volume: its array may be a ``dask.array``. As OME-Zarr knows no directions, axes are flipped and permuted so
            that they run along x, y and z.
        labels: masks or ids on the grid of the volume, by name, which go to ``labels/NAME``.
        is_label: whether the volume itself holds ids or a mask.

    Raises:
        ImportError: when zarr is not installed (extra ``scale``).
        ValueError: when the path does not end in ``.zarr``, the volume is oblique to its axes, or a label lies on
            another grid.
        OSError: when it cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "volume.zarr"
        >>> image = Volume(np.ones((3, 4, 5), np.float32), np.diag([2.0, 2, 5, 1]), unit="um")
        >>> save_zarr(path, image, labels={"tube": replace(image, array=image.array > 0)})
        >>> from monai_topo.data import read_volume
        >>> read_volume(path).spacing, read_volume(path / "labels" / "tube").array.max()
        ((2.0, 2.0, 5.0), np.uint8(1))
    """
    check_zarr_name(path)
    with folder_written_whole(path) as temporary:
        image = aligned(volume)
        _save_image(temporary, image, Path(path).stem, is_label=is_label)
        for name, label in (labels or {}).items():
            on_grid = replace(on_grid_of(label, volume), affine=volume.affine)
            _save_image(temporary / "labels" / name, aligned(on_grid), name, is_label=True)
        if labels:
            list_labels(temporary, list(labels))


def check_zarr_name(path: PathLike) -> None:
    """Raise a ``ValueError`` if a path does not end as the name of a zarr folder."""
    if not Path(path).name.lower().endswith(".zarr"):
        raise ValueError(f"{path} must end in .zarr, as it becomes an OME-Zarr folder.")


def aligned(volume: Volume) -> Volume:
    """The volume with its axes along x, y and z, which OME-Zarr takes for granted.

    Raises:
        ValueError: when it is oblique to its axes.
    """
    ndim = volume.array.ndim
    steps = volume.affine[:ndim, :ndim]
    order = np.argmax(np.abs(steps), axis=1)
    sizes = np.abs(steps[range(ndim), order])
    if len({*order.tolist()}) < ndim or np.abs(np.abs(steps).sum() - sizes.sum()) > 1e-3 * sizes.min():
        raise ValueError(
            f"{volume.path or 'the volume'} is oblique to its axes, which OME-Zarr cannot say: resample it, or save "
            "it as NIfTI."
        )
    array, corner = volume.array.transpose(*order.tolist()), volume.affine[:ndim, 3].copy()
    for k, axis in enumerate(order.tolist()):
        if steps[k, axis] < 0:
            corner[k] += steps[k, axis] * (array.shape[k] - 1)
            array = array[(slice(None),) * k + (slice(None, None, -1),)]
    return replace(volume, array=array, affine=diagonal_affine(sizes.tolist(), corner.tolist()))


def create_image(
    path: Path,
    grid: Volume,
    dtype: DTypeLike,
    *,
    name: str,
    is_label: bool,
    channels: int | None = None,
    block: Sequence[int] | None = None,
    about: Mapping[str, Any] | None = None,
) -> list[Level]:
    """Make the arrays of an image, which hold nothing yet.

    Args:
        path: folder of the image.
        grid: shape and place, with its axes along x, y and z.
        dtype: type of the numbers.
        name: name in the metadata.
        is_label: whether it is a label, with ids and no channels.
        channels: number of channels, an axis in front; None for no such axis.
        block: voxels of a shard of the first level along x, y and z, multiples of 64 where there is more than one;
            those of others are half of it.
        about: further attributes of the group.

    Returns:
        Its levels, axes (x, y[, z]).
    """
    zarr = scale_package("zarr")
    ndim = grid.array.ndim
    levels = plan_levels(grid.array.shape, grid.spacing, grid.affine[:ndim, 3].tolist())
    names = (*(["c"] if channels else []), *"zyx"[-ndim:])
    group = zarr.open_group(path, mode="w", zarr_format=3)
    for number, level in enumerate(levels):
        whole = [min(size, SHARD) for size in level.shape] if block is None else block
        shard = shard_shape(level.shape, [size if number == 0 else -(-size // (2 * CHUNK)) * CHUNK for size in whole])
        chunk = [min(CHUNK, size) for size in shard]
        lead = [channels] if channels else []
        group.create_array(
            str(number),
            shape=(*lead, *level.shape[::-1]),
            chunks=(*[1 for _ in lead], *chunk[::-1]),
            shards=(*lead, *shard[::-1]),
            dtype=np.dtype(dtype),
            compressors=zarr.codecs.ZstdCodec(level=3, checksum=True),
            dimension_names=names,
        )
    _write_attributes(path, {"ome": _metadata(path, grid, levels, names, name, is_label), **(about or {})})
    return levels


def shard_shape(shape: Sequence[int], block: Sequence[int]) -> list[int]:
    """Voxels of a shard: those of a block or, where it holds the volume, chunks that do."""
    return [
        size if size < n else n if n <= CHUNK else -(-n // CHUNK) * CHUNK for n, size in zip(shape, block, strict=True)
    ]


def level_boxes(path: Path, number: int) -> list[Box]:
    """Boxes of the shards of a level along its own axes, without those of channels."""
    array = open_level(path, number)
    lead = 1 if array.metadata.dimension_names[0] == "c" else 0
    return boxes(array.shape[lead:], array.shards[lead:])


def fill_level(path: Path, number: int, box: Box, how: Literal["mean", "nearest"]) -> None:
    """Make a box of a level from the level before.

    Args:
        path: folder of the image.
        number: number of the level, from 1.
        box: one of :func:`level_boxes`.
        how: way as in :func:`coarser`.
    """
    target, source = open_level(path, number), open_level(path, number - 1)
    lead = target.ndim - len(box)
    factors = [2 if n < m else 1 for n, m in zip(target.shape[lead:], source.shape[lead:], strict=True)]
    finer = [
        slice(start * factor, min(stop * factor, size))
        for (start, stop), factor, size in zip(box, factors, source.shape[lead:], strict=True)
    ]
    part = _read(path, source, (..., *finer))
    target[(..., *(slice(start, stop) for start, stop in box))] = coarser(part, factors, how)


def list_labels(path: Path, names: Sequence[str]) -> None:
    """Make the group of an image's labels known."""
    zarr = scale_package("zarr")
    folder = path / "labels"
    if not (folder / _METADATA).exists():
        zarr.open_group(folder, mode="a", zarr_format=3)
    _write_attributes(folder, {"ome": {"version": _VERSION, "labels": list(names)}})


def open_level(path: Path, number: int) -> Any:
    """The array of a level."""
    return scale_package("zarr").open_array(path / str(number), mode="r+")


def _read(path: Path, array: Any, region: tuple[Any, ...]) -> NDArray[Any]:
    try:
        return np.asarray(array[region])
    except Exception as error:  # every codec raises its own
        bounds = ", ".join(f"{part.start}:{part.stop}" for part in region if isinstance(part, slice))
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ValueError(f"{path / array.basename}, block [{bounds}] is damaged: {reason}.") from error


def _save_image(path: Path, image: Volume, name: str, *, is_label: bool) -> None:
    dtype = np.uint8 if image.array.dtype == bool else np.dtype(image.array.dtype).newbyteorder("=")
    levels = create_image(path, image, dtype, name=name, is_label=is_label)
    for box in level_boxes(path, 0):
        region = tuple(slice(start, stop) for start, stop in box)
        open_level(path, 0)[region] = np.asarray(image.array[region[::-1]]).astype(dtype).T
    for number, box in _further(path, len(levels)):
        fill_level(path, number, box, "nearest" if is_label else "mean")


def _further(path: Path, count: int) -> Iterator[tuple[int, Box]]:
    for number in range(1, count):
        yield from ((number, box) for box in level_boxes(path, number))


def _metadata(
    path: Path, grid: Volume, levels: Sequence[Level], names: Sequence[str], name: str, is_label: bool
) -> dict[str, Any]:
    unit = in_ome_words(grid.unit)
    axes = [
        {"name": axis, "type": "channel"}
        if axis == "c"
        else {"name": axis, "type": "space", **({"unit": unit} if unit else {})}
        for axis in names
    ]
    lead = [1.0] if "c" in names else []
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {"type": "scale", "scale": [*lead, *level.spacing[::-1]]},
                {"type": "translation", "translation": [*[0.0 for _ in lead], *level.origin[::-1]]},
            ],
        }
        for number, level in enumerate(levels)
    ]
    how = "nearest" if is_label else "mean"
    metadata: dict[str, Any] = {
        "version": _VERSION,
        "multiscales": [{"name": name, "axes": axes, "datasets": datasets, "type": how}],
    }
    return {**metadata, "image-label": {"source": {"image": _ABOVE}}} if path.parent.name == "labels" else metadata


def _write_attributes(path: Path, attributes: Mapping[str, Any]) -> None:
    """Attributes of a group, in one go."""
    file = path / _METADATA
    content = json.loads(file.read_text(encoding="utf-8"))
    content["attributes"] = {**content.get("attributes", {}), **attributes}
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")
