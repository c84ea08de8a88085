"""Sampling tables of labels larger than memory: made block by block, once, and kept on disk."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.utils import ImageMetaKey
from numpy.typing import NDArray
from tqdm import tqdm

from monai_topo.data import (
    boxes,
    folder_written_whole,
    locked,
    scale_package,
    state_of,
    stem_of,
    write_json,
    written_whole,
)
from monai_topo.transforms.io.image_by_patches import ImageByPatches

Places = Callable[[torch.Tensor, torch.Tensor | None], Mapping[str, NDArray[np.bool_]]]
"""From a label and a likelihood to the places of each kind, masks ``(H, W[, D])``."""


class StoredTable(Mapping[str, Any]):
    """A table to draw from (:func:`sampling_table`) that lies on disk, of which a draw reads a few pages.

    It is copied and sent to other processes as its path.

    Args:
        path: folder of the table.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __getitem__(self, key: str) -> NDArray[Any]:
        if key not in ("indices", "cumulative", "shape"):
            raise KeyError(key)
        return np.asarray(np.load(self.path / f"{key}.npy", mmap_mode=None if key == "shape" else "r"))

    def __iter__(self) -> Iterator[str]:
        return iter(("indices", "cumulative", "shape"))

    def __len__(self) -> int:
        return 3


@dataclass(frozen=True)
class BlockTask:
    """How a table is made of the blocks of a label.

    Attributes:
        label: the label.
        likelihood: a likelihood on its grid.
        places: function that finds the places in a block.
        weights: kinds that are asked for, at most 8, with their weights.
        block: voxels of a block along each axis.
        halo: voxels around it that are looked at, too.
    """

    label: ImageByPatches
    likelihood: ImageByPatches | None
    places: Places
    weights: Mapping[str, float]
    block: int
    halo: int

    def found(self, bounds: Sequence[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Flat indices of the places in a block, and of each the kinds it is of, as bits."""
        shape = self.label.shape[1:]
        around = [
            (max(start - self.halo, 0), min(stop + self.halo, n))
            for (start, stop), n in zip(bounds, shape, strict=True)
        ]
        index = (slice(None), *(slice(*part) for part in around))
        likelihood = None if self.likelihood is None else self.likelihood[index]
        label = self.label[index]
        if likelihood is None and not label.any():
            return np.empty(0, np.int64), np.empty(0, np.uint8)
        inside = tuple(slice(start - low, stop - low) for (start, stop), (low, _) in zip(bounds, around, strict=True))
        bits = np.zeros([stop - start for start, stop in bounds], np.uint8)
        for number, mask in enumerate(self.places(label, likelihood).values()):
            bits |= mask[inside].astype(np.uint8) << np.uint8(number)
        places = np.argwhere(bits) + [start for start, _ in bounds]
        return np.ravel_multi_index(tuple(places.T), tuple(shape)), bits[bits > 0]

    def fingerprint(self, settings: Mapping[str, Any]) -> str:
        """Digest of all that the table depends on."""
        sources = [image for image in (self.label, self.likelihood) if image is not None]
        files = [state_of(image.meta[ImageMetaKey.FILENAME_OR_OBJ]) for image in sources]
        turned = [(image.source.order, image.source.flips, image.pixdim.tolist()) for image in sources]
        content = [files, turned, list(self.weights.items()), self.block, self.halo, dict(settings)]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def stored_table(task: BlockTask, settings: Mapping[str, Any], cache_dir: Path) -> StoredTable:
    """The table of a label from its folder in the cache; it is made if it is not there.

    Several processes may ask for it at once: one makes it, the others wait. Stopped, it goes on: slabs of blocks that
    are done are kept.

    Args:
        task: label and how its places are found.
        settings: further settings that these depend on, JSON-serializable.
        cache_dir: folder of tables.

    Raises:
        OSError: when the folder cannot be written.
        ValueError: when a block is damaged or is no mask.
    """
    name = f"{stem_of(task.label.meta[ImageMetaKey.FILENAME_OR_OBJ])}-{task.fingerprint(settings)[:16]}"
    target = Path(cache_dir) / name
    if not target.exists():
        with locked(target, "table", wait=True):
            if not target.exists():
                partial = target.with_name(f"{name}.partial")
                _write_table(target, task, _write_slabs(partial, task))
                shutil.rmtree(partial)
    return StoredTable(target)


def _write_slabs(folder: Path, task: BlockTask) -> list[Path]:
    """The places of all blocks that share their part of the first axis, in one file each, in C order."""
    shape = tuple(task.label.shape[1:])
    blocks = boxes(shape, [min(task.block, n) for n in shape])
    files = []
    with tqdm(total=len(blocks), desc="places of topology", unit="block") as bar:
        for (start, _), slab in groupby(blocks, key=lambda block: block[0]):
            file = folder / f"{start}.npz"
            members = list(slab)
            if not file.exists():
                _write_slab(file, task, members)
            bar.update(len(members))
            files.append(file)
    return files


def _write_slab(file: Path, task: BlockTask, blocks: Sequence[Any]) -> None:
    dask = scale_package("dask")
    found = dask.compute(*[dask.delayed(task.found)(block) for block in blocks])
    indices, bits = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(indices)
    with written_whole(file) as temporary, temporary.open("wb") as opened:
        np.savez(opened, indices=indices[order], bits=bits[order])


def _write_table(target: Path, task: BlockTask, slabs: Sequence[Path]) -> None:
    """The table of all slabs, written without holding it."""
    counts = sum((np.bincount(_part(file, "bits"), minlength=256) for file in slabs), np.zeros(256, np.int64))
    weights = _weights_of(counts, list(task.weights.values()))
    with folder_written_whole(target) as folder:
        folder.mkdir()
        total = int(counts.sum())
        columns = [
            _column(folder / "indices.npy", np.int64, total),
            _column(folder / "cumulative.npy", np.float64, total),
        ]
        at, weight = 0, 0.0
        for file in slabs:
            indices, bits = _part(file, "indices"), _part(file, "bits")
            running = np.cumsum([weight, *weights[bits]])[1:]
            for column, values in zip(columns, (indices, running), strict=True):
                column[at : at + len(values)] = values
            at, weight = at + len(indices), float(running[-1]) if len(running) else weight
        np.save(folder / "shape.npy", np.array(task.label.shape[1:], np.int64))
        write_json(folder / "about.json", {"weights": dict(task.weights), "places": total})


def _part(file: Path, name: str) -> NDArray[Any]:
    with np.load(file) as content:
        return np.asarray(content[name])


def _column(path: Path, dtype: Any, length: int) -> NDArray[Any]:
    if length == 0:
        np.save(path, np.empty(0, dtype))
        return np.empty(0, dtype)
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(length,))


def _weights_of(counts: NDArray[np.int64], weights: Sequence[float]) -> NDArray[np.float64]:
    """Weight of a voxel for each set of kinds, as :class:`TopologyWeightMap` has it in float32."""
    sets = np.arange(256)
    each = np.zeros(256)
    for number, weight in enumerate(weights):
        of_kind = (sets >> number & 1).astype(bool)
        each += weight / max(int(counts[of_kind].sum()), 1) * of_kind
    total = float((each * counts).sum())
    return (each / (total or 1)).astype(np.float32).astype(np.float64)
