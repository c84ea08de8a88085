"""Random partitions: Voronoi cells as many as a label has, and walls between them with its share of foreground."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_topo.data.controls.shares import nearest_voxels
from monai_topo.data.phantoms.voronoi import voronoi_cells
from monai_topo.topology import label_components


def random_partition(
    shape: Sequence[int], num_cells: int, *, spacing: Sequence[float] | None = None, seed: int | Sequence[int] = 0
) -> NDArray[np.int32]:
    """Cells of random centers (Voronoi), which fill the volume.

    Args:
        shape: shape of the volume, 2 or 3 axes.
        num_cells: number of centers, at least 1; a cell so small that it holds no voxel is not there.
        spacing: size of a voxel along each axis; None is 1.
        seed: random seed.

    Returns:
        ``shape`` ids from 1 to ``num_cells``.

    Raises:
        ValueError: for fewer than one cell.

    Example:
        >>> np.unique(random_partition((12, 15), 4))
        array([1, 2, 3, 4], dtype=int32)
    """
    return _cells(shape, num_cells, spacing, seed)[0]


def random_membranes(
    label: ArrayLike, *, spacing: Sequence[float] | None = None, seed: int | Sequence[int] = 0
) -> NDArray[np.bool_]:
    """Walls between random cells, with as many cells and exactly as many wall voxels as a label of walls has.

    Args:
        label: ``(H, W[, D])`` mask of walls; its cells are the face-connected parts of the background.
        spacing: size of a voxel along each axis; None is 1.
        seed: random seed.

    Returns:
        Mask of the same shape: the voxels nearest to the planes between the cells.

    Example:
        >>> label = np.zeros((12, 15), bool)
        >>> label[:, 7] = True
        >>> walls = random_membranes(label)
        >>> walls.sum(), int(label_components(~walls, full=False).max())
        (np.int64(12), 2)
    """
    walls = np.asarray(label, bool)
    num_cells = int(label_components(~walls, full=False).max(initial=0))
    if not num_cells:
        return walls.copy()
    return nearest_voxels(_cells(walls.shape, num_cells, spacing, seed)[1], int(walls.sum()))


def random_instances(
    label: ArrayLike, *, spacing: Sequence[float] | None = None, seed: int | Sequence[int] = 0
) -> NDArray[np.int32]:
    """Ids of random cells, as many as a map of ids has, with exactly as many voxels of no cell between them.

    Args:
        label: ``(H, W[, D])`` ids, 0 is of no cell.
        spacing: size of a voxel along each axis; None is 1.
        seed: random seed.

    Returns:
        Ids of the same shape; 0 lies along the walls between the cells.

    Example:
        >>> ids = random_instances(np.array([[5, 5, 5, 0, 9, 9]]))
        >>> np.unique(ids, return_counts=True)[1].min(), (ids == 0).sum()
        (np.int64(1), np.int64(1))
    """
    true = np.asarray(label)
    num_cells = len(np.unique(true[true != 0]))
    if not num_cells:
        return np.zeros(true.shape, np.int32)
    ids, to_wall = _cells(true.shape, num_cells, spacing, seed)
    ids[nearest_voxels(to_wall, int((true == 0).sum()))] = 0
    return ids


def _cells(
    shape: Sequence[int], num_cells: int, spacing: Sequence[float] | None, seed: Any
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    if num_cells < 1:
        raise ValueError(f"num_cells must be at least 1, got {num_cells}.")
    sizes = np.ones(len(shape)) if spacing is None else np.asarray(spacing, dtype=float)
    rng = np.random.default_rng(seed)
    return voronoi_cells(rng.uniform(0, shape, (num_cells, len(shape))) * sizes, shape, spacing)
