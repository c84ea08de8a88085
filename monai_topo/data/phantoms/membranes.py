"""Phantoms of walls between cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monai_topo.data.phantoms.drawing import MAX_DRAWS, Phantom, check_shape, has_betti_numbers, image_of
from monai_topo.data.phantoms.voronoi import voronoi_cells
from monai_topo.topology import largest_parts, round_cells


def membranes(
    shape: Sequence[int],
    *,
    num_cells: int = 12,
    thickness: float = 2.5,
    noise: float = 0.1,
    num_gaps: int = 0,
    seed: int = 0,
) -> Phantom:
    """Walls between convex cells, dark as in electron microscopy.

    The cells are those of points no two of which are close (Voronoi). Relative to a frame of foreground the walls have
    no component and no loop of their own, and one cavity fewer than there are cells: ``(0, 0, cells - 1)``, or
    ``(0, cells - 1)`` in 2D.

    Args:
        shape: 2 or 3 axes, each of at least 12 voxels.
        num_cells: number of cells; a cell that the border leaves no room is not counted.
        thickness: thickness of the walls, in voxels.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where a wall is faint.
        seed: random seed.

    Raises:
        ValueError: for a bad shape, or when so many cells do not fit.

    Example:
        >>> phantom = membranes((24, 32), num_cells=5)
        >>> phantom.betti_numbers, phantom.frame
        ((0, 4), True)
    """
    check_shape(shape)
    rng = np.random.default_rng(seed)
    for _ in range(MAX_DRAWS):
        instances, near_wall = _voronoi(shape, num_cells, thickness, rng)
        wall = ~largest_parts(np.where(round_cells(~near_wall, 1), instances, 0))
        cells = len(np.unique(instances[~wall]))
        known = (*[0] * (len(shape) - 1), cells - 1)
        if has_betti_numbers(wall, known, frame=True):
            image = image_of(wall, noise, num_gaps, rng, structure=0.2, background=0.8)
            return Phantom(image, wall.astype(np.uint8), known, True, instances)
    raise ValueError(f"num_cells={num_cells} of thickness={thickness} do not fit into shape {tuple(shape)}.")


def _voronoi(
    shape: Sequence[int], num_cells: int, thickness: float, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Nearest of the random centers for every voxel, and the voxels near the plane between the nearest two."""
    spacing = 0.6 * (np.prod(shape) / num_cells) ** (1 / len(shape))
    centers = np.empty((0, len(shape)))
    for _ in range(100 * num_cells):
        candidate = rng.uniform(0, shape)
        if len(centers) == num_cells:
            break
        if not len(centers) or np.linalg.norm(centers - candidate, axis=1).min() > spacing:
            centers = np.vstack([centers, candidate])
    instances, to_plane = voronoi_cells(centers, shape)
    return instances, to_plane <= thickness / 2
