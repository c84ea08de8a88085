"""Phantoms with a place for each piece: shells and tori, one in each of some disjoint balls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monai_topo.data.phantoms.drawing import Phantom, check_shape, distance_from, draw_phantom, offset_from


def shells(shape: Sequence[int], *, count: int = 1, noise: float = 0.1, num_gaps: int = 0, seed: int = 0) -> Phantom:
    """Disjoint hollow balls, Betti numbers ``(count, 0, count)``; in 2D rings, ``(count, count)``.

    Args:
        shape: 2 or 3 axes, each of at least 12 voxels.
        count: number of shells.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where the structure is faint.
        seed: random seed.

    Raises:
        ValueError: for a bad shape, or when so many do not fit.

    Example:
        >>> shells((20, 24, 28)).betti_numbers
        (1, 0, 1)
    """
    check_shape(shape)

    def draw(rng: np.random.Generator) -> NDArray[np.bool_]:
        label = np.zeros(shape, bool)
        for center, radius in _disjoint_balls(shape, count, rng):
            label |= np.abs(distance_from(center, shape) - (radius - 1.25)) <= 1.25
        return label

    known = (count, count) if len(shape) == 2 else (count, 0, count)
    return draw_phantom(draw, known, noise, num_gaps, seed)


def tori(shape: Sequence[int], *, count: int = 1, noise: float = 0.1, num_gaps: int = 0, seed: int = 0) -> Phantom:
    """Disjoint solid tori of random orientation, Betti numbers ``(count, count, 0)``; 3D only.

    Args:
        shape: 3 axes, each of at least 12 voxels.
        count: number of tori.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where the structure is faint.
        seed: random seed.

    Raises:
        ValueError: for a bad shape, or when so many do not fit.

    Example:
        >>> tori((20, 24, 28)).betti_numbers
        (1, 1, 0)
    """
    check_shape(shape, ndims=(3,))

    def draw(rng: np.random.Generator) -> NDArray[np.bool_]:
        label = np.zeros(shape, bool)
        for center, radius in _disjoint_balls(shape, count, rng):
            axis = rng.normal(size=3)
            offset = offset_from(center, shape)
            along = offset @ (axis / np.linalg.norm(axis))
            across = np.sqrt(np.maximum((offset**2).sum(axis=-1) - along**2, 0))
            label |= np.hypot(across - (radius - 1.5), along) <= 1.5
        return label

    return draw_phantom(draw, (count, count, 0), noise, num_gaps, seed)


def _disjoint_balls(
    shape: Sequence[int], count: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.float64], float]]:
    """Centers and radii of balls inside the volume, at least 3 voxels apart."""
    largest = min(min(shape) / 2 - 2, 0.5 * (np.prod(shape) / max(count, 1)) ** (1 / len(shape)))
    centers, radii = np.empty((0, len(shape))), np.empty(0)
    for _ in range(100 * count):
        if len(centers) == count:
            break
        radius = rng.uniform(min(4.0, largest), largest)
        center = rng.uniform(radius + 1, np.asarray(shape) - radius - 2)
        if (np.linalg.norm(centers - center, axis=1) > radii + radius + 3).all():
            centers, radii = np.vstack([centers, center]), np.append(radii, radius)
    return list(zip(centers, radii.tolist(), strict=True))
