"""Kernels that list the edges of a grid that a maximum spanning forest may hold.

The weakest edge of a square of four voxels is not one of them: the other three are a stronger way around. On smooth
affinities that leaves little more than the forest, and only what is left is sorted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import Int, at, entry_kernel, kernel

_ABSENT = np.int32(2**31 - 1)
"""Key of edges that there are not: no number has it."""


@entry_kernel
def possible_edges(keys: Any, ids: Any, extents: Any, apart: bool) -> Any:
    """List the edges that are not the weakest of a square.

    Fresh memory is what takes time here, so keys are overwritten.

    Args:
        keys: int32, flat ``(axes, voxels)``, in the order of the affinities turned around.
        ids: int32, flat, 0 for none.
        extents: int64, the shape of the image.
        apart: whether edges between two ids, or at id 0, are no part of any square, and are listed by themselves.

    Returns:
        Twice int64, in the order of flat indices, key and flat index of each edge in one number: those that are not the
        weakest, and all that are apart.
    """
    others = np.empty(keys.size if apart else 1, np.int64)
    num_others = _set_apart(keys, ids, extents, apart, others)
    weak = np.zeros(keys.size, np.uint8)
    _mark_weakest(keys, extents, ids.size, weak)
    codes, count = np.empty(keys.size, np.int64), np.int64(0)
    for edge in range(keys.size):
        codes[at(count)] = (np.int64(keys[edge]) << 32) | edge
        count += 1 if (weak[edge] == 0) & (keys[edge] != _ABSENT) else 0
    return codes[:count], others[:num_others]


@kernel
def _set_apart(keys: Any, ids: Any, extents: Any, apart: bool, others: Any) -> Int:
    """Take out edges that join nothing, and those that are listed by themselves; return how many these are."""
    block, count = ids.size, np.int64(0)
    for axis in range(extents.size):
        step, base = block // extents[axis], axis * ids.size
        for start in range(0, ids.size, block):
            for voxel in range(start, start + step):  # the first layer has none before it
                keys[base + voxel] = _ABSENT
            if not apart:
                continue
            for voxel in range(start + step, start + block):
                if ids[voxel] != ids[voxel - step] or ids[voxel] == 0:
                    others[at(count)] = (np.int64(keys[base + voxel]) << 32) | (base + voxel)
                    keys[base + voxel] = _ABSENT
                    count += 1
        block = step
    return int(count)


@kernel
def _mark_weakest(keys: Any, extents: Any, size: Int, weak: Any) -> None:
    """Mark the weakest edge of each square, of equally weak ones the last."""
    step = size
    for axis in range(extents.size):
        step = step // extents[axis]
        other_step = step
        for other in range(axis + 1, extents.size):
            other_step = other_step // extents[other]
            _mark_in_plane(
                keys, (axis * size, step, extents[axis]), (other * size, other_step, extents[other]), size, weak
            )


@kernel
def _mark_in_plane(keys: Any, first: Any, second: Any, size: Int, weak: Any) -> None:
    """The same for the squares of two axes, each given by its first edge, its step and its extent."""
    base, step, extent = first
    other_base, other_step, other_extent = second
    for start in range(0, size, other_step * other_extent):
        if (start // step) % extent == 0:
            continue
        for voxel in range(start + other_step, start + other_step * other_extent):
            weakest = base + voxel - other_step
            key = keys[at(weakest)]
            for edge in (base + voxel, other_base + voxel - step, other_base + voxel):
                weakest = edge if keys[at(edge)] >= key else weakest
                key = max(key, keys[at(edge)])
            weak[at(weakest)] = 1
