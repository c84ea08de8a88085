"""The reduction of the small matrix against the textbook's, with Python's integers as columns."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from monai_topo.topology.engines.native.pairing.remainder import pair_remainder
from monai_topo.topology.engines.native.types import Columns


@njit
def paired(columns, edges, partner):
    pair_remainder(columns, edges, partner)
    return partner


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
        start = np.cumsum([0, *(column.size for column in columns)])
        edges = np.tile(7 + 2 * np.arange(num_rows, dtype=np.int32), (3, 1))
        matrix = Columns(start[:-1], start[1:], np.concatenate(columns).astype(np.int32))
        found = paired(matrix, edges, np.full(num_columns, -1, np.int32))
        expected = np.array(textbook(map(np.ndarray.tolist, columns)))
        np.testing.assert_array_equal(found, np.where(expected >= 0, 7 + 2 * expected, -1))
        assert (expected >= 0).sum() > min(num_rows, num_columns) // 2
