"""Nearest-corner matching against trying every choice."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from monai_topo.topology import nearest_corner


def cost(dots, matched):
    to_corner = ((1 - dots[:, 0]) ** 2 + dots[:, 1] ** 2)[list(matched)].sum()
    return to_corner, len(matched)


@pytest.mark.parametrize("count", range(7))
def test_the_nearest_are_matched(count, rng):
    dots = np.sort(rng.random((5, 2)), axis=1)[:, ::-1]
    matching = nearest_corner(dots, count)
    m = min(count, 5)
    best = min(itertools.combinations(range(5), m), key=lambda chosen: cost(dots, chosen))
    assert set(matching.matched[:, 0].tolist()) == set(best)
    assert sorted(matching.matched[:, 1].tolist()) == list(range(m))
    assert sorted([*matching.matched[:, 0], *matching.unmatched_first]) == list(range(5))
    assert matching.unmatched_second.tolist() == list(range(m, count))


def test_equal_distances_go_to_the_earlier_row():
    matching = nearest_corner([[0.5, 0.0], [0.9, 0.9], [0.5, 0.0]], 1)
    assert matching.matched.tolist() == [[0, 0]]


def test_tensors_with_gradients_are_read_only():
    dots = torch.tensor([[0.9, 0.1]], requires_grad=True)
    assert nearest_corner(dots, 1).matched.tolist() == [[0, 0]]


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        nearest_corner(np.zeros((2, 3)), 1)
    with pytest.raises(ValueError, match="count"):
        nearest_corner(np.zeros((2, 2)), -1)
