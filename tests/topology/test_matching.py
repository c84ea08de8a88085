"""Matchings against trying every choice."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from monai_topo.topology import Matching, by_lifetime, nearest_corner, optimal


def cost(points, matched):
    to_corner = ((1 - points[:, 0]) ** 2 + points[:, 1] ** 2)[list(matched)].sum()
    return to_corner, len(matched)


@pytest.mark.parametrize("count", range(7))
def test_the_nearest_are_matched(count, rng):
    points = np.sort(rng.random((5, 2)), axis=1)[:, ::-1]
    matching = nearest_corner(points, count)
    m = min(count, 5)
    best = min(itertools.combinations(range(5), m), key=lambda chosen: cost(points, chosen))
    assert set(matching.matched[:, 0].tolist()) == set(best)
    assert sorted(matching.matched[:, 1].tolist()) == list(range(m))
    assert sorted([*matching.matched[:, 0], *matching.unmatched_first]) == list(range(5))
    assert matching.unmatched_second.tolist() == list(range(m, count))


def test_equal_distances_go_to_the_earlier_row():
    matching = nearest_corner([[0.5, 0.0], [0.9, 0.9], [0.5, 0.0]], 1)
    assert matching.matched.tolist() == [[0, 0]]


def test_tensors_with_gradients_are_read_only():
    points = torch.tensor([[0.9, 0.1]], requires_grad=True)
    assert nearest_corner(points, 1).matched.tolist() == [[0, 0]]


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        nearest_corner(np.zeros((2, 3)), 1)
    with pytest.raises(ValueError, match="count"):
        nearest_corner(np.zeros((2, 2)), -1)


def random_diagram(rng, size):
    return np.sort(rng.random((size, 2)), axis=1)[:, ::-1]


def total_cost(a, b, matching):
    rows, columns = matching.matched.T
    left = np.concatenate([a[matching.unmatched_first], b[matching.unmatched_second]])
    return ((a[rows] - b[columns]) ** 2).sum() + ((left[:, 0] - left[:, 1]) ** 2).sum() / 2


def is_partition(matching, num_first, num_second):
    first = [*matching.matched[:, 0], *matching.unmatched_first]
    second = [*matching.matched[:, 1], *matching.unmatched_second]
    return sorted(first) == list(range(num_first)) and sorted(second) == list(range(num_second))


@pytest.mark.parametrize(("num_first", "num_second"), [(3, 3), (4, 2), (1, 4), (0, 3), (3, 0), (0, 0)])
def test_optimal_by_trying_every_matching(num_first, num_second, rng):
    for _ in range(20):
        a, b = random_diagram(rng, num_first), random_diagram(rng, num_second)
        best = np.inf
        for m in range(min(num_first, num_second) + 1):
            for rows in itertools.combinations(range(num_first), m):
                for columns in itertools.permutations(range(num_second), m):
                    pairs = np.array([rows, columns], int).T.reshape(-1, 2)
                    rest = [np.delete(np.arange(n), pairs[:, i]) for i, n in enumerate((num_first, num_second))]
                    best = min(best, total_cost(a, b, Matching(pairs, *rest)))
        found = optimal(a, b)
        assert is_partition(found, num_first, num_second)
        assert total_cost(a, b, found) == pytest.approx(best)


def test_optimal_leaves_to_the_diagonal_what_is_nearer_to_it():
    noise, feature = [[0.15, 0.1]], [[1.0, 0.0]]
    assert optimal(noise, feature).matched.shape == (0, 2)
    assert nearest_corner(noise, 1).matched.tolist() == [[0, 0]]


def test_optimal_of_large_diagrams_against_the_square_problem(rng):
    from scipy.optimize import linear_sum_assignment

    a, b = random_diagram(rng, 90), random_diagram(rng, 70)
    square = np.zeros((160, 160))
    square[:90, :70] = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    square[:90, 70:] = ((a[:, 0] - a[:, 1]) ** 2 / 2)[:, None]
    square[90:, :70] = (b[:, 0] - b[:, 1]) ** 2 / 2
    assert total_cost(a, b, optimal(a, b)) == pytest.approx(square[linear_sum_assignment(square)].sum())


def test_by_lifetime():
    a = np.array([[0.9, 0.5], [0.8, 0.1], [0.3, 0.2]])
    b = np.array([[0.6, 0.5], [1.0, 0.0]])
    matching = by_lifetime(a, b)
    assert matching.matched.tolist() == [[1, 1], [0, 0]]
    assert matching.unmatched_first.tolist() == [2]
    assert by_lifetime(b, a).unmatched_second.tolist() == [2]
    assert by_lifetime(a, b, sort_by="birth").matched.tolist() == [[0, 1], [1, 0]]
    sublevel = by_lifetime(a[:, ::-1], b[:, ::-1])  # lifetimes are sizes, whatever the direction
    assert sublevel.matched.tolist() == matching.matched.tolist()
    with pytest.raises(ValueError, match="sort_by must be one of"):
        by_lifetime(a, b, sort_by="death")
