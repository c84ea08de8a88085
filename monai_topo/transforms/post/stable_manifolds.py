"""From a likelihood to the mask of its ridges and walls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends

from monai_topo.topology import stable_manifolds_batch
from monai_topo.transforms.channels import KeyedTransform, like, to_channels


class StableManifolds(Transform):
    """Mask of the ridges and walls that a likelihood has or nearly has, each channel on its own.

    These are the voxels that ``DMTLoss`` trains on: see :func:`monai_topo.topology.stable_manifolds`. Weights or
    pictures of what the loss sees can be made of them.

    Args:
        persistence_threshold: structures of at most this persistence do not count, in units of the image; 0.2 of a
            likelihood in Hu et al. 2021 (section 3).
        dims: 1 for ridges, 2 for walls (3D only), or both; None is all that the data have.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.

    Raises:
        ValueError: for a negative threshold, and when called on another shape, on NaN or infinity.

    Example:
        >>> gap = np.array([[[0.1, 0.1, 0.1], [0.9, 0.3, 0.8], [0.1, 0.1, 0.1]]])
        >>> StableManifolds()(gap)[0]
        array([[0, 0, 0],
               [1, 1, 1],
               [0, 0, 0]], dtype=uint8)
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        persistence_threshold: float = 0.2,
        dims: Sequence[int] | int | None = None,
        connectivity: int | None = None,
    ) -> None:
        if not persistence_threshold >= 0:
            raise ValueError(f"persistence_threshold must be 0 or more, got {persistence_threshold!r}.")
        self.persistence_threshold = persistence_threshold
        self.dims = dims
        self.connectivity = connectivity

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Compute the masks.

        Args:
            img: likelihoods, ``(C, H, W[, D])``; another range of values will do.

        Returns:
            uint8 masks of the same shape and type of container; metadata is kept.
        """
        channels = to_channels(img)
        masks = stable_manifolds_batch(
            channels,
            persistence_threshold=self.persistence_threshold,
            dims=tuple(range(1, channels.ndim - 1)) if self.dims is None else self.dims,
            connectivity=self.connectivity,
        )
        return like(img, np.stack(masks), np.uint8)


class StableManifoldsd(KeyedTransform):
    """Dictionary version of :class:`StableManifolds`.

    Args:
        keys: keys of the likelihoods.
        persistence_threshold: structures of at most this persistence do not count.
        dims: 1 for ridges, 2 for walls (3D only), or both; None is all that the data have.
        connectivity: connectivity of the foreground.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> likelihood = torch.zeros(1, 3, 5)
        >>> likelihood[0, 1] = torch.tensor([0.9, 0.8, 0.7, 0.8, 0.9])
        >>> StableManifoldsd("pred", persistence_threshold=0.05, dims=1)({"pred": likelihood})["pred"][0, 1]
        tensor([1, 1, 1, 1, 1], dtype=torch.uint8)
    """

    backend = StableManifolds.backend

    def __init__(
        self,
        keys: KeysCollection,
        persistence_threshold: float = 0.2,
        dims: Sequence[int] | int | None = None,
        connectivity: int | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, StableManifolds(persistence_threshold, dims, connectivity), allow_missing_keys)


StableManifoldsD = StableManifoldsDict = StableManifoldsd
