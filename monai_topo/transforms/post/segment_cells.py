"""Post-processing of the likelihood of walls: the cells between them, as instances."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_data_type
from numpy.typing import NDArray

from monai_topo.topology import MERGES, catchment_basins, is_full_connectivity, merge_regions
from monai_topo.transforms.channels import like, to_likelihoods
from monai_topo.transforms.post.smoothing import check_sigma, smooth


class SegmentCells(Transform):
    """Instances of the cells between walls: basins of the likelihood, merged by what stands between them.

    The smoothed likelihood of the walls is divided into the basins that are deeper than ``persistence_threshold``
    (:func:`monai_topo.topology.catchment_basins`, the exact watershed of dynamics): every voxel is in a cell, and cells
    touch where the likelihood is highest. Then cells are merged over the graph of those that touch
    (:func:`monai_topo.topology.merge_regions`):

    - ``merge="mean"``: the pair with the lowest mean likelihood on its shared wall, as long as that is under ``level``;
    - ``merge="quantile"``: where at least the share ``quantile`` of the wall is under ``level``;
    - ``merge="saddle"``: where the shallower of the two is at most ``level`` deep under the weakest place of their
      wall: the same as ``persistence_threshold=level``;
    - ``merge=None``: not at all.

    Cells of fewer than ``min_size`` voxels go last, each to the neighbor behind its weakest wall.

    Beside the likelihood, of float32, it holds about 10 bytes for each voxel: the smoothed one, the ids, and what is
    measured on walls.

    Choose the arguments on validation data. Cells fill the volume: for a mask of walls as thick as they are, take
    :class:`CloseWalls`.

    Args:
        persistence_threshold: depth, in units of the likelihood, from which a basin is a cell.
        merge: score that cells are merged by.
        level: likelihood under which a wall is none; of ``"saddle"`` a depth. None with ``merge=None``.
        quantile: share of the wall, for ``merge="quantile"`` only, whose default is the median, 0.5.
        sigma: Standard deviation of the Gaussian filter in voxels, one number or one for each axis; 0 for none.
        min_size: Voxels from which a cell stays; 0 or 1 keeps all.
        connectivity: Connectivity of the walls: None or the number of axes for full, 1 for face. Cells have the dual
            one.

    Raises:
        ValueError: for an unknown ``merge``, a negative argument, or arguments that do not go together.

    Example:
        >>> likelihood = np.array([[[0.0, 0.1, 0.0, 0.9, 0.1, 0.2, 0.1]]])
        >>> SegmentCells(0.05, merge=None, level=None, sigma=0)(likelihood)[0]
        array([[1, 1, 2, 2, 3, 3, 4]], dtype=uint8)
        >>> SegmentCells(0.05, merge="mean", level=0.5, sigma=0)(likelihood)[0]
        array([[1, 1, 1, 1, 2, 2, 2]], dtype=uint8)
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        persistence_threshold: float = 0.01,
        merge: str | None = "mean",
        level: float | None = 0.5,
        quantile: float | None = None,
        sigma: Sequence[float] | float = 0.7,
        min_size: int = 0,
        connectivity: int | None = None,
    ) -> None:
        if not (persistence_threshold >= 0 and min_size >= 0):
            raise ValueError(
                f"persistence_threshold and min_size must be 0 or more, got {persistence_threshold!r} and {min_size!r}."
            )
        if merge is not None and merge not in MERGES:
            raise ValueError(f"merge must be None or one of {MERGES}, got {merge!r}.")
        _check_level(merge, level, quantile)
        self.persistence_threshold = persistence_threshold
        self.merge = merge
        self.level = level
        self.quantile = quantile
        self.sigma = check_sigma(sigma)
        self.min_size = min_size
        self.connectivity = connectivity

    def __call__(
        self, img: NdarrayOrTensor, mask: NdarrayOrTensor | None = None, seeds: NdarrayOrTensor | None = None
    ) -> NdarrayOrTensor:
        """Segment the cells.

        Args:
            img: likelihoods of walls, ``(C, H, W[, D])``, in [0, 1], each channel on its own.
            mask: foreground, the same shape or one channel for all, such as that of nuclei or organelles: what is not
                0. What lies outside is in no cell, 0. None is everywhere.
            seeds: ids of seeds, the same shape or one channel for all, 0 elsewhere. With them there is one cell for
                each, by scikit-image's watershed of the smoothed likelihood, and nothing is merged: neither
                ``persistence_threshold`` nor ``merge`` nor ``min_size`` take part.

        Returns:
            Ids of the same shape and container, in each channel consecutive from 1 on in the order of first voxels (of
            seeds: theirs), of the smallest of the types uint8, int16 and int32; metadata is kept.

        Raises:
            ValueError: for another shape or other values.
        """
        channels = to_likelihoods(img)
        is_full_connectivity(self.connectivity, channels.ndim - 1)
        masks, markers = _beside(mask, channels.shape, "mask"), _beside(seeds, channels.shape, "seeds")
        ids = np.empty(channels.shape, np.int32)
        for channel, item in enumerate(zip(channels, masks, markers, strict=True)):
            ids[channel] = self._segment(*item)
        dtype = next(t for t in (np.uint8, np.int16, np.int32) if ids.max() <= np.iinfo(t).max)
        return like(img, ids.astype(dtype, copy=False), dtype)

    def _segment(
        self, likelihood: NDArray[Any], mask: NDArray[Any] | None, seeds: NDArray[Any] | None
    ) -> NDArray[np.int32]:
        smoothed = smooth(likelihood, self.sigma)
        inside = None if mask is None else mask != 0
        if seeds is not None:
            return _from_seeds(smoothed, seeds, inside, not is_full_connectivity(self.connectivity, smoothed.ndim))
        walled = smoothed if inside is None else np.where(inside, smoothed, 2 + self.persistence_threshold)
        basins = catchment_basins(
            walled, persistence_threshold=self.persistence_threshold, connectivity=self.connectivity
        )
        if inside is not None:
            basins[~inside] = 0
        if self.merge is None and self.min_size <= 1 and inside is None:
            return basins
        return merge_regions(
            basins,
            smoothed,
            by=self.merge,
            level=0.0 if self.level is None else self.level,
            quantile=0.5 if self.quantile is None else self.quantile,
            min_size=self.min_size,
            connectivity=self.connectivity,
            overwrite_labels=True,
        )


