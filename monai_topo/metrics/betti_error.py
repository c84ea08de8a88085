"""The Betti number error: how many extra or missing components, loops and cavities a segmentation has."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray

from monai_topo.metrics.betti_patches import BettiPatchMetric
from monai_topo.metrics.signatures import show_options
from monai_topo.topology import betti_numbers


def compute_betti_error(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Betti number error of each item and channel; :class:`BettiErrorMetric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``dim``, ``connectivity``, ``frame``, ``patch_size``, ``patch_mode``, ``num_patches``, ``seed`` and
            ``ignore_index`` of :class:`BettiErrorMetric`.

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
    return BettiErrorMetric(include_background, **options)(y_pred, y)


class BettiErrorMetric(BettiPatchMetric):
    r"""Betti number error of binary segmentations, :math:`|b_k(prediction) - b_k(ground truth)|`; lower is better.

    The error is blind to location: a missing loop here and a false one there cancel within one patch, which is why
    papers average it over small patches. Each volume or patch is surrounded by one voxel of background before
    counting (by foreground with ``frame``), so a loop that only the image's border would close does not count.

    Inputs are batch-first tensors or lists of channel-first ones, 2D or 3D, of 0 and 1. One instance gives one number
    for each item and channel, at least 0 and always finite: make one for each dimension, framed or not, that you
    report, and print it beside the result: its text holds the whole protocol.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        dim: homology dimension (0 components; 1 loops; 2 cavities, 3D only), or ``"sum"`` of the errors of all.
        connectivity: foreground connectivity: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6). Take the loss's.
        frame: count relative to a frame of foreground, so that structures cut by the border close; on membranes
            this is the number that tells good from bad.
        patch_size: edge lengths of the patches, None for the whole volume. The error is the mean over the patches.
            2D papers take 64 or 65; the size changes the result a lot.
        patch_mode: ``"grid"``: tiles that cover the volume; ``"random"``: ``num_patches`` corners drawn uniformly.
        num_patches: number of random patches.
        seed: the generator of random corners restarts from it for each item, so that two methods, two batch sizes
            or two ranks see the same patches.
        reduction: MONAI's, over items and channels: ``"none"``, ``"mean"``, ``"sum"``, ``"mean_batch"``,
            ``"sum_batch"``, ``"mean_channel"``, ``"sum_channel"``.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.

    Raises:
        ValueError: for an unknown ``dim``, or patch arguments that do not go together.

    Example:
        >>> metric = BettiErrorMetric(dim=0)
        >>> metric(y_pred=torch.eye(4)[None, None], y=torch.zeros(1, 1, 4, 4))
        tensor([[1.]])
        >>> metric.aggregate()
        tensor([1.])
        >>> print(BettiErrorMetric(dim=1, connectivity=1, patch_size=64))
        BettiErrorMetric(dim=1, connectivity=1, frame=False, patch_size=64, patch_mode='grid', num_patches=None, seed=0)
    """

    def patch_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """Errors of all dimensions and their sum."""
        counts = [betti_numbers(patch, self.connectivity, frame=self.frame) for patch in (prediction, target)]
        errors = {str(k): float(abs(p - t)) for k, (p, t) in enumerate(zip(*counts, strict=True))}
        return {**errors, "sum": sum(errors.values())}


show_options(compute_betti_error, BettiErrorMetric)
