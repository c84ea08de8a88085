"""The adapted Rand error of instance segmentations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.metrics.partition import PartitionMetric
from monai_topo.metrics.signatures import show_options

VARIANTS = ("skimage", "cremi")


def compute_adapted_rand_error(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Adapted Rand error of each item and channel; :class:`AdaptedRandErrorMetric` holds the definition.

    Args:
        y_pred: ``(B, 1, H, W[, D])`` instance ids, or masks of 0 and 1, as ``instances`` says.
        y: ground truth, the same shape.
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        **options: ``component``, ``variant``, ``instances``, ``connectivity``, ``section_axis`` and ``ignore_index`` of
            :class:`AdaptedRandErrorMetric`.

    Returns:
        ``(B, C)`` errors in [0, 1], NaN where the ground truth has no instance, or none of two voxels in either.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, the values are not what ``instances`` says, or
            an option is bad.

    Example:
        >>> true = torch.tensor([1, 1, 1, 1, 2, 2, 2, 2]).repeat(4, 1)[None, None]
        >>> compute_adapted_rand_error(torch.ones_like(true), true)  # all merged
        tensor([[0.3478]])
    """
    return AdaptedRandErrorMetric(include_background, **options)(y_pred, y)


class AdaptedRandErrorMetric(PartitionMetric):
    r"""Adapted Rand error: one less the F score of pairs of voxels that both partitions keep together; lower is better.

    With :math:`n_{ij}` the number of voxels of true instance i and predicted instance j, over the voxels of a true
    instance, and :math:`a_i`, :math:`b_j` its row and column sums:

    .. math:: error = 1 - \frac{2 p r}{p + r}, \quad p = S / B, \quad r = S / A

    ``variant="skimage"`` (scikit-image's ``adapted_rand_error``) counts pairs of different voxels: :math:`S = \sum
    n_{ij}^2 - \sum n_{ij}`, :math:`A = \sum a_i^2 - \sum a_i`, :math:`B = \sum b_j^2 - \sum b_j`; predicted 0 is an
    instance like any other. What it calls precision is S / A, and so is component ``"precision"`` here.

    ``variant="cremi"`` (the CREMI challenge) counts voxels with themselves, and voxels of predicted 0 with nothing
    else: that column is left out of the sums, and its sum divided by the number of all voxels, z, is added to S and B:
    :math:`S = \sum n_{ij}^2 + z`, :math:`A = \sum a_i^2`, :math:`B = \sum b_j^2 + z`.

    Pairs weigh instances by their squared volume: the error sees that a large cell was merged with another, not that
    a thin neurite was, and nothing of topology that leaves the partition as it is.

    Args:
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        component: ``"error"``, ``"precision"`` or ``"recall"``.
        variant: ``"skimage"`` or ``"cremi"``.
        instances: meaning of the inputs. ``"labels"``: ``(B, 1, H, W[, D])`` integer ids, 0 is no instance. Masks of 0
            and 1 otherwise, whose instances are the components of the ``"foreground"`` (vessels) or of the
            ``"background"`` (cells between membranes).
        connectivity: connectivity of the mask's foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6). The
            background has the other one, so cells are face-connected by default.
        section_axis: spatial axis along which no two sections share an instance, for anisotropic stacks (2 or -1 for
            files read as x, y, z); None takes the volume whole.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are of no instance and not scored.

    Raises:
        ValueError: for an unknown component, variant or kind of instances.

    Example:
        >>> metric = AdaptedRandErrorMetric(instances="background")
        >>> membrane = torch.zeros(1, 1, 5, 9)
        >>> membrane[..., 4] = 1
        >>> metric(torch.zeros_like(membrane), membrane)  # without the wall the two cells are one
        tensor([[0.3448]])
    """

    components = ("error", "precision", "recall")

    def __init__(
        self,
        include_background: bool = True,
        component: str = "error",
        variant: str = "skimage",
        instances: str = "labels",
        connectivity: int | None = None,
        section_axis: int | None = None,
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
        if variant not in VARIANTS:
            raise ValueError(f"variant must be one of {VARIANTS}, got {variant!r}.")
        self.variant = variant

    def partition_components(self, true: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
        """Error, precision and recall."""
        from skimage.metrics import adapted_rand_error

        if self.variant == "cremi":
            return _cremi_error(true, predicted)
        with np.errstate(invalid="ignore"):  # 0 / 0 where no instance has two voxels
            error, precision, recall = adapted_rand_error(image_true=true, image_test=predicted)
        return {"error": float(error), "precision": float(precision), "recall": float(recall)}


def _cremi_error(true: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    from skimage.metrics import contingency_table

    counts = contingency_table(true, predicted, ignore_labels=(0,)).tocsc()
    unjoined = counts[:, [0]].sum() / true.size
    joined = counts[:, 1:]
    both = float(np.square(joined.data).sum() + unjoined)
    precision = both / float(np.square(joined.sum(axis=0)).sum() + unjoined)
    recall = both / float(np.square(counts.sum(axis=1)).sum())
    return {"error": 1 - 2 * precision * recall / (precision + recall), "precision": precision, "recall": recall}


show_options(compute_adapted_rand_error, AdaptedRandErrorMetric)
