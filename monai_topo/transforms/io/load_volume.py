"""Volumes from files of any kind, on one grid."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import DtypeLike, KeysCollection, PathLike
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey, MetaKeys, SpaceKeys, ensure_tuple_rep
from numpy.typing import NDArray

from monai_topo.data import (
    BoxSource,
    HDF5Reader,
    Volume,
    check_sizes,
    is_zarr,
    on_grid_of,
    open_boxes,
    opens_by_blocks,
    read_volume,
)
from monai_topo.transforms.channels import SPACING_KNOWN
from monai_topo.transforms.io.image_by_patches import ImageByPatches


class LoadVolume(Transform):
    """One channel of an image or label from a file of any kind that :func:`~monai_topo.data.read_volume` reads.

    MONAI's ``LoadImage`` tries one reader after the other, and what is wrong with a file is lost among the reasons of
    those that were never meant for it. Here its name decides which library reads it, and the error is one line.

    Args:
        dataset: Dataset inside of HDF5 files, and of zarrs that hold one of this name; None takes the only one of two
            or three axes. Other files have none.
        spacing: Size of a voxel along x, y and z; None takes the file's.
        dtype: Type of the numbers; None keeps the file's, as ids of 2^24 and more need.
        by_patches: Whether of a zarr or a folder of sections nothing is read but the patches that crops take of it
            (:class:`ImageByPatches`); files of other kinds are read whole all the same.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it cannot be read or holds no single channel, or ``spacing`` is bad.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "volume.npy"
        >>> np.save(path, np.zeros((3, 4, 5), np.uint8))
        >>> image = LoadVolume(spacing=(1, 1, 2))(path)
        >>> image.shape, image.dtype, image.pixdim.tolist()
        (torch.Size([1, 3, 4, 5]), torch.float32, [1.0, 1.0, 2.0])
    """

    def __init__(
        self,
        dataset: str | None = None,
        spacing: Sequence[float] | None = None,
        dtype: DtypeLike = np.float32,
        by_patches: bool = False,
    ) -> None:
        self.by_patches = by_patches
        self.dataset = dataset
        self.spacing = None if spacing is None else check_sizes(spacing)
        self.dtype = dtype

    def __call__(self, filename: PathLike) -> MetaTensor:
        """Read a file.

        Args:
            filename: Path of the file.

        Returns:
            ``(1, H, W[, D])`` with the file's affine.
        """
        return self.to_tensor(self.read(filename), filename)

    def read(self, filename: PathLike) -> Volume:
        """The volume of a file, before it becomes a tensor."""
        has_datasets = HDF5Reader().verify_suffix(filename) or (self.dataset and is_zarr(Path(filename) / self.dataset))
        read = open_boxes if self.by_patches and opens_by_blocks(filename) else read_volume
        return read(filename, dataset=self.dataset if has_datasets else None, spacing=self.spacing)

    def to_tensor(self, volume: Volume, filename: PathLike) -> MetaTensor:
        """The tensor of a volume, with what MONAI's ``SaveImage`` needs to know."""
        dtype = np.dtype(self.dtype or volume.array.dtype)
        meta = {
            ImageMetaKey.FILENAME_OR_OBJ: str(filename),
            MetaKeys.ORIGINAL_AFFINE: volume.affine.copy(),
            MetaKeys.SPATIAL_SHAPE: np.asarray(volume.array.shape),
            MetaKeys.SPACE: SpaceKeys.RAS,
            MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan"),
            SPACING_KNOWN: volume.known_spacing is not None,
        }
        affine = torch.from_numpy(volume.affine)
        if isinstance(volume.array, BoxSource):
            return ImageByPatches(volume.array, torch.from_numpy(np.empty(0, dtype)).dtype, affine, meta)
        array: NDArray[Any] = np.ascontiguousarray(volume.array, dtype)
        return MetaTensor(torch.from_numpy(array[None].copy()), affine=affine, meta=meta)


class LoadVolumed(MapTransform):
    """Dictionary version of :class:`LoadVolume`, which puts an item's volumes on one grid.

    The axes of the second and further volumes are flipped and permuted to those of the first, where headers say that
    they lie otherwise: what is one voxel in the world is one voxel in the item.

    Args:
        keys: Keys of the paths.
        dataset: Dataset inside of HDF5 files and zarrs, one for all keys or one for each.
        spacing: Size of a voxel along x, y and z; None takes the files'.
        dtype: Type of the numbers, one for all keys or one for each; None keeps the file's.
        by_patches: Whether nothing is read but the patches that crops take of zarrs and folders of sections.
        allow_missing_keys: Whether an item may lack a key.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when a file cannot be read, or the volumes lie on grids that flips and permutations do not bring
            together.

    Example:
        >>> import tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = {key: os.path.join(folder, f"{key}.npy") for key in ("image", "label")}
        ...     for path in paths.values():
        ...         np.save(path, np.ones((4, 5, 6)))
        ...     item = LoadVolumed(["image", "label"], spacing=(1.0, 1.0, 2.0))(paths)
        >>> item["image"].shape, item["label"].pixdim
        (torch.Size([1, 4, 5, 6]), tensor([1., 1., 2.], dtype=torch.float64))
    """

    def __init__(
        self,
        keys: KeysCollection,
        dataset: Sequence[str | None] | str | None = None,
        spacing: Sequence[float] | None = None,
        dtype: Sequence[DtypeLike] | DtypeLike = np.float32,
        by_patches: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        count = len(self.keys)
        datasets, dtypes = ensure_tuple_rep(dataset, count), ensure_tuple_rep(dtype, count)
        self.loaders = [
            LoadVolume(name, spacing, kind, by_patches) for name, kind in zip(datasets, dtypes, strict=True)
        ]

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Read the files under ``keys``; the rest stays as it is."""
        d = dict(data)
        first: Volume | None = None
        for key, loader in self.key_iterator(d, self.loaders):
            volume = loader.read(data[key])
            first = first or volume
            d[key] = loader.to_tensor(on_grid_of(volume, first), data[key])
        return d


LoadVolumeD = LoadVolumeDict = LoadVolumed