def _check_level(merge: str | None, level: float | None, quantile: float | None) -> None:
    if (merge is None) != (level is None) or (level is not None and not 0 <= level <= 1):
        raise ValueError(f"level must be a number from 0 to 1, with merge=None it must be None, got {level!r}.")
    if quantile is not None and not (merge == "quantile" and 0 <= quantile <= 1):
        raise ValueError(f"quantile must be None, or from 0 to 1 with merge='quantile', got {quantile!r}.")


def _beside(img: NdarrayOrTensor | None, shape: tuple[int, ...], name: str) -> NDArray[Any] | list[None]:
    """An image for each channel, of an image that may have one channel for all."""
    if img is None:
        return [None] * shape[0]
    values: NDArray[Any] = convert_data_type(img, np.ndarray)[0]
    if values.shape not in (shape, (1, *shape[1:])):
        raise ValueError(f"{name} must have shape {shape} or {(1, *shape[1:])}, as img, got {values.shape}.")
    return np.broadcast_to(values, shape)


def _from_seeds(
    likelihood: NDArray[Any], seeds: NDArray[Any], inside: NDArray[np.bool_] | None, full: bool
) -> NDArray[np.int32]:
    from skimage.segmentation import relabel_sequential, watershed

    if seeds.dtype.kind == "f" and not np.array_equal(seeds, np.round(seeds)):
        raise ValueError("seeds must hold ids, whole numbers from 0 on; got fractions.")
    if seeds.min() < 0:
        raise ValueError(f"seeds must hold ids, whole numbers from 0 on; got {seeds.min()}.")
    markers: NDArray[np.int32] = np.asarray(relabel_sequential(seeds.astype(np.int64))[0], np.int32)
    if not markers.any():
        return markers
    ids: NDArray[np.int32] = watershed(likelihood, markers, connectivity=likelihood.ndim if full else 1, mask=inside)
    return ids


class SegmentCellsd(MapTransform):
    """Dictionary version of :class:`SegmentCells`.

    Args:
        keys: keys of the likelihoods, which the ids replace.
        persistence_threshold: depth from which a basin is a cell.
        merge: score that cells are merged by: ``"mean"``, ``"quantile"``, ``"saddle"`` or None.
        level: likelihood under which a wall is none.
        quantile: share of the wall, for ``merge="quantile"`` only.
        sigma: Standard deviation of the Gaussian filter in voxels, one number or one for each axis.
        min_size: Voxels from which a cell stays.
        connectivity: Connectivity of the walls.
        mask_key: key of the foreground; None is everywhere.
        seeds_key: key of the seeds; None for none.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> walls = torch.tensor([[[0.0, 0.1, 0.0, 0.9, 0.1, 0.2, 0.1]]])
        >>> SegmentCellsd("pred", 0.05, sigma=0)({"pred": walls})["pred"]
        tensor([[[1, 1, 1, 1, 2, 2, 2]]], dtype=torch.uint8)
    """

    backend = SegmentCells.backend

    def __init__(
        self,
        keys: KeysCollection,
        persistence_threshold: float = 0.01,
        merge: str | None = "mean",
        level: float | None = 0.5,
        quantile: float | None = None,
        sigma: Sequence[float] | float = 0.7,
        min_size: int = 0,
        connectivity: int | None = None,
        mask_key: str | None = None,
        seeds_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = SegmentCells(persistence_threshold, merge, level, quantile, sigma, min_size, connectivity)
        self.mask_key = mask_key
        self.seeds_key = seeds_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace every likelihood by the ids of its cells."""
        d = dict(data)
        mask, seeds = (None if key is None else d[key] for key in (self.mask_key, self.seeds_key))
        for key in self.key_iterator(d):
            d[key] = self.transform(d[key], mask, seeds)
        return d


SegmentCellsD = SegmentCellsDict = SegmentCellsd
