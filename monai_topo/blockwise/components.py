"""Connected components of masks by blocks, as ids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.blockwise.arrays import Axes, check_section_axis, dask_array, join_blocks, mask_of, to_blocks
from monai_topo.blockwise.borders import Border, Joint, Leaf, border_of
from monai_topo.topology import component_runs, is_full_connectivity


def label_components(array: Any, connectivity: int | None = None, *, section_axis: int | None = None) -> Any:
    """Ids of the connected components of a mask, block by block: the same components as of the whole.

    Two passes over the blocks. The first is made at the call, by dask's current scheduler, and finds which components
    of the blocks are one; the second when the result is computed, and its blocks can be written one by one.

    Ids go from 1 to the number of components without a gap, and depend on nothing but the mask and its blocks: from
    block to block in C order, and within a block in the order of first voxels, a component has its place where it
    first appears. That is scikit-image's numbering when only the first axis is divided.

    Args:
        array: Mask of one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1: a dask array with any
            blocks, or a NumPy or zarr array.
        connectivity: Connectivity of the mask: None or the number of axes for full (8, 26), 1 for face (4, 6).
        section_axis: Axis across whose sections nothing is connected; None takes the volume whole.

    Returns:
        Lazy dask array of the shape and blocks of ``array``, of the smallest unsigned integers that hold the ids, 0
        where the mask is 0.

    Raises:
        ValueError: when ``section_axis`` is no axis, and as :func:`monai_topo.blockwise.betti_numbers`.
        TypeError: for what is no array.

    Example:
        >>> import dask.array as da
        >>> mask = da.from_array(np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]), chunks=2)
        >>> label_components(mask).compute()
        array([[1, 0, 1, 0],
               [0, 1, 0, 0],
               [0, 0, 0, 2]], dtype=uint8)
    """
    blocks, axes = to_blocks(array)
    full = is_full_connectivity(connectivity, len(axes))
    if section_axis is not None:
        axis = check_section_axis(section_axis, axes)
        ids = label_components(_with_gaps(blocks, axis), 1 if not full else None)
        ids = ids[(slice(None),) * axis + (slice(None, None, 2),)]
        return ids if len(axes) == 3 else ids[0]
    found = find_components(blocks, axes, full)
    numbering, count = _number(found)
    dtype = np.min_scalar_type(count)
    ids = map_with_tables(partial(_paint_ids, full=full, dtype=dtype), blocks, numbering, dtype)
    return ids if len(axes) == 3 else ids[0]


def _with_gaps(blocks: Any, axis: int) -> Any:
    """The mask with an empty section after each."""
    chunks = tuple(tuple(2 * size for size in sizes) if k == axis else sizes for k, sizes in enumerate(blocks.chunks))
    return blocks.map_blocks(_insert_gaps, axis=axis, chunks=chunks, dtype=bool)


def _insert_gaps(block: NDArray[Any], axis: int) -> NDArray[np.bool_]:
    mask = mask_of(block, "array")
    return np.stack([mask, np.zeros_like(mask)], axis + 1).reshape(
        [2 * size if k == axis else size for k, size in enumerate(mask.shape)]
    )


@dataclass(frozen=True)
class BorderComponents:
    """The components of all blocks that reach the border of their block, in C order of the blocks.

    Attributes:
        leaves: leaves of each block, in C order of the blocks.
        root: ``(n,)`` for each of them all the first that is in the same component of the whole.
        is_open: ``(n,)`` whether that component reaches the border of the volume.
    """

    leaves: list[Leaf]
    root: NDArray[np.int64]
    is_open: NDArray[np.bool_]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """``(n,)`` voxels of the component of the whole that each is part of."""
        own = np.concatenate([leaf.sizes for leaf in self.leaves])
        sums = np.zeros(len(own), np.int64)
        np.add.at(sums, self.root, own)
        return np.asarray(sums[self.root])

    def split(self, *values: NDArray[Any]) -> list[tuple[NDArray[Any], ...]]:
        """For each block its components' numbers within it, and its parts of some arrays ``(n,)``."""
        ends = np.cumsum([len(leaf.labels) for leaf in self.leaves])[:-1]
        return list(zip([leaf.labels for leaf in self.leaves], *(np.split(v, ends) for v in values), strict=True))


