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
from monai_topo.topology.field import sublevel_field
from monai_topo.topology.grid import label_components
from monai_topo.topology.matching import FieldMatching, MatchedPoints, Matching, check_counts, join_matched, join_rows
from monai_topo.topology.persistence import points_of_stack
from monai_topo.topology.points import DiagramPoints, Filtration
from monai_topo.topology.points_cache import PointsCache
from monai_topo.topology.stacks import Batch, map_stacks


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
        connectivity: connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        dims: those wanted of 0 and the top dimension; None is both.
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
    field, truth = sublevel_field(likelihood), check_mask(mask)
    if field.shape != truth.shape:
        raise ValueError(f"likelihood and mask must have one shape, got {field.shape} and {truth.shape}.")
    filtration = Filtration("superlevel", connectivity, _check_dims(dims, field.ndim), frame, engine=engine)
    return _match_stacks(field[None], sublevel_field(truth)[None], filtration).field(0)


def match_by_place_batch(
    likelihoods: Batch,
    masks: Batch,
    *,
    connectivity: int | None = None,
    dims: Sequence[int] | int | None = None,
    frame: bool = False,
    engine: str = "auto",
    num_threads: int | None = None,
    mask_cache: PointsCache | None = None,
) -> MatchedPoints:
    """Match many likelihoods with their masks, such as the channels and patches of a batch, in parallel.

    Args:
        likelihoods: ``(N, H, W[, D])``, or a sequence of N fields that may differ in shape.
        masks: likewise.
        connectivity: this and the other options as for :func:`match_by_place`.
        dims: those wanted of 0 and the top dimension.
        frame: whether to surround the fields by foreground.
        engine: ``"auto"`` or a name of ``available_engines()``.
        num_threads: at most this many threads; None is one for each CPU core. The result does not depend on it.
        mask_cache: None, or where the points of masks are kept that come again. Nor does it depend on this.

    Returns:
        The points of all fields in flat columns with the matching of their rows; ``found.field(n)`` is what
        :func:`match_by_place` gives for pair n.

    Raises:
        ValueError: as :func:`match_by_place`, when the numbers differ, or ``num_threads`` is not positive.

    Example:
        >>> match_by_place_batch(np.ones((2, 3, 3)), np.ones((2, 3, 3))).matching.matched
        array([[0, 0],
               [1, 1]])
    """
    check_counts(likelihoods, masks)
    for n, mask in enumerate(masks):
        check_mask(mask, f"masks[{n}]")
    ndims = {np.ndim(mask) for mask in masks}
    wanted = {_check_dims(dims, ndim) for ndim in ndims} or {(0,)}
    if len(wanted) > 1:
        raise ValueError("fields of one batch must all be 2D or all 3D.")
    filtration = Filtration("superlevel", connectivity, wanted.pop(), frame, engine=engine)
    batches = {"likelihoods": likelihoods, "masks": masks}
    of_stacks = partial(_match_stacks, filtration=filtration, cache=mask_cache)
    found = map_stacks(of_stacks, batches, "superlevel", num_threads)
    return join_matched(found, filtration)


def _match_stacks(
    first: NDArray[Any], second: NDArray[Any], filtration: Filtration, cache: PointsCache | None = None
) -> MatchedPoints:
    """Match likelihoods and masks of one shape, ``(N, H, W[, D])`` each, that grow by sublevel sets already."""
    points = points_of_stack(first, filtration)
    true_points = (
        cache.points_of_stack(second, filtration) if cache is not None else points_of_stack(second, filtration)
    )
    full = is_full_connectivity(filtration.connectivity, first.ndim - 1)
    matched = []
    for patch, mask in enumerate(second):
        for k in points.dims(patch):
            labels = label_components((mask != 0) == (k == 0), full=full == (k == 0)).ravel()
            sides = ((points, first), (true_points, second))
            matched.append(_common(*(_by_region(*side, patch, k, labels) for side in sides)))
    matching = Matching.of(join_rows(matched), points.count, true_points.count)
    return MatchedPoints(points, true_points, matching)


def _check_dims(dims: Any, ndim: int) -> tuple[int, ...]:
    wanted = check_dims((0, ndim - 1) if dims is None else dims, ndim)
    if not {*wanted} <= {0, ndim - 1}:
        raise ValueError(
            f"dims must be 0 or {ndim - 1} here, got {dims!r}: a loop in 3D has no place of its own; use match_induced."
        )
    return wanted


def _by_region(
    points: DiagramPoints, stack: NDArray[Any], patch: int, dim: int, labels: NDArray[Any]
) -> dict[int, int]:
    """For each region of one field the row of the most persistent feature that lies there, of equal ones the first."""
    rows, values = points.rows(patch, dim), stack.ravel()
    birth, death = points.birth[rows], points.death[rows]
    persistence = np.where(death == ESSENTIAL, 0, values[death]) - values[birth]
    regions = labels[(birth if dim == 0 else death) - patch * labels.size]
    order = np.argsort(-persistence, kind="stable")[::-1]  # of what lies in one region a dictionary keeps the last
    return dict(zip(regions[order].tolist(), (order + rows.start).tolist(), strict=True))


def _common(first: dict[int, int], second: dict[int, int]) -> NDArray[np.int64]:
    """Rows ``(m, 2)`` of the features that lie in the same region; region 0 is none."""
    shared = [(first[region], second[region]) for region in {*first} & {*second} - {0}]
    return np.array(shared, np.int64).reshape(-1, 2)
