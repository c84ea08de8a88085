"""Post-processing of a mask: what it encloses is filled."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.topology import is_full_connectivity
from monai_topo.transforms.channels import KeyedTransform, like, spacing_of, to_masks


class FillCavities(Transform):
    """Fill the cavities of a mask (in 2D its holes), all or those up to a size.

    A cavity is a component of the background, in the connectivity dual to the foreground's, that does not reach the
    border. Tunnels of a volume stay. The top Betti number of the result counts the cavities that were larger.

    Args:
        max_size: the largest cavity that is filled, in voxels, or in units of the affine (mm³, in 2D mm²) with
            ``physical``; None fills all.
        physical: whether ``max_size`` is a volume by the affine of the ``MetaTensor``; arrays and plain tensors have
            voxels of size 1.
        connectivity: connectivity of the foreground: None or the number of axes for full, 1 for face.

    Raises:
        ValueError: for a ``max_size`` that is negative.

    Example:
        >>> mask = np.ones((1, 5, 7), int)
        >>> mask[0, 1:3, 1:3] = mask[0, 3, 5] = 0
        >>> FillCavities(max_size=2)(mask)[0]
        array([[1, 1, 1, 1, 1, 1, 1],
               [1, 0, 0, 1, 1, 1, 1],
               [1, 0, 0, 1, 1, 1, 1],
               [1, 1, 1, 1, 1, 1, 1],
               [1, 1, 1, 1, 1, 1, 1]])
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(self, max_size: float | None = None, physical: bool = False, connectivity: int | None = None) -> None:
        if max_size is not None and not max_size >= 0:
            raise ValueError(f"max_size must be None or 0 or more, got {max_size!r}.")
        self.max_size = max_size
        self.physical = physical
        self.connectivity = connectivity

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Fill the cavities.

        Args:
            img: masks, ``(C, H, W[, D])``, only 0 and 1, each channel on its own.

        Returns:
            Masks of the same shape, dtype and container; metadata is kept.

        Raises:
            ValueError: for another shape or other values.
        """
        masks = to_masks(img)
        voxel = float(np.prod(spacing_of(img))) if self.physical else 1.0
        most = np.inf if self.max_size is None else self.max_size / voxel
        filled = np.stack([self._fill(mask, most) for mask in masks])
        return like(img, filled)

    def _fill(self, mask: NDArray[np.bool_], most: float) -> NDArray[Any]:
        full = is_full_connectivity(self.connectivity, mask.ndim)
        structure = ndimage.generate_binary_structure(mask.ndim, 1 if full else mask.ndim)
        cavities, _ = ndimage.label(ndimage.binary_fill_holes(mask, structure) & ~mask, structure)
        sizes = np.bincount(cavities.ravel())
        small = sizes <= most * (1 + 1e-6)  # an affine is hardly exact
        small[0] = False
        return np.asarray(mask | small[cavities])


class FillCavitiesd(KeyedTransform):
    """Dictionary version of :class:`FillCavities`.

    Args:
        keys: keys of the masks.
        max_size: the largest cavity that is filled; None fills all.
        physical: whether ``max_size`` is a volume by the affine.
        connectivity: connectivity of the foreground.
        allow_missing_keys: whether an item may lack a key.

    Example:
        >>> import torch
        >>> ring = torch.ones(1, 3, 3)
        >>> ring[0, 1, 1] = 0
        >>> FillCavitiesd("pred")({"pred": ring})["pred"][0, 1]
        tensor([1., 1., 1.])
    """

    backend = FillCavities.backend

    def __init__(
        self,
        keys: KeysCollection,
        max_size: float | None = None,
        physical: bool = False,
        connectivity: int | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, FillCavities(max_size, physical, connectivity), allow_missing_keys)


FillCavitiesD = FillCavitiesDict = FillCavitiesd
