"""From a mask to its distance map, cut off where the distance no longer tells anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.transforms.channels import KeyedTransform, check_spacing, map_channels, spacing_of, to_masks


class ClippedDistanceMap(Transform):
    """Distance of every voxel to the nearest foreground voxel, at most ``max_distance``.

    Distances are Euclidean, between centers of voxels, 0 in the foreground: the truncated distance to the closest
    foreground voxel that networks regress in Oner et al. 2023 (section 4.2). Foreground is small, so that the
    structures are the sublevel sets. Of a centerline it is the distance to the centerline.

    Args:
        max_distance: the largest value, which everything farther away has; in the units of the voxel size. The paper
            names no number: take about the radius up to which an error in place shall count.
        signed: inside the foreground the negative distance to the nearest background voxel, at least
            ``-max_distance``, in place of 0. Then no voxel is 0: neighbors across the boundary have plus and minus
            one voxel size.
        spacing: voxel size along each spatial axis, one number for all or one for each; None takes it from the affine
            of a ``MetaTensor``, usually mm, and is 1 for arrays and plain tensors.

    Raises:
        ValueError: for a ``max_distance`` or ``spacing`` that is not positive and finite.

    Example:
        >>> centerline = np.array([[[0, 0, 0, 1, 0, 0]] * 2])
        >>> ClippedDistanceMap(max_distance=2)(centerline)[0, 0]
        array([2., 2., 1., 0., 1., 2.], dtype=float32)
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self, max_distance: float, signed: bool = False, spacing: Sequence[float] | float | None = None
    ) -> None:
        if not 0 < max_distance < np.inf:
            raise ValueError(f"max_distance must be positive and finite, got {max_distance!r}.")
        self.max_distance = float(max_distance)
        self.signed = signed
        self.spacing = check_spacing(spacing)

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Compute the map.

        Args:
            img: masks, ``(C, H, W[, D])``, only 0 and 1.

        Returns:
            float32 distances of the same shape and container, in ``[0, max_distance]``, or ``[-max_distance,
            max_distance]`` if signed. A channel without foreground is ``max_distance`` everywhere, a full one 0 (or
            ``-max_distance``).

        Raises:
            ValueError: for another shape, other values, or a spacing that does not fit the number of axes.
        """
        masks = to_masks(img)
        spacing = spacing_of(img, self.spacing)
        return map_channels(img, masks, lambda mask: self._distances(mask, spacing), np.float32)

    def _distances(self, mask: NDArray[np.bool_], spacing: tuple[float, ...]) -> NDArray[Any]:
        outside = self._distance_to(mask, spacing)
        return outside - self._distance_to(~mask, spacing) if self.signed else outside

    def _distance_to(self, mask: NDArray[np.bool_], spacing: tuple[float, ...]) -> NDArray[Any]:
        if not mask.any():  # scipy would measure to a place outside the image
            return np.full(mask.shape, self.max_distance)
        distance: NDArray[Any] = ndimage.distance_transform_edt(~mask, sampling=spacing)
        return distance.clip(max=self.max_distance)


class ClippedDistanceMapd(KeyedTransform):
    """Dictionary version of :class:`ClippedDistanceMap`.

    Args:
        keys: keys of the masks.
        max_distance: the largest value, in the units of the voxel size.
        signed: negative distances inside the foreground in place of 0.
        spacing: voxel size along each spatial axis; None takes it from the affine.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> label = torch.tensor([[[0, 0, 0, 1]]])
        >>> ClippedDistanceMapd("label", max_distance=2.0)({"label": label})["label"]
        tensor([[[2., 2., 1., 0.]]])
    """

    backend = ClippedDistanceMap.backend

    def __init__(
        self,
        keys: KeysCollection,
        max_distance: float,
        signed: bool = False,
        spacing: Sequence[float] | float | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, ClippedDistanceMap(max_distance, signed, spacing), allow_missing_keys)


ClippedDistanceMapD = ClippedDistanceMapDict = ClippedDistanceMapd
