"""From an input to an OME-Zarr of likelihoods and mask, on dask, going on where an earlier run was stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from monai_topo.commands.evaluation.case import versions
from monai_topo.commands.segmentation.engine import Engine
from monai_topo.commands.segmentation.network import Bundle
from monai_topo.commands.segmentation.preprocessing import numbers_of, steps_after_loading
from monai_topo.commands.segmentation.work import (
    IMAGE,
    LABEL,
    Block,
    Job,
    Source,
    count_channels,
    drop_part,
    join_block,
    level_mark,
    make_coarser,
    make_part,
    name_of,
    statistic,
)
from monai_topo.data import (
    CHUNK,
    boxes,
    check_zarr_name,
    create_image,
    is_zarr,
    level_boxes,
    list_labels,
    locked,
    put_in_place,
    save_zarr,
    state_of,
    write_json,
)
from monai_topo.transforms import LoadVolume, LoadVolumed

DEFAULT_BLOCKS = {2: 2048, 3: 256}
"""Voxels of a block along each axis."""
_OWN = "monai_topo"


def segment(
    bundle: Bundle, source: Source, out: Path, engine: Engine, block: Sequence[int] | None = None
) -> dict[str, Any]:
    """Segment a volume block by block.

    Interrupted and called again it goes on: what is finished is kept in a hidden folder beside ``out`` until all is.

    Args:
        bundle: the network and all that goes with it.
        source: path of what is segmented; a volume that is no zarr is converted to one first, which takes it into
            memory.
        out: OME-Zarr to write, ending in ``.zarr``: the likelihood, and the mask under ``labels/segmentation``.
        engine: place where the work is done.
        block: voxels of a block along x, y and z, rounded up to multiples of 64; None takes 256, in 2D 2048.

    Returns:
        What was done: ``blocks``, ``shape`` and ``channels``.

    Raises:
        FileExistsError: when ``out`` is there, from another run.
        BlockingIOError: when another process writes it.
        ValueError: when an earlier run that was stopped had other settings; when a block is damaged, naming it.
    """
    check_zarr_name(out)
    folder = out.with_name(f".{out.name}.partial")
    with locked(out, "segment"):
        settings = {**bundle.settings(), "input": _described(source), "block": block, "versions": dict(versions())}
        if _is_finished(out, folder, settings):
            return {"blocks": 0}
        _begin(folder, settings)
        job = Job(bundle, _as_zarr(source, bundle, folder), folder, ())
        shape = job.source.grid().array.shape
        job = replace(job, block=_checked_block(block, shape))
        job = _with_numbers(job, engine)
        channels = _create(job, engine, settings)
        count = _compute(job, engine)
        _compute_levels(job, engine)
        _finish(folder, out)
    return {"blocks": count, "shape": shape, "channels": channels}


def _described(source: Source) -> dict[str, Any]:
    """The input with the states of all its files."""
    digest = hashlib.sha256(json.dumps(state_of(source.path)).encode()).hexdigest()
    return {**{key: str(value) for key, value in vars(source).items()}, "files": digest}


def _digest(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _is_finished(out: Path, folder: Path, settings: dict[str, Any]) -> bool:
    """Whether an earlier run has finished the same; it may have been stopped while it cleaned up."""
    if not out.exists():
        return False
    file = out / "zarr.json"
    content = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if content.get("attributes", {}).get(_OWN, {}).get("settings") != _digest(settings):
        raise FileExistsError(f"{out} is there already, of other settings or another source: name another one.")
    shutil.rmtree(folder, ignore_errors=True)
    sys.stderr.write(f"{out} was finished by an earlier run\n")
    return True


def _begin(folder: Path, settings: dict[str, Any]) -> None:
    """Make the folder of the run, or go on in that of an earlier one."""
    file = folder / "settings.json"
    wanted = json.loads(json.dumps(settings))
    begun = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    if begun != wanted and not any((folder / kept).is_dir() for kept in ("parts", "done")):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_json(file, settings)
        return
    if begun != wanted:
        other = sorted(key for key in wanted if begun is None or begun.get(key) != wanted[key])
        raise ValueError(
            f"{folder} was begun by a run with another {' and '.join(other)}: remove it to begin anew, or name another "
            "output."
        )
    for left_over in folder.glob("**/.part-*"):  # of a run that was killed
        shutil.rmtree(left_over, ignore_errors=True)


def _as_zarr(source: Source, bundle: Bundle, folder: Path) -> Source:
    """The source if it is a zarr; else a copy that is one, read as the bundle reads it."""
    load, _ = steps_after_loading(bundle.entry("preprocessing"))
    given = load.loaders[0] if isinstance(load, LoadVolumed) else LoadVolume()
    if is_zarr(source.path):
        named = source.dataset is None and given.dataset and is_zarr(source.path / given.dataset)
        return replace(source, dataset=given.dataset if named else source.dataset, spacing=given.spacing)
    copy = folder / "input.zarr"
    if not copy.exists():
        save_zarr(copy, given.read(source.path))
    return Source(copy)


def _checked_block(block: Sequence[int] | None, shape: Sequence[int]) -> tuple[int, ...]:
    sizes = [DEFAULT_BLOCKS[len(shape)]] * len(shape) if block is None else list(block)
    sizes = sizes * len(shape) if len(sizes) == 1 else sizes
    if len(sizes) != len(shape) or min(sizes) < 1:
        raise ValueError(f"--block must be a size, or one for each of the {len(shape)} axes, got {tuple(sizes)}.")
    return tuple(
        n if size >= n else size if size <= CHUNK else -(-size // CHUNK) * CHUNK
        for size, n in zip(sizes, shape, strict=True)
    )


def _with_numbers(job: Job, engine: Engine) -> Job:
    """The job with what its preprocessing takes of the whole volume, which is kept."""
    file = job.folder / "numbers.json"
    if file.is_file():
        found = json.loads(file.read_text(encoding="utf-8"))
    else:
        found = []
        _, steps = steps_after_loading(job.bundle.entry("preprocessing"))
        for step in steps:
            so_far = replace(job, numbers=_frozen(found))
            found.append(numbers_of(step, partial(_over_blocks, so_far, engine)))
        write_json(file, found)
    return replace(job, numbers=_frozen(found))


def _frozen(numbers: Sequence[Any]) -> tuple[tuple[tuple[str, float], ...] | None, ...]:
    return tuple(None if one is None else tuple(sorted(one.items())) for one in numbers)


def _over_blocks(job: Job, engine: Engine, function: Callable[[Any], Any]) -> Iterable[Any]:
    places = boxes(job.source.grid().array.shape, job.block)
    tasks = {f"statistic-{k}": (statistic, job, box, function) for k, box in enumerate(places)}
    return engine.run("statistics", tasks)


def _create(job: Job, engine: Engine, settings: dict[str, Any]) -> int:
    """Make the arrays of the result, if an earlier run has not; returns the number of channels."""
    file = job.folder / "created.json"
    if file.is_file():
        return int(json.loads(file.read_text(encoding="utf-8")))
    (channels,) = engine.run("network", {"channels": (count_channels, job)})
    grid = job.source.grid()
    about = {_OWN: {"settings": _digest(settings)}}
    several = channels if channels > 1 else None
    name = job.folder.name.removeprefix(".").removesuffix(".zarr.partial")
    make = partial(create_image, grid=grid, block=job.block)
    make(job.folder / IMAGE, dtype=np.float32, name=name, is_label=False, channels=several, about=about)
    make(job.folder / LABEL, dtype=np.uint8, name="segmentation", is_label=True)
    list_labels(job.folder / IMAGE, ["segmentation"])
    write_json(file, channels)
    return int(channels)


def _compute(job: Job, engine: Engine) -> int:
    """Windows and blocks, as far as they are not done; returns how many blocks are."""
    windows = job.windows
    to_do = [block for block in windows.blocks if not job.done(f"0-{name_of(block)}").exists()]
    tasks = _tasks(job, {block: windows.blocks_of(block) for block in to_do})
    engine.run("segment", tasks, shown="join-", done=len(windows.blocks) - len(to_do))
    return len(to_do)


def _tasks(job: Job, needed: Mapping[Block, Sequence[Block]]) -> dict[str, tuple[Any, ...]]:
    """What is done for some blocks, block by block, so that few parts wait at a time.

    Args:
        job: settings that workers need to know.
        needed: blocks to join, and of each the blocks whose windows reach it.
    """
    left = Counter(one for parts in needed.values() for one in parts)
    users: dict[Block, list[str]] = {}
    tasks: dict[str, tuple[Any, ...]] = {}
    for block, parts in needed.items():
        names = [f"part-{name_of(one)}" for one in parts]
        for name, one in zip(names, parts, strict=True):
            tasks.setdefault(name, (make_part, job, one))
        join = f"join-{name_of(block)}"
        tasks[join] = (join_block, job, block, *names)
        for one in parts:
            users.setdefault(one, []).append(join)
            left[one] -= 1
            if left[one] == 0:
                tasks[f"drop-{name_of(one)}"] = (drop_part, job, one, *users[one])
    return tasks


def _compute_levels(job: Job, engine: Engine) -> None:
    number = 1
    while (job.folder / IMAGE / str(number)).exists():
        tasks: dict[str, tuple[Any, ...]] = {}
        for what in (IMAGE, LABEL):
            for box in level_boxes(job.folder / what, number):
                mark = level_mark(what, number, box)
                if not job.done(mark).exists():
                    tasks[mark] = (make_coarser, job, what, number, box)
        engine.run(f"level {number}", tasks)
        number += 1


def _finish(folder: Path, out: Path) -> None:
    for left_over in (folder / IMAGE).rglob("*.partial"):  # zarr's, of a run that was killed
        left_over.unlink()
    put_in_place(folder / IMAGE, out)
    shutil.rmtree(folder)
