"""Random patches, a share of them where the topology of the label is decided."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor, get_track_meta
from monai.transforms import LazyTransform, MapTransform, MultiSampleTrait, Randomizable, SpatialCrop
from monai.transforms.inverse import TraceableTransform
from monai.transforms.utils import correct_crop_centers
from monai.utils import ImageMetaKey, fall_back_tuple

from monai_topo.transforms.croppad.sampling_table import SamplingTable, draw_center, sampling_table

CROP_SOURCE = "crop_source"
"""Key of the metadata that says how a center was drawn."""
TOPOLOGY, UNIFORM, UNIFORM_FALLBACK = "topology", "uniform", "uniform, no topology"


class RandCropByTopology(Randomizable, TraceableTransform, LazyTransform, MultiSampleTrait):
    """Patches drawn at random, a share of them centered by a weight map of the topology, the rest uniform.

    A center near the border is moved so that the patch lies whole in the image. The metadata of each patch holds
    ``patch_index``, ``crop_center`` and ``crop_source``: ``"topology"``, ``"uniform"``, or ``"uniform, no topology"``
    where a topological patch was due and the map is empty.

    Args:
        spatial_size: edge lengths of the patches in voxels, one number for all axes or one for each; one that is not
            positive is the image's.
        num_samples: number of patches for each image.
        ratio: topological patches for each uniform one, 0 or more; ``float("inf")`` for topological ones only. A patch
            is topological with probability ``ratio / (1 + ratio)``, drawn anew for each.
        weights: weight map ``(1, H, W[, D])`` or its table (:func:`sampling_table`), used when the call brings none.
        allow_smaller: take an axis of the image that is shorter than the patch whole, in place of an error.
        lazy: crop lazily.

    Raises:
        ValueError: for a ``num_samples`` below 1 or a negative ``ratio``.

    Example:
        >>> image = np.arange(81.0).reshape(1, 9, 9)
        >>> weights = np.zeros((1, 9, 9))
        >>> weights[0, 4, 6] = 1
        >>> crop = RandCropByTopology(3, num_samples=2, ratio=float("inf"), weights=weights)
        >>> [tuple(patch[0, 1].tolist()) for patch in crop(image)]
        [(41.0, 42.0, 43.0), (41.0, 42.0, 43.0)]
    """

    backend = SpatialCrop.backend

    def __init__(
        self,
        spatial_size: Sequence[int] | int,
        num_samples: int = 1,
        ratio: float = 1.0,
        weights: NdarrayOrTensor | SamplingTable | None = None,
        allow_smaller: bool = False,
        lazy: bool = False,
    ) -> None:
        LazyTransform.__init__(self, lazy)
        if num_samples < 1:
            raise ValueError(f"num_samples must be at least 1, got {num_samples!r}.")
        if not ratio >= 0:
            raise ValueError(f"ratio must be 0 or more topological patches for each uniform one, got {ratio!r}.")
        self.spatial_size = spatial_size
        self.num_samples = num_samples
        self.share = 1.0 if np.isinf(ratio) else ratio / (1.0 + ratio)
        self.table = None if weights is None else _as_table(weights)
        self.allow_smaller = allow_smaller
        self.centers: list[tuple[int, ...]] = []
        self.sources: list[str] = []

    @LazyTransform.lazy.setter  # type: ignore[untyped-decorator]
    def lazy(self, value: bool) -> None:
        """Whether to crop lazily."""
        self._lazy = value

    def randomize(self, weights: NdarrayOrTensor | SamplingTable | None = None) -> None:
        """Draw the centers of ``num_samples`` patches.

        Args:
            weights: weight map or table; None is the constructor's.

        Raises:
            ValueError: when there are no weights, or the patch is larger than the image.
        """
        table = self.table if weights is None else _as_table(weights)
        if table is None:
            raise ValueError("weights must be given, here or to the constructor: a weight map or its table.")
        shape = tuple(table["shape"].tolist())
        drawn = [self._draw(table, shape) for _ in range(self.num_samples)]
        self.centers = [
            correct_crop_centers(center, self.spatial_size, shape, self.allow_smaller) for center, _ in drawn
        ]
        self.sources = [source for _, source in drawn]

    def _draw(self, table: SamplingTable, shape: tuple[int, ...]) -> tuple[list[int], str]:
        topological = self.R.random_sample() < self.share
        if topological and len(table["indices"]):
            return draw_center(table, self.R), TOPOLOGY
        # Uniform over the places of the patch, not of its center: clamping would pile those up at the border.
        size = fall_back_tuple(self.spatial_size, default=shape)
        corner = [self.R.randint(max(whole - part, 0) + 1) for whole, part in zip(shape, size, strict=True)]
        center = [at + min(whole, part) // 2 for at, whole, part in zip(corner, shape, size, strict=True)]
        return center, UNIFORM_FALLBACK if topological else UNIFORM

    def __call__(
        self,
        img: torch.Tensor,
        weights: NdarrayOrTensor | SamplingTable | None = None,
        randomize: bool = True,
        lazy: bool | None = None,
    ) -> list[torch.Tensor]:
        """Crop the patches.

        Args:
            img: image, ``(C, H, W[, D])``.
            weights: weight map or table of the image's grid; None is the constructor's.
            randomize: draw new centers; otherwise those of the last draw are used.
            lazy: overrides the constructor's for this call.

        Returns:
            List of ``num_samples`` patches.

        Raises:
            ValueError: when the weights are of another grid than the image, or the patch is larger than it.
        """
        shape = _shape_of(img)
        if randomize:
            table = self.table if weights is None else _as_table(weights)
            _check_grid(table, shape)
            self.randomize(table)
        size = np.minimum(fall_back_tuple(self.spatial_size, default=shape), shape)
        lazy_ = self.lazy if lazy is None else lazy
        patches = []
        for index, (center, source) in enumerate(zip(self.centers, self.sources, strict=True)):
            patch = SpatialCrop(roi_center=center, roi_size=size, lazy=lazy_)(img)
            if get_track_meta():
                patch.meta[ImageMetaKey.PATCH_INDEX] = index
                patch.meta["crop_center"] = center
                patch.meta[CROP_SOURCE] = source
                self.push_transform(patch, replace=True, lazy=lazy_)
            patches.append(patch)
        return patches


def _as_table(weights: NdarrayOrTensor | SamplingTable) -> SamplingTable:
    return weights if isinstance(weights, Mapping) else sampling_table(weights)


def _shape_of(img: torch.Tensor) -> tuple[int, ...]:
    return tuple(img.peek_pending_shape() if isinstance(img, MetaTensor) else img.shape[1:])


def _check_grid(table: SamplingTable | None, shape: tuple[int, ...]) -> None:
    if table is not None and tuple(table["shape"].tolist()) != shape:
        raise ValueError(
            f"weights are of a grid of shape {tuple(table['shape'].tolist())}, the image has {shape}: compute them "
            "after whatever changes the grid."
        )


class RandCropByTopologyd(Randomizable, MapTransform, LazyTransform, MultiSampleTrait):
    """Dictionary version of :class:`RandCropByTopology`: the same patches of the items under all keys.

    Put :class:`TopologyWeightMapd` before it, where ``CacheDataset`` caches: then a draw takes no longer than one of
    MONAI's ``RandCropByPosNegLabeld``.

    Args:
        keys: keys of the items to crop, all on one grid.
        weights_key: key of the table or weight map of that grid. It is taken out, unless it is one of ``keys``.
        spatial_size: edge lengths of the patches in voxels.
        num_samples: number of patches for each image.
        ratio: topological patches for each uniform one.
        allow_smaller: take an axis of the image that is shorter than the patch whole.
        allow_missing_keys: whether an item may lack a key.
        lazy: crop lazily.

    Example:
        >>> from monai_topo.transforms import TopologyWeightMapd
        >>> label = np.zeros((1, 12, 14))
        >>> label[0, 6, 2:9] = 1
        >>> item = TopologyWeightMapd("label")({"image": 2 * label, "label": label})
        >>> crop = RandCropByTopologyd(["image", "label"], "label_topology", spatial_size=5, num_samples=4)
        >>> [patch["label"].shape for patch in crop(item)]
        [torch.Size([1, 5, 5]), torch.Size([1, 5, 5]), torch.Size([1, 5, 5]), torch.Size([1, 5, 5])]
    """

    backend = RandCropByTopology.backend

    def __init__(
        self,
        keys: KeysCollection,
        weights_key: str,
        spatial_size: Sequence[int] | int,
        num_samples: int = 1,
        ratio: float = 1.0,
        allow_smaller: bool = False,
        allow_missing_keys: bool = False,
        lazy: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        LazyTransform.__init__(self, lazy)
        self.weights_key = weights_key
        self.cropper = RandCropByTopology(spatial_size, num_samples, ratio, allow_smaller=allow_smaller, lazy=lazy)

    @LazyTransform.lazy.setter  # type: ignore[untyped-decorator]
    def lazy(self, value: bool) -> None:
        """Whether to crop lazily."""
        self._lazy = value
        self.cropper.lazy = value

    @property
    def requires_current_data(self) -> bool:
        """Whether pending operations must be done first: the weights are of the data as they are."""
        return True

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> RandCropByTopologyd:
        """Set the state of the generator, or seed it."""
        super().set_random_state(seed, state)
        self.cropper.set_random_state(seed, state)
        return self

    def randomize(self, weights: NdarrayOrTensor | SamplingTable) -> None:
        """Draw the centers of ``num_samples`` patches."""
        self.cropper.randomize(weights)

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> list[dict[Hashable, Any]]:
        """Crop the items under ``keys``; every patch has copies of the others.

        Raises:
            KeyError: when there is nothing under ``weights_key``.
            ValueError: as :class:`RandCropByTopology`.
        """
        d = dict(data)
        if self.weights_key not in d:
            raise KeyError(f"no weights under {self.weights_key!r}: put TopologyWeightMapd before the crop.")
        table = _as_table(d[self.weights_key] if self.weights_key in self.keys else d.pop(self.weights_key))
        self.randomize(table)
        others = [key for key in d if key not in self.keys]
        patches = [{**d, **{key: deepcopy(d[key]) for key in others}} for _ in range(self.cropper.num_samples)]
        for key in self.key_iterator(d):
            _check_grid(table, _shape_of(d[key]))
            cropped = self.cropper(d[key], randomize=False, lazy=self.lazy if lazy is None else lazy)
            for patch, image in zip(patches, cropped, strict=True):
                patch[key] = image
        return patches


RandCropByTopologyD = RandCropByTopologyDict = RandCropByTopologyd
