"""Synthetic images of thin structures whose Betti numbers are known: something to train, test and show on.

Every phantom has a label whose topology is known from how it was built, the same in both connectivities, and an
image of it as an imperfect microscope would see it: blurred, noisy, and faint at some places where a segmentation will
break. The same seed gives the same phantom.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from monai_topo.topology import betti_numbers, largest_parts, round_cells

_MAX_DRAWS = 50
_ROUNDING = 1e-6
"""More than numbers that ought to be equal differ by from one processor to another."""


@dataclass(frozen=True)
class Phantom:
    """An image, its label and what is known of them.

    Attributes:
        image: float32 intensities, background near 0.2 and structure near 0.8 (membranes: the other way round).
        label: uint8 mask of the structure, 0 and 1.
        betti_numbers: of the label, in either connectivity.
        frame: whether the Betti numbers are relative to a frame of foreground.
        instances: int32 ids of the cells between membranes, from 1; None for other structures.
    """

    image: NDArray[np.float32]
    label: NDArray[np.uint8]
    betti_numbers: tuple[int, ...]
    frame: bool = False
    instances: NDArray[np.int32] | None = None


def shells(shape: Sequence[int], *, count: int = 1, noise: float = 0.1, num_gaps: int = 0, seed: int = 0) -> Phantom:
    """Disjoint hollow balls, Betti numbers ``(count, 0, count)``; in 2D rings, ``(count, count)``.

    Args:
        shape: 2 or 3 axes, each of at least 12 voxels.
        count: number of shells.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where the structure is faint.
        seed: of everything random.

    Raises:
        ValueError: for a bad shape, or when so many do not fit.

    Example:
        >>> shells((20, 24, 28)).betti_numbers
        (1, 0, 1)
    """
    _check_shape(shape)

    def draw(rng: np.random.Generator) -> NDArray[np.bool_]:
        label = np.zeros(shape, bool)
        for center, radius in _disjoint_balls(shape, count, rng):
            label |= np.abs(_distance_from(center, shape) - (radius - 1.25)) <= 1.25
        return label

    known = (count, count) if len(shape) == 2 else (count, 0, count)
    return _phantom(draw, known, noise, num_gaps, seed)


def tori(shape: Sequence[int], *, count: int = 1, noise: float = 0.1, num_gaps: int = 0, seed: int = 0) -> Phantom:
    """Disjoint solid tori of random orientation, Betti numbers ``(count, count, 0)``; 3D only.

    Args:
        shape: 3 axes, each of at least 12 voxels.
        count: number of tori.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where the structure is faint.
        seed: of everything random.

    Raises:
        ValueError: for a bad shape, or when so many do not fit.

    Example:
        >>> tori((20, 24, 28)).betti_numbers
        (1, 1, 0)
    """
    _check_shape(shape, ndims=(3,))

    def draw(rng: np.random.Generator) -> NDArray[np.bool_]:
        label = np.zeros(shape, bool)
        for center, radius in _disjoint_balls(shape, count, rng):
            axis = rng.normal(size=3)
            offset = _offset_from(center, shape)
            along = offset @ (axis / np.linalg.norm(axis))
            across = np.sqrt(np.maximum((offset**2).sum(axis=-1) - along**2, 0))
            label |= np.hypot(across - (radius - 1.5), along) <= 1.5
        return label

    return _phantom(draw, (count, count, 0), noise, num_gaps, seed)


def tube(shape: Sequence[int], *, radius: float = 1.5, noise: float = 0.1, num_gaps: int = 0, seed: int = 0) -> Phantom:
    """One winding tube from one end of the first axis to the other, Betti numbers ``(1, 0[, 0])``.

    Args:
        shape: 2 or 3 axes, each of at least 12 voxels.
        radius: of the tube, in voxels, at least 1.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where the structure is faint.
        seed: of everything random.

    Raises:
        ValueError: for a bad shape or radius.

    Example:
        >>> tube((24, 20)).betti_numbers
        (1, 0)
    """
    _check_shape(shape)
    _check_radius(radius)

    def draw(rng: np.random.Generator) -> NDArray[np.bool_]:
        knots = rng.uniform(0.25, 0.75, (6, len(shape))) * shape
        knots[:, 0] = np.linspace(0, shape[0] - 1, 6)
        return _within(radius, _smooth_path(knots), shape)

    return _phantom(draw, (1,) + (0,) * (len(shape) - 1), noise, num_gaps, seed)


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
        radius: of all branches, in voxels, at least 1.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where the structure is faint.
        seed: of everything random.

    Raises:
        ValueError: for a bad shape or radius, or when no such tree fits.

    Example:
        >>> tree((32, 32, 32), num_branches=3).betti_numbers
        (1, 0, 0)
    """
    _check_shape(shape)
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

    return _phantom(draw, (1,) + (0,) * (len(shape) - 1), noise, num_gaps, seed)


