"""Components of a binary volume as runs of voxels: their numbers, sizes and faces, without an array of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.checks import Mask


@dataclass(frozen=True)
class ComponentRuns:
    """The components of a volume, each a set of runs along the last axis.

    They are numbered from 1 on in the order of their first voxels, as scikit-image does.

    Attributes:
        shape: ``(D, H, W)`` of the volume.
        first: ``(D * H + 1,)`` the number of each row's first run, and of all runs.
        ends: ``(2 * runs,)`` first voxel of each run and the one after its last, by turns.
        labels: ``(runs,)`` component of each run.
        count: number of components.

    Example:
        >>> runs = component_runs(np.array([[[1, 0, 1, 1]]], dtype=bool), full=True)
        >>> runs.count, runs.ends, runs.labels
        (2, array([0, 1, 2, 4], dtype=int32), array([1, 2]))
    """

    shape: tuple[int, int, int]
    first: NDArray[np.int64]
    ends: NDArray[np.int32]
    labels: NDArray[np.int64]
    count: int

    def sizes(self) -> NDArray[np.int64]:
        """Voxels of each component, ``(count + 1,)``; the first is 0."""
        lengths = self.ends[1::2] - self.ends[::2]
        return np.bincount(self.labels, weights=lengths, minlength=self.count + 1).astype(np.int64)

    def paint(self, values: NDArray[Any]) -> NDArray[Any]:
        """The volume with a value for each component.

        Args:
            values: ``(count + 1,)``, the first for what is in no component.

        Returns:
            ``(D, H, W)`` of the dtype of ``values``.
        """
        rows = self.shape[0] * self.shape[1]
        return self._paint_rows(values, 0, 1, rows).reshape(self.shape)

    def face(self, axis: int, side: int) -> NDArray[np.int32]:
        """Components of the first (``side`` 0) or last (1) plane across an axis, 0 for none."""
        depth, height, _ = self.shape
        numbers = np.arange(self.count + 1, dtype=np.int32)
        if axis == 0:
            return self._paint_rows(numbers, side * (depth - 1) * height, 1, height)
        if axis == 1:
            return self._paint_rows(numbers, side * (height - 1), height, depth)
        return self._row_ends(side).reshape(depth, height)

    def _paint_rows(self, values: NDArray[Any], start: int, step: int, count: int) -> NDArray[Any]:
        from monai_topo.topology.masks.run_kernels import paint_rows

        rows = np.full((count, self.shape[2]), values[0])
        paint_rows(self.first, self.ends, self.labels, values, start, step, rows)
        return rows

    def _row_ends(self, side: int) -> NDArray[np.int32]:
        """Component of the first or last voxel of each row."""
        labels = np.zeros(len(self.first) - 1, np.int32)
        rows = np.flatnonzero(self.first[1:] > self.first[:-1])
        runs = self.first[rows + 1] - 1 if side else self.first[rows]
        reached = self.ends[2 * runs + side] == side * self.shape[2]
        labels[rows[reached]] = self.labels[runs[reached]]
        return labels


def component_runs(mask: Mask, full: bool) -> ComponentRuns:
    """Find the components of a binary volume.

    Args:
        mask: bool ``(D, H, W)``; an image has D = 1.
        full: neighbors are all voxels that touch, otherwise those that share a face.

    Example:
        >>> runs = component_runs(np.eye(2, dtype=bool)[None], full=False)
        >>> runs.count, runs.paint(np.array([0, 5, 7])).tolist()
        (2, [[[5, 0], [0, 7]]])
    """
    from monai_topo.topology.masks.cells import pack_rows
    from monai_topo.topology.masks.run_kernels import label_runs

    depth, height, width = mask.shape
    first, ends, labels, count = label_runs(pack_rows(mask), width, full)
    return ComponentRuns((depth, height, width), first, ends, labels[:-1], count)
