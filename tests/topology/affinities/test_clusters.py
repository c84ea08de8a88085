"""The mutex watershed against a plain version."""

from __future__ import annotations

import numpy as np
import pytest

from monai_topo.topology import affinity_clusters, nearest_offsets


def slow_clusters(affinities, offsets, attractive, seeds, threshold):
    """Edge by edge, with lists of voxels for clusters and pairs of them that exclude each other."""
    shape = affinities.shape[1:]
    cluster = {voxel: {voxel} for voxel in np.ndindex(*shape)}
    excluded = set()
    for value, place, other in sorted_edges(affinities, offsets, attractive):
        one, two = cluster[place[1:]], cluster[other]
        if one is two:
            continue
        if not attractive[place[0]]:
            excluded |= {(a, b) for a in one for b in two} | {(b, a) for a in one for b in two}
        elif -value >= threshold:
            numbers = [{seeds[voxel] for voxel in part} - {0} for part in (one, two)]
            if len(numbers[0] | numbers[1]) > 1 or any((a, b) in excluded for a in one for b in two):
                continue
            one |= two
            for voxel in two:
                cluster[voxel] = one
    ids, known = np.zeros(shape, int), []
    for voxel in np.ndindex(*shape):
        if not any(cluster[voxel] is found for found in known):
            known.append(cluster[voxel])
        ids[voxel] = next(n for n, found in enumerate(known, 1) if found is cluster[voxel])
    return ids


def sorted_edges(affinities, offsets, attractive):
    """Strength with a minus, place, and voxel at the other end; the strongest first."""
    edges = []
    for place in np.ndindex(*affinities.shape):
        other = tuple(np.add(place[1:], offsets[place[0]]).tolist())
        if all(0 <= i < size for i, size in zip(other, affinities.shape[1:], strict=True)):
            value = affinities[place] if attractive[place[0]] else 1 - affinities[place]
            edges.append((-value, place, other))
    return sorted(edges)


def random_case(seed):
    rng = np.random.default_rng(seed)
    shape = [(5, 6), (3, 3, 4), (1, 8)][seed % 3]
    offsets = [*nearest_offsets(len(shape)), *rng.integers(-3, 4, (3, len(shape))).tolist()]
    offsets = [offset for offset in offsets if any(offset)]
    affinities = rng.random((len(offsets), *shape)).astype(np.float32)
    if seed % 2:
        affinities = np.round(affinities * 4) / 4
    attractive = np.arange(len(offsets)) < len(shape)
    return affinities, offsets, attractive, [0.0, 0.4][seed // 2 % 2]


@pytest.mark.parametrize("seed", range(200))
def test_by_a_plain_version(seed):
    affinities, offsets, attractive, threshold = random_case(seed)
    expected = slow_clusters(affinities, offsets, attractive, np.zeros(affinities.shape[1:], int), threshold)
    found = affinity_clusters(affinities, offsets, attractive, threshold=threshold)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.int32


@pytest.mark.parametrize("seed", range(60))
def test_growth_from_seeds(seed):
    affinities, offsets, _, threshold = random_case(seed)
    ndim = affinities.ndim - 1
    affinities, offsets, attractive = affinities[:ndim], offsets[:ndim], np.ones(ndim, bool)
    none = np.zeros(affinities.shape[1:], int)
    joined = slow_clusters(affinities, offsets, attractive, none, 0.75)
    seeds = np.where(np.bincount(joined.ravel())[joined] > 1, joined, 0)
    expected = slow_clusters(affinities, offsets, attractive, seeds, threshold)
    found = affinity_clusters(affinities, offsets, attractive, seed_threshold=0.75, threshold=threshold)
    np.testing.assert_array_equal(found, expected)


def test_so_many_exclusions_that_the_table_grows():
    rng = np.random.default_rng(0)
    offsets = [*nearest_offsets(2), (-5, 0), (0, -5), (-3, 4)]
    affinities = rng.random((5, 60, 61)).astype(np.float32)
    found = affinity_clusters(affinities, offsets, np.arange(5) < 2)
    rows = slow_rows(affinities, offsets)
    np.testing.assert_array_equal(found, rows)


def slow_rows(affinities, offsets):
    """The plain version by union-find with sets of excluded roots."""
    shape, size = affinities.shape[1:], affinities[0].size
    index = np.arange(size).reshape(shape)
    root, members, excluded = np.arange(size), {i: [i] for i in range(size)}, {i: set() for i in range(size)}
    for _, place, other in sorted_edges(affinities, offsets, np.arange(5) < 2):
        a, b = int(root[index[place[1:]]]), int(root[index[other]])
        if a == b:
            continue
        if place[0] >= 2:
            excluded[a].add(b)
            excluded[b].add(a)
        elif b not in excluded[a]:
            root[members[b]] = a
            members[a] += members.pop(b)
            for third in excluded.pop(b):
                excluded[third].discard(b)
                excluded[third].add(a)
                excluded[a].add(third)
    _, first, numbers = np.unique(root, return_index=True, return_inverse=True)
    return (np.argsort(np.argsort(first)) + 1)[numbers].reshape(shape)
