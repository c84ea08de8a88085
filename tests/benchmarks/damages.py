"""Kinds of damage to phantoms of tubes and of membranes, each known to change what its name says and nothing else.

``TUBES`` and ``MEMBRANES`` hold how the Betti numbers of the damaged mask differ from the phantom's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from monai_topo.data import controls, phantoms
from monai_topo.topology import betti_numbers, label_components

FACES = ndimage.generate_binary_structure(3, 1)
CUBE = np.ones((3, 3, 3), bool)


@dataclass(frozen=True)
class Damaged:
    """A phantom and what was done to it.

    Attributes:
        label: the phantom.
        frame: whether its Betti numbers are relative to a frame.
        masks: name of the damage to mask.
    """

    label: np.ndarray
    frame: bool
    masks: dict[str, np.ndarray]

    def change(self, name):
        """How the Betti numbers change."""
        counts = [np.array(betti_numbers(mask, frame=self.frame)) for mask in (self.masks[name], self.label)]
        return tuple((counts[0] - counts[1]).tolist())


TUBES = {
    "thinning": (0, 0, 0),
    "wrong size": (0, 0, 0),
    "shift": (0, 0, 0),
    "swapped place": (0, 0, 0),
    "speck": (1, 0, 0),
    "gap": (1, 0, 0),
    "bridge": (-1, 0, 0),
    "filled hole": (0, -1, 0),
}
"""Damage to the change of Betti numbers."""
MEMBRANES = {
    "thinning": (0, 0, 0),
    "wrong size": (0, 0, 0),
    "shift": (0, 0, 0),
    "swapped place": (0, 0, 0),
    "speck": (1, 0, 0),
    "bridge": (0, 1, 0),
    "pierced wall": (0, 0, -1),
    "filled hole": (0, 0, -1),
}
"""The same, relative to a frame; a bridge leads through a cell from wall to wall."""


def tubes(seed):
    """Two trees and a ring, one beside the other; the ring is what is swapped, filled and thickened."""
    trees = [phantoms.tree((44, 36, 36), num_branches=4, radius=2.5, seed=2 * seed + n).label > 0 for n in range(2)]
    parts = np.zeros((44, 146, 36), bool)
    parts[:, 2:38], parts[:, 42:78] = trees
    ring = _ring(parts.shape, (22, 94, 18))
    label = parts | ring
    gap = label.copy()
    gap[4:8, :40] = False
    masks = {
        "thinning": ndimage.binary_erosion(label, FACES, border_value=1),
        "wrong size": parts | ndimage.binary_dilation(ring, CUBE),
        "shift": controls.moved(label, 1),
        "swapped place": parts | _ring(parts.shape, (22, 128, 18)),
        "speck": label | _ball(label.shape, (8, 122, 18), 1.8),
        "gap": gap,
        "bridge": label | _bridge(parts),
        "filled hole": label | _disc(label.shape, (22, 94, 18)),
    }
    return Damaged(label, False, masks)


def membranes(seed):
    """Walls between convex cells."""
    phantom = phantoms.membranes((44, 48, 40), num_cells=10, thickness=4.5, seed=seed)
    label = phantom.label > 0
    cells = label_components(~label, full=False)
    sizes = np.bincount(cells.ravel())
    small, large = 1 + np.argsort(sizes[1:])[[0, -1]]
    depth = ndimage.distance_transform_edt(np.pad(cells == large, 1))[1:-1, 1:-1, 1:-1]  # far from the border too
    middle = np.unravel_index(depth.argmax(), depth.shape)
    halves = _divided(cells == large)
    pierced = label & ~_ball(label.shape, _middle_of_wall(cells), 4.2)
    masks = {
        "thinning": ndimage.binary_erosion(label, FACES, border_value=1),
        "wrong size": ndimage.binary_dilation(label, FACES),
        "shift": controls.moved(label, 1),
        "swapped place": _without_wall_of(label, cells, small) | halves,
        "speck": label | _ball(label.shape, middle, 1.8),
        "bridge": label | _strand(label.shape, middle, cells == large),
        "pierced wall": pierced,
        "filled hole": label | (cells == small),
    }
    return Damaged(label, True, masks)


def _ball(shape, center, radius):
    offset = np.moveaxis(np.indices(shape), 0, -1) - np.asarray(center, float)
    return np.linalg.norm(offset, axis=-1) < radius


def _ring(shape, center, radius=9.0, thickness=2.5):
    offset = np.moveaxis(np.indices(shape), 0, -1) - np.asarray(center, float)
    across = np.hypot(offset[..., 0], offset[..., 1]) - radius
    return np.hypot(across, offset[..., 2]) < thickness


def _disc(shape, center, radius=9.0):
    offset = np.moveaxis(np.indices(shape), 0, -1) - np.asarray(center, float)
    return (np.hypot(offset[..., 0], offset[..., 1]) < radius) & (np.abs(offset[..., 2]) < 1.5)


def _bridge(label):
    """A tube between the two trees where they are nearest to each other."""
    parts = label_components(label, full=True)
    distance, nearest = ndimage.distance_transform_edt(parts != 2, return_indices=True)
    distance[parts != 1] = np.inf
    start = np.array(np.unravel_index(distance.argmin(), distance.shape))
    end = nearest[(slice(None), *start)]
    tube = np.zeros(label.shape, bool)
    for share in np.linspace(0, 1, 40):
        tube |= _ball(label.shape, start + share * (end - start), 1.6)
    return tube


def _middle_of_wall(cells):
    """The voxel of a wall between two cells that is farthest from all other cells."""
    distances = {number: ndimage.distance_transform_edt(cells != number) for number in range(1, int(cells.max()) + 1)}
    stack = np.sort(np.stack(list(distances.values())), axis=0)
    inside = np.zeros(cells.shape, bool)
    inside[6:-6, 6:-6, 6:-6] = True
    score = np.where(inside & (cells == 0) & (stack[1] < 4), stack[2], 0)
    return np.unravel_index(score.argmax(), score.shape)


def _divided(cell):
    """A wall through the middle of a cell."""
    middle = int(np.median(np.argwhere(cell)[:, 0]))
    wall = np.zeros(cell.shape, bool)
    wall[middle - 1 : middle + 2] = cell[middle - 1 : middle + 2]
    return wall


def _without_wall_of(label, cells, number):
    """The mask without the walls between a cell and the neighbor that it has most wall with."""
    near = ndimage.distance_transform_edt(cells != number) <= 4
    ids = np.arange(1, int(cells.max()) + 1)
    shared = [(near & (ndimage.distance_transform_edt(cells != other) <= 4)).sum() * (other != number) for other in ids]
    both = np.isin(cells, (number, ids[int(np.argmax(shared))]))
    return label & ~(ndimage.binary_closing(both, CUBE, iterations=3) & ~_near_others(cells, both))


def _near_others(cells, both):
    return ndimage.distance_transform_edt(~((cells > 0) & ~both)) <= 2.5


def _strand(shape, middle, cell):
    """A thin strand through a cell from wall to wall."""
    strand = np.zeros(shape, bool)
    first, second = slice(middle[0] - 1, middle[0] + 1), slice(middle[1] - 1, middle[1] + 1)
    strand[first, second] = True
    parts = label_components(strand & ndimage.binary_dilation(cell, CUBE, iterations=2), full=True)
    return parts == parts[middle]


def valid(make, expected, count, attempts=100):
    """The first phantoms whose Betti numbers change as expected by every damage."""
    found = []
    for seed in range(attempts):
        damaged = make(seed)
        if all(damaged.change(name) == change for name, change in expected.items()):
            found.append(damaged)
        if len(found) == count:
            return found
    raise ValueError(f"{len(found)} of {count} phantoms of {make.__name__} are damaged as expected.")
