"""F1 score of matched features: the Betti matching without its reward for emptiness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.metrics.base import empty_score
from monai_topo.metrics.betti_patches import BettiPatchMetric
from monai_topo.metrics.signatures import show_options
from monai_topo.topology import FeatureCounts, count_features


def compute_betti_matching_f1(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """F1 score, precision or recall of features in each item and channel, as :class:`BettiMatchingF1Metric` has it.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``component``, ``dim``, ``connectivity``, ``frame``, ``patch_size``, ``patch_mode``, ``num_patches``,
            ``seed``, ``ignore_empty`` and ``ignore_index`` of :class:`BettiMatchingF1Metric`.

    Returns:
        ``(B, C)`` scores in [0, 1], NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> predicted = torch.tensor([[[[1.0, 0, 1, 0, 1]]]])  # three components, one of them true
        >>> true = torch.tensor([[[[1.0, 1, 0, 0, 0]]]])
        >>> compute_betti_matching_f1(predicted, true), compute_betti_matching_f1(predicted, true, component="recall")
        (tensor([[0.5000]]), tensor([[1.]]))
    """
    return BettiMatchingF1Metric(include_background, **options)(y_pred, y)


class BettiMatchingF1Metric(BettiPatchMetric):
    r"""F1 score, precision or recall of the topological features that match in space, in [0, 1]; higher is better.

    With M the number of features that prediction and ground truth share inside their union, as in
    :class:`BettiMatchingErrorMetric`, and P and G the numbers of features of either,

    .. math:: precision = M / P, \qquad recall = M / G, \qquad F_1 = 2 M / (P + G)

    The error :math:`P + G - 2 M` is smaller for an empty prediction (G) than for one that finds half of the features
    and as many false ones. The F1 score of the empty prediction is 0: choose checkpoints by this one.

    The three counts are summed over the patches of an item, and with ``dim="sum"`` over the dimensions, before the
    ratio is taken. ``reduction`` then takes the mean over items and channels.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: ``"f1"``, ``"precision"`` or ``"recall"``.
        dim: homology dimension (0 components; 1 loops; 2 cavities, 3D only), or ``"sum"`` for the features of all.
        connectivity: Connectivity of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: count relative to a frame of foreground, so that structures cut by the border close.
        patch_size: edge lengths of the patches, None for the whole volume.
        patch_mode: ``"grid"``: tiles that cover the volume; ``"random"``: ``num_patches`` corners drawn uniformly.
        num_patches: number of random patches.
        seed: Seed of the generator of random corners, which restarts from it for each item.
        ignore_empty: whether the score is NaN where the truth has no feature; otherwise it is 1 if the prediction has
            none either and 0 if it has. A prediction without features of a truth with some scores 0.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.

    Raises:
        ValueError: for an unknown ``dim`` or component, or patch arguments that do not go together.

    Example:
        >>> metric = BettiMatchingF1Metric(component="precision", dim=0)
        >>> true = torch.zeros(1, 1, 4, 4)
        >>> true[..., :2, :2] = 1
        >>> predicted = true.clone()
        >>> predicted[..., 3, 3] = 1  # a speck
        >>> metric(predicted, true)
        tensor([[0.5000]])
        >>> metric.aggregate()
        tensor([0.5000])
    """

    components = ("f1", "precision", "recall")

    def __init__(
        self,
        include_background: bool = True,
        component: str = "f1",
        dim: int | str = "sum",
        connectivity: int | None = None,
        frame: bool = False,
        patch_size: Sequence[int] | int | None = None,
        patch_mode: str = "grid",
        num_patches: int | None = None,
        seed: int = 0,
        ignore_empty: bool = True,
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
            component,
        )
        self.ignore_empty = ignore_empty

    def patch_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """Counts of one patch, over the dimensions that ``dim`` asks for."""
        counts = count_features(prediction, target, self.connectivity, dims=self.dims(target.ndim), frame=self.frame)
        totals = map(sum, zip(*counts.values(), strict=True))
        return dict(zip(FeatureCounts._fields, totals, strict=True))

    def combine(self, found: list[dict[str, float]]) -> dict[str, float]:
        """The three scores, from the counts of all patches."""
        matched, predicted, true = (sum(counts[name] for counts in found) for name in FeatureCounts._fields)
        decided = empty_score(predicted == 0, true == 0, self.ignore_empty)
        if decided is not None:
            return dict.fromkeys(self.components, decided)
        return {"f1": 2 * matched / (predicted + true), "precision": matched / predicted, "recall": matched / true}


show_options(compute_betti_matching_f1, BettiMatchingF1Metric)
