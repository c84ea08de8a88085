"""Kernels that list the edges of a grid that a maximum spanning forest may hold.

The weakest edge of a square of four voxels is not one of them: the other three are a stronger way around. On smooth
affinities that leaves little more than the forest, and only what is left is sorted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import Int, at, entry_kernel, kernel

ALL, WITHIN, BETWEEN = np.int64(0), np.int64(1), np.int64(2)
"""Which edges: all, those within an id, or those between two ids or at id 0, where those within are the strongest."""

_ABSENT, _JOINED = np.int32(2**31 - 1), np.int32(-(2**31))
"""Keys of edges that there are not, and of edges whose ends are joined already: no number has them."""


@entry_kernel
def possible_edges(keys: Any, ids: Any, extents: Any, kind: Int) -> Any:
    """List the edges that are not the weakest of a square.

    Args:
        keys: int32, flat ``(axes, voxels)``, in the order of the affinities turned around.
        ids: int32, flat, 0 for none.
        extents: int64, the shape of the image.
        kind: which edges there are.

    Returns:
        int64, in the order of flat indices: key and flat index of each, in one number.
    """
    own, weak = np.empty(keys.size, np.int32), np.zeros(keys.size, np.uint8)
    _write_keys(keys, ids, extents, kind, own)
    _mark_weakest(own, extents, ids.size, weak)
    count = np.int64(0)
    for edge in range(own.size):
        count += 1 if _is_possible(own[edge], weak[edge]) else 0
    codes, place = np.empty(count + 1, np.int64), np.int64(0)
    for edge in range(own.size):
        codes[at(place)] = (np.int64(own[edge]) << 32) | edge
        place += 1 if _is_possible(own[edge], weak[edge]) else 0
    return codes[:count]


@kernel
def _is_possible(key: Int, weak: Int) -> bool:
    return bool((weak == 0) & (key != _ABSENT) & (key != _JOINED))


@kernel
def _write_keys(keys: Any, ids: Any, extents: Any, kind: Int, own: Any) -> None:
    """The keys of the edges that there are."""
    block = ids.size
    for axis in range(extents.size):
        step, base = block // extents[axis], axis * ids.size
        for start in range(0, ids.size, block):
            for voxel in range(start, start + step):  # the first layer joins nothing
                own[base + voxel] = _ABSENT
            for voxel in range(start + step, start + block):
                within = (ids[voxel] == ids[voxel - step]) & (ids[voxel] != 0)
                key = keys[base + voxel]
                if kind == WITHIN:
                    key = key if within else _ABSENT
                elif kind == BETWEEN:
                    key = _JOINED if within else key
                own[base + voxel] = key
        block = step


@kernel
def _mark_weakest(own: Any, extents: Any, size: Int, weak: Any) -> None:
    """Mark the weakest edge of each square, of equally weak ones the last."""
    step = size
    for axis in range(extents.size):
        step = step // extents[axis]
        other_step = step
        for other in range(axis + 1, extents.size):
            other_step = other_step // extents[other]
            _mark_in_plane(own, (axis * size, step, extents[axis]), (other * size, other_step, extents[other]), size, weak)


@kernel
def _mark_in_plane(own: Any, first: Any, second: Any, size: Int, weak: Any) -> None:
    """The same for the squares of two axes, each given by its first edge, its step and its extent."""
    base, step, extent = first
    other_base, other_step, other_extent = second
    for start in range(0, size, other_step * other_extent):
        if (start // step) % extent == 0:
            continue
        for voxel in range(start + other_step, start + other_step * other_extent):
            weakest = base + voxel - other_step
            for edge in (base + voxel, other_base + voxel - step, other_base + voxel):
                weakest = edge if own[at(edge)] >= own[at(weakest)] else weakest
            weak[at(weakest)] = 1
