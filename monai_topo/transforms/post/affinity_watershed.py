"""Post-processing of affinities: the objects that they join, as instances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends

from monai_topo.topology import affinity_clusters, nearest_offsets
from monai_topo.transforms.channels import KeyedTransform, like, to_likelihoods


class AffinityWatershed(Transform):
    """Instances from affinities, by the mutex watershed or from seeds.

    "The Mutex Watershed" (Wolf et al. 2018): affinities to nearest neighbors attract, those over a longer range repel
    by 1 less their value. From the strongest on, an attractive edge joins two clusters unless they exclude each other,
    and a repulsive one makes them exclude each other. Without affinities over a longer range there is nothing that
    excludes, and objects grow from seeds: what the edges from ``seed_threshold`` on join is a seed, and two seeds are
    never joined.

    Args:
        offsets: Offsets in voxels along each axis, one for each channel; None is to the voxel before along each axis.
            Those of length 1 attract, the others repel.
        seed_threshold: affinity from which edges make seeds; None takes the mutex watershed, which needs offsets over a
            longer range.
        threshold: affinity from which edges join at all, from 0 to 1.
        min_size: Voxels from which an object stays; of a smaller one the voxels are 0. 1 keeps all.

    Raises:
        ValueError: for a bad argument, no ``seed_threshold`` where nothing repels, and when called on anything but
            affinities in [0, 1] with a channel for each offset.

    Example:
        >>> affinities = np.array([[[0.0, 0.0, 0.0, 0.0]], [[0.0, 0.9, 0.3, 0.9]]])
        >>> AffinityWatershed(seed_threshold=0.8)(affinities)[0]
        array([[1, 1, 2, 2]], dtype=int32)
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        offsets: Sequence[Sequence[int]] | None = None,
        seed_threshold: float | None = None,
        threshold: float = 0.0,
        min_size: int = 1,
    ) -> None:
        self.offsets = None if offsets is None else [tuple(int(step) for step in offset) for offset in offsets]
        if self.offsets is not None and not (self.offsets and all(any(offset) for offset in self.offsets)):
            raise ValueError(f"offsets must be None or one or more that lead to another voxel, got {offsets!r}.")
        repels = self.offsets is not None and any(_length(offset) > 1 for offset in self.offsets)
        if seed_threshold is None and not repels:
            raise ValueError("seed_threshold must be given where all offsets have the length 1: nothing keeps apart.")
        if not 0 <= threshold <= (1 if seed_threshold is None else seed_threshold) <= 1 or min_size < 1:
            raise ValueError(
                "threshold and seed_threshold must be from 0 to 1 in this order, and min_size at least 1, got "
                f"{threshold!r}, {seed_threshold!r} and {min_size!r}."
            )
        self.seed_threshold = seed_threshold
        self.threshold = threshold
        self.min_size = min_size

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Compute the instances.

        Args:
            img: affinities ``(K, H, W[, D])`` for K offsets, in [0, 1].

        Returns:
            int32 ids ``(1, H, W[, D])``, consecutive from 1 on in the order of first voxels, of the same type of
            container; metadata is kept.
        """
        affinities = to_likelihoods(img)
        offsets = nearest_offsets(affinities.ndim - 1) if self.offsets is None else self.offsets
        if len(offsets) != len(affinities) or any(len(offset) != affinities.ndim - 1 for offset in offsets):
            raise ValueError(f"img must have a channel for each of the offsets {offsets}, got {affinities.shape}.")
        attractive = np.array([_length(offset) == 1 for offset in offsets])
        ids = affinity_clusters(
            affinities, offsets, attractive, seed_threshold=self.seed_threshold, threshold=self.threshold
        )
        kept = np.bincount(ids.ravel()) >= self.min_size
        kept[0] = False
        return like(img, (np.cumsum(kept) * kept)[ids].astype(np.int32)[None], np.int32)


def _length(offset: Sequence[int]) -> int:
    return sum(abs(step) for step in offset)


class AffinityWatershedd(KeyedTransform):
    """Dictionary version of :class:`AffinityWatershed`.

    Args:
        keys: keys of the affinities, which the ids replace.
        offsets: Offsets in voxels along each axis; None is to the voxel before along each axis.
        seed_threshold: affinity from which edges make seeds; None takes the mutex watershed.
        threshold: affinity from which edges join at all.
        min_size: Voxels from which an object stays.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> affinities = torch.ones(2, 3, 4)
        >>> item = AffinityWatershedd("pred", seed_threshold=0.5)({"pred": affinities})
        >>> int(item["pred"].max())
        1
    """

    backend = AffinityWatershed.backend

    def __init__(
        self,
        keys: KeysCollection,
        offsets: Sequence[Sequence[int]] | None = None,
        seed_threshold: float | None = None,
        threshold: float = 0.0,
        min_size: int = 1,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, AffinityWatershed(offsets, seed_threshold, threshold, min_size), allow_missing_keys)


AffinityWatershedD = AffinityWatershedDict = AffinityWatershedd
