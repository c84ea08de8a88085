"""Thinning of 3D masks to surfaces along the middle of their walls."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.thinning import FACES, PLACES, TOUCHING, can_go, has_one_background, neighborhood, reached
from monai_topo.topology import entry_kernel, kernel


def medial_surface(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels along the middle of the walls of a 3D mask, of its topology; curves where it is a tube.

    Layer after layer is taken away, of each only simple voxels (Bertrand and Malandain 1994), so that components,
    loops and cavities stay. Before each layer, voxels of walls and curves are found that stay for good: those that part
    the background around them in two, or what is left of the mask around them (isthmuses: Couprie and Bertrand 2014),
    and at the edge of those what is one voxel thick. What is left is one voxel thick but for places where no voxel can
    go without a change of topology. A rough surface of a thick wall leaves few spurs.

    Args:
        mask: bool ``(H, W, D)``; full connectivity. Voxels are taken as cubes, whatever their spacing.

    Returns:
        Voxels of the mask, the same shape. A wall of n voxels loses n // 2 of them at a free edge. Every component
        keeps at least one voxel.

    Example:
        >>> wall = np.zeros((5, 9, 9), bool)
        >>> wall[1:4] = True
        >>> surface = medial_surface(wall)
        >>> surface.sum(axis=(1, 2)).tolist()
        [0, 0, 49, 0, 0]
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    strides = np.array(padded.strides)
    directions = np.stack([strides, -strides], axis=1).ravel()
    voxels = np.flatnonzero(padded)
    count = -1
    while count != len(voxels):
        count = len(voxels)
        voxels = voxels[: _take_layer(padded.ravel(), voxels, PLACES @ strides, directions)]
    return padded[1:-1, 1:-1, 1:-1].astype(bool)


@entry_kernel
def _take_layer(volume: NDArray[np.uint8], voxels: NDArray[Any], places: NDArray[Any], directions: NDArray[Any]) -> int:
    """Take voxels out of a flat padded volume, from each direction once; those left come first in the list."""
    _keep(volume, voxels, places, directions)
    found = np.empty(len(voxels), np.int64)
    for direction in directions:
        num_found = 0
        for voxel in voxels:
            if volume[voxel] == 1 and not volume[voxel + direction] and volume[voxel - direction]:
                found[num_found] = voxel
                num_found += 1
        for voxel in found[:num_found]:
            if can_go(volume, voxel, places, False):
                volume[voxel] = 0
    left = 0
    for voxel in voxels:
        if volume[voxel]:
            voxels[left] = voxel
            left += 1
    return left


@kernel
def _keep(volume: NDArray[np.uint8], voxels: NDArray[Any], places: NDArray[Any], directions: NDArray[Any]) -> None:
    """Mark what stays for good: isthmuses are 2 from now on, their edges 3."""
    for voxel in voxels:
        if volume[voxel] == 1 and _is_isthmus(volume, voxel, places):
            volume[voxel] = 2
    for voxel in voxels:
        if volume[voxel] == 1 and _is_edge(volume, voxel, places, directions):
            volume[voxel] = 3


@kernel
def _is_isthmus(volume: NDArray[np.uint8], voxel: int, places: NDArray[Any]) -> bool:
    """Whether a voxel parts its neighbors, or the background at its faces; or has no neighbor."""
    neighbors = neighborhood(volume, voxel, places)
    if neighbors == 0 or reached(neighbors & -neighbors, neighbors, TOUCHING) != neighbors:
        return True
    return neighbors & FACES != FACES and not has_one_background(neighbors)


@kernel
def _is_edge(volume: NDArray[np.uint8], voxel: int, places: NDArray[Any], directions: NDArray[Any]) -> bool:
    """Whether a voxel touches an isthmus and has background on both sides."""
    thin = False
    for number in range(0, len(directions), 2):
        thin = thin or not (volume[voxel + directions[number]] or volume[voxel + directions[number + 1]])
    if thin:
        for step in places:
            if volume[voxel + step] == 2:
                return True
    return False
