"""Post-processing of labeled trees: vessels that touch are cut apart at the weakest place."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from monai_topo.transforms.channels import like, to_channels, to_likelihoods


class SeparateTrees(Transform):
    """Which tree each voxel of a mask of tubes belongs to, with false joints cut at their weakest place.

    Two trees that touch, such as an artery and a vein, are one component of the mask. Given a marker in each, such as a
    root or a traced centerline, the mask is flooded from the markers in the order of falling likelihood
    (scikit-image's watershed): each voxel goes to the marker from which a path reaches it whose
    weakest place is highest. The voxels where two floods meet are cut out, so that no two trees touch.

    Args:
        threshold: likelihood from which a voxel is tube.

    Raises:
        ValueError: for a threshold outside [0, 1].

    Example:
        >>> likelihood = np.array([[[0.9, 0.9, 0.8, 0.6, 0.9, 0.9, 0.2]]])
        >>> markers = np.array([[[1, 0, 0, 0, 0, 2, 0]]])
        >>> SeparateTrees()(likelihood, markers)
        array([[[1, 1, 1, 0, 2, 2, 0]]])
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(self, threshold: float = 0.5) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be a likelihood from 0 to 1, got {threshold!r}.")
        self.threshold = threshold

    def __call__(self, img: NdarrayOrTensor, markers: NdarrayOrTensor) -> NdarrayOrTensor:
        """Divide the mask.

        Args:
            img: likelihood of tubes, ``(1, H, W[, D])``, in [0, 1].
            markers: the same shape; integers, one from 1 on for each tree, 0 elsewhere. Full connectivity.

        Returns:
            Map of the trees in the container of ``img`` and the number type of ``markers``: 0 outside of the mask,
            where trees were cut apart and in components without a marker.

        Raises:
            ValueError: for other shapes or values.
        """
        from skimage.segmentation import watershed

        likelihood, places = to_likelihoods(img), to_channels(markers)
        if likelihood.shape != places.shape or len(likelihood) != 1:
            raise ValueError(
                f"img and markers must have one shape and one channel, got {likelihood.shape} and {places.shape}."
            )
        if places.dtype.kind not in "iu" or places.min() < 0:
            raise ValueError(f"markers must be integers of at least 0, got {places.dtype} from {places.min()} on.")
        ids, small = np.unique(places[0], return_inverse=True)
        small = small.reshape(places[0].shape) + (ids[0] > 0)  # 0 is no marker, also where there is none
        mask = likelihood[0] >= self.threshold
        trees = watershed(
            -likelihood[0],
            np.where(mask, small, 0).astype(np.int32),
            connectivity=np.ones((3,) * mask.ndim),
            mask=mask,
            watershed_line=True,
        )
        numbers = ids if ids[0] == 0 else np.append(ids.dtype.type(0), ids)
        return like(img, numbers[trees][None], places.dtype)


class SeparateTreesd(MapTransform):
    """Dictionary version of :class:`SeparateTrees`.

    Args:
        keys: keys of the likelihoods, which the maps of trees replace.
        marker_key: key of the markers.
        threshold: likelihood from which a voxel is tube.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> touching = torch.full((1, 1, 6), 0.9)
        >>> touching[0, 0, 3] = 0.6
        >>> markers = torch.tensor([[[1, 0, 0, 0, 0, 2]]])
        >>> SeparateTreesd("pred", "trees")({"pred": touching, "trees": markers})["pred"]
        tensor([[[1, 1, 1, 0, 2, 2]]])
    """

    backend = SeparateTrees.backend

    def __init__(
        self, keys: KeysCollection, marker_key: str, threshold: float = 0.5, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = SeparateTrees(threshold)
        self.marker_key = marker_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace every likelihood by its map of trees."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform(d[key], d[self.marker_key])
        return d


SeparateTreesD = SeparateTreesDict = SeparateTreesd
