"""An order of cells in which neighbors come soon after each other: the grid brick by brick.

In the total order the next cell lies anywhere, and of a field that is larger than the processor's cache every step then
waits for memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.order.keys import sort_codes, voxel_of
from monai_topo.topology.engines.native.types import Codes, Grid, Int, Mask, Partners, Voxel

_SIDE_BITS = 4
"""Bricks of 16³ voxels: keys and states of one take 32 kB, so those of one and of all around it stay in the cache."""
_AXIS_BITS = 10


@allocating_kernel
def in_bricks(owners: Partners, chosen: Mask, grid: Grid) -> Any:
    """The numbers of the chosen cells, brick by brick, within a brick in the total order.

    Args:
        owners: voxel that owns each cell, int32.
        chosen: marks of the cells to list, bool.
        grid: shape of the padded grid.

    Returns:
        int32, as many as are chosen.
    """
    codes = np.empty(chosen.size, np.int64)
    codes = sort_codes(codes[: _write_codes(owners, chosen, grid, codes)])
    order = np.empty(codes.size, np.int32)
    for i in range(codes.size):
        order[i] = voxel_of(codes[i])
    return order


@kernel
def _write_codes(owners: Partners, chosen: Mask, grid: Grid, codes: Codes) -> Int:
    """Write brick and number of each chosen cell as one code; return how many there are."""
    found = 0
    for cell in range(chosen.size):
        if chosen[cell]:
            codes[at(found)] = (_brick_of(np.int64(owners[cell]), grid) << 32) | cell
            found += 1
    return found


@inlined_kernel
def _brick_of(voxel: Voxel, grid: Grid) -> Int:
    line = np.int64(np.uint32(voxel) // np.uint32(grid[2]))  # of 32 bits it takes half the time
    z = np.int64(np.uint32(line) // np.uint32(grid[1]))
    y, x = line - z * grid[1], voxel - line * grid[2]
    return (((z >> _SIDE_BITS) << _AXIS_BITS | (y >> _SIDE_BITS)) << _AXIS_BITS) | (x >> _SIDE_BITS)
