"""Correctness, completeness and quality of centerlines, with a slack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.utils import MetricReduction
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from monai_topo.graphs import centerline_mask, check_method, check_spacing
from monai_topo.metrics.base import ComponentMetric, empty_score
from monai_topo.metrics.signatures import show_options

_ROUNDING = 1e-9


def compute_ccq(y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any) -> torch.Tensor:
    """Quality, correctness or completeness of each item and channel; :class:`CCQMetric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``component``, ``slack``, ``spacing``, ``skeletonize``, ``single_count``, ``ignore_empty``,
            ``ignore_index`` and ``skeleton_method`` of :class:`CCQMetric`.

    Returns:
        ``(B, C)`` scores in [0, 1], NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> true, predicted = torch.zeros(2, 1, 1, 20, 50)
        >>> true[..., 10, :] = 1
        >>> predicted[..., 13, :35] = 1  # 3 pixels aside, and the last 15 are missing
        >>> compute_ccq(predicted, true, component="completeness")  # 35 + 4 pixels are within 5 of it
        tensor([[0.7800]])
    """
    return CCQMetric(include_background, **options)(y_pred, y)


class CCQMetric(ComponentMetric):
    r"""Correctness, completeness and quality of centerlines (Wiedemann et al. 1998), in [0, 1]; higher is better.

    P and G are the voxels of the two skeletons. Those of P within the slack of G are :math:`TP_g`, the others FP;
    those of G within the slack of P are :math:`TP_p`, the others FN. Then

    .. math::
        correctness = TP_g / (TP_g + FP), \quad completeness = TP_p / (TP_p + FN), \quad
        quality = \frac{co \cdot cm}{co + cm - co \cdot cm}

    A break shorter than twice the slack costs nothing, so connectivity is not seen. With ``slack=0`` and
    ``skeletonize=False`` they are the scores of pixels: precision, sensitivity and intersection over union.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: ``"quality"``, ``"correctness"`` or ``"completeness"``.
        slack: largest distance at which voxels still match, inclusive; in voxels, or in the unit of ``spacing``. 5 is
            what papers on neurons and roads take.
        spacing: size of a voxel, one number or one for each axis; None is 1, distances in voxels.
        skeletonize: whether to compare the skeletons of the masks; False takes masks as they are, such as
            centerlines.
        single_count: an older variant: :math:`TP_g` takes the place of :math:`TP_p` in completeness, and quality is
            :math:`TP_g / (TP_g + FP + FN)`. Its numbers are others; do not mix.
        ignore_empty: whether the score is NaN where the ground truth is empty; otherwise it is 1 if the prediction is
            empty too and 0 if not. An empty prediction of a ground truth that is not scores 0.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.
        skeleton_method: ``"exact"`` keeps all components, loops and ends of the masks; ``"scikit-image"`` is its
            ``skeletonize`` as it is, for published tables (see :func:`monai_topo.graphs.centerline_mask`): it loses
            branches, and the score is NaN where it leaves nothing.

    Raises:
        ValueError: for an unknown component or method, or a slack that is negative or not finite.

    Example:
        >>> metric = CCQMetric(component="completeness", slack=0, skeletonize=False)
        >>> metric(torch.tensor([[[[1.0, 0.0, 0.0, 1.0]]]]), torch.tensor([[[[1.0, 1.0, 1.0, 1.0]]]]))
        tensor([[0.5000]])
    """

    components = ("quality", "correctness", "completeness")

    def __init__(
        self,
        include_background: bool = True,
        component: str = "quality",
        slack: float = 5.0,
        spacing: Sequence[float] | float | None = None,
        skeletonize: bool = True,
        single_count: bool = False,
        ignore_empty: bool = True,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
        skeleton_method: str = "exact",
    ) -> None:
        super().__init__(include_background, component, reduction, get_not_nans, ignore_index)
        check_method("skeleton_method", skeleton_method)
        if not 0 <= slack < np.inf:
            raise ValueError(f"slack must be at least 0 and finite, got {slack}.")
        self.slack = slack
        self.spacing = spacing
        self.skeletonize = skeletonize
        self.single_count = single_count
        self.ignore_empty = ignore_empty
        self.skeleton_method = skeleton_method

    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """Quality, correctness and completeness."""
        spacing = check_spacing(1.0 if self.spacing is None else self.spacing, target.ndim)
        decided = empty_score(not prediction.any(), not target.any(), self.ignore_empty)
        if decided is not None:
            return dict.fromkeys(self.components, decided)
        if self.skeletonize:
            prediction, target = (centerline_mask(mask, self.skeleton_method) for mask in (prediction, target))
            if not prediction.any() or not target.any():
                return dict.fromkeys(self.components, math.nan)
        matched = _count_within(self.slack, prediction, target, spacing)
        found = _count_within(self.slack, target, prediction, spacing)
        return self._scores(matched, int(prediction.sum()) - matched, found, int(target.sum()) - found)

    def _scores(self, matched: int, false: int, found: int, missed: int) -> dict[str, float]:
        """Scores of the voxels of the prediction, matched or false, and of the target, found or missed."""
        correctness = matched / (matched + false)
        if self.single_count:
            completeness = matched / (matched + missed)
            quality = matched / (matched + false + missed)
        else:
            completeness = found / (found + missed)
            either = correctness + completeness - correctness * completeness
            quality = correctness * completeness / either if either else 0.0
        return {"quality": quality, "correctness": correctness, "completeness": completeness}


def _count_within(slack: float, mask: NDArray[Any], other: NDArray[Any], spacing: NDArray[Any]) -> int:
    """Number of voxels of ``mask`` with a voxel of ``other`` no farther than the slack."""
    same = int((mask & other).sum())
    if slack < spacing.min():
        return same
    rest = np.argwhere(mask & ~other) * spacing
    distance, _ = cKDTree(np.argwhere(other) * spacing).query(rest)
    return same + int((distance <= slack * (1 + _ROUNDING)).sum())


show_options(compute_ccq, CCQMetric)
