"""How many features two masks have, and how many of them match."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from numpy.typing import ArrayLike

from monai_topo.topology.masks.betti import betti_numbers
from monai_topo.topology.masks.overlap import shared_betti_numbers


class FeatureCounts(NamedTuple):
    """Numbers of features of one homology dimension.

    Attributes:
        matched: features that both masks share inside their union.
        predicted: features of the prediction.
        true: features of the ground truth.

    Example:
        >>> import numpy as np
        >>> count_features(np.array([[1, 0, 1]]), np.array([[1, 1, 1]]))[0]
        FeatureCounts(matched=1, predicted=2, true=1)
    """

    matched: int
    predicted: int
    true: int


def count_features(
    prediction: ArrayLike | torch.Tensor,
    target: ArrayLike | torch.Tensor,
    connectivity: int | None = None,
    *,
    dims: Any = None,
    frame: bool = False,
) -> dict[int, FeatureCounts]:
    """Matched, predicted and true features of two masks, from which error, precision and recall follow.

    Args:
        prediction: one channel, ``(H, W)`` or ``(H, W, D)``, bool or holding only 0 and 1.
        target: the ground truth, the same shape.
        connectivity: Connectivity of the foreground: None or the number of axes for full (8, 26), 1 for face (4, 6).
        dims: homology dimensions wanted; None is all below the number of axes.
        frame: count relative to a frame of foreground around the masks.

    Returns:
        The counts of each dimension.

    Raises:
        ValueError: for two shapes, other values, or a dimension or connectivity that there is not.

    Example:
        >>> count_features([[1, 0, 1, 0, 1]], [[1, 1, 0, 0, 0]], dims=0)
        {0: FeatureCounts(matched=1, predicted=3, true=1)}
    """
    matched = shared_betti_numbers(prediction, target, connectivity, dims=dims, frame=frame)
    predicted, true = (betti_numbers(mask, connectivity, frame=frame) for mask in (prediction, target))
    return {k: FeatureCounts(count, predicted[k], true[k]) for k, count in matched.items()}
