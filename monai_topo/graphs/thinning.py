"""Simple voxels of 3D masks, which change no topology: taken away until curves are left, or added to bridge a gap.

Voxels on the border are taken away, from one of six directions after the other, as long as that changes no topology:
they are simple (Bertrand and Malandain 1994). Each of those found in a direction is looked at again right before it is
taken, because those before it may have made it an only link (Lee, Kashyap and Chu 1994). Only what has something
behind it is taken, so that a ribbon of two voxels loses one side and is not eaten up from its end; voxels that hang on
by edges and corners come last.

A neighborhood is an integer of 27 bits, one for each place of the cube of 3 x 3 x 3 in C order; 13 is the center.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology import entry_kernel, kernel

PLACES = np.array(list(product((-1, 0, 1), repeat=3)))
_STEPS = np.abs(PLACES).sum(axis=1)
_BETWEEN = np.abs(PLACES[:, None] - PLACES[None])


def _bits(places: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.asarray(places @ (1 << np.arange(27)))


TOUCHING = _bits((_BETWEEN.max(axis=2) == 1) & (_STEPS > 0))
"""For each place those that share a face, an edge or a corner with it."""
_FACES_WITHIN_18 = _bits((_BETWEEN.sum(axis=2) == 1) & (_STEPS > 0) & (_STEPS < 3))
"""For each place those that share a face with it, corners of the cube left out."""
_WITHIN_18 = int(_bits((_STEPS > 0) & (_STEPS < 3)))
FACES = int(_bits(_STEPS == 1))


def thin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Curves along the middle of a 3D mask, of the same topology if the mask has no cavity.

    Voxels that come to be an end, with one neighbor, stay.

    Args:
        mask: ``(H, W, D)``; full connectivity.

    Returns:
        Those voxels of the mask that are left, the same shape. Every component keeps at least one.

    Example:
        >>> int(thin(np.ones((2, 2, 200), bool)).sum())
        198
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    strides = np.array(padded.strides)
    directions = np.stack([strides, -strides], axis=1).ravel()[::-1].copy()
    voxels = np.flatnonzero(padded)
    while len(voxels):
        count = _take_borders(padded.ravel(), voxels, PLACES @ strides, directions)
        if count == len(voxels):
            break
        voxels = voxels[:count]
    return padded[1:-1, 1:-1, 1:-1].astype(bool)


def retract(curves: NDArray[np.bool_], kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """As few voxels of 3D curves as have the same topology and hold those that are kept.

    Args:
        curves: ``(H, W, D)``, a mask that :func:`thin` has made; full connectivity.
        kept: voxels of the curves that stay, the same shape.

    Returns:
        Those voxels of the curves that are left, the same shape. Every component keeps at least one.

    Example:
        >>> line = np.ones((1, 1, 9), bool)
        >>> int(retract(line, np.arange(9) == [[[2]]]).sum())
        1
    """
    padded = np.pad(curves.astype(np.uint8) + (curves & kept), 1)
    _take_ends(padded.ravel(), np.flatnonzero(padded == 1), PLACES @ np.array(padded.strides))
    return padded[1:-1, 1:-1, 1:-1].astype(bool)


def add_path(volume: NDArray[np.uint8], path: NDArray[np.int64], places: NDArray[np.int64]) -> bool:
    """Add the voxels of a path to a padded volume if all but one are simple and that one joins just two parts.

    Args:
        volume: uint8 ``(H, W, D)`` of 0 and 1, C order, background on its border; changed if the answer is yes.
        path: flat indices, from a voxel that touches the mask on.
        places: places of the 27 voxels around one, see :func:`padded_places`.

    Returns:
        Whether it was added: the mask then has one component less, if the two parts were two, or one loop more.
    """
    return bool(_add_path(volume.reshape(-1), path, places))


def grow(volume: NDArray[np.uint8], voxels: NDArray[np.int64], places: NDArray[np.int64]) -> None:
    """Add voxels to a padded volume, in their order and again, as long as one is simple: no topology changes.

    Args:
        volume: volume, as for :func:`add_path`.
        voxels: flat indices.
        places: places of the 27 voxels around one.
    """
    _grow(volume.reshape(-1), voxels, places)


def padded_places(volume: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Steps from a voxel of a flat C-order volume to the 27 voxels around it."""
    return np.asarray(PLACES @ np.array(volume.strides))


