"""Persistence pairs of fields that come again, such as the targets of one patch in every epoch."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.persistence import points_of_stack
from monai_topo.topology.points import DiagramPoints, Filtration

_MEBIBYTE = 2**20
_OF_AN_ENTRY = 1024
"""Bytes that an entry takes beside its arrays."""


class PointsCache:
    """The points of fields, kept for when the same field comes again; what was not used for longest goes first.

    A field is known by a digest of its content: its voxels as bits where it has two values, as the target of a
    segmentation has, otherwise its values. Threads may share one. Copies and pickles begin empty.

    Args:
        max_mib: memory for all that is kept, in MiB, above 0. The points of a binary target of 64³ take 20 to 100 kB.

    Attributes:
        hits: number of fields that were known.
        misses: number of those that were computed.

    Raises:
        ValueError: when ``max_mib`` is not above 0.

    Example:
        >>> from monai_topo.topology import match_induced_batch
        >>> cache = PointsCache(max_mib=8)
        >>> mask = np.eye(3)
        >>> found = [match_induced_batch([mask / 2], [mask], target_cache=cache) for epoch in range(3)]
        >>> cache.misses, cache.hits
        (1, 2)
    """

    def __init__(self, max_mib: float) -> None:
        if not isinstance(max_mib, int | float | np.number) or not max_mib > 0:
            raise ValueError(f"max_mib must be above 0, got {max_mib!r}.")
        self.max_mib = max_mib
        self.hits = self.misses = 0
        self._kept: OrderedDict[bytes, DiagramPoints] = OrderedDict()
        self._bytes, self._lock = 0, Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.max_mib,)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def kept_bytes(self) -> int:
        """Bytes that are taken."""
        return self._bytes

    def points_of_stack(self, stack: NDArray[Any], filtration: Filtration) -> DiagramPoints:
        """The points of fields ``(N, H, W[, D])`` that grow by sublevel sets already, those of known ones from memory.

        Raises:
            ValueError: for an unknown option.
        """
        keys = [_digest(field, filtration) for field in stack]
        found = self._known(keys)
        unknown = [n for n, points in enumerate(found) if points is None]
        if unknown:
            computed = points_of_stack(stack[unknown], filtration)
            for row, n in enumerate(unknown):
                found[n] = self._keep(keys[n], computed.one(row))
        parts = [points for points in found if points is not None]
        return DiagramPoints.join(parts, filtration) if len(parts) > 1 else parts[0].one(0)

    def _known(self, keys: list[bytes]) -> list[DiagramPoints | None]:
        with self._lock:
            found = [self._kept.get(key) for key in keys]
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
            self.misses += found.count(None)
            self.hits += len(found) - found.count(None)
        return found

    def _keep(self, key: bytes, points: DiagramPoints) -> DiagramPoints:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = points
                self._bytes += _bytes_of(points)
            while self._bytes > self.max_mib * _MEBIBYTE:
                self._bytes -= _bytes_of(self._kept.popitem(last=False)[1])
        return points


def _digest(field: NDArray[Any], filtration: Filtration) -> bytes:
    """What tells a field and its filtration from all others."""
    low, high = field.min(), field.max()
    bits = field == high
    content = np.packbits(bits) if np.array_equal(bits, field != low) or low == high else np.ascontiguousarray(field)
    name = (content.dtype.str, field.dtype.str, field.shape, float(low), float(high), filtration)
    digest = hashlib.blake2b(repr(name).encode(), digest_size=16)
    digest.update(content.data)
    return digest.digest()


def _bytes_of(points: DiagramPoints) -> int:
    columns = (points.patch, points.dim, points.birth, points.death)
    return sum(column.nbytes for column in columns) + _OF_AN_ENTRY
