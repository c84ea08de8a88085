"""Matching the dots of persistence diagrams: which feature of one is which feature of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.field import to_array


@dataclass(frozen=True)
class Matching:
    """Which dots of a first diagram belong to which dots of a second; all int64 row numbers.

    Attributes:
        matched: ``(m, 2)``, rows of the first and of the second diagram that belong together.
        unmatched_first: rows of the first diagram without a partner.
        unmatched_second: rows of the second diagram without a partner.
    """

    matched: NDArray[np.int64]
    unmatched_first: NDArray[np.int64]
    unmatched_second: NDArray[np.int64]


def nearest_corner(diagram: ArrayLike | torch.Tensor, count: int) -> Matching:
    """Match the dots nearest to (birth 1, death 0) with the dots of a binary ground truth.

    The diagram of a binary image is ``count`` dots at birth 1 and death 0. The ``count`` dots with the smallest
    ``(1 - birth)**2 + death**2`` are matched to them (Hu et al. 2019, section 2.2); equal distances go to
    the earlier row.

    Args:
        diagram: ``(n, 2)`` births and deaths in [0, 1]; not differentiated.
        count: the ground truth's Betti number in this dimension.

    Returns:
        The matching with a second diagram of ``count`` dots. If the first has fewer, the rest of the second are
        unmatched.

    Raises:
        ValueError: when the diagram is not ``(n, 2)`` or the count is negative.

    Example:
        >>> nearest_corner([[0.5, 0.4], [0.9, 0.1]], count=1)
        Matching(matched=array([[1, 0]]), unmatched_first=array([0]), unmatched_second=array([], dtype=int64))
    """
    dots = _check_diagram(diagram)
    if count < 0:
        raise ValueError(f"count must be a Betti number, 0 or more, got {count!r}.")
    m = min(count, len(dots))
    order = np.arange(len(dots))
    if 0 < m < len(dots):
        order = np.argsort((1 - dots[:, 0]) ** 2 + dots[:, 1] ** 2, kind="stable")
    matched = np.stack([order[:m], np.arange(m)], axis=1)
    return Matching(matched, np.sort(order[m:]), np.arange(m, count))


def _check_diagram(diagram: ArrayLike | torch.Tensor) -> NDArray[Any]:
    dots = to_array(diagram)
    if dots.ndim != 2 or dots.shape[1] != 2:
        raise ValueError(f"diagram must have shape (n, 2), births and deaths, got {dots.shape}.")
    return dots
