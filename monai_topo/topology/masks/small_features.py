"""What a label would teach a topology loss: its Betti numbers, and the specks and pores among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.topology.checks import check_mask, is_full_connectivity
from monai_topo.topology.masks.betti import betti_numbers


@dataclass(frozen=True)
class SmallFeatures:
    """Betti numbers of a mask and how many of its features are small.

    Attributes:
        betti_numbers: components, loops and in 3D cavities of the whole mask.
        components: number of components that have at most ``max_size`` voxels.
        holes: number of the regions that the mask encloses that do: cavities in 3D, loops in 2D.
        max_size: size in voxels up to which a feature is small.

    Example:
        >>> mask = np.zeros((6, 7))
        >>> mask[1:4, 1:4] = mask[5, 6] = 1
        >>> small_features(mask, max_size=2)
        SmallFeatures(betti_numbers=(2, 0), components=1, holes=0, max_size=2)
    """

    betti_numbers: tuple[int, ...]
    components: int
    holes: int
    max_size: int


def small_features(mask: NDArray[Any], max_size: int = 8, connectivity: int | None = None) -> SmallFeatures:
    """Count the components and enclosed regions of a mask that are too small to be meant.

    A loop of a 3D mask has no size in voxels; of loops there is the total only.

    Args:
        mask: one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1.
        max_size: the largest feature that is called small, in voxels; 0 counts none.
        connectivity: connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).

    Raises:
        ValueError: for a negative ``max_size``, and as :func:`monai_topo.topology.betti_numbers`.

    Example:
        >>> mask = np.pad(np.ones((5, 5), int), 2)
        >>> mask[4, 4], mask[0, 0] = 0, 1
        >>> small_features(mask)
        SmallFeatures(betti_numbers=(2, 1), components=1, holes=1, max_size=8)
    """
    if max_size < 0:
        raise ValueError(f"max_size must be 0 or more voxels, got {max_size}.")
    total = betti_numbers(mask, connectivity)
    foreground = crop_to_mask(check_mask(mask))
    full = is_full_connectivity(connectivity, foreground.ndim)
    components, _ = _sizes(foreground, full)
    regions, open_to_outside = _sizes(~foreground, not full)
    holes = regions[~open_to_outside]
    return SmallFeatures(total, int((components <= max_size).sum()), int((holes <= max_size).sum()), max_size)


def crop_to_mask(mask: NDArray[np.bool_], margin: int = 0) -> NDArray[np.bool_]:
    """The part of a mask that holds all of its foreground; of an empty mask all.

    Args:
        mask: any shape.
        margin: voxels that are kept around it, where the mask goes on.

    Example:
        >>> crop_to_mask(np.array([[False, True, False, False]]), margin=1)
        array([[False,  True, False]])
    """
    found = ndimage.find_objects(mask.astype(np.uint8))
    if not found:
        return mask
    return np.asarray(mask[tuple(slice(max(part.start - margin, 0), part.stop + margin) for part in found[0])])


def _sizes(mask: NDArray[np.bool_], full: bool) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Voxels of each component, and whether it touches the border."""
    structure = ndimage.generate_binary_structure(mask.ndim, mask.ndim if full else 1)
    labels, count = ndimage.label(mask, structure)
    at_border = np.zeros(count + 1, bool)
    for axis in range(mask.ndim):
        for index in (0, -1):
            at_border[np.take(labels, index, axis)] = True
    return np.bincount(labels.ravel(), minlength=count + 1)[1:], at_border[1:]
