"""Phantoms along curves: a tube, and a tree of tubes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from monai_topo.data.phantoms.drawing import (
    MAX_DRAWS,
    Phantom,
    check_shape,
    draw_phantom,
    has_betti_numbers,
    offset_from,
)

_ROUNDING = 1e-6
"""More than numbers that ought to be equal differ by from one processor to another."""


def tube(shape: Sequence[int], *, radius: float = 1.5, noise: float = 0.1, num_gaps: int = 0, seed: int = 0) -> Phantom:
    """One winding tube from one end of the first axis to the other, Betti numbers ``(1, 0[, 0])``.

    Args:
        shape: 2 or 3 axes, each of at least 12 voxels.
        radius: radius of the tube, in voxels, at least 1.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where the structure is faint.
        seed: random seed.

    Raises:
        ValueError: for a bad shape or radius.

    Example:
        >>> tube((24, 20)).betti_numbers
        (1, 0)
    """
    check_shape(shape)
    _check_radius(radius)

    def draw(rng: np.random.Generator) -> NDArray[np.bool_]:
        knots = rng.uniform(0.25, 0.75, (6, len(shape))) * shape
        knots[:, 0] = np.linspace(0, shape[0] - 1, 6)
        return _within(radius, _smooth_path(knots), shape)

    return draw_phantom(draw, (1,) + (0,) * (len(shape) - 1), noise, num_gaps, seed)


def tree(
    shape: Sequence[int],
    *,
    num_branches: int = 6,
    radius: float = 1.5,
    noise: float = 0.1,
    num_gaps: int = 0,
    seed: int = 0,
) -> Phantom:
    """A tube with branches that do not meet again, Betti numbers ``(1, 0[, 0])``.

    Args:
        shape: 2 or 3 axes, each of at least 12 voxels.
        num_branches: number of branches, each leaving a random place of what is there.
        radius: radius of all branches, in voxels, at least 1.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where the structure is faint.
        seed: random seed.

    Raises:
        ValueError: for a bad shape or radius, or when no such tree fits.

    Example:
        >>> tree((32, 32, 32), num_branches=3).betti_numbers
        (1, 0, 0)
    """
    check_shape(shape)
    _check_radius(radius)
    size = np.asarray(shape, dtype=float)

    def draw(rng: np.random.Generator) -> NDArray[np.bool_]:
        foot, top = 0.5 * size, 0.5 * size
        foot[0], top[0] = 0, 0.8 * size[0]
        points = _smooth_path(np.linspace(foot, top, 4))
        label = _within(radius, points, shape)
        for _ in range(num_branches):
            points, label = _grow_branch(points, label, radius, rng)
        return label

    return draw_phantom(draw, (1,) + (0,) * (len(shape) - 1), noise, num_gaps, seed)


def _grow_branch(
    points: NDArray[np.float64], label: NDArray[np.bool_], radius: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A tree's points and mask with one more branch, the first of some drawn that meets no other."""
    size = np.asarray(label.shape)
    for _ in range(MAX_DRAWS):
        start = points[rng.integers(len(points))]
        step = rng.normal(size=len(size))
        end = start + step / np.linalg.norm(step) * 0.35 * size.min()
        branch = _smooth_path(np.linspace(start, np.clip(end, 2, size - 3), 3))
        grown = label | _within(radius, branch, label.shape)
        if has_betti_numbers(grown, (1,) + (0,) * (label.ndim - 1)):
            return np.concatenate([points, branch]), grown
    raise ValueError(f"no more branches of radius {radius} fit into shape {label.shape}: enlarge it or ask for less.")


def _smooth_path(knots: NDArray[Any]) -> NDArray[np.float64]:
    """Points at most half a voxel apart on a smooth curve through the knots."""
    from scipy.interpolate import make_interp_spline

    length = np.linalg.norm(np.diff(knots, axis=0), axis=1).sum()
    times = np.linspace(0, 1, len(knots))
    curve = make_interp_spline(times, knots, k=min(3, len(knots) - 1))
    return np.asarray(curve(np.linspace(0, 1, int(6 * length + _ROUNDING) + 2)))


def _within(radius: float, points: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.bool_]:
    """The voxels that are less than the radius from one of the points."""
    first = np.maximum(points.min(axis=0) - radius, 0).astype(int)
    box = tuple(slice(*ends) for ends in zip(first, (points.max(axis=0) + radius + 1).astype(int), strict=True))
    label = np.zeros(shape, bool)
    offsets = offset_from(-first, label[box].shape)
    distance, _ = cKDTree(points).query(offsets, distance_upper_bound=radius - _ROUNDING)
    label[box] = np.isfinite(distance)
    return label


def _check_radius(radius: float) -> None:
    if not radius >= 1:
        raise ValueError(f"radius must be at least 1 voxel, got {radius}: a thinner tube falls to pieces.")
