"""The features of two masks one by one: which match, which are missing and which are extra, and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.checks import Mask, check_dims, check_mask_pair, is_full_connectivity
from monai_topo.topology.grid import label_components
from monai_topo.topology.induced import match_induced
from monai_topo.topology.masks.overlap import linked_regions

Status = Literal["matched", "missing", "extra"]
"""Of a feature: in both, only in the ground truth, only in the prediction."""


@dataclass(frozen=True)
class Feature:
    """A component, loop or cavity of a prediction or of the ground truth.

    Attributes:
        dim: homology dimension: 0 component, 1 loop, 2 cavity.
        status: ``"matched"`` (listed where the ground truth has it), ``"missing"`` (only the ground truth has it)
            or ``"extra"`` (only the prediction has it).
        voxel: index of a voxel inside the component, inside the hole or cavity, or for a loop in 3D on the loop.
        size: number of voxels of the component, the hole or the cavity; None for a loop in 3D.

    Example:
        >>> from monai_topo.topology import list_features
        >>> list_features(np.eye(3), np.ones((3, 3)), dims=0)
        [Feature(dim=0, status='matched', voxel=(1, 1), size=9)]
    """

    dim: int
    status: Status
    voxel: tuple[int, ...]
    size: int | None


def list_features(
    prediction: ArrayLike | torch.Tensor,
    target: ArrayLike | torch.Tensor,
    connectivity: int | None = None,
    *,
    dims: Any = None,
    frame: bool = False,
) -> list[Feature]:
    """List the features of two masks that match in space, and those that do not.

    Of several components that one component of the union joins the largest of either mask are the matched ones; so
    of several cavities (in 2D: loops) that the union's background links. In dimension 0 and the top dimension there
    are as many matched features as :func:`shared_betti_numbers` counts. Loops in 3D are matched by
    :func:`match_induced`, with ties in the order of voxels; there may be more of them than that rank.

    Args:
        prediction: one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1.
        target: the same shape.
        connectivity: connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        dims: homology dimensions wanted; None is all below the number of axes.
        frame: relative to a frame of foreground around the masks.

    Returns:
        The features by dimension, within it the matched, the missing, the extra ones.

    Raises:
        ValueError: for two shapes, values other than 0 and 1, or an unknown option.

    Example:
        >>> list_features([[1, 0, 1, 1]], [[1, 0, 0, 0]], dims=0)  # doctest: +NORMALIZE_WHITESPACE
        [Feature(dim=0, status='matched', voxel=(0, 0), size=1),
         Feature(dim=0, status='extra', voxel=(0, 3), size=2)]
    """
    masks = check_mask_pair(prediction, target)
    ndim = masks[0].ndim
    full = is_full_connectivity(connectivity, ndim)
    first, second = (np.pad(mask, 1, constant_values=bool(frame)) for mask in masks)
    found: list[Feature] = []
    for k in check_dims(dims, ndim):
        if k == 0:
            found += _components(first, second, full, bool(frame))
        elif k == ndim - 1:
            found += _regions(first, second, full, bool(frame))
        else:
            found += _loops(*masks, connectivity, frame)
    return found


def _components(first: Mask, second: Mask, full: bool, frame: bool) -> list[Feature]:
    """The components of both masks, grouped by the component of the union that holds them."""
    union = label_components(first | second, full)
    labels = [label_components(mask, full) for mask in (first, second)]
    groups = [_group_of_each(own, union) for own in labels]
    left_out = [{int(own[(0,) * own.ndim])} if frame else set[int]() for own in labels]
    return _paired(0, labels, groups, left_out, {int(union[(0,) * union.ndim])} if frame else set())


def _group_of_each(labels: NDArray[Any], groups: NDArray[Any]) -> dict[int, int]:
    inside = labels > 0
    pairs = np.unique(np.stack([labels[inside], groups[inside]]), axis=1)
    return {int(own): int(group) for own, group in pairs.T}


def _regions(first: Mask, second: Mask, full: bool, frame: bool) -> list[Feature]:
    """The cavities of both masks, grouped by the background of the union that links them."""
    labels = [label_components(~mask, not full) for mask in (first, second)]
    links = linked_regions(first, second, full)[1]
    groups = [{int(own): int(group) for own, group in zip(row, links[2], strict=True)} for row in links[:2]]
    outside = _largest_region(first | second, full) if frame else (0,) * first.ndim
    left_out, group_left_out = [], set()
    for own, mask, group in zip(labels, (first, second), groups, strict=True):
        place = outside if outside is not None else _largest_region(mask, full)
        left_out.append({int(own[place])} if place is not None else set())
        group_left_out |= {group[int(own[outside])]} if outside is not None else set()
    return _paired(first.ndim - 1, labels, groups, left_out, group_left_out)


def _largest_region(mask: Mask, full: bool) -> tuple[int, ...] | None:
    """A voxel of the largest region of the background: with a frame, the one that does not count."""
    labels = label_components(~mask, not full)
    if not labels.any():
        return None
    largest = int(np.bincount(labels[labels > 0]).argmax())
    return tuple(int(i) for i in np.argwhere(labels == largest)[0])


def _paired(
    dim: int,
    labels: list[NDArray[Any]],
    groups: list[dict[int, int]],
    left_out: list[set[int]],
    groups_left_out: set[int],
) -> list[Feature]:
    """In each group that both masks have a part in, the largest of either match."""
    sizes = [np.bincount(own.ravel()) for own in labels]
    best: list[dict[int, int]] = [{}, {}]
    for side in range(2):
        for own, group in groups[side].items():
            known = best[side].get(group)
            if known is None or sizes[side][own] > sizes[side][known]:
                best[side][group] = own
    shared = {*best[0]} & {*best[1]} - groups_left_out
    matched = [{best[side][group] for group in shared} for side in range(2)]
    found = [_feature(dim, "matched", labels[1], own) for own in sorted(matched[1])]
    rests: tuple[tuple[int, Status], ...] = ((1, "missing"), (0, "extra"))
    for side, status in rests:
        rest = {*range(1, len(sizes[side]))} - matched[side] - left_out[side]
        found += [_feature(dim, status, labels[side], own) for own in sorted(rest)]
    return found


def _feature(dim: int, status: Status, labels: NDArray[Any], own: int) -> Feature:
    places = np.argwhere(labels == own)
    return Feature(dim, status, tuple(int(i) - 1 for i in places[len(places) // 2]), len(places))


def _loops(first: Mask, second: Mask, connectivity: int | None, frame: bool) -> list[Feature]:
    found = match_induced(first, second, connectivity=connectivity, dims=1, frame=frame)
    matching, births = found.matchings[1], (found.prediction.birth[1], found.target.birth[1])
    rows: dict[Status, NDArray[np.int64]] = {
        "matched": births[1][matching.matched[:, 1]],
        "missing": births[1][matching.unmatched_second],
        "extra": births[0][matching.unmatched_first],
    }
    return [
        Feature(1, status, tuple(int(i) for i in np.unravel_index(voxel, first.shape)), None)
        for status, voxels in rows.items()
        for voxel in voxels
    ]
