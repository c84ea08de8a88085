"""A weight map made ready to draw from: the voxels that have weight, and their cumulative weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from monai.config import NdarrayOrTensor
from numpy.typing import NDArray

from monai_topo.transforms.channels import to_channels

SamplingTable = Mapping[str, Any]
"""``indices`` (int64, flat, C order), ``cumulative`` (float64) and ``shape`` (int64), as arrays or tensors.

It is a plain dictionary, because data sets that cache on disk keep nothing else.
"""


def sampling_table(weight_map: NdarrayOrTensor) -> dict[str, NDArray[Any]]:
    """The table that :class:`RandCropByTopology` draws centers from.

    Args:
        weight_map: weights, ``(1, H, W[, D])``, 0 or more, of any scale. All 0 is an empty table.

    Raises:
        ValueError: for another shape, NaN or infinity, or negative weights.

    Example:
        >>> table = sampling_table(np.array([[[0.0, 2.0], [0.0, 1.0]]]))
        >>> table["indices"], table["cumulative"], table["shape"]
        (array([1, 3]), array([2., 3.]), array([2, 2]))
    """
    weights = to_channels(weight_map)
    if weights.shape[0] != 1 or weights.min() < 0:
        raise ValueError(
            f"weight_map must hold weights of 0 or more in shape (1, H, W) or (1, H, W, D), got {weights.shape} with "
            f"a minimum of {weights.min():g}."
        )
    flat = weights.ravel()
    indices = np.flatnonzero(flat)
    cumulative = np.cumsum(flat[indices], dtype=np.float64)
    return {"indices": indices, "cumulative": cumulative, "shape": np.array(weights.shape[1:], np.int64)}


def draw_center(table: SamplingTable, random_state: np.random.RandomState) -> list[int]:
    """The coordinates of one voxel, drawn by weight from a table that is not empty."""
    cumulative = np.asarray(table["cumulative"])
    place = np.searchsorted(cumulative, random_state.random_sample() * cumulative[-1], side="right")
    index = int(table["indices"][min(int(place), cumulative.size - 1)])
    center = []
    for size in reversed(table["shape"].tolist()):
        index, coordinate = divmod(index, size)
        center.append(coordinate)
    return center[::-1]
