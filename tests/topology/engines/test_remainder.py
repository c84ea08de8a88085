"""The reduction of the small matrix against the textbook's, with Python's integers as columns."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from monai_topo.topology.engines.native.pairing.remainder import pair_remainder
from monai_topo.topology.engines.native.types import Rows


@njit
def paired(rows, columns, edges, partner):
    pair_remainder(rows, columns, edges, partner)
    return partner


def rows_of(columns, num_rows, place):
    """The rows, the last one first, of columns that lie in some order: that of each is its place."""
    rows = [[place[n] for n, column in enumerate(columns) if row in column] for row in range(num_rows - 1, -1, -1)]
    start = np.cumsum([0, *map(len, rows)])
    return Rows(np.arange(num_rows - 1, -1, -1, dtype=np.int32), start, np.concatenate(rows).astype(np.int32))


def textbook(columns):
    """For each column the last row that is left of it once earlier ones are added, -1 where nothing is."""
    owner, last_rows = {}, []
    for rows in columns:
        column = sum(1 << row for row in rows)
        while column and column.bit_length() in owner:
            column ^= owner[column.bit_length()]
        owner[column.bit_length()] = column
        last_rows.append(column.bit_length() - 1)
    return last_rows


@pytest.mark.parametrize(("num_rows", "num_columns", "most"), [(5, 9, 3), (64, 64, 4), (65, 130, 9), (300, 299, 120)])
def test_last_rows_are_the_textbooks(num_rows, num_columns, most):
    rng = np.random.default_rng(num_rows)
    for _ in range(5):
        columns = [
            rng.choice(num_rows, rng.integers(0, min(most, num_rows) + 1), replace=False) for _ in range(num_columns)
        ]
        edges = np.tile(7 + 2 * np.arange(num_rows, dtype=np.int32), (3, 1))
        place = rng.permutation(num_columns).astype(np.int32)
        squares = np.argsort(place).astype(np.int32)
        found = paired(rows_of(columns, num_rows, place), squares, edges, np.full(num_columns, -1, np.int32))
        expected = np.array(textbook(map(np.ndarray.tolist, columns)))
        np.testing.assert_array_equal(found, np.where(expected >= 0, 7 + 2 * expected, -1))
        assert (expected >= 0).sum() > min(num_rows, num_columns) // 2
