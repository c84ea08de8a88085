"""The Betti number error: how many components, loops and cavities a segmentation has too many or too few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric
from monai.metrics.utils import do_metric_reduction, ignore_background
from monai.utils import MetricReduction

from monai_topo.data.patches import PatchLayout
from monai_topo.topology import betti_numbers
from monai_topo.topology.field import check_dims


def compute_betti_error(
    y_pred: torch.Tensor,
    y: torch.Tensor,
    include_background: bool = True,
    *,
    dim: int | str = "sum",
    connectivity: int | None = None,
    frame: bool = False,
    patch_size: Sequence[int] | int | None = None,
    patch_mode: str = "grid",
    num_patches: int | None = None,
    seed: int = 0,
) -> torch.Tensor:
    r"""Betti number error of binary segmentations, :math:`|b_k(prediction) - b_k(ground truth)|`.

    The error is blind to location: a missing loop here and a false one there cancel within one patch, which is why
    papers average it over small patches. Each volume or patch is surrounded by one voxel of background before
    counting (by foreground with ``frame``), so a loop that only the image's border would close does not count.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: if False, channel 0 is left out (unless it is the only one).
        dim: homology dimension (0 components; 1 loops; 2 cavities, 3D only), or ``"sum"`` of the errors of all.
        connectivity: of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6). Take the loss's.
        frame: count relative to a frame of foreground, so that structures cut by the border close; on membranes
            this is the number that tells good from bad.
        patch_size: edge lengths of the patches, None for the whole volume. The error is the mean over the patches.
            2D papers take 64 or 65; the size changes the result a lot.
        patch_mode: ``"grid"``: tiles that cover the volume; ``"random"``: ``num_patches`` corners drawn uniformly.
        num_patches: number of random patches.
        seed: the generator of random corners restarts from it for each item, so that two methods, two batch sizes
            or two ranks see the same patches.

    Returns:
        ``(B, C)`` errors of at least 0, always finite; two empty masks have error 0.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> ring = torch.zeros(1, 1, 5, 5)
        >>> ring[..., 1:4, 1:4] = 1
        >>> ring[..., 2, 2] = 0
        >>> compute_betti_error(torch.zeros_like(ring), ring)  # one component and one loop are missing
        tensor([[2.]])
    """
    _check_shapes(y_pred, y)
    if not include_background:
        y_pred, y = ignore_background(y_pred, y)
    ndim = y.ndim - 2
    dims = list(check_dims(None if dim == "sum" else dim, ndim))
    layout = PatchLayout(patch_size, patch_mode, num_patches)
    patches = layout.slices(y.shape[2:], np.random.RandomState(seed))

    def error(predicted: torch.Tensor, true: torch.Tensor) -> float:
        counts = np.array(
            [[betti_numbers(mask[patch], connectivity, frame=frame) for patch in patches] for mask in (predicted, true)]
        )
        return float(np.abs(counts[0] - counts[1])[:, dims].sum(axis=1).mean())

    errors = [[error(p, t) for p, t in zip(*item, strict=True)] for item in zip(y_pred, y, strict=True)]
    return torch.tensor(errors, dtype=torch.float32, device=y_pred.device)


def _check_shapes(y_pred: torch.Tensor, y: torch.Tensor) -> None:
    if y_pred.ndim not in (4, 5):
        raise ValueError(
            "y_pred should have at least 3 dimensions: batch, channel and two or three spatial ones, "
            f"got shape {tuple(y_pred.shape)}."
        )
    if y_pred.shape != y.shape:
        raise ValueError(f"y_pred and y must have one shape, got {tuple(y_pred.shape)} and {tuple(y.shape)}.")


class BettiErrorMetric(CumulativeIterationMetric):
    """Betti number error, accumulated over iterations; see :func:`compute_betti_error` for the definition.

    Inputs are batch-first tensors or lists of channel-first ones, 2D or 3D, of 0 and 1. One instance gives one number
    for each item and channel: make one for each dimension, framed or not, that you report, and print it beside the
    result: its text holds the whole protocol.

    Args:
        include_background: if False, channel 0 is left out (unless it is the only one).
        dim: homology dimension, or ``"sum"`` of the errors of all.
        connectivity: of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: count relative to a frame of foreground.
        patch_size: edge lengths of the patches, None for the whole volume.
        patch_mode: ``"grid"`` or ``"random"``.
        num_patches: number of random patches.
        seed: of the random corners; they are the same for every item.
        reduction: MONAI's, over items and channels: ``"none"``, ``"mean"``, ``"sum"``, ``"mean_batch"``,
            ``"sum_batch"``, ``"mean_channel"``, ``"sum_channel"``.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.

    Raises:
        ValueError: for patch arguments that do not go together.

    Example:
        >>> metric = BettiErrorMetric(dim=0)
        >>> metric(y_pred=torch.eye(4)[None, None], y=torch.zeros(1, 1, 4, 4))
        tensor([[1.]])
        >>> metric.aggregate()
        tensor([1.])
        >>> metric
        BettiErrorMetric(dim=0, connectivity=None, frame=False, patch_size=None)
    """

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
    ) -> None:
        super().__init__()
        PatchLayout(patch_size, patch_mode, num_patches)  # refuses a bad combination now, not at the first batch
        self.include_background = include_background
        self.protocol: dict[str, Any] = {
            "dim": dim,
            "connectivity": connectivity,
            "frame": frame,
            "patch_size": patch_size,
            "patch_mode": patch_mode,
            "num_patches": num_patches,
            "seed": seed,
        }
        self.reduction = reduction
        self.get_not_nans = get_not_nans

    def __repr__(self) -> str:
        patches = () if self.protocol["patch_size"] is None else ("patch_mode",)
        drawn = ("num_patches", "seed") if self.protocol["num_patches"] else ()
        shown = ("dim", "connectivity", "frame", "patch_size", *patches, *drawn)
        return f"{type(self).__name__}({', '.join(f'{name}={self.protocol[name]!r}' for name in shown)})"

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None, **kwargs: Any) -> torch.Tensor:
        if y is None:
            raise ValueError("y, the ground truth, is needed for a Betti error.")
        return compute_betti_error(y_pred, y, self.include_background, **self.protocol)

    def aggregate(
        self, reduction: MetricReduction | str | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Reduce the errors of all items so far.

        Args:
            reduction: None is the constructor's.

        Returns:
            The reduced error, and with ``get_not_nans`` the number of entries that went into it.

        Raises:
            ValueError: when nothing has been computed yet.
        """
        data = self.get_buffer()
        if not isinstance(data, torch.Tensor):
            raise ValueError("the data to aggregate must be PyTorch Tensor: call the metric on a batch first.")
        error, not_nans = do_metric_reduction(data, reduction or self.reduction)
        return (error, not_nans) if self.get_not_nans else error