def find_components(blocks: Any, axes: Axes, full: bool, background: bool = False) -> BorderComponents:
    """Find which components of the blocks of a mask are one.

    Args:
        blocks: dask array of three axes, masks.
        axes: those that count.
        full: connectivity of the components that are looked for.
        background: whether they are those of the background.
    """
    summarize = partial(_summarize, full=full, axes=axes, background=background, numblocks=blocks.numblocks)
    box = join_blocks(summarize, partial(Border.join, full=full), blocks)
    leaves = sorted(_leaves(box.history), key=lambda leaf: leaf.place)
    starts = np.cumsum([0, *(len(leaf.labels) for leaf in leaves)])
    root = np.arange(starts[-1])
    still_open = _join_roots(box.history, starts, root)
    while True:  # each round halves the way to the root
        further = root[root]
        if np.array_equal(further, root):
            break
        root = further
    is_open = np.zeros(len(root), bool)
    is_open[root[still_open]] = True
    return BorderComponents(leaves, root, is_open[root])


def map_with_tables(function: Any, blocks: Any, tables: list[Any], dtype: Any) -> Any:
    """A lazy array of ``function(block, table)``, with one table for each block in C order."""
    da = dask_array()
    of_block = np.empty(len(tables), object)
    of_block[:] = [_Table(table) for table in tables]
    lazy = da.from_array(of_block.reshape(blocks.numblocks), chunks=1)
    return da.map_blocks(
        partial(_with_table, function), blocks, lazy, dtype=dtype, chunks=blocks.chunks, meta=np.empty((0,) * 3, dtype)
    )


class _Table:
    """What NumPy does not take for an array of its own."""

    def __init__(self, table: Any) -> None:
        self.table = table


def _with_table(function: Any, block: NDArray[Any], table: NDArray[Any]) -> NDArray[Any]:
    result: NDArray[Any] = function(block, table.item().table)
    return result


def _summarize(
    block: NDArray[Any], full: bool, axes: Axes, background: bool, numblocks: tuple[int, ...], block_id: Any
) -> Border:
    mask = mask_of(block, "array")
    return border_of(~mask if background else mask, full, axes, int(np.ravel_multi_index(block_id, numblocks)))


def _leaves(history: Leaf | Joint) -> list[Leaf]:
    return [history] if isinstance(history, Leaf) else _leaves(history.first) + _leaves(history.second)


def _join_roots(history: Leaf | Joint, starts: NDArray[np.int64], root: NDArray[np.int64]) -> NDArray[np.int64]:
    """Let each component that is joined to another point to the first of its group.

    Returns:
        For each component that reaches the border of the box its first part.
    """
    if isinstance(history, Leaf):
        return np.arange(starts[history.place], starts[history.place + 1])
    parts = np.concatenate([_join_roots(part, starts, root) for part in (history.first, history.second)])
    first = np.full(len(history.kept), len(root))
    np.minimum.at(first, history.group, parts)
    root[parts] = first[history.group]
    return np.asarray(first[np.flatnonzero(history.kept)])


def _number(found: BorderComponents) -> tuple[list[tuple[Any, ...]], int]:
    """For each block what its ids follow from, and the number of components of the whole.

    A block numbers the components that it is the first to have; those that it shares with one before have ids there.
    """
    owned = found.root == np.arange(len(found.root))
    counts, ranks = [], []
    for labels, own in found.split(owned):
        before = np.cumsum(~own)
        ranks.append(labels - before)
        counts.append(int(before[-1]) if len(before) else 0)
    sizes = [leaf.count - others for leaf, others in zip(found.leaves, counts, strict=True)]
    starts = np.cumsum([0, *sizes])
    per_block = np.repeat(starts[:-1], [len(rank) for rank in ranks])
    ids = (np.concatenate(ranks) + per_block)[found.root]
    tables = [(int(start), *table) for start, table in zip(starts, found.split(ids, owned), strict=False)]
    return tables, int(starts[-1])


def _paint_ids(block: NDArray[Any], table: tuple[Any, ...], full: bool, dtype: Any) -> NDArray[Any]:
    start, labels, ids, owned = table
    runs = component_runs(mask_of(block, "array"), full)
    counted = np.ones(runs.count + 1, bool)
    counted[0] = False
    counted[labels[~owned]] = False
    values = np.cumsum(counted) + start
    values[labels] = ids
    values[0] = 0
    return runs.paint(values.astype(dtype))
