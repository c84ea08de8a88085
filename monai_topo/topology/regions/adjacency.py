"""The graph of regions that touch: their shared walls, what is measured on these, and merging by it."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray


def steps_forward(ndim: int, full: bool) -> list[tuple[int, ...]]:
    """One of the two steps between each pair of neighbors: the one that leads to the higher flat index.

    Example:
        >>> steps_forward(2, full=False), len(steps_forward(3, full=True))
        ([(0, 1), (1, 0)], 13)
    """
    steps = [step for step in product((-1, 0, 1), repeat=ndim) if step > (0,) * ndim]
    return [step for step in steps if full or np.abs(step).sum() == 1]


def crossing_edges(labels: NDArray[Any], full: bool) -> NDArray[np.int64]:
    """Neighbor voxels of two regions.

    Args:
        labels: numbers of regions, ``(H, W)`` or ``(H, W, D)``; 0 is none.
        full: whether voxels that share an edge or a corner are neighbors too.

    Returns:
        ``(2, n)`` flat indices, each pair once.

    Example:
        >>> crossing_edges(np.array([[1, 1, 2, 0, 1]]), full=False)
        array([[1],
               [2]])
    """
    index = np.arange(labels.size).reshape(labels.shape)
    found = [np.empty((2, 0), np.int64)]
    for step in steps_forward(labels.ndim, full):
        here = tuple(slice(max(-s, 0), size - max(s, 0)) for s, size in zip(step, labels.shape, strict=True))
        there = tuple(slice(max(s, 0), size - max(-s, 0)) for s, size in zip(step, labels.shape, strict=True))
        differs = (labels[here] != labels[there]) & (labels[here] > 0) & (labels[there] > 0)
        found.append(np.stack([index[here][differs], index[there][differs]]))
    return np.concatenate(found, axis=1)
