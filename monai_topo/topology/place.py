"""Matching by place: one feature of a field for each component and each cavity of a mask."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import check_dims, check_mask, is_full_connectivity
from monai_topo.topology.engines import ESSENTIAL
from monai_topo.topology.field import to_array
from monai_topo.topology.grid import label_components
from monai_topo.topology.matching import FieldMatching, Matching, map_pairs
from monai_topo.topology.persistence import PersistencePairs, persistence_pairs


def match_by_place(
    likelihood: ArrayLike | torch.Tensor,
    mask: ArrayLike | torch.Tensor,
    *,
    connectivity: int | None = None,
    dims: Sequence[int] | int | None = None,
    frame: bool = False,
    engine: str = "auto",
) -> FieldMatching:
    """Match the features of a likelihood with the components and the cavities of a mask, by one voxel of each.

    Of the components of the superlevel sets that are born inside a component of the mask the most persistent one is
    matched with it; of the cavities (in 2D: loops) whose last voxel lies in a cavity of the mask, likewise; of equal
    ones the first row. It costs little more than ``persistence_pairs`` in these dimensions. There is no such voxel for
    loops in 3D, and nothing else of a feature is looked at: :func:`match_induced` compares features as a whole.

    Args:
        likelihood: one channel, ``(H, W)`` or ``(H, W, D)``, values finite.
        mask: the same shape, only 0 and 1.
        connectivity: of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        dims: of 0 and the top dimension those wanted; None is both.
        frame: surround both by foreground; what touches it is no component, what it closes is a cavity.
        engine: ``"auto"`` or a name of ``available_engines()``.

    Returns:
        The pairs of both, superlevel, and for each dimension the matching of their rows.

    Raises:
        ValueError: for a bad shape or mask, NaN or infinity, an unknown option, or dimension 1 in 3D.

    Example:
        >>> found = match_by_place([[0.9, 0.2, 0.7]], [[0, 0, 1]], dims=0)
        >>> found.prediction.birth[0], found.matchings[0].matched  # the second row, though the first never dies
        (array([0, 2]), array([[1, 0]]))
    """
    field, truth = to_array(likelihood), check_mask(mask)
    if field.shape != truth.shape:
        raise ValueError(f"likelihood and mask must have one shape, got {field.shape} and {truth.shape}.")
    wanted = _check_dims(dims, field.ndim)
    options: dict[str, Any] = {"connectivity": connectivity, "dims": wanted, "frame": frame, "engine": engine}
    pairs, true_pairs = persistence_pairs(field, **options), persistence_pairs(truth, **options)
    full = is_full_connectivity(connectivity, field.ndim)
    matchings = {}
    for k in wanted:
        labels = _regions(truth, k, full)
        matchings[k] = _match(_by_region(pairs, k, field, labels), _by_region(true_pairs, k, truth, labels))
    return FieldMatching(pairs, true_pairs, matchings)


def match_by_place_batch(
    likelihoods: Sequence[ArrayLike | torch.Tensor] | NDArray[Any] | torch.Tensor,
    masks: Sequence[ArrayLike | torch.Tensor] | NDArray[Any] | torch.Tensor,
    *,
    num_threads: int | None = None,
    **options: Any,
) -> list[FieldMatching]:
    """Match many likelihoods with their masks, such as the channels and patches of a batch, in parallel.

    Args:
        likelihoods: ``(N, H, W[, D])``, or a sequence of N fields that may differ in shape.
        masks: likewise.
        num_threads: at most this many threads; None is one for each CPU core. The result does not depend on it.
        **options: as for :func:`match_by_place`.

    Returns:
        One matching for each pair, in order.

    Raises:
        ValueError: as :func:`match_by_place`, when the numbers differ, or ``num_threads`` is not positive.

    Example:
        >>> [len(found.matchings[0].matched) for found in match_by_place_batch(np.ones((2, 3, 3)), np.ones((2, 3, 3)))]
        [1, 1]
    """
    return map_pairs(partial(match_by_place, **options), likelihoods, masks, num_threads)


def _check_dims(dims: Any, ndim: int) -> tuple[int, ...]:
    wanted = check_dims((0, ndim - 1) if dims is None else dims, ndim)
    if not {*wanted} <= {0, ndim - 1}:
        raise ValueError(
            f"dims must be 0 or {ndim - 1} here, got {dims!r}: a loop in 3D has no place of its own; use match_induced."
        )
    return wanted


def _regions(truth: NDArray[Any], dim: int, full: bool) -> NDArray[Any]:
    """Labels of the components of the mask, or for the top dimension of its background, flat; 0 elsewhere."""
    return label_components(truth == (dim == 0), full=full == (dim == 0)).ravel()


def _by_region(pairs: PersistencePairs, dim: int, field: NDArray[Any], labels: NDArray[Any]) -> dict[int, list[int]]:
    """For each region the rows of the features that lie there, the most persistent first."""
    values, birth, death = field.ravel(), pairs.birth[dim], pairs.death[dim]
    persistence = values[birth] - np.where(death == ESSENTIAL, 0, values[death])
    regions = labels[birth if dim == 0 else death]
    rows: dict[int, list[int]] = {-1: list(range(len(birth)))}
    for row in np.argsort(-persistence, kind="stable").tolist():
        rows.setdefault(int(regions[row]), []).append(row)
    return rows


def _match(first: dict[int, list[int]], second: dict[int, list[int]]) -> Matching:
    shared = sorted((first[region][0], second[region][0]) for region in {*first} & {*second} - {-1, 0})
    matched = np.array(shared, np.int64).reshape(-1, 2)
    rest = (np.setdiff1d(rows[-1], matched[:, side]).astype(np.int64) for side, rows in enumerate((first, second)))
    return Matching(matched, *rest)
