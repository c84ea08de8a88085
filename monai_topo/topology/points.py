"""Points of persistence diagrams: those of many fields in flat columns, and the view of one field."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.checks import Direction, check_dims, check_direction, is_full_connectivity
from monai_topo.topology.engines import ESSENTIAL

_MOST_DIMS = 3


@dataclass(frozen=True)
class PersistencePairs:
    """The persistence pairs of one field: where each topological feature is born and where it dies.

    Attributes:
        birth: voxel where each feature is born, a flat C-order index (int64), by homology dimension.
        death: likewise where it dies; -1 (``ESSENTIAL``) for the class that never dies.
        shape: shape of the field that the indices refer to.
        direction: ``"superlevel"`` or ``"sublevel"``.
        connectivity: 1 (face) or ``len(shape)`` (full), of the foreground.
        frame: whether the pairs are relative to a surrounding frame of foreground.

    Example:
        >>> from monai_topo.topology import persistence_pairs
        >>> pairs = persistence_pairs(np.array([[0.9, 0.1, 0.8]]), dims=0)
        >>> pairs.birth[0], pairs.death[0]
        (array([0, 2]), array([-1,  1]))
    """

    birth: Mapping[int, NDArray[np.int64]]
    death: Mapping[int, NDArray[np.int64]]
    shape: tuple[int, ...]
    direction: Direction
    connectivity: int
    frame: bool

    @property
    def dims(self) -> tuple[int, ...]:
        """The homology dimensions that were computed."""
        return tuple(self.birth)


@dataclass(frozen=True)
class Filtration:
    """How fields are filtered and which points are kept: the options of ``persistence_pairs``, as they were given.

    Example:
        >>> Filtration(direction="sublevel", connectivity=1, frame=True).direction
        'sublevel'
    """

    direction: str = "superlevel"
    connectivity: int | None = None
    dims: Sequence[int] | int | None = None
    frame: bool = False
    min_persistence: float = 0.0
    engine: str = "auto"


@dataclass(frozen=True)
class DiagramPoints:
    """The points of the persistence diagrams of many fields (patches), in flat columns.

    The rows are sorted by patch, then dimension, then birth, then death. Voxels are named by their flat C-order index
    in all fields, one laid behind the other: in N fields of V voxels, field n has n * V to n * V + V - 1.

    Attributes:
        patch: number of the field of each point in the batch.
        dim: its homology dimension.
        birth: the voxel where it is born.
        death: the voxel where it dies; -1 (``ESSENTIAL``) for the class that never dies.
        shapes: the shape of each field.
        filtration: options by which the fields were filtered.

    Example:
        >>> from monai_topo.topology import persistence_pairs_batch
        >>> points = persistence_pairs_batch([[[0.9, 0.2, 0.7]], [[0.5, 0.5, 0.5]]], dims=0)
        >>> points.patch, points.birth, points.death
        (array([0, 0, 1]), array([0, 2, 3]), array([-1,  1, -1]))
        >>> points.birth[points.rows(patch=1, dim=0)]
        array([3])
        >>> points.pairs(1).birth[0]
        array([0])
    """

    patch: NDArray[np.int64]
    dim: NDArray[np.int64]
    birth: NDArray[np.int64]
    death: NDArray[np.int64]
    shapes: tuple[tuple[int, ...], ...]
    filtration: Filtration

    @property
    def count(self) -> int:
        """Number of points."""
        return len(self.patch)

    def dims(self, patch: int) -> tuple[int, ...]:
        """The homology dimensions that were computed of one field."""
        return check_dims(self.filtration.dims, len(self.shapes[patch]))

    def rows(self, patch: int, dim: int) -> slice:
        """The rows of one field and dimension."""
        group = patch * _MOST_DIMS + dim
        return slice(self._stops[group], self._stops[group + 1])

    def pairs(self, patch: int) -> PersistencePairs:
        """The points of one field, with flat indices into it."""
        shape, first = self.shapes[patch], self._first_voxels[patch]
        rows = {k: self.rows(patch, k) for k in self.dims(patch)}
        return PersistencePairs(
            birth={k: self.birth[of_dim] - first for k, of_dim in rows.items()},
            death={k: _shift(self.death[of_dim], -first) for k, of_dim in rows.items()},
            shape=shape,
            direction=check_direction(self.filtration.direction),
            connectivity=len(shape) if is_full_connectivity(self.filtration.connectivity, len(shape)) else 1,
            frame=bool(self.filtration.frame),
        )

    def one(self, patch: int) -> DiagramPoints:
        """The points of one field as those of a batch of one, in arrays of their own."""
        rows = slice(*np.searchsorted(self.patch, [patch, patch + 1]))
        first = self._first_voxels[patch]
        columns = self.patch[rows] - patch, self.dim[rows].copy(), self.birth[rows] - first
        death = np.where(self.death[rows] == ESSENTIAL, ESSENTIAL, self.death[rows] - first)
        return DiagramPoints(*columns, death, (self.shapes[patch],), self.filtration)

    @cached_property
    def _stops(self) -> list[int]:
        counts = np.bincount(self.patch * _MOST_DIMS + self.dim, minlength=_MOST_DIMS * len(self.shapes))
        return [0, *np.cumsum(counts).tolist()]

    @cached_property
    def _first_voxels(self) -> list[int]:
        return [0, *np.cumsum([math.prod(shape) for shape in self.shapes], dtype=np.int64).tolist()]

    @classmethod
    def of_stack(
        cls,
        pairs: Mapping[int, tuple[NDArray[np.int64], NDArray[np.int64]]],
        shape: tuple[int, ...],
        filtration: Filtration,
    ) -> DiagramPoints:
        """The points of a stack ``(N, ...)`` of fields from each dimension's births and deaths, sorted by birth."""
        birth, death = (np.concatenate([columns[side] for columns in pairs.values()]) for side in (0, 1))
        dim = np.repeat(np.fromiter(pairs, np.int64, len(pairs)), [len(found) for found, _ in pairs.values()])
        shapes = (shape[1:],) * shape[0]
        if len(shapes) == 1:
            return cls(np.zeros_like(dim), dim, birth, death, shapes, filtration)
        patch = birth // math.prod(shape[1:])
        order = np.argsort(patch, kind="stable")
        return cls(patch[order], dim[order], birth[order], death[order], shapes, filtration)

    @classmethod
    def join(cls, parts: Sequence[DiagramPoints], filtration: Filtration) -> DiagramPoints:
        """The points of the fields of all parts, in order."""
        if len(parts) == 1:
            return parts[0]
        voxels = np.cumsum([0, *(part._first_voxels[-1] for part in parts)]).tolist()
        patches = np.cumsum([0, *(len(part.shapes) for part in parts)]).tolist()
        return cls(
            patch=_concatenate([part.patch + first for part, first in zip(parts, patches, strict=False)]),
            dim=_concatenate([part.dim for part in parts]),
            birth=_concatenate([part.birth + first for part, first in zip(parts, voxels, strict=False)]),
            death=_concatenate([_shift(part.death, first) for part, first in zip(parts, voxels, strict=False)]),
            shapes=tuple(shape for part in parts for shape in part.shapes),
            filtration=filtration,
        )


def _concatenate(columns: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *columns])


def _shift(death: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    return np.where(death == ESSENTIAL, ESSENTIAL, death + first) if first else death
