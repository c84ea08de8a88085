"""Post-processing that looks at a neighborhood, by blocks with a halo: exact as far as the halo reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import ndimage

from monai_topo.blockwise.arrays import Axes, to_blocks
from monai_topo.blockwise.filters import remove_small_components
from monai_topo.topology import basin_walls, is_full_connectivity


def with_halo(
    array: Any, transform: Callable[[NDArray[Any]], Any], halo: int = 48, *, dtype: DTypeLike = np.uint8
) -> Any:
    """Apply a transform to each block with what is around it, and keep the block: for ``BridgeGaps`` and the like.

    The result is that of the whole volume wherever what the transform does to a voxel depends on nothing farther away
    than the halo. What it does to components as a whole (a ``min_size``) does not: set that to 0, and filter afterwards
    by :func:`remove_small_components`, which is exact.

    Args:
        array: One channel, ``(H, W)`` or ``(H, W, D)``: a dask array with any blocks, or a NumPy or zarr array.
        transform: array transform of ``(1, H, W[, D])`` to the same shape, such as ``BridgeGaps(min_size=0)``.
        halo: number of voxels around a block that are looked at, too. Blocks that are smaller become as large.
        dtype: type of the result.

    Returns:
        Lazy dask array of the shape of ``array``.

    Raises:
        ValueError: for a negative halo, and as :func:`monai_topo.blockwise.betti_numbers`.
        TypeError: for what is no array.

    Example:
        >>> import dask.array as da
        >>> from monai_topo.transforms import BridgeGaps
        >>> likelihood = np.full((5, 9), 0.05)
        >>> likelihood[2] = 0.9, 0.9, 0.9, 0.8, 0.3, 0.85, 0.9, 0.9, 0.9
        >>> with_halo(da.from_array(likelihood, chunks=4), BridgeGaps(sigma=0), halo=5)[2].compute()
        array([1, 1, 1, 1, 1, 1, 1, 1, 1], dtype=uint8)
    """
    blocks, axes = to_blocks(array)
    return _overlapped(blocks, axes, partial(_on_channel, transform=transform), halo, dtype)


def close_walls(
    array: Any,
    threshold: float = 0.5,
    sigma: Sequence[float] | float = 0.7,
    persistence_threshold: float = 0.03,
    min_size: int = 30,
    connectivity: int | None = None,
    *,
    halo: int = 48,
) -> Any:
    """The mask of walls without leaks, by blocks: what :class:`monai_topo.transforms.CloseWalls` makes of the whole.

    Filter and threshold are exact from a halo of four sigma on; the removal of small components of wall and of
    background is exact in any case. The walls between basins are those of the whole where all basins that reach the
    block lie in block and halo with those that they merge with: two cells across is a good halo.

    Args:
        array: Likelihood of walls in [0, 1], ``(H, W)`` or ``(H, W, D)``: a dask array with any blocks, or a NumPy or
            zarr array.
        threshold: likelihood from which a voxel of the smoothed likelihood is wall.
        sigma: Standard deviation of the Gaussian filter in voxels, one number or one for each axis; 0 for none.
        persistence_threshold: depth, in units of the likelihood, from which a basin is walled off.
        min_size: Voxels that a component of wall or of background needs to stay; 0 or 1 keeps all.
        connectivity: Connectivity of the walls: None or the number of axes for full, 1 for face.
        halo: number of voxels around a block that are looked at, too.

    Returns:
        Lazy dask array of bools of the shape of ``array``; with ``min_size`` two passes over the blocks are made at the
        call, for the small components of wall and for those of background.

    Raises:
        ValueError: for a negative halo, values outside [0, 1], and as :func:`monai_topo.blockwise.betti_numbers`.
        TypeError: for what is no array.

    Example:
        >>> import dask.array as da
        >>> likelihood = np.zeros((5, 4))
        >>> likelihood[2] = 0.9, 0.9, 0.2, 0.9  # a wall with a leak
        >>> close_walls(da.from_array(likelihood, chunks=3), sigma=0, min_size=0)[2].compute()
        array([ True,  True,  True,  True])
    """
    blocks, axes = to_blocks(array)
    full = is_full_connectivity(connectivity, len(axes))
    close = partial(
        _close,
        threshold=threshold,
        sigma=sigma,
        persistence_threshold=persistence_threshold,
        connectivity=connectivity,
    )
    walls = _overlapped(blocks, axes, close, halo, bool)
    if min_size <= 1:
        return walls
    large = remove_small_components(walls, min_size, None if full else 1)
    return ~remove_small_components(~large, min_size, 1 if full else None)


def _overlapped(blocks: Any, axes: Axes, function: Callable[..., Any], halo: int, dtype: DTypeLike) -> Any:
    """A function of blocks with a halo, of which the block is kept; at the border of the volume there is none."""
    if halo < 0:
        raise ValueError(f"halo must be 0 or more voxels, got {halo!r}.")
    planar = len(axes) == 2
    found = blocks.map_overlap(
        partial(function, planar=planar),
        depth={axis: min(halo, blocks.shape[axis]) if axis in axes else 0 for axis in range(3)},
        boundary="none",
        dtype=dtype,
        meta=np.empty((0,) * 3, dtype),
    )
    return found[0] if planar else found


def _on_channel(block: NDArray[Any], planar: bool, transform: Callable[[NDArray[Any]], Any]) -> NDArray[Any]:
    image = block if planar else block[None]
    found: NDArray[Any] = np.asarray(transform(image))
    return found if planar else found[0]


def _close(
    block: NDArray[Any],
    planar: bool,
    threshold: float,
    sigma: Sequence[float] | float,
    persistence_threshold: float,
    connectivity: int | None,
) -> NDArray[np.bool_]:
    likelihood = block[0] if planar else block
    if not (likelihood.min() >= 0 and likelihood.max() <= 1):
        raise ValueError(
            f"array must hold likelihoods in [0, 1], got values from {likelihood.min():g} to {likelihood.max():g}."
        )
    smoothed = np.asarray(ndimage.gaussian_filter(likelihood, sigma)) if np.any(sigma) else likelihood
    walls = basin_walls(smoothed, persistence_threshold=persistence_threshold, connectivity=connectivity)
    walls |= smoothed >= threshold
    return walls[None] if planar else walls
