"""Components of boxes that are joined: only those that reach the border of a box can still grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_topo.blockwise.arrays import Axes, Mask
from monai_topo.blockwise.faces import Faces, join_faces
from monai_topo.topology import ComponentRuns, component_runs


@dataclass(frozen=True)
class Leaf:
    """The components of one block that reach its border.

    Attributes:
        place: the block's place among the blocks, in C order.
        count: number of all components of the block.
        labels: their numbers within the block, ascending.
        sizes: their voxels in the block.
    """

    place: int
    count: int
    labels: NDArray[np.int64]
    sizes: NDArray[np.int64]


@dataclass(frozen=True)
class Joint:
    """Which components of two boxes are one.

    Attributes:
        first: history of the one below.
        second: history of the other.
        group: ``(m,)`` for each component of the first, then of the second, its component in both together, from 1 on.
        kept: ``(groups + 1,)`` the number of each of those in the joined box, 0 for one that does not reach its border.
    """

    first: Leaf | Joint
    second: Leaf | Joint
    group: NDArray[np.int32]
    kept: NDArray[np.int32]


@dataclass(frozen=True)
class Border:
    """The components of a box.

    Attributes:
        closed: number of those that do not reach its border.
        open: number of those that do.
        faces: int32 numbers of the open ones, from 1 on, 0 for none.
        history: its history, where that is asked for.
    """

    closed: int
    open: int
    faces: Faces
    history: Leaf | Joint | None = None

    def join(self, other: Border, axis: int, full: bool) -> Border:
        """The components of a box made of two.

        Args:
            other: the box above along the axis.
            axis: along which they are neighbors.
            full: neighbors are all voxels that touch, otherwise those that share a face.
        """
        from monai_topo.blockwise.border_kernels import group_planes

        group, groups = group_planes(self.faces[axis, 1], other.faces[axis, 0], self.open, other.open, full)
        own, others = group[: self.open + 1], np.append(group[:1], group[self.open + 1 :])
        faces = join_faces(_renumber(self.faces, own), _renumber(other.faces, others), axis)
        kept, count = number_present(faces, groups)
        history = None
        if self.history is not None and other.history is not None:
            history = Joint(self.history, other.history, group[1:], kept)
        closed = self.closed + other.closed + groups - count
        return Border(closed, count, _renumber(faces, kept), history)


def border_of(mask: Mask, full: bool, axes: Axes, place: int | None = None) -> Border:
    """The components of one block.

    Args:
        mask: bool ``(D, H, W)``.
        full: neighbors are all voxels that touch, otherwise those that share a face.
        axes: those that count.
        place: the block's place among the blocks, if the history is to be kept.
    """
    runs = component_runs(mask, full)
    faces: Faces = {(axis, side): runs.face(axis, side) for axis in axes for side in (0, 1)}
    kept, count = number_present(faces, runs.count)
    leaf = None if place is None else _leaf(runs, kept, place)
    return Border(runs.count - count, count, _renumber(faces, kept), leaf)


def _leaf(runs: ComponentRuns, kept: NDArray[np.int32], place: int) -> Leaf:
    labels = np.flatnonzero(kept)
    return Leaf(place, runs.count, labels, runs.sizes()[labels])


def number_present(faces: Faces, count: int) -> tuple[NDArray[np.int32], int]:
    """New numbers from 1 on, in their order, for those of ``count`` that are on a face, 0 for others; how many are."""
    present = np.zeros(count + 1, bool)
    for face in faces.values():
        present[face] = True
    present[0] = False
    numbers = np.cumsum(present, dtype=np.int32)
    return numbers * present, int(numbers[-1])


def _renumber(faces: Faces, numbers: NDArray[np.int32]) -> Faces:
    return {key: numbers[face] for key, face in faces.items()}
