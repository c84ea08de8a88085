"""Whether two volumes lie on one grid of voxels, and turning one onto the other's where that is exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.data.readers.volume import Volume

_SAME_STEP = 1e-3  # of a voxel's edge, as headers round it
_SAME_ORIGIN = 0.1  # of a voxel's edge
_METERS = {"mm": 1e-3, "um": 1e-6, "nm": 1e-9}


def same_grid(a: Volume, b: Volume) -> bool:
    """Whether two volumes have their voxels in the same places: shape, voxel size, direction and origin.

    What one of the files does not know agrees with anything (``Volume.knows``). Voxel edges may differ by a thousandth
    and the first voxels by a tenth of a voxel, which is more than headers round. Lengths in different units agree when
    they do after conversion, or as plain numbers, since many files name millimeters for want of knowing.

    Args:
        a: one volume.
        b: the other.

    Example:
        >>> a = Volume(np.zeros((3, 4, 5)), np.diag([1.0, 1, 2, 1]))
        >>> same_grid(a, replace(a, affine=np.diag([1.00001, 1, 2, 1])))
        True
        >>> same_grid(a, replace(a, affine=np.diag([-1.0, 1, 2, 1])))
        False
    """
    if a.array.shape != b.array.shape:
        return False
    knows = {a.knows, b.knows}
    if "nothing" in knows:
        return True
    if "spacing" in knows:
        return any(_same_size(a.spacing, np.multiply(scale, b.spacing)) for scale in _scales(a, b))
    return any(_same_affine(a.affine, scale * b.affine, a.array.ndim) for scale in _scales(a, b))


def check_same_grid(volume: Volume, reference: Volume) -> None:
    """Refuse a volume that lies on another grid than its reference.

    Raises:
        ValueError: with the shapes and affines of both.
    """
    if not same_grid(volume, reference):
        raise ValueError(_how_they_differ(volume, reference))


def on_grid_of(volume: Volume, reference: Volume) -> Volume:
    """The volume with its axes in the order and direction of another's; no voxel changes its value or place.

    Args:
        volume: volume to be turned: its axes are flipped and permuted.
        reference: volume whose grid it shall be on.

    Returns:
        ``volume`` itself if both lie on one grid, else a turned copy.

    Raises:
        ValueError: when flips and permutations do not bring it there, with the shapes and affines of both.

    Example:
        >>> a = Volume(np.arange(6).reshape(2, 3), np.eye(4))
        >>> b = Volume(a.array[::-1].T, np.array([[0.0, -1, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
        >>> on_grid_of(b, a).array.tolist()
        [[0, 1, 2], [3, 4, 5]]
    """
    if same_grid(volume, reference):
        return volume
    if volume.knows == reference.knows == "place":
        for turned in _turns(volume):
            if same_grid(turned, reference):
                return turned
    raise ValueError(_how_they_differ(volume, reference))


def _turns(volume: Volume) -> Iterator[Volume]:
    """The volume in all orders and directions of its axes, each a view."""
    ndim = volume.array.ndim
    for order, flips in product(permutations(range(ndim)), product((False, True), repeat=ndim)):
        affine = volume.affine.copy()
        affine[:, :ndim] = volume.affine[:, order]
        array = volume.array.transpose(order)
        for axis in np.flatnonzero(flips):
            affine[:, 3] += (array.shape[axis] - 1) * affine[:, axis]
            affine[:, axis] *= -1
        index = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
        yield replace(volume, array=array[index], affine=affine)


def _same_size(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=_SAME_STEP, atol=0))


def _same_affine(a: NDArray[np.float64], b: NDArray[np.float64], ndim: int) -> bool:
    edges = np.linalg.norm(a[:3, :ndim], axis=0)
    steps = np.linalg.norm(a[:3, :ndim] - b[:3, :ndim], axis=0)
    shift = np.linalg.norm(a[:3, 3] - b[:3, 3])
    return bool((steps <= _SAME_STEP * edges).all() and shift <= _SAME_ORIGIN * edges.min())


def _scales(a: Volume, b: Volume) -> tuple[float, ...]:
    """Factors that make lengths of ``b`` lengths of ``a``."""
    if a.unit in _METERS and b.unit in _METERS and a.unit != b.unit:
        return 1.0, _METERS[b.unit] / _METERS[a.unit]
    return (1.0,)


def _how_they_differ(volume: Volume, reference: Volume) -> str:
    names = [str(one.path or name) for one, name in ((volume, "the volume"), (reference, "its reference"))]
    if sorted(volume.array.shape) != sorted(reference.array.shape):
        return f"{names[0]} and {names[1]} differ in shape: {volume.array.shape} and {reference.array.shape}."
    advice = "resample one of them onto the other's grid, or correct the header that is wrong."
    if volume.knows != "place" or reference.knows != "place":
        return (
            f"{names[0]} and {names[1]} lie on different grids: shapes {volume.array.shape} and "
            f"{reference.array.shape}, voxel sizes {_size(volume)} and {_size(reference)}; {advice}"
        )
    return (
        f"{names[0]} and {names[1]} lie on different grids: shapes {volume.array.shape} and {reference.array.shape}, "
        f"affines {_rows(volume.affine)} and {_rows(reference.affine)}; {advice}"
    )


def _size(volume: Volume) -> str:
    if volume.known_spacing is None:
        return "unknown"
    return " x ".join(f"{size:.6g}" for size in volume.spacing) + (f" {volume.unit}" if volume.unit else "")


def _rows(affine: NDArray[np.float64]) -> str:
    return "[" + ", ".join("[" + ", ".join(f"{x:.6g}" for x in row) + "]" for row in affine[:3].tolist()) + "]"
