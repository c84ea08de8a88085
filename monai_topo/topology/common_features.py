"""Which features of two fields die in their comparison as one and the same feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.engines import ESSENTIAL
from monai_topo.topology.points import DiagramPoints

_MOST_AT_A_VOXEL = 64
"""More features of one dimension than can be born, or die, at one voxel."""


@dataclass(frozen=True)
class FeaturesOfSide:
    """The features of one side in one dimension.

    Attributes:
        rows: the features that are still there in the comparison, as rows of the side's points.
        death: voxel where each dies in the comparison.
        place: place of each among those that die there, the first born first.
        essential: rows of the essential classes, one or none for each field.
    """

    rows: NDArray[np.int64]
    death: NDArray[np.int64]
    place: NDArray[np.int64]
    essential: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        points: DiagramPoints,
        image: DiagramPoints,
        dim: int,
        own: NDArray[np.int32],
        joint: NDArray[np.int32],
    ) -> FeaturesOfSide:
        """Match the side's features with those of its image: same birth, the longest with the longest."""
        never = points.death == ESSENTIAL
        finite, essential = (np.flatnonzero(side & (points.dim == dim)) for side in (~never, never))
        birth, death = points.birth[finite], points.death[finite]
        image_birth, image_death = (column[image.dim == dim] for column in (image.birth, image.death))
        place = _place_in_group(birth, -_order_codes(own, death))
        image_place = _place_in_group(image_birth, -_order_codes(joint, image_death))
        rows, of_image = _common(birth, place, image_birth, image_place)
        place_of_death = _place_in_group(image_death, _order_codes(own, image_birth))
        return cls(finite[rows], image_death[of_image], place_of_death[of_image], essential)


def common_features(first: FeaturesOfSide, second: FeaturesOfSide) -> NDArray[np.int64]:
    """Rows ``(m, 2)`` of the features of two sides that die in the comparison as one."""
    a, b = _common(first.death, first.place, second.death, second.place)
    finite = np.stack([first.rows[a], second.rows[b]], axis=1)
    return np.concatenate([finite, np.stack([first.essential, second.essential], axis=1)])


def _order_codes(keys: NDArray[np.int32], voxels: NDArray[np.int64]) -> NDArray[np.int64]:
    """One integer for each of some voxels that compares like the total order."""
    return (keys.take(voxels).astype(np.int64) << 32) | voxels


def _place_in_group(group: NDArray[np.int64], key: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each entry its place among those of its group in the order of the keys."""
    place = np.zeros(len(group), np.int64)
    order = np.argsort(group)
    ordered = group[order]
    as_next = ordered[:-1] == ordered[1:]
    if not as_next.any():
        return place
    # Nearly all groups have one entry; only the others need their keys sorted.
    several = np.sort(order[np.append(as_next, False) | np.append(False, as_next)])  # equal features stay in order
    several = several[np.lexsort((key[several], group[several]))]
    starts = np.flatnonzero(np.diff(group[several], prepend=-1))
    place[several] = np.arange(len(several)) - np.repeat(starts, np.diff(starts, append=len(several)))
    return place


def _common(
    group_a: NDArray[np.int64], place_a: NDArray[np.int64], group_b: NDArray[np.int64], place_b: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the entries that have the same group and place in both."""
    codes_a, codes_b = group_a * _MOST_AT_A_VOXEL + place_a, group_b * _MOST_AT_A_VOXEL + place_b
    order_a, order_b = np.argsort(codes_a), np.argsort(codes_b)
    sorted_a, sorted_b = codes_a[order_a], codes_b[order_b]
    at = np.searchsorted(sorted_b, sorted_a)
    found = np.append(sorted_b, -1)[at] == sorted_a
    return order_a[found], order_b[at[found]]
