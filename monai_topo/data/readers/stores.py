"""Folders of chunks that are no zarr: N5 and Neuroglancer precomputed, read by TensorStore (extra `stores`)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from numpy.typing import NDArray

from monai_topo.data.readers.zarr_axes import Axis

_N5, _PRECOMPUTED = "attributes.json", "info"


class StoreArray:
    """An array that TensorStore reads, as far as a zarr array is asked for: opened in each process when it is needed.

    Args:
        spec: TensorStore's specification.
        shape: voxels along each axis.
        dtype: type of the numbers.
        chunks: voxels of a chunk.
    """

    path = ""
    shards = None

    def __init__(self, spec: Mapping[str, Any], shape: Sequence[int], dtype: str, chunks: Sequence[int]) -> None:
        self.spec = dict(spec)
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.chunks = tuple(chunks)
        self.ndim = len(self.shape)
        self._opened: dict[int, Any] = {}

    def __getitem__(self, region: tuple[Any, ...]) -> NDArray[Any]:
        if os.getpid() not in self._opened:
            store = _tensorstore()
            opened = store.open(self.spec, open=True, read=True).result()
            self._opened = {os.getpid(): opened[store.d[:].translate_to[0]]}
        found: NDArray[Any] = np.asarray(self._opened[os.getpid()][region].read().result())
        return found

    def __reduce__(self) -> Any:
        return StoreArray, (self.spec, self.shape, self.dtype.str, self.chunks)


def is_store(path: PathLike) -> bool:
    """Whether a folder is an N5 container or array, or a Neuroglancer precomputed volume.

    Example:
        >>> is_store("nowhere")
        False
    """
    found = _about(Path(path) / _N5)
    if found is not None and ("n5" in found or "dimensions" in found or _scales_of(Path(path))):
        return True
    return _is_precomputed(_about(Path(path) / _PRECOMPUTED))


def open_store(
    path: Path, dataset: str | None = None, level: int | str | None = None
) -> tuple[StoreArray, tuple[Axis, ...]]:
    """Find one array of such a folder.

    Args:
        path: folder.
        dataset: path of the array or the group of its scales in an N5 container; None takes the only one.
        level: scale, by number from 0, the finest, or by name; None takes the first.

    Raises:
        ImportError: when TensorStore is not installed (extra ``stores``).
        ValueError: when there is no such array or scale, or more than one to choose from; when its metadata is damaged.
    """
    _tensorstore()
    try:
        about = _about(path / _PRECOMPUTED)
        if about is not None and _is_precomputed(about):
            if dataset is not None:
                raise ValueError(f"{path}: dataset must be None for a precomputed volume, got {dataset!r}.")
            return _precomputed(path, about, level)
        return _n5(path, dataset, level)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path} cannot be opened: its metadata lacks or mistakes {error}.") from error


def _precomputed(path: Path, about: Mapping[str, Any], level: int | str | None) -> tuple[StoreArray, tuple[Axis, ...]]:
    names = [str(scale["key"]) for scale in about["scales"]]
    number = _number(path, names, level)
    scale = about["scales"][number]
    spec = {"driver": "neuroglancer_precomputed", "kvstore": _files(path), "scale_index": number}
    chunks = (*scale["chunk_sizes"][0], 1)
    array = StoreArray(spec, (*scale["size"], about["num_channels"]), about["data_type"], chunks)
    sizes, start = scale["resolution"], scale.get("voxel_offset", (0, 0, 0))
    space = [
        Axis(name, "space", "nanometer", float(size), float(size * first))
        for name, size, first in zip("xyz", sizes, start, strict=True)
    ]
    return array, (*space, Axis("c", "channel"))


def _n5(path: Path, dataset: str | None, level: int | str | None) -> tuple[StoreArray, tuple[Axis, ...]]:
    folder = path / dataset.strip("/") if dataset is not None else path
    if dataset is None and not _is_image(folder):
        names = list(_images(path))
        if len(names) != 1:
            found = ", ".join(names[:8]) or "none"
            raise ValueError(f"{path} holds {len(names)} images ({found}): name one of them as dataset.")
        folder = path / names[0]
    if not _is_image(folder):
        raise ValueError(f"{path} holds no {dataset!r}; it has {', '.join(list(_images(path))[:8]) or 'no images'}.")
    scales = _scales_of(folder)
    if scales:
        finest = folder / scales[0]
        folder = folder / scales[_number(path, scales, level)]
    elif level is not None:
        raise ValueError(f"{path}: level must be None for an array that is no OME-Zarr image, got {level!r}.")
    else:
        finest = folder
    about = _about(folder / _N5) or {}
    spec = {"driver": "n5", "kvstore": _files(folder)}
    array = StoreArray(spec, about["dimensions"], about["dataType"], about["blockSize"])
    return array, _n5_axes(folder, finest, about)


def _n5_axes(folder: Path, finest: Path, about: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Axes of an N5 array, x first; of a coarser scale in the voxels of the finest, if it says nothing itself."""
    ndim = len(about["dimensions"])
    names = [str(name) for name in about.get("axes", "xyzct"[:ndim])]
    above = {**(_about(folder.parent / _N5) or {}), **(_about(finest / _N5) or {})}
    stated = about if "resolution" in about or "pixelResolution" in about else above
    found = stated.get("resolution") or stated.get("pixelResolution") or [None] * ndim
    unit = str(stated.get("units", [stated.get("unit", "")])[0] or "")
    if isinstance(found, Mapping):
        unit, found = str(found.get("unit", unit)), found["dimensions"]
    factors = about.get("downsamplingFactors", [1] * ndim) if stated is not about else [1] * ndim
    offset = about.get("offset") or [None] * ndim
    kinds = {"c": "channel", "t": "time"}
    sizes = [None if size is None else float(size * k) for size, k in zip(found, factors, strict=False)]
    sizes += [None] * (ndim - len(sizes))
    return tuple(
        Axis(name, kinds.get(name, "space"), unit, size, None if start is None else float(start))
        for name, size, start in zip(names, sizes, [*offset, *[None] * (ndim - len(offset))], strict=True)
    )


