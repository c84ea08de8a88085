"""The centerline Dice score of thin structures."""

from __future__ import annotations

import math
from typing import Any

import torch
from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.graphs import centerline_mask, check_method, fill_cavities
from monai_topo.metrics.base import ComponentMetric, empty_score
from monai_topo.metrics.signatures import show_options


def compute_centerline_dice(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Centerline Dice of each item and channel; :class:`CenterlineDiceMetric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``component``, ``ignore_empty``, ``ignore_index`` and ``skeleton_method`` of
            :class:`CenterlineDiceMetric`.

    Returns:
        ``(B, C)`` scores in [0, 1], NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> line = torch.zeros(1, 1, 5, 9)
        >>> line[..., 2, :] = 1
        >>> half = line.clone()
        >>> half[..., 3:6] = 0
        >>> compute_centerline_dice(half, line, component="sensitivity")
        tensor([[0.6667]])
    """
    return CenterlineDiceMetric(include_background, **options)(y_pred, y)


class CenterlineDiceMetric(ComponentMetric):
    r"""Centerline Dice (clDice, Shit et al. 2021) of tubular masks, in [0, 1]; higher is better.

    With S the skeleton of a mask, P the prediction and G the ground truth:

    .. math:: precision = |S_P \cap G| / |S_P|, \quad sensitivity = |S_G \cap P| / |S_G|

    clDice is their harmonic mean, 0 if both are 0. Every voxel of a skeleton weighs the same, so it sees missing
    length, not missing volume; a break of one voxel costs almost nothing. In 3D cavities of both masks are filled
    first, because the skeleton of a shell is a surface.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: ``"cldice"``, ``"precision"`` or ``"sensitivity"``.
        ignore_empty: whether the score is NaN where the ground truth is empty; otherwise it is 1 if the prediction is
            empty too and 0 if not. An empty prediction of a ground truth that is not scores 0.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.
        skeleton_method: ``"exact"`` keeps all components, loops and ends of the masks; ``"scikit-image"`` is its
            ``skeletonize`` of the masks as they are, for published tables (see
            :func:`monai_topo.graphs.centerline_mask`): it loses branches, and the score is NaN where it leaves nothing.

    Raises:
        ValueError: for an unknown component or method.

    Example:
        >>> metric = CenterlineDiceMetric()
        >>> tube = torch.zeros(1, 1, 21, 41)
        >>> tube[..., 8:13, 3:38] = 1
        >>> metric(tube, tube)
        tensor([[1.]])
    """

    components = ("cldice", "precision", "sensitivity")

    def __init__(
        self,
        include_background: bool = True,
        component: str = "cldice",
        ignore_empty: bool = True,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
        skeleton_method: str = "exact",
    ) -> None:
        super().__init__(include_background, component, reduction, get_not_nans, ignore_index)
        check_method("skeleton_method", skeleton_method)
        self.skeleton_method = skeleton_method
        self.ignore_empty = ignore_empty

    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """Harmonic mean, precision and sensitivity."""
        decided = empty_score(not prediction.any(), not target.any(), self.ignore_empty)
        if decided is not None:
            return dict.fromkeys(self.components, decided)
        if self.skeleton_method == "exact":
            prediction, target = fill_cavities(prediction), fill_cavities(target)
        precision = _share_within(centerline_mask(prediction, self.skeleton_method), target)
        sensitivity = _share_within(centerline_mask(target, self.skeleton_method), prediction)
        total = precision + sensitivity
        harmonic = 2 * precision * sensitivity / total if total else 0.0
        return {"cldice": harmonic, "precision": precision, "sensitivity": sensitivity}


def _share_within(skeleton: NDArray[Any], mask: NDArray[Any]) -> float:
    return float(mask[skeleton].mean()) if skeleton.any() else math.nan


show_options(compute_centerline_dice, CenterlineDiceMetric)