def _grow_branch(
    points: NDArray[np.float64], label: NDArray[np.bool_], radius: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A tree's points and mask with one more branch, the first of some drawn that meets no other."""
    size = np.asarray(label.shape)
    for _ in range(_MAX_DRAWS):
        start = points[rng.integers(len(points))]
        step = rng.normal(size=len(size))
        end = start + step / np.linalg.norm(step) * 0.35 * size.min()
        branch = _smooth_path(np.linspace(start, np.clip(end, 2, size - 3), 3))
        grown = label | _within(radius, branch, label.shape)
        if _has_betti_numbers(grown, (1,) + (0,) * (label.ndim - 1)):
            return np.concatenate([points, branch]), grown
    raise ValueError(f"no more branches of radius {radius} fit into shape {label.shape}: enlarge it or ask for less.")


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
        thickness: of the walls, in voxels.
        noise: standard deviation of the noise, in units of the intensity.
        num_gaps: number of places where a wall is faint.
        seed: of everything random.

    Raises:
        ValueError: for a bad shape, or when so many cells do not fit.

    Example:
        >>> phantom = membranes((24, 32), num_cells=5)
        >>> phantom.betti_numbers, phantom.frame
        ((0, 4), True)
    """
    _check_shape(shape)
    rng = np.random.default_rng(seed)
    for _ in range(_MAX_DRAWS):
        instances, near_wall = _voronoi(shape, num_cells, thickness, rng)
        wall = ~largest_parts(np.where(round_cells(~near_wall, 1), instances, 0))
        cells = len(np.unique(instances[~wall]))
        known = (*[0] * (len(shape) - 1), cells - 1)
        if _has_betti_numbers(wall, known, frame=True):
            image = _image_of(wall, noise, num_gaps, rng, structure=0.2, background=0.8)
            return Phantom(image, wall.astype(np.uint8), known, True, instances)
    raise ValueError(f"num_cells={num_cells} of thickness={thickness} do not fit into shape {tuple(shape)}.")


def _phantom(
    draw: Callable[[np.random.Generator], NDArray[np.bool_]],
    known: tuple[int, ...],
    noise: float,
    num_gaps: int,
    seed: int,
) -> Phantom:
    """Draw until the grid is fine enough for the drawing to have the topology that it was built to have."""
    rng = np.random.default_rng(seed)
    for _ in range(_MAX_DRAWS):
        label = draw(rng)
        if _has_betti_numbers(label, known):
            return Phantom(_image_of(label, noise, num_gaps, rng), label.astype(np.uint8), known)
    raise ValueError(
        f"no structure with Betti numbers {known} fits into shape {label.shape}: enlarge it or ask for less."
    )


def _has_betti_numbers(label: NDArray[np.bool_], known: tuple[int, ...], frame: bool = False) -> bool:
    return all(betti_numbers(label, connectivity, frame=frame) == known for connectivity in (None, 1))


def _image_of(
    label: NDArray[np.bool_],
    noise: float,
    num_gaps: int,
    rng: np.random.Generator,
    structure: float = 0.8,
    background: float = 0.2,
) -> NDArray[np.float32]:
    strength = ndimage.gaussian_filter(label.astype(np.float32), 0.7)
    places = np.argwhere(label)
    for center in places[rng.integers(len(places), size=num_gaps)]:
        strength *= 1 - 0.8 * np.exp(-0.5 * (_distance_from(center, label.shape) / 2.0) ** 2)
    image = background + (structure - background) * strength + rng.normal(0, noise, label.shape)
    return np.asarray(np.clip(image, 0, 1), dtype=np.float32)


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
    distance, nearest = cKDTree(centers).query(_offset_from(np.zeros(len(shape)), shape), k=2)
    between = np.linalg.norm(centers[nearest[..., 0]] - centers[nearest[..., 1]], axis=-1)
    to_plane = (distance[..., 1] ** 2 - distance[..., 0] ** 2) / (2 * between)
    return (nearest[..., 0] + 1).astype(np.int32), to_plane <= thickness / 2


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
    offsets = _offset_from(-first, label[box].shape)
    distance, _ = cKDTree(points).query(offsets, distance_upper_bound=radius - _ROUNDING)
    label[box] = np.isfinite(distance)
    return label


def _offset_from(center: NDArray[Any], shape: Sequence[int]) -> NDArray[np.float64]:
    return np.asarray(np.moveaxis(np.indices(shape), 0, -1) - np.asarray(center, dtype=np.float64))


def _distance_from(center: NDArray[Any], shape: Sequence[int]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(_offset_from(center, shape), axis=-1))


def _check_shape(shape: Sequence[int], ndims: tuple[int, ...] = (2, 3)) -> None:
    if len(shape) not in ndims or min(shape) < 12:
        raise ValueError(
            f"shape must have {' or '.join(map(str, ndims))} axes of at least 12 voxels, got {tuple(shape)}."
        )


def _check_radius(radius: float) -> None:
    if not radius >= 1:
        raise ValueError(f"radius must be at least 1 voxel, got {radius}: a thinner tube falls to pieces.")
