"""Post-processing of a likelihood: the topology that is hardly there is taken out before the threshold is applied."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray

from monai_topo.topology import is_full_connectivity, low_pairs, persistence_pairs, simplify, sublevel_field
from monai_topo.transforms.channels import KeyedTransform, map_channels, to_likelihoods


class RemoveLowPersistence(Transform):
    """Remove or fill the components, loops and cavities of a likelihood that hardly persist.

    A component whose persistence is at or under the threshold is lowered to where it would join another, or joined by
    a path that is raised, whichever changes fewer voxels; a cavity (in 2D a loop) is filled, or opened by a path. So a
    gap that is less deep than the threshold is bridged, and a speck that rises less is removed. A loop of a volume is
    filled or its bridge cut, voxel by voxel; of filling all and cutting all the one that changes fewer voxels.

    What holds: in 2D, and in 3D without dimension 1, ``persistence_pairs(result, dims=dims)`` holds no feature at or
    under the threshold but the essential one. With dimension 1 of 3D the same is worked toward in up to 100 rounds; a
    warning says how many features are left, should any be. A step changes the superlevel sets between birth and death
    of what it removes and no others: values by at most the threshold (steps on features within each other add up), and
    it makes no feature that is more persistent. Values stay within the range that they had.

    It acts on likelihoods, before ``AsDiscrete``.

    Args:
        threshold: threshold of persistence, from 0 to 1; at or under it features are removed.
        dims: homology dimensions; None is all below the number of axes.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.

    Raises:
        ValueError: for a threshold outside [0, 1].

    Example:
        >>> import numpy as np
        >>> vessel = np.array([[[0.0, 0.9, 0.9, 0.7, 0.9, 0.8, 0.0, 0.1]]])  # a gap of 0.7, a speck of 0.1
        >>> RemoveLowPersistence(0.25)(vessel)[0]
        array([[0. , 0.9, 0.9, 0.9, 0.9, 0.8, 0. , 0. ]])
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self, threshold: float, dims: Sequence[int] | int | None = None, connectivity: int | None = None
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be a persistence from 0 to 1, got {threshold!r}.")
        self.threshold = float(threshold)
        self.dims = dims
        self.connectivity = connectivity

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Simplify the likelihoods.

        Args:
            img: likelihoods, ``(C, H, W[, D])``, in [0, 1], each channel on its own.

        Returns:
            float32 (float64 if that is what came) of the same shape and container; metadata is kept.

        Raises:
            ValueError: for another shape or other values, or a dimension or connectivity that there is not.
        """
        channels = to_likelihoods(img)
        is_full_connectivity(self.connectivity, channels.ndim - 1)
        return map_channels(img, channels, self._simplify, channels.dtype)

    def _simplify(self, likelihood: NDArray[Any]) -> NDArray[Any]:
        simplified = simplify(likelihood, self.threshold, dims=self.dims, connectivity=self.connectivity)
        pairs = persistence_pairs(simplified, dims=self.dims, connectivity=self.connectivity)
        field = sublevel_field(simplified)
        left = {dim: low_pairs(field, pairs, dim, self.threshold).size for dim in pairs.dims}
        if any(left.values()):
            warnings.warn(
                f"RemoveLowPersistence left features at or under {self.threshold}, by dimension: {left}.", stacklevel=2
            )
        return simplified


class RemoveLowPersistenced(KeyedTransform):
    """Dictionary version of :class:`RemoveLowPersistence`.

    Args:
        keys: keys of the likelihoods.
        threshold: threshold of persistence; at or under it features are removed.
        dims: homology dimensions; None is all.
        connectivity: connectivity of the foreground.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> likelihood = torch.tensor([[[0.1, 0.9, 0.1, 0.3, 0.1]]])
        >>> RemoveLowPersistenced("pred", threshold=0.25)({"pred": likelihood})["pred"]
        tensor([[[0.1000, 0.9000, 0.1000, 0.1000, 0.1000]]])
    """

    backend = RemoveLowPersistence.backend

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float,
        dims: Sequence[int] | int | None = None,
        connectivity: int | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RemoveLowPersistence(threshold, dims, connectivity), allow_missing_keys)


RemoveLowPersistenceD = RemoveLowPersistenceDict = RemoveLowPersistenced