@entry_kernel
def _add_path(volume: NDArray[np.uint8], path: NDArray[Any], places: NDArray[Any]) -> bool:
    joints = 0
    added = 0
    for voxel in path:
        if not volume[voxel] and not can_go(volume, voxel, places, False):
            joints += 1 if _joins_two(volume, voxel, places) else 2
        if joints > 1:
            break
        added += 1
        volume[voxel] += 1  # what was there already becomes 2
    for voxel in path[:added]:
        volume[voxel] = volume[voxel] - 1 if joints != 1 else 1
    return joints == 1


@entry_kernel
def _grow(volume: NDArray[np.uint8], voxels: NDArray[Any], places: NDArray[Any]) -> None:
    added = True
    while added:
        added = False
        for voxel in voxels:
            if not volume[voxel] and can_go(volume, voxel, places, False):
                volume[voxel] = 1
                added = True


@kernel
def _joins_two(volume: NDArray[np.uint8], voxel: int, places: NDArray[Any]) -> bool:
    """Whether a voxel has two components of neighbors, and one of background at its faces."""
    neighbors = neighborhood(volume, voxel, places)
    if neighbors == 0:
        return False
    rest = neighbors & ~reached(neighbors & -neighbors, neighbors, TOUCHING)
    if rest == 0 or reached(rest & -rest, rest, TOUCHING) != rest:
        return False
    return has_one_background(neighbors)


@kernel
def neighborhood(volume: NDArray[np.uint8], voxel: int, places: NDArray[Any]) -> int:
    """The bits of those around a voxel that are of the mask."""
    neighbors = 0
    for place in range(27):
        if place != 13 and volume[voxel + places[place]]:
            neighbors |= 1 << place
    return neighbors


@kernel
def has_one_background(neighbors: int) -> bool:
    """Whether the background at the faces of a voxel is there, and one."""
    background = ~neighbors & _WITHIN_18
    faces = background & FACES
    return faces != 0 and reached(faces & -faces, background, _FACES_WITHIN_18) & FACES == faces


@entry_kernel
def _take_borders(
    volume: NDArray[np.uint8], voxels: NDArray[Any], places: NDArray[Any], directions: NDArray[Any]
) -> int:
    """Take voxels out of a flat padded volume, from each direction once; those left come first in the list."""
    found = np.empty(len(voxels), np.int64)
    for turn in range(len(directions) + 1):
        num_found = 0
        for voxel in voxels:
            if _is_border(volume, voxel, directions, turn) and can_go(volume, voxel, places, True):
                found[num_found] = voxel
                num_found += 1
        for voxel in found[:num_found]:
            if can_go(volume, voxel, places, True):
                volume[voxel] = 0
    left = 0
    for voxel in voxels:
        if volume[voxel]:
            voxels[left] = voxel
            left += 1
    return left


@entry_kernel
def _take_ends(volume: NDArray[np.uint8], voxels: NDArray[Any], places: NDArray[Any]) -> None:
    """Take voxels that are 1 out of a flat padded volume, following each curve, until none can go."""
    taken = True
    while taken:
        taken = False
        for start in voxels:
            voxel = start
            while volume[voxel] == 1 and can_go(volume, voxel, places, False):
                volume[voxel] = 0
                taken = True
                for step in places:
                    if volume[voxel + step]:
                        voxel += step
                        break


@kernel
def _is_border(volume: NDArray[np.uint8], voxel: int, directions: NDArray[Any], turn: int) -> bool:
    """Background in the direction and something behind; in the turn after the last one, background at all faces."""
    if volume[voxel] == 0:
        return False
    if turn < len(directions):
        return not volume[voxel + directions[turn]] and bool(volume[voxel - directions[turn]])
    neighbors = 0
    for direction in directions:
        neighbors += volume[voxel + direction]
    return neighbors == 0


@kernel
def can_go(volume: NDArray[np.uint8], voxel: int, places: NDArray[Any], keep_ends: bool) -> bool:
    """Whether a voxel is simple, with one component of neighbors and one of background at its faces, and may go."""
    neighbors = neighborhood(volume, voxel, places)
    if neighbors == 0 or (keep_ends and neighbors & (neighbors - 1) == 0):
        return False
    if reached(neighbors & -neighbors, neighbors, TOUCHING) != neighbors:
        return False
    return has_one_background(neighbors)


@kernel
def reached(start: int, inside: int, adjacent: NDArray[np.int64]) -> int:
    """Places that are joined to the start within a set of places."""
    found = todo = start
    while todo:
        place = 0
        while not (todo >> place) & 1:
            place += 1
        todo &= todo - 1
        new = adjacent[place] & inside & ~found
        found |= new
        todo |= new
    return found
