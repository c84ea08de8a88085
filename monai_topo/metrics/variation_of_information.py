"""The variation of information of instance segmentations: what is split and what is merged."""

from __future__ import annotations

from typing import Any

import torch
from monai.utils import MetricReduction
from numpy.typing import NDArray

from monai_topo.metrics.partition import PartitionMetric
from monai_topo.metrics.signatures import show_options


def compute_variation_of_information(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Variation of information of each item and channel; :class:`VariationOfInformationMetric` holds the definition.

    Args:
        y_pred: ``(B, 1, H, W[, D])`` instance ids, or masks of 0 and 1, as ``instances`` says.
        y: ground truth, the same shape.
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        **options: ``component``, ``instances``, ``connectivity``, ``section_axis`` and ``ignore_index`` of
            :class:`VariationOfInformationMetric`.

    Returns:
        ``(B, C)`` bits of at least 0, NaN where the ground truth has no instance.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, the values are not what ``instances`` says, or
            an option is bad.

    Example:
        >>> true = torch.tensor([1, 1, 1, 1, 2, 2, 2, 2]).repeat(4, 1)[None, None]
        >>> compute_variation_of_information(torch.ones_like(true), true, component="merge")  # two cells made one
        tensor([[1.]])
    """
    return VariationOfInformationMetric(include_background, **options)(y_pred, y)


class VariationOfInformationMetric(PartitionMetric):
    r"""Variation of information of two partitions (Meilă 2007), in bits; lower is better.

    With G and P the true and the predicted instance of a voxel drawn from those of a true instance:

    .. math:: split = H(P | G), \quad merge = H(G | P), \quad sum = split + merge

    Split is what must be told about a voxel's predicted instance when the true one is known: 1 where every cell is
    cut into equal halves. Predicted 0 is an instance like any other. Instances weigh by their volume: thin ones hardly
    count, and topology that leaves the partition as it is does not count.

    Args:
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        component: ``"sum"``, ``"split"`` or ``"merge"``.
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
        ValueError: for an unknown component or kind of instances.

    Example:
        >>> metric = VariationOfInformationMetric(component="split")
        >>> cell = torch.ones(1, 1, 4, 6)
        >>> halves = cell.clone()
        >>> halves[..., 3:] = 2
        >>> metric(halves, cell)
        tensor([[1.]])
    """

    components = ("sum", "split", "merge")

    def __init__(
        self,
        include_background: bool = True,
        component: str = "sum",
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

    def partition_components(self, true: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
        """Sum, split and merge."""
        from skimage.metrics import variation_of_information

        bits = variation_of_information(true, predicted, ignore_labels=(0,))
        split, merge = (round(abs(float(part)), 12) for part in bits)  # a zero comes as some -1e-17
        return {"sum": split + merge, "split": split, "merge": merge}


show_options(compute_variation_of_information, VariationOfInformationMetric)
