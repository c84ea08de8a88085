"""Post-processing of affinities: the likelihood of the membranes between the objects that they join."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends

from monai_topo.topology import joined_places, nearest_offsets
from monai_topo.transforms.channels import KeyedTransform, like, to_likelihoods


class AffinityToMembrane(Transform):
    """Likelihood that a voxel is on a membrane: 1 less the strongest affinity that it has to a nearest neighbor.

    Both neighbors along each axis count. A voxel without id is joined to none, so of the affinities that
    :class:`InstanceToAffinities` makes of ids it is 1 on the voxels of id 0, and on objects of a single voxel. With it
    the metrics and losses of masks see what a network of affinities says.

    Args:
        offsets: Offsets in voxels along each axis, one for each channel; None is to the voxel before along each axis.
            Those of a length other than 1 are not looked at.

    Raises:
        ValueError: for no offset of length 1, and when called on anything but affinities in [0, 1] with a channel for
            each offset.

    Example:
        >>> affinities = np.array([[[0.0, 0.0, 0.0, 0.0]], [[0.0, 0.75, 0.0, 0.0]]])
        >>> AffinityToMembrane()(affinities)[0]
        array([[0.25, 0.25, 1.  , 1.  ]])
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(self, offsets: Sequence[Sequence[int]] | None = None) -> None:
        self.offsets = None if offsets is None else [tuple(int(step) for step in offset) for offset in offsets]
        if self.offsets is not None and not any(_is_nearest(offset) for offset in self.offsets):
            raise ValueError(f"offsets must be None or hold one to a nearest neighbor, got {offsets!r}.")

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Compute the likelihood.

        Args:
            img: affinities ``(K, H, W[, D])`` for K offsets, in [0, 1].

        Returns:
            ``(1, H, W[, D])`` in [0, 1], of the same type of container; metadata is kept.
        """
        affinities = to_likelihoods(img)
        shape = affinities.shape[1:]
        offsets = nearest_offsets(len(shape)) if self.offsets is None else self.offsets
        if len(offsets) != len(affinities) or any(len(offset) != len(shape) for offset in offsets):
            raise ValueError(f"img must have a channel for each of the offsets {offsets}, got {affinities.shape}.")
        strongest = np.zeros(shape, affinities.dtype)
        for channel, offset in zip(affinities, offsets, strict=True):
            if _is_nearest(offset):
                here = joined_places(shape, offset)
                for end in (here, joined_places(shape, [-step for step in offset])):
                    np.maximum(strongest[end], channel[here], out=strongest[end])
        return like(img, 1 - strongest[None], affinities.dtype)


def _is_nearest(offset: Sequence[int]) -> bool:
    return sum(abs(step) for step in offset) == 1


class AffinityToMembraned(KeyedTransform):
    """Dictionary version of :class:`AffinityToMembrane`.

    Args:
        keys: keys of the affinities, which the likelihoods replace.
        offsets: Offsets in voxels along each axis; None is to the voxel before along each axis.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> affinities = torch.tensor([[[1.0, 1.0, 1.0]], [[1.0, 0.2, 1.0]]])
        >>> AffinityToMembraned("pred")({"pred": affinities})["pred"].shape
        torch.Size([1, 1, 3])
    """

    backend = AffinityToMembrane.backend

    def __init__(
        self,
        keys: KeysCollection,
        offsets: Sequence[Sequence[int]] | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, AffinityToMembrane(offsets), allow_missing_keys)


AffinityToMembraneD = AffinityToMembraneDict = AffinityToMembraned
