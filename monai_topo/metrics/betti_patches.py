"""What errors of Betti numbers share: dimensions, and patches that are the same for every method."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.metrics.base import ComponentMetric
from monai_topo.topology import PatchLayout, check_dims


class BettiPatchMetric(ComponentMetric):
    """Base of the metrics of Betti numbers: numbers of each patch, averaged over patches or combined otherwise.

    A subclass implements :meth:`patch_components`, and :meth:`combine` if the numbers of a patch are no entry yet.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        dim: homology dimension, or ``"sum"``.
        connectivity: connectivity of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: count relative to a frame of foreground.
        patch_size: edge lengths of the patches, None for the whole volume.
        patch_mode: ``"grid"`` or ``"random"``.
        num_patches: number of random patches.
        seed: random seed of the corners; they are the same for every item.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.
        component: the number that this instance gives; None is that of ``dim``.

    Raises:
        ValueError: for an unknown ``dim``, or patch arguments that do not go together.
    """

    components: ClassVar[tuple[str, ...]] = ("0", "1", "2", "sum")

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
        component: str | None = None,
    ) -> None:
        if dim not in (0, 1, 2, "sum"):
            raise ValueError(f"dim must be 0, 1, 2 or 'sum', got {dim!r}.")
        super().__init__(include_background, component or str(dim), reduction, get_not_nans, ignore_index)
        self.layout = PatchLayout(patch_size, patch_mode, num_patches)
        self.dim = dim
        self.connectivity = connectivity
        self.frame = frame
        self.patch_size = patch_size
        self.patch_mode = patch_mode
        self.num_patches = num_patches
        self.seed = seed

    def dims(self, ndim: int) -> tuple[int, ...]:
        """The homology dimensions that ``dim`` asks for, of an image of so many axes."""
        return check_dims(None if self.dim == "sum" else self.dim, ndim)

    @property
    def options(self) -> dict[str, Any]:
        """The arguments that define the number; a component that ``dim`` names says nothing more."""
        found = super().options
        return {name: value for name, value in found.items() if (name, value) != ("component", str(self.dim))}

    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """What :meth:`combine` makes of the patches."""
        self.dims(target.ndim)
        patches = self.layout.slices(target.shape, np.random.RandomState(self.seed))
        return self.combine([self.patch_components(prediction[patch], target[patch]) for patch in patches])

    @abstractmethod
    def patch_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """Numbers of one patch: those by dimension and ``"sum"`` of which at least the one that ``dim`` names."""

    def combine(self, found: list[dict[str, float]]) -> dict[str, float]:
        """Mean of each number over the patches."""
        return {name: float(np.mean([numbers[name] for numbers in found])) for name in found[0]}
