"""From a label to its skeleton, dilated to a tube: the second target of losses on skeletons."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.graphs import check_skeleton, skeleton_tube
from monai_topo.transforms.channels import KeyedTransform, like, to_channels


class SkeletonTube(Transform):
    """Skeleton of each class of a label, dilated to a tube within the class.

    The second target of ``SkeletonRecallLoss``, ``CenterlineDiceLoss``, ``CenterlineCrossEntropyLoss`` and
    ``CbDiceLoss``, computed once for a volume, before the first random transform, where a ``CacheDataset`` keeps it.
    With ``append=True`` it travels with the label, as further channels that every crop and flip takes along.

    Args:
        dilations: number of times that the skeleton is dilated by the voxels at its faces. 2 are the tubes of Skeleton
            Recall (Kirchhoff et al. 2024); the centerline losses want 0, the skeleton itself.
        kind: ``"curve"`` for vessels and neurites, ``"surface"`` for membranes in 3D: the middle of their walls.
        append: whether the tubes follow the channels of the label, instead of taking their place.
        ignore_index: value of the label that is no class: it has no skeleton.

    Raises:
        ValueError: for a negative number of dilations or an unknown kind.

    Example:
        >>> label = np.array([[[1, 1, 1, 2, 2, 2]] * 3])
        >>> SkeletonTube(dilations=0)(label)[0]
        array([[0, 1, 0, 0, 2, 0],
               [0, 1, 0, 0, 2, 0],
               [0, 1, 0, 0, 2, 0]])
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self, dilations: int = 2, kind: str = "curve", append: bool = False, ignore_index: int | None = None
    ) -> None:
        if dilations < 0 or dilations != int(dilations):
            raise ValueError(f"dilations must be a whole number of at least 0, got {dilations!r}.")
        check_skeleton(kind)
        self.dilations = int(dilations)
        self.kind = kind
        self.append = append
        self.ignore_index = ignore_index

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Compute the tubes.

        Args:
            img: label, ``(C, H, W[, D])``: class indices, or masks of 0 and 1, one in each channel.

        Returns:
            The class on its tube and 0 elsewhere, of the same shape, type and container; with ``append=True`` of
            twice as many channels, the label's first.

        Raises:
            ValueError: for another shape, or values that are not whole numbers.
        """
        label = to_channels(img)
        if not np.array_equal(label, np.floor(label)):
            raise ValueError("img must hold class indices or masks of 0 and 1: threshold a likelihood first.")
        tubes = np.stack([self._tubes(channel) for channel in label])
        return like(img, np.concatenate([label, tubes]) if self.append else tubes)

    def _tubes(self, label: NDArray[Any]) -> NDArray[Any]:
        values, numbers = np.unique(label, return_inverse=True)
        boxes = ndimage.find_objects(numbers.reshape(label.shape) + 1)
        tubes = np.zeros_like(label)
        for value, box in zip(values, boxes, strict=True):
            if value not in (0, self.ignore_index):
                tubes[box][skeleton_tube(label[box] == value, self.kind, self.dilations)] = value
        return tubes


class SkeletonTubed(KeyedTransform):
    """Dictionary version of :class:`SkeletonTube`.

    Args:
        keys: keys of the labels.
        dilations: number of times that the skeleton is dilated by the voxels at its faces.
        kind: ``"curve"`` or ``"surface"``.
        append: whether the tubes follow the channels of the label, instead of taking their place.
        ignore_index: value of the label that is no class.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> label = torch.zeros(1, 7, 9)
        >>> label[0, 2:5, 1:8] = 1
        >>> SkeletonTubed("label", append=True)({"label": label})["label"].shape
        torch.Size([2, 7, 9])
    """

    backend = SkeletonTube.backend

    def __init__(
        self,
        keys: KeysCollection,
        dilations: int = 2,
        kind: str = "curve",
        append: bool = False,
        ignore_index: int | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, SkeletonTube(dilations, kind, append, ignore_index), allow_missing_keys)


SkeletonTubeD = SkeletonTubeDict = SkeletonTubed
