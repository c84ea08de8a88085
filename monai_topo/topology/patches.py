"""Where the patches of a volume lie: the same grid or random corners for every loss and metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from monai.data.utils import dense_patch_slices, get_random_patch, get_valid_patch_size

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

    Example:
        >>> layout = PatchLayout(4, "grid")
        >>> [(int(rows.start), int(rows.stop)) for rows, _ in layout.slices((6, 3))]
        [(0, 4), (2, 6)]
    """

    def __init__(
        self, patch_size: Sequence[int] | int | None = None, patch_mode: str = "grid", num_patches: int | None = None
    ) -> None:
        if patch_mode not in PATCH_MODES:
            raise ValueError(f"patch_mode must be one of {PATCH_MODES}, got {patch_mode!r}.")
        if patch_size is not None and np.min(patch_size) < 1:
            raise ValueError(f"patch_size must be None or at least 1 voxel on every axis, got {patch_size!r}.")
        drawn = patch_mode == "random" and patch_size is not None
        if drawn and (num_patches is None or num_patches < 1):
            raise ValueError(f"num_patches must be at least 1 with patch_mode='random', got {num_patches!r}.")
        if num_patches is not None and not drawn:
            raise ValueError("num_patches needs a patch_size and patch_mode='random': a grid fixes its own number.")
        self.patch_size = patch_size
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
            return [tuple(slice(0, size) for size in shape)]
        if not isinstance(self.patch_size, int) and len(self.patch_size) != len(shape):
            raise ValueError(f"patch_size {self.patch_size!r} does not fit data with {len(shape)} spatial axes.")
        per_axis = (self.patch_size,) * len(shape) if isinstance(self.patch_size, int) else self.patch_size
        size = get_valid_patch_size(shape, per_axis)
        if self.num_patches is None:
            return list(dense_patch_slices(shape, size, size))
        if random_state is None:
            raise ValueError("random_state is needed to draw random patches.")
        return [get_random_patch(shape, size, random_state) for _ in range(self.num_patches)]
