"""Kernels of exact squared distances, axis by axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import Int, entry_kernel, kernel

FAR = np.int32(2**31 - 1)
"""In the place of the squared distance where nothing is outside of the mask."""


@entry_kernel
def squared_distances(mask: Any, extents: Any) -> Any:
    """The squared distance of each voxel of a mask to the nearest one outside of it.

    Args:
        mask: bool, flat.
        extents: int64, the shape of the image.

    Returns:
        int32, flat.
    """
    known, found = np.empty(mask.size, np.int32), np.empty(mask.size, np.int32)
    for voxel in range(mask.size):
        known[voxel] = FAR if mask[voxel] else np.int32(0)
    step = np.int64(1)
    for axis in range(extents.size - 1, -1, -1):
        _look_along(known, found, step, extents[axis])
        known, found = found, known
        step *= extents[axis]
    return known


@kernel
def _look_along(known: Any, found: Any, step: Int, extent: Int) -> None:
    """From the squares within the lines before to those that a step along one more axis may make smaller."""
    for start in range(0, known.size, step * extent):
        for place in range(extent):
            for voxel in range(start + place * step, start + (place + 1) * step):
                nearest, away = np.int64(known[voxel]), np.int64(1)
                while away * away < nearest and (away <= place or place + away < extent):
                    if away <= place and known[voxel - away * step] != FAR:
                        nearest = min(nearest, known[voxel - away * step] + away * away)
                    if place + away < extent and known[voxel + away * step] != FAR:
                        nearest = min(nearest, known[voxel + away * step] + away * away)
                    away += 1
                found[voxel] = nearest
