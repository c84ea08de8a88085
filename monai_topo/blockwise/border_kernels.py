"""Kernels that join the components of two boxes across the planes where they touch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology import entry_kernel, kernel


@entry_kernel
def group_planes(
    first: NDArray[np.int32], second: NDArray[np.int32], num_first: int, num_second: int, diagonal: bool
) -> Any:
    """Which components are one, given two planes that face each other.

    Args:
        first: ``(H, W)`` numbers of components from 1 to ``num_first``, 0 for none.
        second: the plane above it, from 1 to ``num_second``.
        num_first: number of components of the first.
        num_second: number of components of the second.
        diagonal: voxels that share only an edge or a corner are neighbors too.

    Returns:
        int32 ``(1 + num_first + num_second,)``: 0, then for each component of the first and of the second its group;
        groups are numbered from 1 on by their first component. And how many there are.
    """
    height, width = first.shape
    reach = 1 if diagonal else 0
    group = np.arange(1 + num_first + num_second).astype(np.int32)
    last_a, last_b = 0, 0
    for i in range(height):
        for j in range(width):
            a = first[i, j]
            if a == 0:
                continue
            for y in range(max(0, i - reach), min(height, i + reach + 1)):
                for x in range(max(0, j - reach), min(width, j + reach + 1)):
                    b = second[y, x]
                    if b == 0 or (a == last_a and b == last_b):
                        continue
                    last_a, last_b = a, b
                    _unite(a, num_first + b, group)
    return group, _number_groups(group)


@kernel
def _unite(a: int, b: int, group: NDArray[np.int32]) -> None:
    """Let the greater of two roots point to the lesser one."""
    while group[a] != a:
        group[a] = group[group[a]]
        a = group[a]
    while group[b] != b:
        group[b] = group[group[b]]
        b = group[b]
    group[max(a, b)] = min(a, b)


@kernel
def _number_groups(group: NDArray[np.int32]) -> int:
    """Replace each root by its number and the others by that of their root; return how many there are."""
    count = 0
    for k in range(1, group.size):
        if group[k] == k:
            count += 1
            group[k] = count
        else:  # its parent came before it and has its number
            group[k] = group[group[k]]
    return count
