"""Kernels that number the components of a binary volume run by run, and paint them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.kernel import Int, at, entry_kernel, kernel
from monai_topo.topology.masks.cells import find_runs, merge_runs


@entry_kernel
def label_runs(packed: NDArray[np.uint8], width: Int, diagonal: bool) -> Any:
    """Find the runs of a volume and the component of each.

    Args:
        packed: uint8 ``(D, H, bytes)`` from :func:`monai_topo.topology.masks.cells.pack_rows`.
        width: voxels in a row.
        diagonal: voxels that share only an edge or a corner are neighbors too.

    Returns:
        For each row the number of its first run; for each run its ends; for each run its component, with one entry
        more that means nothing; the number of components, which are numbered from 1 on by their first voxels.
    """
    shape = (packed.shape[0], packed.shape[1], width)
    first, ends = find_runs(packed.reshape(shape[0] * shape[1], packed.shape[2]), width, np.int64(1))
    parent = np.arange(first[-1] + 1)
    merge_runs(shape, first, ends, parent, diagonal, False, False)
    return first, ends, parent, _number_trees(parent)


@kernel
def _number_trees(parent: NDArray[np.int64]) -> Int:
    """Replace the parent of each run, which comes after it, by the number of its tree; the last entry is no run."""
    runs = parent.size - 1
    for run in range(runs - 1, -1, -1):
        parent[run] = parent[at(parent[run])]
    count = 0
    for run in range(runs):
        root = parent[run]
        if root < 0:  # a root itself, numbered at the first run of its tree
            continue
        if parent[at(root)] >= 0:
            count += 1
            parent[at(root)] = -count
        parent[run] = parent[at(root)]
    for run in range(runs):
        parent[run] = -parent[run]
    return count


@entry_kernel
def paint_rows(
    first: NDArray[np.int64],
    ends: NDArray[np.int32],
    labels: NDArray[np.int64],
    values: NDArray[Any],
    start: Int,
    step: Int,
    rows: NDArray[Any],
) -> None:
    """Write the value of each run's component into some rows: every ``step``-th of the volume's, from ``start`` on."""
    for k in range(rows.shape[0]):
        row = start + k * step
        for run in range(first[row], first[row + 1]):
            value = values[at(labels[run])]
            for x in range(ends[2 * run], ends[2 * run + 1]):
                rows[k, x] = value
