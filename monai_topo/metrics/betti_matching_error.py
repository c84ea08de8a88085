"""The Betti matching error: features of a segmentation and of the ground truth that do not match in space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.metrics.betti_patches import BettiPatchMetric
from monai_topo.metrics.signatures import show_options
from monai_topo.topology import betti_numbers, count_features


def compute_betti_matching_error(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Betti matching error of each item and channel; :class:`BettiMatchingErrorMetric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``dim``, ``connectivity``, ``frame``, ``normalize``, ``patch_size``, ``patch_mode``, ``num_patches``,
            ``seed`` and ``ignore_index`` of :class:`BettiMatchingErrorMetric`.

    Returns:
        ``(B, C)`` errors of at least 0, always finite; two empty masks have error 0.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> left, right = torch.zeros(2, 1, 1, 5, 9)
        >>> left[..., 1:4, 1:4], right[..., 1:4, 5:8] = 1, 1  # one component each, in two places
        >>> compute_betti_matching_error(left[None], right[None])
        tensor([[2.]])
    """
    return BettiMatchingErrorMetric(include_background, **options)(y_pred, y)


class BettiMatchingErrorMetric(BettiPatchMetric):
    r"""Betti matching error, :math:`b_k(P) + b_k(G) - 2 m_k`, the number of unmatched features; lower is better.

    P is the prediction, G the ground truth, and m_k the number of features that both share inside their union U:

    .. math:: m_k = \dim(im(H_k(P) \to H_k(U)) \cap im(H_k(G) \to H_k(U)))

    so a component matches where both overlap or touch through the same component of U, a loop where both go around the
    same hole of U. Unlike the Betti number error it sees where a feature is, and errors do not cancel. The definition
    is a rank, free of ties: a matching of bars by cell order (Stucki et al. 2023), in which all bars of a binary mask
    tie, may match more loops in 3D. A missing object costs 1. Each volume or patch is surrounded by one voxel of
    background, or of foreground with ``frame``.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        dim: homology dimension (0 components; 1 loops; 2 cavities, 3D only), or ``"sum"`` of the errors of all.
        connectivity: foreground connectivity: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6). Take the loss's.
        frame: count relative to a frame of foreground, so that structures cut by the border close.
        normalize: divide by the ground truth's number of components and loops, b_0 + b_1, at most 1.
        patch_size: edge lengths of the patches, None for the whole volume. The error is the mean over the patches.
        patch_mode: ``"grid"``: tiles that cover the volume; ``"random"``: ``num_patches`` corners drawn uniformly.
        num_patches: number of random patches.
        seed: the generator of random corners restarts from it for each item.
        reduction: MONAI's, over items and channels: ``"none"``, ``"mean"``, ``"sum"``, ``"mean_batch"``,
            ``"sum_batch"``, ``"mean_channel"``, ``"sum_channel"``.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.

    Raises:
        ValueError: for an unknown ``dim``, or patch arguments that do not go together.

    Example:
        >>> metric = BettiMatchingErrorMetric(dim=0)
        >>> metric(y_pred=torch.eye(4)[None, None], y=torch.zeros(1, 1, 4, 4))
        tensor([[1.]])
        >>> metric.aggregate()
        tensor([1.])
    """

    def __init__(
        self,
        include_background: bool = True,
        dim: int | str = "sum",
        connectivity: int | None = None,
        frame: bool = False,
        normalize: bool = False,
        patch_size: Sequence[int] | int | None = None,
        patch_mode: str = "grid",
        num_patches: int | None = None,
        seed: int = 0,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(
            include_background,
            dim,
            connectivity,
            frame,
            patch_size,
            patch_mode,
            num_patches,
            seed,
            reduction,
            get_not_nans,
            ignore_index,
        )
        self.normalize = normalize

    def patch_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """Errors of the dimensions that ``dim`` asks for, and their sum."""
        counts = count_features(prediction, target, self.connectivity, dims=self.dims(target.ndim), frame=self.frame)
        errors = {str(k): float(found.predicted + found.true - 2 * found.matched) for k, found in counts.items()}
        errors["sum"] = sum(errors.values())
        if self.normalize:
            features = max(sum(betti_numbers(target, self.connectivity, frame=self.frame)[:2]), 1)
            return {name: min(1.0, error / features) for name, error in errors.items()}
        return errors


show_options(compute_betti_matching_error, BettiMatchingErrorMetric)
