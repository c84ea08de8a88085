"""What errors of Betti numbers share: dimensions, and patches that are the same for every method."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.metrics.base import ComponentMetric
from monai_topo.topology import PatchLayout, check_dims


class BettiPatchMetric(ComponentMetric):
    """Base of the errors of Betti numbers: a number for each homology dimension and their sum, averaged over patches.

    A subclass implements :meth:`patch_components`.

    Args:
        include_background: if False, channel 0 is left out (unless it is the only one).
        dim: homology dimension, or ``"sum"``.
        connectivity: of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: count relative to a frame of foreground.
        patch_size: edge lengths of the patches, None for the whole volume.
        patch_mode: ``"grid"`` or ``"random"``.
        num_patches: number of random patches.
        seed: of the random corners; they are the same for every item.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.

    Raises:
        ValueError: for an unknown ``dim``, or patch arguments that do not go together.
    """

    components = ("0", "1", "2", "sum")

    def __init__(
        self,
        include_background: bool = True,
        dim: int | str = "sum",
        connectivity: int | None = None,
        frame: bool = False,
        patch_size: Sequence[int] | int | None = None,
        patch_mode: str = "grid",
        num_patches: int | None = None,
        seed: int = 0,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        if dim not in (0, 1, 2, "sum"):
            raise ValueError(f"dim must be 0, 1, 2 or 'sum', got {dim!r}.")
        super().__init__(include_background, str(dim), reduction, get_not_nans, ignore_index)
        self.layout = PatchLayout(patch_size, patch_mode, num_patches)
        self.dim = dim
        self.connectivity = connectivity
        self.frame = frame
        self.patch_size = patch_size
        self.patch_mode = patch_mode
        self.num_patches = num_patches
        self.seed = seed

    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """Mean over the patches of what :meth:`patch_components` gives."""
        check_dims(None if self.dim == "sum" else self.dim, target.ndim)
        patches = self.layout.slices(target.shape, np.random.RandomState(self.seed))
        found = [self.patch_components(prediction[patch], target[patch]) for patch in patches]
        return {name: float(np.mean([errors[name] for errors in found])) for name in found[0]}

    @abstractmethod
    def patch_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """Errors of one patch by dimension and ``"sum"``; at least the one that ``dim`` names."""
