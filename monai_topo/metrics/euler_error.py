"""The Euler error: the difference of the Euler characteristics of two masks."""

from __future__ import annotations

from typing import Any

import torch
from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.metrics.base import TopologyMetric
from monai_topo.metrics.signatures import show_options
from monai_topo.topology import euler_characteristic


def compute_euler_error(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Euler error of each item and channel; :class:`EulerErrorMetric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``connectivity`` and ``ignore_index`` of :class:`EulerErrorMetric`.

    Returns:
        ``(B, C)`` errors of at least 0, always finite; two empty masks have error 0.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> two_dots = torch.tensor([[[[1.0, 0.0, 1.0]]]])
        >>> compute_euler_error(torch.zeros_like(two_dots), two_dots)
        tensor([[2.]])
    """
    return EulerErrorMetric(include_background, **options)(y_pred, y)


class EulerErrorMetric(TopologyMetric):
    r"""Euler error of binary masks, :math:`|\chi(prediction) - \chi(ground truth)|`; lower is better.

    The Euler characteristic is components less loops (in 3D: plus cavities). The error is 0 where a false component
    and a false loop cancel, and as blind to location as the Betti error. Each volume is surrounded by one voxel of
    background.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        connectivity: connectivity of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.

    Example:
        >>> metric = EulerErrorMetric(connectivity=1)
        >>> metric(torch.eye(3)[None, None], torch.zeros(1, 1, 3, 3))
        tensor([[3.]])
    """

    def __init__(
        self,
        include_background: bool = True,
        connectivity: int | None = None,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(include_background, reduction, get_not_nans, ignore_index)
        self.connectivity = connectivity

    def channel_value(self, prediction: NDArray[Any], target: NDArray[Any]) -> float:
        """Difference of the Euler characteristics."""
        numbers = [euler_characteristic(mask, self.connectivity) for mask in (prediction, target)]
        return float(abs(numbers[0] - numbers[1]))


show_options(compute_euler_error, EulerErrorMetric)
