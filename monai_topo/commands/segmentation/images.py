"""Images of a data list by blocks: what the overlay `blocks.yaml` of the bundles runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.config import PathLike

from monai_topo.commands.segmentation.engine import engine
from monai_topo.commands.segmentation.network import bundle_of
from monai_topo.commands.segmentation.run import segment
from monai_topo.commands.segmentation.work import Source
from monai_topo.data import stem_of


def segment_images(
    images: Sequence[Mapping[str, PathLike]],
    output_dir: PathLike,
    bundle_root: PathLike,
    *,
    settings: Mapping[str, Any] | None = None,
    configs: Sequence[str] = ("inference.yaml",),
    block: Sequence[int] | int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> list[Path]:
    """Segment images by a bundle block by block, as ``python -m monai_topo segment`` does each of them.

    Args:
        images: data list, ``[{"image": path}, ...]``.
        output_dir: folder of the results, an OME-Zarr ``NAME.zarr`` for each image.
        bundle_root: folder of the bundle.
        settings: entries of the configuration with their values, in place of those of ``configs``.
        configs: configuration files of the bundle, in order.
        block: voxels of a block, one number or one for each axis; None takes 256, in 2D 2048.
        workers: number of processes on this machine.
        scheduler: address of a dask scheduler in place of processes.

    Returns:
        The paths of the results.

    Raises:
        ValueError: when two images have one name, and as ``segment``.
    """
    names = [f"{stem_of(item['image'])}.zarr" for item in images]
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise ValueError(f"two images would become {twice} in output_dir: segment them one by one.")
    overrides = [(name, repr(_absolute(name, value))) for name, value in (settings or {}).items()]
    bundle = bundle_of(str(bundle_root), tuple(configs), overrides)
    sizes = (block,) if isinstance(block, int) else block
    found = [Path(output_dir).resolve() / name for name in names]
    with engine(workers, scheduler) as where:
        for item, out in zip(images, found, strict=True):
            segment(bundle, Source(Path(item["image"]).resolve()), out, where, sizes)
    return found


def _absolute(name: str, value: Any) -> Any:
    """A value as workers can read it, whatever folder they run in."""
    return str(Path(value).resolve()) if name == "checkpoint" else value
