"""Junctions, and matching against all assignments."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from monai_topo.graphs import count_matches, junction_points, match_points
from tests.graphs.graphs import drawn


def ladder():
    """Junctions at x = 0, 2, 4, 9 on a line with a leg at each, and a bend that is none."""
    stops = [-3, 0, 2, 4, 6, 9, 12]
    legs = [(x, 5) for x in (0, 2, 4, 9)]
    chain = [(k, k + 1) for k in range(6)]
    return drawn([*((x, 0) for x in stops), *legs], [*chain, (1, 7), (2, 8), (3, 9), (5, 10)])


@pytest.mark.parametrize(
    ("merge_radius", "expected"), [(0, [0, 2, 4, 9]), (2, [0, 2, 4, 9]), (2.1, [2, 9]), (5.1, [15 / 4])]
)
def test_junctions_closer_than_the_radius_are_one(merge_radius, expected):
    points = junction_points(ladder(), merge_radius)
    assert sorted(points[:, 0].tolist()) == pytest.approx(expected)
    assert (points[:, 1] == 0).all()


def best_of_all(points, others, radius):
    """Most pairs within the radius and the least total distance for that, by trying everything."""
    few, many = sorted([points, others], key=len)
    found = []
    for chosen in permutations(range(len(many)), len(few)):
        distance = np.linalg.norm(few - many[list(chosen)], axis=1)
        near = distance[distance <= radius]
        found.append((len(near), -near.sum()))
    return max(found)


@pytest.mark.parametrize("counts", [(5, 5), (3, 6), (6, 4), (1, 5)], ids=str)
@pytest.mark.parametrize("radius", [0.1, 0.3, 0.6, 2.0])
def test_matching_against_all_assignments(counts, radius, rng):
    for _ in range(5):
        points, others = (rng.random((count, 2)) for count in counts)
        first, second = match_points(points, others, radius)
        distance = np.linalg.norm(points[first] - others[second], axis=1)
        assert len(set(first.tolist())) == len(set(second.tolist())) == len(first)
        assert (distance <= radius).all()
        count, total = best_of_all(points, others, radius)
        assert len(first) == count == count_matches(points, others, radius)
        assert distance.sum() == pytest.approx(-total)


def test_as_many_as_can_be_not_the_nearest_first():
    first, second = match_points(np.array([[0.0], [1.5]]), np.array([[1.0], [3.4]]), radius=2)
    assert (first.tolist(), second.tolist()) == ([0, 1], [0, 1])


def test_the_radius_is_inclusive_and_nothing_matches_nothing():
    assert len(match_points(np.array([[0.0]]), np.array([[0.1 * 3]]), radius=0.3)[0]) == 1
    assert len(match_points(np.array([[0.0]]), np.array([[0.31]]), radius=0.3)[0]) == 0
    same = np.array([[0.0], [2.0], [2.0]])
    assert len(match_points(same, same[:2], radius=0)[0]) == 2
    assert count_matches(same, same[:2], radius=0) == 2
    assert len(match_points(np.zeros((0, 2)), np.zeros((3, 2)), radius=1)[0]) == 0
    assert count_matches(np.zeros((0, 2)), np.zeros((3, 2)), radius=1) == 0


def test_the_junctions_of_noise_are_counted_in_time(rng):
    """A matrix of all distances would take 8 GB."""
    points, others = rng.random((2, 32000, 3)) * 80
    shifted = np.concatenate([points + 0.1, others + 1000])
    assert count_matches(points, shifted, 2.0) == len(points)
