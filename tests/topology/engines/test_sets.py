"""Sets of columns by number, against Python's integers as sets of bits."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from monai_topo.topology.engines.native.pairing.sets import no_sets, single, sum_of, write_members

_ROOM = 1 << 16


@njit
def some_sets():
    return no_sets(np.int64(_ROOM), np.int64(_ROOM))


@njit
def one(column, sets):
    return np.int64(single(np.int64(column), sets))


@njit
def total(a, b, sets):
    return np.int64(sum_of(np.int64(a), np.int64(b), sets))


@njit
def members(number, sets):
    found = np.empty(_ROOM, np.int32)
    return found[: write_members(np.int64(number), sets, found, np.int64(0))]


@pytest.mark.parametrize("columns", [3, 64, 200])
def test_sums_are_those_of_integers(columns):
    rng = np.random.default_rng(columns)
    sets, expected = some_sets(), {0: 0}
    for column in range(columns):
        expected[one(column, sets)] = 1 << column
    for _ in range(1500):
        a, b = rng.choice(list(expected), 2)
        number = total(a, b, sets)
        assert expected.setdefault(number, expected[a] ^ expected[b]) == expected[a] ^ expected[b]
        assert sum(1 << int(column) for column in members(number, sets)) == expected[number]
    assert (number == 0) == (expected[number] == 0)


def test_the_same_sum_has_the_same_number():
    sets = some_sets()
    a, b = one(5, sets), one(70, sets)
    first = total(a, b, sets)
    assert total(b, a, sets) == first
    assert members(first, sets).tolist() == [5, 70]
    assert total(a, a, sets) == 0
    assert total(first, 0, sets) == first
