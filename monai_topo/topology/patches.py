"""Where the patches of a volume lie: the same grid or random corners for every loss and metric."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from operator import index
from typing import Any

import numpy as np

PATCH_MODES = ("grid", "random")

Slices = tuple[slice, ...]


class PatchLayout:
    """The patches on which a topology term or metric is computed.

    Args:
        patch_size: edge lengths in voxels, one number for all axes or one for each; None is the whole input. An axis
            shorter than the patch is used whole.
        patch_mode: ``"grid"``: tiles without overlap that cover the input, the last one of each axis shifted inside;
            ``"random"``: ``num_patches`` corners drawn uniformly over the valid positions.
        num_patches: number of patches in random mode; must be left None in grid mode.

    Raises:
        ValueError: for an unknown mode, a size below 1, or ``num_patches`` that is missing, not positive or unused.
        TypeError: for a size that is no whole number.

    Example:
        >>> layout = PatchLayout(4, "grid")
        >>> [(rows.start, rows.stop) for rows, _ in layout.slices((6, 3))]
        [(0, 4), (2, 6)]
    """

    def __init__(
        self, patch_size: Sequence[int] | int | None = None, patch_mode: str = "grid", num_patches: int | None = None
    ) -> None:
        if patch_mode not in PATCH_MODES:
            raise ValueError(f"patch_mode must be one of {PATCH_MODES}, got {patch_mode!r}.")
        drawn = patch_mode == "random" and patch_size is not None
        if drawn and (num_patches is None or num_patches < 1):
            raise ValueError(f"num_patches must be at least 1 with patch_mode='random', got {num_patches!r}.")
        if num_patches is not None and not drawn:
            raise ValueError("num_patches needs a patch_size and patch_mode='random': a grid fixes its own number.")
        self.patch_size = _check_size(patch_size)
        self.patch_mode = patch_mode
        self.num_patches = num_patches

    def slices(self, shape: Sequence[int], random_state: np.random.RandomState | None = None) -> list[Slices]:
        """The patches of an input, all of one size.

        Args:
            shape: spatial shape of the input.
            random_state: draws the corners in random mode; required there.

        Raises:
            ValueError: when ``patch_size`` has another number of axes than ``shape``, or no generator is given.
        """
        if self.patch_size is None:
            return [tuple(slice(0, length) for length in shape)]
        sizes = (self.patch_size,) * len(shape) if isinstance(self.patch_size, int) else self.patch_size
        if len(sizes) != len(shape):
            raise ValueError(f"patch_size {self.patch_size!r} does not fit data with {len(shape)} spatial axes.")
        edges = [min(size, length) for size, length in zip(sizes, shape, strict=True)]
        if self.num_patches is None:
            corners = _tile(shape, sizes)
        elif random_state is None:
            raise ValueError("random_state is needed to draw random patches.")
        else:
            corners = [_draw_corner(shape, edges, random_state) for _ in range(self.num_patches)]
        return [tuple(slice(at, at + edge) for at, edge in zip(corner, edges, strict=True)) for corner in corners]


def _check_size(patch_size: Any) -> int | tuple[int, ...] | None:
    if patch_size is None:
        return None
    try:
        size = tuple(index(edge) for edge in patch_size) if np.ndim(patch_size) else index(patch_size)
    except TypeError:
        raise TypeError(f"patch_size must be whole numbers of voxels, got {patch_size!r}.") from None
    if np.size(size) == 0 or np.min(size) < 1:
        raise ValueError(f"patch_size must be None or at least 1 voxel on every axis, got {patch_size!r}.")
    return size


def _tile(shape: Sequence[int], sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Corners of tiles that cover the input, the last one of each axis shifted inside."""
    starts = (
        [max(min(start, length - size), 0) for start in range(0, max(length, 1), size)]
        for length, size in zip(shape, sizes, strict=True)
    )
    return list(product(*starts))


def _draw_corner(shape: Sequence[int], edges: Sequence[int], random_state: np.random.RandomState) -> tuple[int, ...]:
    """An axis that the patch fills takes no random number."""
    return tuple(
        int(random_state.randint(0, length - edge + 1)) if length > edge else 0
        for length, edge in zip(shape, edges, strict=True)
    )
