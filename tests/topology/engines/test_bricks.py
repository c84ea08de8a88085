"""The order of cells brick by brick against numpy's sort."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from monai_topo.topology.engines.native.pairing.bricks import in_bricks


@njit
def ordered(owners, chosen, grid):
    return in_bricks(owners, chosen, grid)


@pytest.mark.parametrize("grid", [(3, 4, 5), (40, 17, 33), (1030, 3, 4), (5, 3, 2000)])
def test_chosen_cells_come_brick_by_brick(grid):
    rng = np.random.default_rng(0)
    owners = rng.integers(0, np.prod(grid), 400).astype(np.int32)
    chosen = rng.random(owners.size) < 0.7
    bricks = np.stack(np.unravel_index(owners, grid)) // 16
    order = np.lexsort((np.arange(owners.size), *bricks[::-1]))
    found = ordered(owners, chosen, tuple(map(np.int64, grid)))
    np.testing.assert_array_equal(found, order[chosen[order]])


def test_nothing_chosen_is_an_empty_order():
    assert ordered(np.zeros(9, np.int32), np.zeros(9, np.bool_), tuple(map(np.int64, (3, 3, 3)))).size == 0
