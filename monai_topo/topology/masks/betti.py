"""Betti numbers and Euler characteristic of binary masks, by components and cells."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import check_mask, is_full_connectivity


def betti_numbers(
    mask: ArrayLike | torch.Tensor, connectivity: int | None = None, *, frame: bool = False
) -> tuple[int, ...]:
    """Numbers of components, loops and (in 3D) cavities of a mask.

    The mask is surrounded by one layer of background, or of foreground with ``frame``. The first Betti number counts
    components, the top one counts components of the background in the dual connectivity less the outside, and in 3D
    the middle one follows from the Euler characteristic, ``b1 = b0 + b2 - chi``.

    Args:
        mask: one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1. Axes of one voxel are fine.
        connectivity: connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        frame: count relative to a frame of foreground around the mask: a component that touches the border is
            no component of its own, a branch between two places of the border closes a loop, and of the regions
            that the foreground separates all but one count as cavities (in 2D: as loops).

    Returns:
        ``(b0, b1)`` in 2D, ``(b0, b1, b2)`` in 3D. All 0 for an empty mask, and for a full one with ``frame``.

    Raises:
        ValueError: for another number of axes, an empty axis, values other than 0 and 1, or a bad connectivity.

    Example:
        >>> ring = np.pad(np.ones((3, 3)), 1)
        >>> ring[2, 2] = 0
        >>> betti_numbers(ring)
        (1, 1)
    """
    from monai_topo.topology.masks.cells import count_components, pack_rows

    volume, full, planar = _as_volume(mask, connectivity)
    packed, width = pack_rows(volume), volume.shape[2]
    components = count_components(packed, width, 1, full, frame, planar)
    regions = count_components(packed, width, 0, not full, not frame, planar)
    top = max(regions - frame, 0)
    if planar:
        return (components, top)
    outside, euler = _euler_of_face_part(volume, full, frame, planar)
    return (components, components + regions + outside - euler, top)


def euler_characteristic(mask: ArrayLike | torch.Tensor, connectivity: int | None = None) -> int:
    """Euler characteristic of a mask, the alternating sum of its Betti numbers.

    Args:
        mask: one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1, taken to be surrounded by
            background.
        connectivity: connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).

    Raises:
        ValueError: as :func:`betti_numbers`.

    Example:
        >>> euler_characteristic(np.eye(3)), euler_characteristic(np.eye(3), connectivity=1)
        (1, 3)
    """
    volume, full, planar = _as_volume(mask, connectivity)
    outside, euler = _euler_of_face_part(volume, full, False, planar)
    return 1 - euler if planar and full else euler - outside


def _euler_of_face_part(volume: NDArray[np.bool_], full: bool, frame: bool, planar: bool) -> tuple[int, int]:
    """Whether the part of the volume that has face connectivity holds the outside, and its Euler characteristic.

    In full connectivity that part is the background. By Alexander duality it has as many loops as the foreground, and
    its components are the cavities: ``loops = components + cavities - Euler characteristic``, one more if the outside
    is a component that neither count holds.
    """
    from monai_topo.topology.masks.cells import face_euler_characteristic, pack_rows

    part = ~volume if full else volume
    outside = frame != full
    if outside:
        part = np.pad(part, [(0, 0) if planar else (1, 1), (1, 1), (1, 1)], constant_values=True)
    return int(outside), face_euler_characteristic(pack_rows(part))


def _as_volume(mask: ArrayLike | torch.Tensor, connectivity: int | None) -> tuple[NDArray[np.bool_], bool, bool]:
    """The mask as ``(D, H, W)``, whether its connectivity is full, and whether it is an image."""
    foreground = check_mask(mask)
    full, planar = is_full_connectivity(connectivity, foreground.ndim), foreground.ndim == 2
    volume = foreground[None] if planar else foreground
    return volume, full, planar
