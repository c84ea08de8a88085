"""Betti numbers and Euler characteristic of masks by blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from numpy.typing import NDArray

from monai_topo.blockwise.arrays import Axes, join_blocks, mask_of, to_blocks
from monai_topo.blockwise.borders import Border, border_of
from monai_topo.blockwise.faces import EulerBox
from monai_topo.topology import is_full_connectivity


def betti_numbers(array: Any, connectivity: int | None = None, *, frame: bool = False) -> tuple[int, ...]:
    """Numbers of components, loops and (in 3D) cavities of a mask, block by block: equal to those of the whole.

    As :func:`monai_topo.topology.betti_numbers`, which takes the volume whole. Each block is read once, and only what
    is on its border is kept, so memory grows with the surface of the volume, not with its voxels. It is computed at the
    call, by dask's current scheduler.

    Args:
        array: Mask of one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1: a dask array with any
            blocks, or a NumPy or zarr array.
        connectivity: Connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        frame: count relative to a frame of foreground around the mask.

    Returns:
        ``(b0, b1)`` in 2D, ``(b0, b1, b2)`` in 3D.

    Raises:
        ValueError: for another number of axes, an empty axis, blocks of unknown size, values other than 0 and 1, or a
            bad connectivity.
        TypeError: for what is no array.

    Example:
        >>> import dask.array as da
        >>> import numpy as np
        >>> ring = np.pad(np.ones((3, 3)), 1)
        >>> ring[2, 2] = 0
        >>> betti_numbers(da.from_array(ring, chunks=2))
        (1, 1)
    """
    blocks, axes = to_blocks(array)
    full = is_full_connectivity(connectivity, len(axes))
    box = join_blocks(partial(_summarize, full=full, axes=axes), partial(_join, full=full), blocks)
    components = box.foreground.closed + (0 if frame else box.foreground.open)
    regions = box.background.closed + (box.background.open if frame else 0)
    top = max(regions - bool(frame), 0)
    if box.face_part is None:
        return (components, top)
    outside = bool(frame) != full
    euler = box.face_part.inside_foreground() if outside else box.face_part.euler
    return (components, components + regions + outside - euler, top)


def euler_characteristic(array: Any, connectivity: int | None = None) -> int:
    """Euler characteristic of a mask, block by block: equal to that of the whole.

    As :func:`monai_topo.topology.euler_characteristic`, which takes the volume whole.

    Args:
        array: Mask of one channel, as for :func:`betti_numbers`, taken to be surrounded by background.
        connectivity: Connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).

    Raises:
        ValueError: as :func:`betti_numbers`.
        TypeError: for what is no array.

    Example:
        >>> import dask.array as da
        >>> mask = da.eye(4, chunks=1)
        >>> euler_characteristic(mask), euler_characteristic(mask, connectivity=1)
        (1, 4)
    """
    blocks, axes = to_blocks(array)
    full = is_full_connectivity(connectivity, len(axes))
    box = join_blocks(partial(_face_part, full=full, axes=axes), EulerBox.join, blocks)
    if not full:
        return int(box.euler)
    around = box.inside_foreground()
    return int(1 - around if len(axes) == 2 else around - 1)


@dataclass(frozen=True)
class _Box:
    """What Betti numbers need of a box.

    Attributes:
        foreground: its components.
        background: its components, in the dual connectivity.
        face_part: Euler characteristic of that of the two which has face connectivity; images need none.
    """

    foreground: Border
    background: Border
    face_part: EulerBox | None


def _face_part(block: NDArray[Any], full: bool, axes: Axes) -> EulerBox:
    mask = mask_of(block, "array")
    return EulerBox.of(~mask if full else mask, axes)


def _summarize(block: NDArray[Any], full: bool, axes: Axes) -> _Box:
    mask = mask_of(block, "array")
    face_part = None if len(axes) == 2 else EulerBox.of(~mask if full else mask, axes)
    return _Box(border_of(mask, full, axes), border_of(~mask, not full, axes), face_part)


def _join(first: _Box, second: _Box, axis: int, full: bool) -> _Box:
    face_part = None
    if first.face_part is not None and second.face_part is not None:
        face_part = first.face_part.join(second.face_part, axis)
    return _Box(
        first.foreground.join(second.foreground, axis, full),
        first.background.join(second.background, axis, not full),
        face_part,
    )
