"""Matching the dots of persistence diagrams: which feature of one is which feature of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.compiled.threads import map_in_threads
from monai_topo.topology.field import to_array
from monai_topo.topology.persistence import PersistencePairs

Result = TypeVar("Result")


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


@dataclass(frozen=True)
class FieldMatching:
    """The features of two fields on one grid, and which belong together.

    Attributes:
        prediction: persistence pairs of the first field.
        target: persistence pairs of the second field.
        matchings: for each dimension the rows of ``prediction`` and of ``target`` that belong together, and the rest.
    """

    prediction: PersistencePairs
    target: PersistencePairs
    matchings: Mapping[int, Matching]


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
    matched = np.arange(m)[:, None].repeat(2, axis=1)
    if 0 < m < len(dots):
        matched[:, 0] = _smallest((1 - dots[:, 0]) ** 2 + dots[:, 1] ** 2, m)
    left = np.ones(len(dots), np.bool_)
    left[matched[:, 0]] = False
    return Matching(matched, left.nonzero()[0], np.arange(m, count))


def _smallest(values: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Indices of the smallest values, in order, of equal ones the first; sorting all would be most of the time."""
    bound = np.partition(values, count - 1)[count - 1]
    candidates = (values <= bound).nonzero()[0]
    smallest: NDArray[np.int64] = candidates[np.argsort(values[candidates], kind="stable")[:count]]
    return smallest


def optimal(diagram_a: ArrayLike | torch.Tensor, diagram_b: ArrayLike | torch.Tensor) -> Matching:
    """The matching of least cost between two diagrams, with the diagonal.

    Two matched dots cost ``(b - b')**2 + (d - d')**2``, a dot left to the diagonal ``(b - d)**2 / 2``: the square of
    the 2-Wasserstein distance with Euclidean ground metric.

    Args:
        diagram_a: ``(n, 2)`` births and deaths; not differentiated.
        diagram_b: ``(m, 2)`` births and deaths; not differentiated.

    Raises:
        ValueError: when a diagram is not ``(n, 2)``.

    Example:
        >>> optimal([[0.9, 0.1], [0.5, 0.4]], [[1.0, 0.0]])
        Matching(matched=array([[0, 0]]), unmatched_first=array([1]), unmatched_second=array([], dtype=int64))
    """
    from scipy.optimize import linear_sum_assignment

    a, b = (_check_diagram(diagram).astype(np.float64) for diagram in (diagram_a, diagram_b))
    to_diagonal = ((a[:, 0] - a[:, 1]) ** 2 / 2)[:, None] + ((b[:, 0] - b[:, 1]) ** 2 / 2)[None]
    gain = to_diagonal - ((a[:, None] - b[None]) ** 2).sum(axis=2)
    # A pair that gains nothing over the diagonal is left to it: the square problem with the diagonal reduces to n x m.
    rows, columns = linear_sum_assignment(np.maximum(gain, 0), maximize=True)
    kept = gain[rows, columns] > 0
    return _matching(np.stack([rows[kept], columns[kept]], axis=1), len(a), len(b))


def by_lifetime(
    diagram_a: ArrayLike | torch.Tensor, diagram_b: ArrayLike | torch.Tensor, *, sort_by: str = "lifetime"
) -> Matching:
    """Match the dots of two diagrams in the order of their lifetimes, longest with longest.

    Args:
        diagram_a: ``(n, 2)`` births and deaths; not differentiated.
        diagram_b: ``(m, 2)`` births and deaths; not differentiated.
        sort_by: ``"lifetime"``, the size of birth minus death, or ``"birth"``, highest first. Equal ones keep the
            order of their rows.

    Returns:
        As many matched dots as the shorter diagram has.

    Raises:
        ValueError: when a diagram is not ``(n, 2)`` or ``sort_by`` is unknown.

    Example:
        >>> by_lifetime([[0.5, 0.4], [0.9, 0.1]], [[1.0, 0.0]]).matched
        array([[1, 0]])
    """
    keys = {"lifetime": lambda dots: -np.abs(dots[:, 0] - dots[:, 1]), "birth": lambda dots: -dots[:, 0]}
    if sort_by not in keys:
        raise ValueError(f"sort_by must be one of {tuple(keys)}, got {sort_by!r}.")
    a, b = (_check_diagram(diagram) for diagram in (diagram_a, diagram_b))
    order_a, order_b = (np.argsort(keys[sort_by](dots), kind="stable") for dots in (a, b))
    m = min(len(a), len(b))
    return _matching(np.stack([order_a[:m], order_b[:m]], axis=1), len(a), len(b))


def map_pairs(match: Callable[..., Result], predictions: Any, targets: Any, num_threads: int | None) -> list[Result]:
    """Match each prediction with its target, in threads; the order is that of the inputs.

    Raises:
        ValueError: when their numbers differ, or ``num_threads`` is not positive.

    Example:
        >>> map_pairs(max, [1, 5], [3, 4], num_threads=2)
        [3, 5]
    """
    if len(predictions) != len(targets):
        raise ValueError(f"there must be as many targets as predictions, got {len(targets)} and {len(predictions)}.")
    return map_in_threads(lambda n: match(predictions[n], targets[n]), range(len(predictions)), num_threads)


def _matching(matched: NDArray[np.int64], num_first: int, num_second: int) -> Matching:
    unmatched = (np.delete(np.arange(n), rows) for n, rows in ((num_first, matched[:, 0]), (num_second, matched[:, 1])))
    return Matching(matched, *unmatched)


def _check_diagram(diagram: ArrayLike | torch.Tensor) -> NDArray[Any]:
    dots = to_array(diagram)
    if dots.size == 0:
        dots = dots.reshape(-1, 2)
    if dots.ndim != 2 or dots.shape[1] != 2:
        raise ValueError(f"diagram must have shape (n, 2), births and deaths, got {dots.shape}.")
    return dots