def _images(root: Path, start: str = "") -> Iterator[str]:
    for folder in sorted(one for one in (root / start).iterdir() if one.is_dir()):
        name = folder.relative_to(root).as_posix()
        if _is_image(folder):
            yield name
        elif (folder / _N5).is_file() or not folder.name.isdigit():
            yield from _images(root, name)


def _is_image(folder: Path) -> bool:
    return "dimensions" in (_about(folder / _N5) or {}) or bool(_scales_of(folder))


def _scales_of(folder: Path) -> list[str]:
    """Names of the scales in a group, s0, s1, ..."""
    names: list[str] = []
    while "dimensions" in (_about(folder / f"s{len(names)}" / _N5) or {}):
        names.append(f"s{len(names)}")
    return names


def _is_precomputed(about: Mapping[str, Any] | None) -> bool:
    return about is not None and "scales" in about and "data_type" in about


def _number(path: Path, names: Sequence[str], level: int | str | None) -> int:
    number = 0 if level is None else names.index(level) if level in names else level
    if not isinstance(number, int) or not 0 <= number < len(names):
        raise ValueError(f"{path} has no level {level!r}; it has {', '.join(names[:8]) or 'none'}.")
    return number


def _about(file: Path) -> dict[str, Any] | None:
    """Content of a JSON file; None if it is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _files(folder: Path) -> dict[str, str]:
    return {"driver": "file", "path": f"{folder.resolve()}/"}


def _tensorstore() -> Any:
    try:
        return import_module("tensorstore")
    except ImportError as error:
        raise ImportError(
            f'N5 and Neuroglancer precomputed need the package tensorstore: pip install "monai_topo[stores]" ({error}).'
        ) from error
