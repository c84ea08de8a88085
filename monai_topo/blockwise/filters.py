"""Filters of masks by blocks, exact across the borders of blocks: small components removed, small cavities filled."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.blockwise.arrays import mask_of, to_blocks
from monai_topo.blockwise.components import find_components, map_with_tables
from monai_topo.topology import component_runs, is_full_connectivity

_WHOLE_VOLUME = np.iinfo(np.int64).max
"""Size of a component of the background that reaches the border of the volume: it is no cavity."""


def remove_small_components(array: Any, min_size: int, connectivity: int | None = None) -> Any:
    """Remove the connected components of a mask that have too few voxels, block by block: exactly those of the whole.

    Two passes over the blocks. The first is made at the call, by dask's current scheduler, and sums the voxels of what
    crosses blocks; the second when the result is computed, and its blocks can be written one by one.

    Args:
        array: Mask of one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1: a dask array with any
            blocks, or a NumPy or zarr array.
        min_size: Voxels that a component needs to stay.
        connectivity: Connectivity of the mask: None or the number of axes for full (8, 26), 1 for face (4, 6).

    Returns:
        Lazy dask array of bools, of the shape and blocks of ``array``.

    Raises:
        ValueError: for a negative ``min_size``, and as :func:`monai_topo.blockwise.betti_numbers`.
        TypeError: for what is no array.

    Example:
        >>> import dask.array as da
        >>> mask = da.from_array(np.array([[1, 0, 1, 1, 0, 1]]), chunks=3)
        >>> remove_small_components(mask, min_size=2).compute().astype(int)
        array([[0, 0, 1, 1, 0, 0]])
    """
    if not min_size >= 0:
        raise ValueError(f"min_size must be 0 or more voxels, got {min_size!r}.")
    blocks, axes = to_blocks(array)
    full = is_full_connectivity(connectivity, len(axes))
    found = find_components(blocks, axes, full)
    kept = map_with_tables(partial(_keep_large, min_size=min_size, full=full), blocks, found.split(found.sizes), bool)
    return kept if len(axes) == 3 else kept[0]


def fill_cavities(array: Any, max_size: float | None = None, connectivity: int | None = None) -> Any:
    """Fill the cavities of a mask (in 2D its holes), block by block: exactly those of the whole.

    As :class:`monai_topo.transforms.FillCavities`: a cavity is a component of the background, in the connectivity dual
    to the foreground's, that does not reach the border of the volume. Two passes over the blocks, as those of
    :func:`remove_small_components`.

    Args:
        array: Mask of one channel, as for :func:`remove_small_components`.
        max_size: The largest cavity that is filled, in voxels; None fills all.
        connectivity: Connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).

    Returns:
        Lazy dask array of bools, of the shape and blocks of ``array``.

    Raises:
        ValueError: for a negative ``max_size``, and as :func:`monai_topo.blockwise.betti_numbers`.
        TypeError: for what is no array.

    Example:
        >>> import dask.array as da
        >>> mask = np.ones((3, 6), int)
        >>> mask[1, 1:3] = mask[1, 4] = 0
        >>> fill_cavities(da.from_array(mask, chunks=2), max_size=1).compute().astype(int)
        array([[1, 1, 1, 1, 1, 1],
               [1, 0, 0, 1, 1, 1],
               [1, 1, 1, 1, 1, 1]])
    """
    if max_size is not None and not max_size >= 0:
        raise ValueError(f"max_size must be None or 0 or more voxels, got {max_size!r}.")
    blocks, axes = to_blocks(array)
    full = not is_full_connectivity(connectivity, len(axes))
    found = find_components(blocks, axes, full, background=True)
    sizes = np.where(found.is_open, _WHOLE_VOLUME, found.sizes)
    largest = _WHOLE_VOLUME - 1 if max_size is None else max_size
    filled = map_with_tables(partial(_fill_small, max_size=largest, full=full), blocks, found.split(sizes), bool)
    return filled if len(axes) == 3 else filled[0]


def _keep_large(block: NDArray[Any], table: tuple[Any, ...], min_size: int, full: bool) -> NDArray[np.bool_]:
    labels, sizes = table
    runs = component_runs(mask_of(block, "array"), full)
    voxels = runs.sizes()
    voxels[labels] = sizes
    large = voxels >= min_size
    large[0] = False
    return runs.paint(large)


def _fill_small(block: NDArray[Any], table: tuple[Any, ...], max_size: float, full: bool) -> NDArray[np.bool_]:
    labels, sizes = table
    runs = component_runs(~mask_of(block, "array"), full)
    voxels = runs.sizes()
    voxels[labels] = sizes
    filled = voxels <= max_size
    filled[0] = True  # the foreground
    return runs.paint(filled)
