"""From instance ids to affinities: which voxels are in one object with those at some offsets from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends

from monai_topo.topology import joined_places, nearest_offsets
from monai_topo.transforms.channels import KeyedTransform, like, to_channels


class InstanceToAffinities(Transform):
    """Affinities of an instance segmentation: 1 where a voxel and the one at an offset from it are of one object.

    The target of networks that predict affinities, to the nearest neighbors
    (:class:`monai_topo.losses.MalisLoss`) and over a longer range (:class:`monai_topo.transforms.AffinityWatershed`).

    Args:
        offsets: Offsets in voxels along each axis, one for each channel; None is from each voxel to the one before it,
            along each axis.
        background: id that is no object; None when there is no such id.
        ignore_index: id of voxels that nothing is known of; None when there is no such id.
        ignored_value: value of affinities at such voxels, and of those that lead out of the image. Give it to the
            loss as ``ignore_index``, or leave it 0.

    Raises:
        ValueError: for no offsets or an offset of 0, and when called on anything but one channel of 2 or 3 axes with
            whole numbers, or as many axes as the offsets have.

    Example:
        >>> ids = np.array([[[1, 1, 2, 0, 0]]])
        >>> InstanceToAffinities([(0, -1), (0, -2)])(ids)[:, 0]
        array([[0., 1., 0., 0., 0.],
               [0., 0., 0., 0., 0.]], dtype=float32)
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        offsets: Sequence[Sequence[int]] | None = None,
        background: int | None = 0,
        ignore_index: int | None = None,
        ignored_value: float = 0.0,
    ) -> None:
        if offsets is not None and not (len(offsets) and all(any(offset) for offset in offsets)):
            raise ValueError(f"offsets must be None or one or more that lead to another voxel, got {offsets!r}.")
        self.offsets = None if offsets is None else [tuple(int(step) for step in offset) for offset in offsets]
        self.background = background
        self.ignore_index = ignore_index
        self.ignored_value = ignored_value

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Compute the affinities.

        Args:
            img: instance ids, ``(1, H, W[, D])``.

        Returns:
            float32 ``(K, H, W[, D])`` for K offsets, of the same type of container; metadata is kept.
        """
        ids = to_channels(img)
        if ids.shape[0] != 1:
            raise ValueError(f"img must be instance ids of shape (1, H, W) or (1, H, W, D), got {ids.shape}.")
        if ids.dtype.kind == "f" and not np.array_equal(ids, np.round(ids)):
            raise ValueError("img must hold instance ids, whole numbers; got fractions. Was a label interpolated?")
        offsets = nearest_offsets(ids.ndim - 1) if self.offsets is None else self.offsets
        if any(len(offset) != ids.ndim - 1 for offset in offsets):
            raise ValueError(f"img must have as many spatial axes as the offsets {offsets}, got {ids.shape}.")
        return like(img, np.stack([self._of_offset(ids[0], offset) for offset in offsets]), np.float32)

    def _of_offset(self, ids: np.ndarray[Any, Any], offset: Sequence[int]) -> np.ndarray[Any, Any]:
        affinities = np.full(ids.shape, self.ignored_value, np.float32)
        here = joined_places(ids.shape, offset)
        one, other = ids[here], ids[joined_places(ids.shape, [-step for step in offset])]
        joined = one == other if self.background is None else (one == other) & (one != self.background)
        affinities[here] = joined
        if self.ignore_index is not None:
            unknown = (one == self.ignore_index) | (other == self.ignore_index)
            affinities[here][unknown] = self.ignored_value
        return affinities


class InstanceToAffinitiesd(KeyedTransform):
    """Dictionary version of :class:`InstanceToAffinities`.

    Args:
        keys: keys of the instance maps.
        offsets: Offsets in voxels along each axis; None is to the voxel before along each axis.
        background: id that is no object; None when there is no such id.
        ignore_index: id of voxels that nothing is known of.
        ignored_value: value of affinities that are unknown.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> ids = torch.tensor([[[1, 1, 2]]])
        >>> InstanceToAffinitiesd("label")({"label": ids})["label"][1]
        tensor([[0., 1., 0.]])
    """

    backend = InstanceToAffinities.backend

    def __init__(
        self,
        keys: KeysCollection,
        offsets: Sequence[Sequence[int]] | None = None,
        background: int | None = 0,
        ignore_index: int | None = None,
        ignored_value: float = 0.0,
        allow_missing_keys: bool = False,
    ) -> None:
        transform = InstanceToAffinities(offsets, background, ignore_index, ignored_value)
        super().__init__(keys, transform, allow_missing_keys)


InstanceToAffinitiesD = InstanceToAffinitiesDict = InstanceToAffinitiesd
