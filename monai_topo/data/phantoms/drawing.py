"""What all phantoms share: a drawing of known topology, and an image of it.

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

from monai_topo.topology import betti_numbers

MAX_DRAWS = 50
"""Drawings of which the first with the right topology is taken."""


@dataclass(frozen=True)
class Phantom:
    """An image, its label and what is known of them.

    Attributes:
        image: float32 intensities, background near 0.2 and structure near 0.8 (membranes: the other way round).
        label: uint8 mask of the structure, 0 and 1.
        betti_numbers: Betti numbers of the label, in either connectivity.
        frame: whether the Betti numbers are relative to a frame of foreground.
        instances: int32 ids of the cells between membranes, from 1; None for other structures.

    Example:
        >>> from monai_topo.data import phantoms
        >>> tree = phantoms.tree((24, 24, 24), num_branches=3, seed=0)
        >>> tree.label.shape, tree.betti_numbers
        ((24, 24, 24), (1, 0, 0))
    """

    image: NDArray[np.float32]
    label: NDArray[np.uint8]
    betti_numbers: tuple[int, ...]
    frame: bool = False
    instances: NDArray[np.int32] | None = None


def draw_phantom(
    draw: Callable[[np.random.Generator], NDArray[np.bool_]],
    known: tuple[int, ...],
    noise: float,
    num_gaps: int,
    seed: int,
) -> Phantom:
    """Draw until the grid is fine enough for the drawing to have the topology that it was built to have."""
    rng = np.random.default_rng(seed)
    for _ in range(MAX_DRAWS):
        label = draw(rng)
        if has_betti_numbers(label, known):
            return Phantom(image_of(label, noise, num_gaps, rng), label.astype(np.uint8), known)
    raise ValueError(
        f"no structure with Betti numbers {known} fits into shape {label.shape}: enlarge it or ask for less."
    )


def has_betti_numbers(label: NDArray[np.bool_], known: tuple[int, ...], frame: bool = False) -> bool:
    """Whether a mask has these Betti numbers in both connectivities."""
    return all(betti_numbers(label, connectivity, frame=frame) == known for connectivity in (None, 1))


def image_of(
    label: NDArray[np.bool_],
    noise: float,
    num_gaps: int,
    rng: np.random.Generator,
    structure: float = 0.8,
    background: float = 0.2,
) -> NDArray[np.float32]:
    """Intensities of a mask: blurred, faint at some places, with noise; float32 in [0, 1]."""
    strength = ndimage.gaussian_filter(label.astype(np.float32), 0.7)
    places = np.argwhere(label)
    for center in places[rng.integers(len(places), size=num_gaps)]:
        strength *= 1 - 0.8 * np.exp(-0.5 * (distance_from(center, label.shape) / 2.0) ** 2)
    image = background + (structure - background) * strength + rng.normal(0, noise, label.shape)
    return np.asarray(np.clip(image, 0, 1), dtype=np.float32)


def offset_from(center: NDArray[Any], shape: Sequence[int]) -> NDArray[np.float64]:
    """Vector from a point to every voxel, ``(*shape, ndim)``."""
    return np.asarray(np.moveaxis(np.indices(shape), 0, -1) - np.asarray(center, dtype=np.float64))


def distance_from(center: NDArray[Any], shape: Sequence[int]) -> NDArray[np.float64]:
    """Distance of every voxel from a point, in voxels."""
    return np.asarray(np.linalg.norm(offset_from(center, shape), axis=-1))


def check_shape(shape: Sequence[int], ndims: tuple[int, ...] = (2, 3)) -> None:
    """Refuse what is too small for a phantom.

    Raises:
        ValueError: for another number of axes, or one shorter than 12 voxels.
    """
    if len(shape) not in ndims or min(shape) < 12:
        raise ValueError(
            f"shape must have {' or '.join(map(str, ndims))} axes of at least 12 voxels, got {tuple(shape)}."
        )
