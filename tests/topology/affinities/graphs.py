"""Grids as graphs, written from the definitions: edges one by one, and all pairs of voxels."""

from __future__ import annotations

import numpy as np


def grid_edges(shape):
    """``(axis, voxel, voxel before)`` with flat indices, each edge once."""
    index = np.arange(np.prod(shape)).reshape(shape)
    return [
        (axis, int(voxel), int(before))
        for axis in range(len(shape))
        for voxel, before in zip(
            np.take(index, range(1, shape[axis]), axis).ravel(),
            np.take(index, range(shape[axis] - 1), axis).ravel(),
            strict=True,
        )
    ]


def maximin_of_all_pairs(weights, edges, size):
    """``(size, size)``: the largest of the smallest weights on paths, by trying every voxel as a way station."""
    best = np.full((size, size), -np.inf)
    for weight, (_, voxel, before) in zip(weights, edges, strict=True):
        best[voxel, before] = best[before, voxel] = weight
    for way in range(size):
        best = np.maximum(best, np.minimum(best[:, way, None], best[None, way]))
    return best


def pairs_of_ids(ids):
    """Indices of all pairs of voxels with ids, and whether the two are of one id."""
    flat = ids.ravel()
    first, second = np.triu_indices(flat.size, 1)
    counted = (flat[first] > 0) & (flat[second] > 0)
    first, second = first[counted], second[counted]
    return first, second, flat[first] == flat[second]


def random_case(seed):
    """Affinities, every other time of a few levels, and ids of a few objects, in 2D and 3D."""
    rng = np.random.default_rng(seed)
    shape = [(3, 4), (2, 3, 3), (1, 5), (4, 1, 3), (4, 5)][seed % 5]
    affinities = rng.random((len(shape), *shape)).astype(np.float32)
    if seed % 2:
        affinities = np.round(affinities * 4) / 4
    return affinities, rng.integers(0, [2, 4, 9][seed % 3], shape)
