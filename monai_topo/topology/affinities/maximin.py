"""Maximin affinities: how strongly two voxels are joined, and which edge decides it, counted over all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.field import sublevel_field, to_array, to_ordered_integers

_ROOM = 4
"""Ids up to this many times the number of voxels are taken as they are; numbering them anew takes a sort."""


@dataclass(frozen=True)
class MaximinPairs:
    """The edges that decide how strongly pairs of voxels with ids are joined, and how many pairs each decides.

    Attributes:
        edges: int64 ``(n,)``, flat indices into the affinities ``(ndim, H, W[, D])``, each once.
        same: int64 ``(n,)``, pairs of one id that each decides.
        different: int64 ``(n,)``, pairs of two ids that each decides.
        total_same: number of all pairs of one id.
        total_different: number of all pairs of two ids.

    Example:
        >>> from monai_topo.topology import maximin_pairs
        >>> affinities = np.ones((2, 1, 3), np.float32)
        >>> found = maximin_pairs(affinities, np.array([[1, 1, 2]]))
        >>> found.total_same, found.total_different
        (1, 2)
    """

    edges: NDArray[np.int64]
    same: NDArray[np.int64]
    different: NDArray[np.int64]
    total_same: int
    total_different: int


def maximin_pairs(
    affinities: ArrayLike | torch.Tensor, ids: NDArray[Any] | torch.Tensor, *, constrained: bool = False
) -> MaximinPairs:
    """Count the pairs of voxels whose maximin affinity each edge is.

    An edge joins a voxel and the one before it along an axis. The maximin affinity of two voxels is the smallest
    affinity on the path between them where that is largest: the path in the maximum spanning forest, in which edges
    enter in the order of falling affinity, of equal ones in the order of flat indices. Pairs with a voxel of id 0
    count nowhere.

    Args:
        affinities: ``(ndim, H, W)`` or ``(ndim, H, W, D)``, finite; entry ``(k, voxel)`` joins the voxel and the one
            before it along axis k. The first layer along that axis joins nothing. Larger is closer; for a map on
            voxels see :func:`edge_minima`.
        ids: ids of objects, ``(H, W[, D])``, whole numbers of at least 0; 0 is none.
        constrained: count in two passes, each with the truth in the place of the edges that it does not train (Funke
            et al. 2017). In the positive pass, which counts pairs of one id, an edge between two ids, or at id 0, is
            the weakest of all: a pair of one id that only these join is counted at no edge. In the negative pass, which
            counts pairs of two ids, an edge within an id is the strongest of all.

    Raises:
        ValueError: for shapes that do not fit, NaN or infinity, or ids under 0 or with fractions.

    Example:
        >>> pairs = maximin_pairs([[[0.0, 0.0, 0.0]], [[0.0, 0.9, 0.2]]], np.array([[1, 1, 2]]))
        >>> pairs.edges, pairs.same, pairs.different
        (array([4, 5]), array([1, 0]), array([0, 2]))
    """
    array = to_array(affinities)
    numbers = _compact_ids(ids)
    if array.shape != (numbers.ndim, *numbers.shape):
        raise ValueError(
            f"affinities must have shape {(numbers.ndim, *numbers.shape)}, one for each axis of ids, got {array.shape}."
        )
    keys = to_ordered_integers(sublevel_field(array.reshape(len(array), -1))).ravel()
    edges, same, different = _count(keys, numbers, constrained)
    counts = np.bincount(numbers.ravel())[1:]
    total, total_same = _choose_two(int(counts.sum())), int((counts * (counts - 1) // 2).sum())
    return MaximinPairs(edges, same, different, total_same, total - total_same)


def _count(keys: NDArray[np.int32], ids: NDArray[np.int32], constrained: bool) -> NDArray[np.int64]:
    """Edges, and how many pairs of one id and of two each decides.

    Constrained, the negative pass begins with what the positive one has joined.
    """
    from monai_topo.topology.affinities.edge_kernels import possible_edges
    from monai_topo.topology.affinities.pair_kernels import count_pairs, count_within

    flat, steps = ids.ravel(), np.array(ids.strides) // ids.itemsize
    parent, found, count = np.full(ids.size, -1, np.int32), np.zeros((3, ids.size), np.int64), 0
    codes, others = possible_edges(keys, flat, np.array(ids.shape), constrained)
    codes.sort()
    if constrained:
        count = count_within(codes, steps, parent, found[0], found[1])
        codes = others
        codes.sort()
    count = count_pairs(codes, steps, flat, parent, np.array([not constrained, True]), found, np.int64(count))
    return found[:, :count]


def edge_minima(values: torch.Tensor) -> torch.Tensor:
    """Affinities of a map on voxels: an edge has the smaller of the values at its two ends.

    Args:
        values: ``(H, W)`` or ``(H, W, D)``.

    Returns:
        ``(ndim, H, W[, D])``, with gradients to ``values``, as :func:`maximin_pairs` takes it. The first layer along
        each axis, which joins nothing, is compared with the last one.

    Example:
        >>> edge_minima(torch.tensor([[0.5, 0.25, 0.75]]))[1]
        tensor([[0.5000, 0.2500, 0.2500]])
    """
    return torch.stack([torch.minimum(values, values.roll(1, axis)) for axis in range(values.ndim)])


def _compact_ids(ids: NDArray[Any] | torch.Tensor) -> NDArray[np.int32]:
    """Ids as int32, renumbered where they are much larger than the number of voxels; 0 stays 0."""
    array = ids.detach().cpu().numpy() if isinstance(ids, torch.Tensor) else np.asarray(ids)
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(f"ids must have shape (H, W) or (H, W, D), not empty; got {array.shape}.")
    if array.dtype.kind == "f" and not np.array_equal(array, np.round(array)):
        raise ValueError("ids must hold whole numbers, got fractions or NaN. Was a label interpolated?")
    if array.min() < 0:
        raise ValueError(f"ids must be at least 0, got {array.min()}: give voxels to ignore the id 0.")
    if array.max() > _ROOM * array.size + 1:
        ranks = np.unique(np.append(array, array.dtype.type(0)), return_inverse=True)[1]
        return ranks[:-1].reshape(array.shape).astype(np.int32)
    return np.ascontiguousarray(array, np.int32)


def _choose_two(count: int) -> int:
    return count * (count - 1) // 2
