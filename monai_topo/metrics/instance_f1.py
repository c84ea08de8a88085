"""F1 score of instances that are matched where they overlap, panoptic quality and average precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.metrics.base import empty_score
from monai_topo.metrics.instance_matching import (
    Overlaps,
    check_iou_threshold,
    find_overlaps,
    matched_pairs,
)
from monai_topo.metrics.label_maps import LabelMapMetric
from monai_topo.metrics.signatures import show_options


def compute_instance_f1(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """F1 score of matched instances of each item and channel; :class:`InstanceF1Metric` holds the definition.

    Args:
        y_pred: ``(B, 1, H, W[, D])`` instance ids, or masks of 0 and 1, as ``instances`` says.
        y: ground truth, the same shape.
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        **options: ``component``, ``iou_threshold``, ``min_size``, ``instances``, ``connectivity``, ``section_axis``,
            ``ignore_empty`` and ``ignore_index`` of :class:`InstanceF1Metric`. Which instances match, and their counts
            for several volumes together, has :func:`match_instances`.

    Returns:
        ``(B, C)`` scores in [0, 1], NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, the values are not what ``instances`` says, or
            an option is bad.

    Example:
        >>> true = torch.tensor([1, 1, 1, 1, 2, 2, 2, 2]).repeat(4, 1)[None, None]
        >>> predicted = torch.tensor([5, 5, 5, 5, 6, 6, 7, 7]).repeat(4, 1)[None, None]  # the second is cut into halves
        >>> compute_instance_f1(predicted, true), compute_instance_f1(predicted, true, component="average_precision")
        (tensor([[0.4000]]), tensor([[0.2500]]))
    """
    return InstanceF1Metric(include_background, **options)(y_pred, y)


class InstanceF1Metric(LabelMapMetric):
    r"""F1 score of instances that are matched one to one by their overlap, in [0, 1]; higher is better.

    A true and a predicted instance can match if their intersection over union is **greater** than the threshold. With
    TP matches, FP predicted and FN true instances without one,

    .. math::
        precision = \frac{TP}{TP + FP}, \quad recall = \frac{TP}{TP + FN}, \quad F_1 = \frac{2 TP}{2 TP + FP + FN}

        panoptic\ quality = \frac{\sum_{matches} IoU}{TP + FP / 2 + FN / 2}, \quad
        average\ precision = \frac{TP}{TP + FP + FN}

    From 0.5 up each instance has one partner at most. Below it the matches are one optimal assignment: as many as there
    can be, and of all such assignments one with the largest sum of IoU. Where several are equally good in both, the
    scores are the same for each of them.

    Panoptic quality is that of Kirillov et al. (2019) of one class, the product of F1 (recognition quality) and the
    mean IoU of the matches (segmentation quality). Average precision is that of cell segmentation (Data Science Bowl
    2018, StarDist, Cellpose), not the area under a curve of ranked detections.

    Args:
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        component: ``"f1"``, ``"precision"``, ``"recall"``, ``"panoptic_quality"`` or ``"average_precision"``.
        iou_threshold: Intersection over union that a match exceeds, at least 0 and below 1; 0.5 as in panoptic
            segmentation. Of several the score is the mean over them: 0.5, 0.55, ... 0.95 is usual for average
            precision.
        min_size: Number of voxels below which an instance is background, on either side; 0 keeps all.
        instances: meaning of the inputs. ``"labels"``: ``(B, 1, H, W[, D])`` integer ids, 0 is no instance. Masks of 0
            and 1 otherwise, whose instances are the components of the ``"foreground"`` (vessels) or of the
            ``"background"`` (cells between membranes).
        connectivity: connectivity of the mask's foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6). The
            background has the other one, so cells are face-connected by default.
        section_axis: spatial axis along which no two sections share an instance, for anisotropic stacks (2 or -1 for
            files read as x, y, z); None takes the volume whole.
        ignore_empty: whether the scores are NaN where the truth has no instance; otherwise they are 1 if the prediction
            has none either and 0 if it has. A prediction without instances of a truth with some scores 0.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are of no instance on either side.

    Raises:
        ValueError: for an unknown component or kind of instances, a threshold out of range, or a negative size.

    Example:
        >>> metric = InstanceF1Metric(component="panoptic_quality")
        >>> cell = torch.ones(1, 1, 4, 6, dtype=torch.int64)
        >>> smaller = cell.clone()
        >>> smaller[..., :1, :] = 0
        >>> metric(smaller, cell)
        tensor([[0.7500]])
    """

    components = ("f1", "precision", "recall", "panoptic_quality", "average_precision")

    def __init__(
        self,
        include_background: bool = True,
        component: str = "f1",
        iou_threshold: Sequence[float] | float = 0.5,
        min_size: int = 0,
        instances: str = "labels",
        connectivity: int | None = None,
        section_axis: int | None = None,
        ignore_empty: bool = True,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(
            include_background,
            component,
            instances,
            connectivity,
            section_axis,
            reduction,
            get_not_nans,
            ignore_index,
        )
        for threshold in _listed(iou_threshold):
            check_iou_threshold(threshold)
        if not _listed(iou_threshold):
            raise ValueError("iou_threshold must be a number or some of them, got none.")
        if not min_size >= 0:
            raise ValueError(f"min_size must be at least 0, got {min_size}.")
        self.iou_threshold = iou_threshold
        self.min_size = min_size
        self.ignore_empty = ignore_empty

    def map_components(self, predicted: NDArray[Any], true: NDArray[Any]) -> dict[str, float]:
        """All scores, each the mean over the thresholds."""
        overlaps = find_overlaps(predicted, true, self.min_size)
        decided = empty_score(not len(overlaps.predicted), not len(overlaps.true), self.ignore_empty)
        if decided is not None:
            return dict.fromkeys(self.components, decided)
        found = [_scores(overlaps, threshold) for threshold in _listed(self.iou_threshold)]
        return dict(zip(self.components, np.mean(found, axis=0).tolist(), strict=True))


def _listed(iou_threshold: Sequence[float] | float) -> list[float]:
    return [float(threshold) for threshold in np.atleast_1d(np.asarray(iou_threshold, dtype=float))]


def _scores(overlaps: Overlaps, threshold: float) -> tuple[float, ...]:
    """F1, precision, recall, panoptic quality and average precision at one threshold."""
    iou = overlaps.iou[matched_pairs(overlaps, threshold)]
    matched, predicted, true = len(iou), len(overlaps.predicted), len(overlaps.true)
    half = (predicted + true) / 2
    return matched / half, matched / predicted, matched / true, iou.sum() / half, matched / (predicted + true - matched)


show_options(compute_instance_f1, InstanceF1Metric)
