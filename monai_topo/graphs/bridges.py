"""Bridges over the gaps of a mask of tubes, drawn voxel by voxel so that nothing but the joint changes its topology."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monai_topo.graphs.gaps import Gap

Outcome = Literal["bridged", "joined already", "not drawn"]


def draw_bridges(
    mask: NDArray[np.bool_],
    gaps: Sequence[Gap],
    likelihood: NDArray[np.floating],
    spacing: Sequence[float] | float = 1.0,
    *,
    allow_loops: bool = False,
    blocked: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.bool_], list[Outcome]]:
    """Draw gaps as tubes whose radius goes from that of one end to that of the other, the strongest gap first.

    Each bridge takes one component away, or with ``allow_loops`` may add a loop, and changes no other Betti number:
    the path is drawn if all of its voxels but one are simple and that one joins just two parts, and the tube around it
    grows by simple voxels only.

    Args:
        mask: bool ``(H, W[, D])``; full connectivity.
        gaps: gaps of :func:`monai_topo.graphs.find_ways`.
        likelihood: the same shape; it orders voxels at the same distance.
        spacing: size of a voxel along each axis, or one size for all.
        allow_loops: whether gaps between two places of what is one component by then are bridged too.
        blocked: voxels that stay background, such as those at another class.

    Returns:
        The bridged mask, and for each gap ``"bridged"``, ``"joined already"`` (it would close a loop) or ``"not
        drawn"`` (its path would change more than one thing).

    Example:
        >>> from monai_topo.graphs import find_ways
        >>> likelihood = np.array([[0.9, 0.9, 0.4, 0.3, 0.9, 0.9]])
        >>> gaps = find_ways(likelihood > 0.5, likelihood < 0.5, likelihood)
        >>> draw_bridges(likelihood > 0.5, gaps, likelihood)
        (array([[ True,  True,  True,  True,  True,  True]]), ['bridged'])
    """
    volume = np.pad(np.atleast_3d(mask), 1).astype(np.uint8)
    closed = np.zeros(mask.shape, bool) if blocked is None else blocked
    from monai_topo.graphs.thinning import add_path, grow, padded_places

    places, group = padded_places(volume), _Groups()
    outcomes: list[Outcome] = ["not drawn"] * len(gaps)
    for number in sorted(range(len(gaps)), key=lambda n: (-gaps[n].weakest, -gaps[n].mean)):
        gap = gaps[number]
        if not allow_loops and group.of(gap.components[0]) == group.of(gap.components[1]):
            outcomes[number] = "joined already"
        elif not closed[tuple(gap.path[1:-1].T)].any() and add_path(volume, _flat(gap.path, volume), places):
            grow(volume, _flat(_tube(gap, mask.shape, spacing, likelihood, closed), volume), places)
            group.join(*gap.components)
            outcomes[number] = "bridged"
    return volume[1:-1, 1:-1, 1:-1].reshape(mask.shape).astype(bool), outcomes


class _Groups:
    """Numbers that were joined."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def of(self, number: int) -> int:
        while number in self._parent:
            number = self._parent[number]
        return number

    def join(self, one: int, other: int) -> None:
        first, second = self.of(one), self.of(other)
        if first != second:
            self._parent[second] = first


def _flat(voxels: NDArray[np.int64], volume: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Flat indices in the padded volume; a plane is one slice of it."""
    padded = np.ones((len(voxels), 3), dtype=np.int64)
    padded[:, : voxels.shape[1]] = voxels + 1
    return np.asarray(padded @ np.array(volume.strides))


def _tube(
    gap: Gap,
    shape: tuple[int, ...],
    spacing: Sequence[float] | float,
    likelihood: NDArray[np.floating],
    closed: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Open voxels within the radius of the nearest place of the path, the nearest first."""
    from scipy.spatial import cKDTree

    sizes = np.broadcast_to(np.asarray(spacing, dtype=float), len(shape))
    reach = np.ceil(max(gap.radii) / sizes).astype(int)
    low = np.maximum(gap.path.min(axis=0) - reach, 0)
    high = np.minimum(gap.path.max(axis=0) + reach + 1, shape)
    voxels = np.indices(high - low).reshape(len(shape), -1).T + low
    distance, nearest = cKDTree(gap.path * sizes).query(voxels * sizes)
    radius = np.linspace(*gap.radii, len(gap.path))[nearest]
    inside = (distance <= radius * (1 + 1e-9)) & ~closed[tuple(voxels.T)]
    order = np.lexsort((-likelihood[tuple(voxels[inside].T)], distance[inside].round(9)))
    return np.asarray(voxels[inside][order])
