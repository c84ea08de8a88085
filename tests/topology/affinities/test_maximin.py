"""Maximin pairs against all pairs of voxels, one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.topology import edge_minima, maximin_pairs
from tests.topology.affinities.graphs import grid_edges, maximin_of_all_pairs, pairs_of_ids, random_case


def truth_of(edges, ids):
    """Whether the two voxels of each edge are of one object."""
    flat = ids.ravel()
    return np.array([flat[voxel] == flat[before] > 0 for _, voxel, before in edges], bool)


def check(found, affinities, ids, strength_same, strength_different):
    """As many pairs at edges of each value as there are pairs of voxels of that maximin affinity."""
    first, second, same = pairs_of_ids(ids)
    at_edges = affinities.ravel()[found.edges]
    assert len(np.unique(found.edges)) == len(found.edges)
    assert (found.total_same, found.total_different) == (same.sum(), (~same).sum())
    for value in np.unique(affinities):
        wanted = (strength_same[first, second][same] == value).sum()
        assert found.same[at_edges == value].sum() == wanted
        wanted = (strength_different[first, second][~same] == value).sum()
        assert found.different[at_edges == value].sum() == wanted
    assert ((found.same > 0) | (found.different > 0)).all()


@pytest.mark.parametrize("seed", range(200))
def test_by_all_pairs(seed):
    affinities, ids = random_case(seed)
    edges = grid_edges(ids.shape)
    weights = np.array([affinities[axis].ravel()[voxel] for axis, voxel, _ in edges])
    strength = maximin_of_all_pairs(weights, edges, ids.size)
    check(maximin_pairs(affinities, ids), affinities, ids, strength, strength)
    within = truth_of(edges, ids)
    positive = maximin_of_all_pairs(np.where(within, weights, -1), edges, ids.size)
    negative = maximin_of_all_pairs(np.where(within, 2, weights), edges, ids.size)
    check(maximin_pairs(affinities, ids, constrained=True), affinities, ids, positive, negative)


@pytest.mark.parametrize("shape", [(40, 50), (9, 10, 11)], ids=str)
@pytest.mark.parametrize("num_ids", [3, 200])
def test_every_pair_counts_once(shape, num_ids):
    """On images so large, with so many ids, that lists and tables grow."""
    rng = np.random.default_rng(num_ids)
    affinities, ids = rng.random((len(shape), *shape)), rng.integers(0, num_ids, shape)
    found = maximin_pairs(affinities, ids)
    counts = np.bincount(ids.ravel())[1:]
    assert found.same.sum() == found.total_same == (counts * (counts - 1) // 2).sum()
    assert found.different.sum() == found.total_different == (counts.sum() ** 2 - (counts**2).sum()) // 2
    in_passes = maximin_pairs(affinities, ids, constrained=True)
    assert in_passes.different.sum() == found.total_different


def test_a_pass_leaves_the_edges_of_the_other_alone():
    affinities, ids = np.random.default_rng(1).random((2, 12, 13)), np.random.default_rng(2).integers(0, 4, (12, 13))
    edges = {axis * ids.size + voxel: (voxel, before) for axis, voxel, before in grid_edges(ids.shape)}
    found = maximin_pairs(affinities, ids, constrained=True)
    for edge, same, different in zip(found.edges.tolist(), found.same, found.different, strict=True):
        voxel, before = (ids.ravel()[end] for end in edges[edge])
        assert (same > 0) == (voxel == before > 0)
        assert (different > 0) == (not voxel == before > 0)


def test_ids_may_be_any_numbers():
    affinities, ids = random_case(4)
    large = np.where(ids == 0, 0, ids.astype(np.uint64) * 10**12 + 7)
    plain = maximin_pairs(affinities, ids)
    for other in (large, torch.tensor(ids), ids.astype(np.float32), ids.astype(np.uint8)):
        found = maximin_pairs(torch.tensor(affinities), other)
        np.testing.assert_array_equal(found.edges, plain.edges)
        np.testing.assert_array_equal(found.same, plain.same)
        np.testing.assert_array_equal(found.different, plain.different)


def test_float64_is_told_apart():
    affinities = np.zeros((2, 1, 3))
    affinities[1, 0, 1:] = 0.5, 0.5 + 1e-12
    found = maximin_pairs(affinities, np.ones((1, 3), int))
    assert dict(zip(found.edges.tolist(), found.same.tolist(), strict=True)) == {5: 1, 4: 2}


def test_edges_of_a_map_on_voxels():
    values = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    minima = edge_minima(values)
    for axis, voxel, before in grid_edges((3, 4, 5)):
        ends = values.flatten()[[voxel, before]]
        assert minima[axis].flatten()[voxel] == ends.min()
    minima[0, 1:].sum().backward()
    assert values.grad.sum() == 2 * 4 * 5


@pytest.mark.parametrize(
    ("affinities", "ids", "message"),
    [
        (np.zeros((2, 3, 4)), np.zeros((3, 5), int), r"affinities must have shape \(2, 3, 5\)"),
        (np.zeros((3, 3, 4)), np.zeros((3, 4), int), r"affinities must have shape \(2, 3, 4\)"),
        (np.zeros((1, 4)), np.zeros(4, int), r"ids must have shape \(H, W\)"),
        (np.zeros((2, 0, 4)), np.zeros((0, 4), int), "not empty"),
        (np.zeros((2, 1, 2)), np.array([[0.5, 1]]), "whole numbers, got fractions"),
        (np.zeros((2, 1, 2)), np.array([[-1, 1]]), "at least 0, got -1"),
        (np.full((2, 1, 2), np.nan), np.array([[1, 1]]), "NaN or infinity"),
    ],
)
def test_bad_input(affinities, ids, message):
    with pytest.raises(ValueError, match=message):
        maximin_pairs(affinities, ids)
