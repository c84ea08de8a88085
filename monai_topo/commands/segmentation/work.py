"""What workers do: statistics, windows, blocks and coarser levels, each written whole and known as done by its file."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from monai_topo.commands.segmentation.network import Bundle
from monai_topo.commands.segmentation.preprocessing import applied, steps_after_loading, with_numbers
from monai_topo.data import (
    Volume,
    ZarrReader,
    diagonal_affine,
    fill_level,
    folder_written_whole,
    open_level,
    scale_package,
)
from monai_topo.inferers import BlockWindows

Block = tuple[int, ...]
Box = tuple[tuple[int, int], ...]

IMAGE, LABEL = "volume.zarr", "volume.zarr/labels/segmentation"
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Source:
    """The channel of a zarr that is segmented: arguments of :class:`~monai_topo.data.ZarrReader`, and a voxel size."""

    path: Path
    dataset: str | None = None
    level: int | str | None = None
    channel: int | str | None = None
    time: int | None = None
    spacing: tuple[float, ...] | None = None

    def reader(self, within: Box | None = None) -> ZarrReader:
        """A reader of all of it, or of a box."""
        return ZarrReader(self.dataset, self.level, self.channel, self.time, within, relabel=False)

    def grid(self) -> Volume:
        """Its shape and place."""
        grid = self.reader().read_grid(self.path)
        if self.spacing is None:
            return grid
        return replace(grid, affine=diagonal_affine(self.spacing[: grid.array.ndim]), knows="spacing", unit=None)


@dataclass(frozen=True)
class Job:
    """What a worker needs to know; it travels with every task.

    Attributes:
        bundle: the network and all that goes with it.
        source: path of what is segmented.
        folder: folder of the run, on a disk that all workers see.
        block: voxels of a block along x, y[, z].
        numbers: numbers that each transform of the preprocessing takes of the whole volume, as sorted pairs.
    """

    bundle: Bundle
    source: Source
    folder: Path
    block: tuple[int, ...]
    numbers: tuple[tuple[tuple[str, float], ...] | None, ...] = ()

    def done(self, what: str) -> Path:
        """File that says that something is done."""
        return self.folder / "done" / what

    def part(self, block: Block) -> Path:
        """Folder of what the windows of a block give."""
        return self.folder / "parts" / name_of(block)

    @cached_property
    def windows(self) -> BlockWindows:
        """Windows of the bundle's inferer on the volume."""
        return BlockWindows(self.bundle.entry("inferer"), self.source.grid().array.shape, self.block)

    @cached_property
    def steps(self) -> tuple[str, list[Any]]:
        """Key of the image, and the transforms after it was loaded, as far as their numbers are known."""
        load, steps = steps_after_loading(self.bundle.entry("preprocessing"))
        given = [None if numbers is None else dict(numbers) for numbers in self.numbers]
        return load.keys[0], [with_numbers(step, number) for step, number in zip(steps, given, strict=False)]

    def read(self, box: Box) -> NDArray[np.float32]:
        """Preprocessed values of a box, ``(1, H, W[, D])``.

        Raises:
            ValueError: when a chunk is damaged or a value is not finite, naming the place.
        """
        values = self.source.reader(box).read_volume(self.source.path).array.astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError(f"{self.source.path} holds NaN or infinity in the block from voxel {_corner(box)}.")
        key, steps = self.steps
        return applied(steps, key, values)

    def __reduce__(self) -> tuple[Any, ...]:
        return Job, (self.bundle, self.source, self.folder, self.block, self.numbers)


def name_of(block: Block) -> str:
    """Name of a block: its index along x, y and z."""
    return ".".join(map(str, block))


@lru_cache(maxsize=1)
def _loaded(job: Job) -> Job:
    return job


def _here(job: Job) -> Job:
    """The job as this process has it: its network is loaded once."""
    with _LOCK:
        mine = _loaded(job)
        _ = mine.windows, mine.steps
    return mine


def statistic(job: Job, box: Box, function: Callable[[NDArray[np.float32]], Any]) -> Any:
    """A function of the values of a block, after the transforms whose numbers are known."""
    return function(_here(job).read(box)[0])


def count_channels(job: Job) -> int:
    """Channels that the network gives."""
    job = _here(job)
    with torch.no_grad(), job.bundle.precision():
        device = next(job.bundle.network.parameters()).device
        return int(job.bundle.network(torch.zeros((2, 1, *job.windows.roi), device=device)).shape[1])


def make_part(job: Job, block: Block) -> None:
    """Apply the network to the windows of a block, and keep what they give until it is joined."""
    if job.part(block).exists():
        return
    job = _here(job)
    with _LOCK:
        network = job.bundle.network
    with _naming(job, block), job.bundle.precision():
        part = job.windows.part(block, job.read, network)
    if part is None:
        return
    values = part.numpy()
    zarr = scale_package("zarr")
    with folder_written_whole(job.part(block)) as temporary:
        chunks = (1, *(min(64, size) for size in values.shape[1:]))
        checked = zarr.codecs.ZstdCodec(level=1, checksum=True)
        zarr.create_array(temporary, data=values, chunks=chunks, compressors=checked)


def join_block(job: Job, block: Block, *_: Any) -> None:
    """Join what windows give for a block, and write its likelihoods and its mask."""
    job = _here(job)
    with _naming(job, block):
        likelihood = job.bundle.activation(job.windows.joined(block, lambda other: _Part(job, other))).numpy()
    region = tuple(slice(*bounds) for bounds in job.windows.box(block))[::-1]
    channels = likelihood.transpose(0, *range(likelihood.ndim - 1, 0, -1))
    image, label = open_level(job.folder / IMAGE, 0), open_level(job.folder / LABEL, 0)
    if len(channels) == 1:
        image[region] = channels[0]
        label[region] = (channels[0] >= job.bundle.threshold).astype(np.uint8)
    else:
        image[(slice(None), *region)] = channels
        label[region] = channels.argmax(0).astype(np.uint8)
    _mark(job, f"0-{name_of(block)}")


class _Part:
    """What the windows of a block gave, of which a region is read at a time."""

    def __init__(self, job: Job, block: Block) -> None:
        self.path = job.part(block)

    def __getitem__(self, region: tuple[Any, ...]) -> NDArray[Any]:
        try:
            return np.asarray(scale_package("zarr").open_array(self.path, mode="r")[region])
        except Exception as error:  # every codec raises its own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ValueError(
                f"{self.path} is damaged: {reason.rstrip('.')}. Remove this folder, and it is computed again."
            ) from error


def drop_part(job: Job, block: Block, *_: Any) -> None:
    """Remove what all that need it have joined."""
    shutil.rmtree(job.part(block), ignore_errors=True)


def make_coarser(job: Job, what: str, number: int, box: Box, *_: Any) -> None:
    """A box of a coarser level of the image or the label."""
    how: Literal["mean", "nearest"] = "mean" if what == IMAGE else "nearest"
    fill_level(job.folder / what, number, box, how)
    _mark(job, level_mark(what, number, box))


def level_mark(what: str, number: int, box: Box) -> str:
    """Name under which a box of a level is known as done."""
    return f"{number}-{'image' if what == IMAGE else 'label'}-{_corner(box, '.')}"


def _mark(job: Job, what: str) -> None:
    file = job.done(what)
    file.parent.mkdir(exist_ok=True)
    file.touch()


def _corner(box: Box, between: str = ", ") -> str:
    return between.join(str(start) for start, _ in box)


@contextmanager
def _naming(job: Job, block: Block) -> Iterator[None]:
    """Adds the block to an error in it."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"block {name_of(block)} of {job.source.path}: {error}") from error
