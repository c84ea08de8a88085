"""Discrete Morse theory of likelihoods: masks of the ridges and walls that a segmentation has or nearly has.

The structures are those of Hu et al., "Topology-Aware Segmentation Using Discrete Morse Theory" (ICLR 2021), simplified
by persistence. They are read off the persistence pairs and one forest; nothing is differentiated.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import is_full_connectivity
from monai_topo.topology.compiled.threads import map_in_threads
from monai_topo.topology.engines import ManifoldsFunction, get_manifolds_function
from monai_topo.topology.field import sublevel_field


def stable_manifolds(
    likelihood: ArrayLike | torch.Tensor,
    *,
    persistence_threshold: float,
    dims: Sequence[int] | int = (1,),
    connectivity: int | None = None,
    engine: str = "auto",
) -> NDArray[np.bool_]:
    """Mask of the ridges (dimension 1) and walls (dimension 2) of a likelihood, weak places included.

    Voxels are the vertices of a graph, neighbors are joined by edges, and an edge has the smaller of its two
    likelihoods. The graph grows from high to low.

    - **Dimension 1**, S1. An edge that joins two components has the persistence of the component that it ends: its peak
      minus the edge. Any other closes a loop and has the loop's persistence, from the edge to where the loop is filled.
      Edges of the first kind with at most ``persistence_threshold`` make a forest with one peak in each tree. From both
      ends of all edges with more, the paths through the forest to the peaks are marked: a broken vessel across its
      gap, but no bump.
    - **Dimension 2**, S2, 3D only. The same forest of the valleys, which have the background's connectivity and grow
      from low to high. Both voxels of every edge between two trees are marked: the sheets between basins that are
      deeper than the threshold, a pierced membrane across its hole.

    Edges enter in the order of their lower voxel and then of their higher one, in the total order (value, flat index).
    Loops that are born at one voxel count as the most persistent of them. Adding a constant changes nothing, and a
    larger threshold gives a part of the mask.

    Args:
        likelihood: one channel, ``(H, W)`` or ``(H, W, D)``: array or tensor of any real dtype, of any finite values.
        persistence_threshold: persistence from which a feature counts, in units of the likelihood, 0 or more. The paper
            takes 0.2 (section 3, by validation).
        dims: 1, 2 or both; 2D has only 1.
        connectivity: connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
            Loops are those of ``persistence_pairs`` in this connectivity.
        engine: ``"auto"`` or the name of an engine that has stable manifolds.

    Returns:
        bool mask of the same shape, empty for a constant image.

    Raises:
        ValueError: for a bad shape, NaN or infinity, or an unknown option or an engine without manifolds.

    Example:
        >>> gap = [[0.1, 0.1, 0.1, 0.1, 0.1], [0.9, 0.9, 0.4, 0.8, 0.95], [0.1, 0.1, 0.1, 0.1, 0.1]]
        >>> stable_manifolds(gap, persistence_threshold=0.2).astype(int)
        array([[0, 0, 0, 0, 0],
               [1, 1, 1, 1, 1],
               [0, 0, 0, 0, 0]])
    """
    rising = sublevel_field(likelihood, "sublevel")
    wanted = check_manifold_dims(dims, rising.ndim)
    check_persistence_threshold(persistence_threshold)
    full = is_full_connectivity(connectivity, rising.ndim)
    marked = partial(_manifolds, rising, full, persistence_threshold, get_manifolds_function(engine))
    return reduce(np.logical_or, map(marked, wanted))


def _manifolds(
    rising: NDArray[Any], full_connectivity: bool, threshold: float, engine: ManifoldsFunction, dim: int
) -> NDArray[np.bool_]:
    """Curves between the peaks of the foreground, or sheets between the valleys of the background."""
    field, full = (rising.dtype.type(0) - rising, full_connectivity) if dim == 1 else (rising, not full_connectivity)
    return engine(field, full_connectivity=full, dim=dim, persistence_threshold=threshold)


def check_persistence_threshold(persistence_threshold: float) -> None:
    """Refuse a threshold that is not 0 or more.

    Raises:
        ValueError: when it is not.
    """
    if not persistence_threshold >= 0:
        raise ValueError(f"persistence_threshold must be 0 or more, got {persistence_threshold!r}.")


def check_manifold_dims(dims: Any, ndim: int) -> tuple[int, ...]:
    """Return the dimensions of manifolds asked for, sorted.

    Raises:
        ValueError: when one is not an integer from 1 to ``ndim`` - 1, or there is none.
    """
    chosen = tuple(sorted(set(np.atleast_1d(dims).tolist())))
    if not chosen or any(not isinstance(k, int) or not 1 <= k < ndim for k in chosen):
        wanted = "1" if ndim == 2 else "1 (curves), 2 (sheets) or both"
        raise ValueError(f"dims of stable manifolds must be {wanted} for {ndim}D data, got {dims!r}.")
    return chosen


def stable_manifolds_batch(
    likelihoods: Sequence[ArrayLike | torch.Tensor] | NDArray[Any] | torch.Tensor,
    *,
    persistence_threshold: float,
    dims: Sequence[int] | int = (1,),
    connectivity: int | None = None,
    engine: str = "auto",
    num_threads: int | None = None,
) -> list[NDArray[np.bool_]]:
    """Stable manifolds of many likelihoods, such as the channels and patches of a batch, in parallel.

    Args:
        likelihoods: ``(N, H, W[, D])``, or a sequence of N likelihoods that may differ in shape.
        persistence_threshold: threshold as for :func:`stable_manifolds`, and so are ``dims``, ``connectivity`` and
            ``engine``.
        dims: 1, 2 or both.
        connectivity: connectivity of the foreground.
        engine: ``"auto"`` or the name of an engine that has stable manifolds.
        num_threads: at most this many threads; None is one for each CPU core. The result does not depend on it.

    Returns:
        One mask for each likelihood, in order.

    Raises:
        ValueError: as :func:`stable_manifolds`, or when ``num_threads`` is not positive.

    Example:
        >>> lines = np.array([[[0.9, 0.1, 0.8]], [[0.9, 0.7, 0.8]]])
        >>> [int(mask.sum()) for mask in stable_manifolds_batch(lines, persistence_threshold=0.2)]
        [3, 0]
    """

    def manifolds(n: int) -> NDArray[np.bool_]:
        try:
            return stable_manifolds(
                likelihoods[n],
                persistence_threshold=persistence_threshold,
                dims=dims,
                connectivity=connectivity,
                engine=engine,
            )
        except ValueError as error:
            raise ValueError(f"likelihoods[{n}]: {error}") from None

    return map_in_threads(manifolds, range(len(likelihoods)), num_threads)
