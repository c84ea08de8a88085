"""What `prepare volumes` converts: images and labels of any kind of file, zarr and folders of sections among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.commands.sources import Source, about_data, with_membranes
from monai_topo.data import (
    Case,
    Converted,
    Volume,
    is_volume,
    on_grid_of,
    open_volume,
    opens_by_blocks,
    read_volume,
    stem_of,
)

KINDS = ("mask", "instances")


def volumes_source(
    root: Path,
    kind: str = "mask",
    image: str | None = None,
    label: str | None = None,
    spacing: Sequence[float] | None = None,
) -> Source:
    """A folder with ``images/`` and ``labels/``, whose files, zarrs and folders of sections of one name are a case.

    Args:
        root: the folder. A case may lack a label.
        kind: content of the labels: a ``"mask"`` of 0 and one other value, or ``"instances"``, whose membranes are
            drawn.
        image: dataset in images that are HDF5 or zarr; None takes the only one.
        label: dataset in labels.
        spacing: voxel size along x, y and z; None takes the files'.

    Returns:
        The source. Volumes that are kept in blocks are converted block by block.

    Raises:
        FileNotFoundError: when the folder holds no images.
    """
    images = _volumes(root / "images")
    if not images:
        raise FileNotFoundError(f"{root} holds no images/ with volumes: put images/NAME and labels/NAME there.")
    labels = _volumes(root / "labels")
    cases = [
        Case(
            name,
            name,
            partial(_read, path, labels.get(name), kind, image, label, spacing),
            tuple(one for one in (path, labels.get(name)) if one is not None),
        )
        for name, path in images.items()
    ]
    settings = {"dataset": "volumes", "labels": kind, "image": image, "label": label, "spacing": spacing}
    return Source(cases, settings, about_data("volumes", "unknown", "structure", "that of the files"))


def _volumes(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    found = sorted(path for path in folder.iterdir() if path.name[0] != "." and is_volume(path))
    return {stem_of(path): path for path in found}


def _read(
    path: Path, label: Path | None, kind: str, image: str | None, ids: str | None, spacing: Sequence[float] | None
) -> Converted:
    volume = _open(path, image, spacing)
    if label is None:
        return Converted(volume, None, ("There is no label of this name.",))
    found = on_grid_of(_open(label, ids, spacing), volume)
    if kind == "instances":
        whole = [replace(one, array=np.asarray(one.array)) for one in (volume, found)]
        return with_membranes(*whole)
    return Converted(volume, replace(found, array=_as_mask(found)))


def _open(path: Path, dataset: str | None, spacing: Sequence[float] | None) -> Volume:
    read = open_volume if opens_by_blocks(path) else read_volume
    return read(path, dataset=dataset, spacing=spacing)


def _as_mask(label: Volume) -> Any:
    """The mask of a label of 0 and one other value.

    Raises:
        ValueError: when it holds several.
    """
    array: Any = label.array
    if isinstance(array, np.ndarray):
        _check_values(label.path, np.unique(array))
        return (array > 0).astype(np.uint8)
    from monai_topo.blockwise import join_blocks, to_blocks

    values = join_blocks(np.unique, _either, to_blocks(array)[0])
    _check_values(label.path, values)
    return array.map_blocks(_positive, dtype=np.uint8)


def _positive(block: NDArray[Any]) -> NDArray[np.uint8]:
    return (block > 0).astype(np.uint8)


def _either(first: NDArray[Any], second: NDArray[Any], axis: int) -> NDArray[Any]:
    return np.union1d(first, second)


def _check_values(path: Path | None, values: NDArray[Any]) -> None:
    if len(values) > 2 or (len(values) == 2 and values[0] != 0) or values[0] < 0:
        some = ", ".join(map(str, values[:8].tolist())) + (" ..." if len(values) > 8 else "")
        raise ValueError(
            f"{path} must be a mask of 0 and one other value, it holds {some}: say --labels instances if they are ids."
        )
