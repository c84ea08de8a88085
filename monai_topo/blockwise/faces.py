"""The faces of a box: the planes that its neighbors touch, and the Euler characteristic of boxes that are joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.blockwise.arrays import Axes, Mask
from monai_topo.topology import euler_characteristic

Faces = dict[tuple[int, int], NDArray[Any]]
"""For each axis that counts and each side, 0 or 1, the plane of the box there, without that axis."""


def cut_faces(volume: NDArray[Any], axes: Axes) -> Faces:
    """The faces of a box.

    Example:
        >>> cut_faces(np.arange(6).reshape(1, 2, 3), (1, 2))[2, 1].tolist()
        [[2, 5]]
    """
    return {(axis, side): np.take(volume, -side, axis) for axis in axes for side in (0, 1)}


def join_faces(first: Faces, second: Faces, axis: int) -> Faces:
    """The faces of a box made of two that are neighbors along an axis."""
    joined: Faces = {}
    for across, side in first:
        if across == axis:
            joined[across, side] = (first, second)[side][across, side]
        else:
            place = axis - (across < axis)
            joined[across, side] = np.concatenate([first[across, side], second[across, side]], axis=place)
    return joined


@dataclass(frozen=True)
class EulerBox:
    """The Euler characteristic of a box in face connectivity, and what is needed to join it to others.

    Of two boxes that are joined each cell is counted once: those in a box with the box, and those between the two, an
    edge for each voxel that both faces have, a square for each edge and a cube for each square, when they are joined.

    Attributes:
        euler: Euler characteristic.
        faces: masks.
    """

    euler: int
    faces: Faces

    @classmethod
    def of(cls, mask: Mask, axes: Axes) -> EulerBox:
        """That of one block."""
        return cls(euler_characteristic(mask, connectivity=1), cut_faces(mask, axes))

    def join(self, other: EulerBox, axis: int) -> EulerBox:
        """That of a box made of two, this one below along an axis."""
        between = euler_characteristic(self.faces[axis, 1] & other.faces[axis, 0], connectivity=1)
        return EulerBox(self.euler + other.euler - between, join_faces(self.faces, other.faces, axis))

    def inside_foreground(self) -> int:
        """The Euler characteristic with one layer of foreground around the box."""
        total = self.euler
        padded: list[int] = []
        for axis, side in self.faces:
            face = self.faces[axis, side]
            others = [other for other in range(3) if other != axis]
            face = np.pad(face, [(int(other in padded),) * 2 for other in others], constant_values=True)
            total += 1 - euler_characteristic(face, connectivity=1)  # a plane that is all foreground has 1
            if side == 1:
                padded.append(axis)
        return total
