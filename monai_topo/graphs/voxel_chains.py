"""The voxels of a skeleton along its branches: the middle of a merged fork may lie beside them, these do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class VoxelChains:
    """What leads from node to node of a skeleton, each of which is a voxel or several that were merged.

    Args:
        indices: ``(n, ndim)`` voxels.
        pairs: ``(m, 2)`` voxels that touch.
        node: ``(n,)`` node that each belongs to.
        means: ``(k, ndim)`` mean index of each node's voxels.

    Example:
        >>> line = np.array([[0, 0], [0, 1], [0, 2], [1, 1]])  # the last three are one node
        >>> means = np.array([[0, 0], [1 / 3, 4 / 3]])
        >>> chains = VoxelChains(line, np.array([[0, 1], [1, 2], [1, 3], [2, 3]]), np.array([0, 1, 1, 1]), means)
        >>> chains.along(np.array([0, 1])).tolist()
        [[0, 0], [0, 1]]
    """

    def __init__(
        self,
        indices: NDArray[np.int64],
        pairs: NDArray[np.int64],
        node: NDArray[np.int64],
        means: NDArray[np.float64],
    ) -> None:
        self.indices = indices
        self.num_nodes = len(means)
        distance = np.linalg.norm(indices - means[node], axis=1).round(9)
        order = np.lexsort((distance, node))
        self.middle = order[np.unique(node[order], return_index=True)[1]]
        between = pairs[node[pairs[:, 0]] != node[pairs[:, 1]]]
        links = np.concatenate([between, between[:, ::-1]])
        step = np.abs(np.diff(indices[links], axis=1)[:, 0]).sum(axis=1)
        keys = node[links[:, 0]] * self.num_nodes + node[links[:, 1]]
        nearest = np.lexsort((links[:, 1], links[:, 0], step, keys))
        self.keys, first = np.unique(keys[nearest], return_index=True)
        self.links = links[nearest[first]]

    def along(self, run: NDArray[np.int64]) -> NDArray[np.int64]:
        """``(k, ndim)`` voxels from the middle of the first node of a run to that of the last, each another one."""
        links = self.links[np.searchsorted(self.keys, run[:-1] * self.num_nodes + run[1:])]
        chain = np.concatenate([self.middle[run[:1]], links.ravel(), self.middle[run[-1:]]])
        return np.asarray(self.indices[chain[np.append(True, np.diff(chain) != 0)]])
