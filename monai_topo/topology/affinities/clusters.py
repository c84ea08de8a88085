"""Instances from affinities: the mutex watershed, and growth from seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.field import to_array

Offsets = Sequence[Sequence[int]]


def nearest_offsets(ndim: int) -> tuple[tuple[int, ...], ...]:
    """From a voxel to the one before it along each axis.

    Example:
        >>> nearest_offsets(2)
        ((-1, 0), (0, -1))
    """
    return tuple(tuple(-int(axis == other) for other in range(ndim)) for axis in range(ndim))


def joined_places(shape: Sequence[int], offset: Sequence[int]) -> tuple[slice, ...]:
    """Where a voxel and the one at an offset from it are both in an image.

    Example:
        >>> joined_places((5, 6), (-1, 2))
        (slice(1, 5, None), slice(0, 4, None))
    """
    return tuple(slice(max(0, -step), max(0, size - max(0, step))) for size, step in zip(shape, offset, strict=True))


def affinity_clusters(
    affinities: NDArray[Any],
    offsets: Offsets,
    attractive: NDArray[np.bool_],
    *,
    seed_threshold: float | None = None,
    threshold: float = 0.0,
) -> NDArray[np.int32]:
    """Mutex watershed of affinities (Wolf et al. 2018), or growth from seeds.

    Edges enter in the order of falling strength, of equal ones in the order of flat indices: attractive ones have their
    affinity, repulsive ones 1 less it. An attractive edge joins two clusters unless they exclude each other, a
    repulsive one makes them exclude each other unless they are one.

    Args:
        affinities: ``(K, H, W[, D])``, in [0, 1]: of each voxel and the one at each of K offsets from it.
        offsets: K offsets, in voxels along each axis.
        attractive: bool ``(K,)``; the other edges are repulsive.
        seed_threshold: affinity of attractive edges from which they make seeds: what these join. Two seeds are never
            joined. None is no seeds.
        threshold: affinity from which attractive edges join.

    Returns:
        int32 ``(H, W[, D])``, clusters from 1 on in the order of their first voxels.

    Example:
        >>> affinities = np.array([[[0.0, 0.9, 0.6, 0.9]], [[0.0, 0.0, 0.2, 0.8]]])
        >>> affinity_clusters(affinities, [(0, -1), (0, -2)], np.array([True, False]))
        array([[1, 1, 2, 2]], dtype=int32)
    """
    from monai_topo.topology.affinities.cluster_kernels import exclusive_clusters

    array = to_array(affinities)
    shape = array.shape[1:]
    index = np.arange(array.size).reshape(array.shape)
    edges = np.concatenate([index[k][joined_places(shape, offset)].ravel() for k, offset in enumerate(offsets)])
    strides = np.cumprod([1, *shape[:0:-1]])[::-1]
    deltas = np.asarray(offsets, np.int64) @ strides
    kinds = attractive[edges // index[0].size]
    strength = np.where(kinds, array.ravel()[edges], 1 - array.ravel()[edges])
    seeds = np.zeros(index[0].size, np.int32)
    if seed_threshold is not None:
        strong = edges[kinds & (strength >= seed_threshold)]
        roots = exclusive_clusters(strong, deltas, attractive, seeds)
        sizes = np.bincount(roots, minlength=roots.size)
        seeds = np.where(sizes[roots] > 1, roots + 1, 0).astype(np.int32)
    chosen = ~kinds | (strength >= threshold)
    order = edges[chosen][np.argsort(-strength[chosen], kind="stable")]
    roots = exclusive_clusters(order, deltas, attractive, seeds)
    _, first, numbers = np.unique(roots, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), np.int32)
    ranks[np.argsort(first)] = np.arange(1, len(first) + 1)
    return ranks[numbers].reshape(shape)
