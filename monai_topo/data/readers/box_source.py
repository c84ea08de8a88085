"""Volumes of which boxes are read, whatever way their axes are turned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


@dataclass(frozen=True)
class BoxSource:
    """A volume on disk that stands where an array would, of which nothing is in memory: its boxes are read.

    It can be flipped and transposed as an array can, so that :func:`~monai_topo.data.on_grid_of` turns it.

    Attributes:
        read: function that reads a region, a slice with start and stop for each axis of the file.
        stored: shape of the file's axes.
        dtype: type of the numbers.
        order: axis of the file that each axis is.
        flips: one bool for each axis, whether it runs the other way.
    """

    read: Callable[[tuple[slice, ...]], NDArray[Any]]
    stored: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    flips: tuple[bool, ...]

    @classmethod
    def of(cls, read: Callable[..., NDArray[Any]], shape: Sequence[int], dtype: DTypeLike) -> BoxSource:
        """One whose axes are the file's."""
        ndim = len(shape)
        return cls(read, tuple(shape), np.dtype(dtype).newbyteorder("="), tuple(range(ndim)), (False,) * ndim)

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return tuple(self.stored[axis] for axis in self.order)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.stored)

    @property
    def size(self) -> int:
        """Number of voxels."""
        return int(np.prod(self.stored))

    def astype(self, dtype: DTypeLike, copy: bool = False) -> BoxSource:
        """Itself, as its numbers are in this machine's byte order already."""
        return self

    def transpose(self, *order: Any) -> BoxSource:
        """With other axes first."""
        places = order[0] if len(order) == 1 and not isinstance(order[0], int) else order
        turned = tuple(self.order[k] for k in places), tuple(self.flips[k] for k in places)
        return replace(self, order=turned[0], flips=turned[1])

    def __getitem__(self, index: tuple[slice, ...]) -> BoxSource:
        """With the axes flipped whose slice steps back; the slices are of whole axes."""
        back = [part.step == -1 for part in index]
        flips = tuple(flip != step for flip, step in zip(self.flips, back, strict=True))
        return replace(self, flips=flips)

    def box(self, bounds: Sequence[tuple[int, int]]) -> NDArray[Any]:
        """The voxels of a box.

        Args:
            bounds: start and stop along each axis, inside of the volume.

        Example:
            >>> array = np.arange(6).reshape(2, 3)
            >>> source = BoxSource.of(array.__getitem__, array.shape, array.dtype)
            >>> source.transpose(1, 0)[::-1, ::1].box([(0, 2), (0, 1)]).tolist()
            [[2], [1]]
        """
        region: list[slice] = [slice(0, 0)] * self.ndim
        for (start, stop), axis, flip in zip(bounds, self.order, self.flips, strict=True):
            n = self.stored[axis]
            region[axis] = slice(n - stop, n - start) if flip else slice(start, stop)
        array = self.read(tuple(region)).transpose(self.order)
        return np.ascontiguousarray(array[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)])
