"""The link of a voxel in 2D: its eight neighbors around a circle, as a table of all 256 configurations.

The circle alternates face and diagonal neighbors. It falls into runs of the lower link (a diagonal counts only between
two lower faces) and runs of the rest. With two or more runs of each, the voxel is a saddle: every run of the link but
the first leaves a critical edge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.grid import neighbor_steps

_AROUND = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]
_BIT_AROUND = [neighbor_steps(2).tolist().index(list(step)) for step in _AROUND]


def _runs(word: int) -> tuple[int, int]:
    """One lower face neighbor of each run of the link, and one upper neighbor of each run of the rest, as bits."""
    lower = [bool(word >> bit & 1) for bit in _BIT_AROUND]
    in_link = [lower[i] and (i % 2 == 0 or (lower[i - 1] and lower[(i + 1) % 8])) for i in range(8)]
    starts = [i for i in range(8) if in_link[i] != in_link[i - 1]]
    below = above = 0
    for i, start in enumerate(starts):
        stop = starts[(i + 1) % len(starts)]
        run = [(start + step) % 8 for step in range((stop - start) % 8 or 8)]
        if in_link[start]:
            below |= 1 << next(_BIT_AROUND[j] for j in run if j % 2 == 0)
        else:
            above |= 1 << next(_BIT_AROUND[j] for j in run if not lower[j])
    return below, above


def _table() -> NDArray[np.int32]:
    runs = [_runs(word) for word in range(256)]
    return np.array([below | above << 8 if below & (below - 1) else 0 for below, above in runs], np.int32)


SADDLE_SIDES = _table()
"""For each word: 0 if regular; for a saddle one lower neighbor of each run in bits 0-7, one upper in bits 8-15."""
SADDLE_EDGES = np.array([max(bin(sides & 0xFF).count("1") - 1, 0) for sides in SADDLE_SIDES.tolist()], np.int32)
"""For each word: how many critical edges the voxel has."""
IS_SADDLE = (SADDLE_EDGES > 0).astype(np.int64)
"""For each word: 1 for a saddle, otherwise 0."""
