"""The places of a label or likelihood where topology is decided, each kind by its name."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.graphs import centerline_mask, skeleton_graph
from monai_topo.topology import PersistencePairs, is_full_connectivity, persistence_pairs, stable_manifolds

if TYPE_CHECKING:
    import networkx

Mask = NDArray[np.bool_]


class LabelPlaces:
    """The places of one mask, of each kind as a mask.

    Args:
        mask: one channel.
        connectivity: connectivity of the foreground.
        spacing: voxel size along each axis.
        radius: radius of erosion and dilation, in the units of ``spacing``.
    """

    kinds = ("skeleton", "branch_points", "end_points", "thin", "holes", "topology_changes")

    def __init__(self, mask: Mask, connectivity: int | None, spacing: tuple[float, ...], radius: float) -> None:
        self.mask = mask
        self.connectivity = connectivity
        self.spacing = spacing
        self.radius = radius

    @cached_property
    def skeleton(self) -> Mask:
        """Voxels of the centerline."""
        return centerline_mask(self.mask)

    @cached_property
    def _graph(self) -> networkx.MultiGraph:
        return skeleton_graph(self.mask)

    @property
    def branch_points(self) -> Mask:
        """Where three or more branches of the centerline meet."""
        return self._nodes([node for node, degree in self._graph.degree if degree >= 3])

    @property
    def end_points(self) -> Mask:
        """Where a branch of the centerline ends."""
        return self._nodes([node for node, degree in self._graph.degree if degree == 1])

    def _nodes(self, nodes: list[Any]) -> Mask:
        found = np.zeros_like(self.mask)
        for node in nodes:
            found[tuple(np.round(self._graph.nodes[node]["pos"]).astype(int))] = True
        return found

    @property
    def thin(self) -> Mask:
        """Centerline voxels at most ``radius`` from the background."""
        return np.asarray(self.skeleton & (self._distance_to(~self.mask) <= self.radius))

    @property
    def holes(self) -> Mask:
        """Background that the mask encloses."""
        full = is_full_connectivity(self.connectivity, self.mask.ndim)
        structure = ndimage.generate_binary_structure(self.mask.ndim, 1 if full else self.mask.ndim)
        return np.asarray(ndimage.binary_fill_holes(self.mask, structure) & ~self.mask)

    @property
    def topology_changes(self) -> Mask:
        """Where an erosion or dilation by up to ``radius`` changes the Betti numbers.

        The sublevel sets of the signed distance map are the erosions and dilations of the mask. A feature that is
        there before one of them and not after it, or the other way round, comes or goes at its critical voxel.
        """
        if self.mask.all() or not self.mask.any():
            return np.zeros_like(self.mask)
        distance = self._distance_to(self.mask) - self._distance_to(~self.mask)
        pairs = persistence_pairs(distance, direction="sublevel", connectivity=self.connectivity)
        eroded = float(np.nextafter(-self.radius, -np.inf))  # an erosion takes the voxels at the radius, too
        return _changes_between(distance, pairs, eroded, 0.0) | _changes_between(distance, pairs, 0.0, self.radius)

    def _distance_to(self, mask: Mask) -> NDArray[np.float64]:
        if not mask.any():
            return np.full(mask.shape, np.inf)
        return np.asarray(ndimage.distance_transform_edt(~mask, sampling=self.spacing), dtype=np.float64)


def _changes_between(field: NDArray[np.float64], pairs: PersistencePairs, start: float, stop: float) -> Mask:
    """Where the features come and go that one of two sublevel sets has and the other has not."""
    found = np.zeros(field.shape, bool)
    for dim in pairs.dims:
        born = field.flat[pairs.birth[dim]]
        dies = np.where(pairs.death[dim] >= 0, field.flat[pairs.death[dim]], np.inf)
        found.flat[pairs.birth[dim][(start < born) & (born <= stop) & (stop < dies)]] = True
        found.flat[pairs.death[dim][(born <= start) & (start < dies) & (dies <= stop)]] = True
    return found


class LikelihoodPlaces:
    """The places of one likelihood, of each kind as a mask.

    Args:
        likelihood: one channel.
        connectivity: connectivity of the foreground.
        min_persistence: least persistence of the features that count.
    """

    kinds = ("critical_voxels", "stable_manifolds")

    def __init__(self, likelihood: NDArray[Any], connectivity: int | None, min_persistence: float) -> None:
        self.likelihood = likelihood
        self.connectivity = connectivity
        self.min_persistence = min_persistence

    @property
    def critical_voxels(self) -> Mask:
        """Births and deaths of the features that persist."""
        pairs = persistence_pairs(self.likelihood, connectivity=self.connectivity, min_persistence=self.min_persistence)
        found = np.zeros(self.likelihood.shape, bool)
        for dim in pairs.dims:
            found.flat[pairs.birth[dim]] = True
            found.flat[pairs.death[dim][pairs.death[dim] >= 0]] = True
        return found

    @property
    def stable_manifolds(self) -> Mask:
        """Ridges, and in 3D walls, weak places included."""
        dims = range(1, self.likelihood.ndim)
        return stable_manifolds(
            self.likelihood,
            persistence_threshold=self.min_persistence,
            dims=tuple(dims),
            connectivity=self.connectivity,
        )
