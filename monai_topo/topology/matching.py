"""Matching the points of persistence diagrams: which feature of one is which feature of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.topology.field import to_array
from monai_topo.topology.points import DiagramPoints, Filtration, PersistencePairs


@dataclass(frozen=True)
class Matching:
    """Which points of a first diagram belong to which points of a second; all int64 row numbers.

    Attributes:
        matched: ``(m, 2)``, rows of the first and of the second diagram that belong together.
        unmatched_first: rows of the first diagram without a partner.
        unmatched_second: rows of the second diagram without a partner.

    Example:
        >>> import torch
        >>> found = nearest_corner(torch.tensor([[0.9, 0.0], [0.6, 0.5]]), count=1)
        >>> found.matched, found.unmatched_first
        (array([[0, 0]]), array([1]))
    """

    matched: NDArray[np.int64]
    unmatched_first: NDArray[np.int64]
    unmatched_second: NDArray[np.int64]

    @classmethod
    def of(cls, matched: NDArray[np.int64], num_first: int, num_second: int) -> Matching:
        """The matching in which all rows but ``matched`` have no partner.

        Example:
            >>> Matching.of(np.array([[1, 0]]), 2, 1)
            Matching(matched=array([[1, 0]]), unmatched_first=array([0]), unmatched_second=array([], dtype=int64))
        """
        sides = ((num_first, matched[:, 0]), (num_second, matched[:, 1]))
        return cls(matched, *(np.delete(np.arange(count), rows) for count, rows in sides))


@dataclass(frozen=True)
class FieldMatching:
    """The features of two fields on one grid, and which belong together.

    Attributes:
        prediction: persistence pairs of the first field.
        target: persistence pairs of the second field.
        matchings: rows of ``prediction`` and of ``target`` that belong together, and the rest, by dimension.

    Example:
        >>> from monai_topo.topology import match_by_place
        >>> found = match_by_place(np.array([[0.9, 0.1, 0.8]]), np.array([[1.0, 0.0, 0.0]]))
        >>> found.matchings[0].matched, found.matchings[0].unmatched_first
        (array([[0, 0]]), array([1]))
    """

    prediction: PersistencePairs
    target: PersistencePairs
    matchings: Mapping[int, Matching]


@dataclass(frozen=True)
class MatchedPoints:
    """The points of two batches of fields on the same grids, and which belong together.

    Attributes:
        prediction: points of the first fields.
        target: points of the second fields.
        matching: rows of both that belong together, sorted by the first, and the rest.

    Example:
        >>> from monai_topo.topology import match_by_place_batch
        >>> likelihoods = np.array([[[0.9, 0.1, 0.8]]])
        >>> found = match_by_place_batch(likelihoods, likelihoods > 0.5)
        >>> found.matching.matched
        array([[0, 0],
               [1, 1]])
    """

    prediction: DiagramPoints
    target: DiagramPoints
    matching: Matching

    def field(self, patch: int) -> FieldMatching:
        """The features of one field."""
        return FieldMatching(self.prediction.pairs(patch), self.target.pairs(patch), self.matchings(patch))

    def matchings(self, patch: int) -> dict[int, Matching]:
        """For each dimension the rows of one field's features that belong together, and the rest."""
        return {k: self._matching_of(patch, k) for k in self.prediction.dims(patch)}

    def _matching_of(self, patch: int, dim: int) -> Matching:
        first, second = self.prediction.rows(patch, dim), self.target.rows(patch, dim)
        inside = slice(*np.searchsorted(self.matching.matched[:, 0], [first.start, first.stop]))
        matched = self.matching.matched[inside] - (first.start, second.start)
        return Matching.of(matched, first.stop - first.start, second.stop - second.start)


def check_counts(predictions: Sequence[Any] | NDArray[Any] | torch.Tensor, targets: Any) -> None:
    """Refuse batches of different lengths.

    Raises:
        ValueError: then.
    """
    if len(predictions) != len(targets):
        raise ValueError(f"there must be as many targets as predictions, got {len(targets)} and {len(predictions)}.")


def join_matched(parts: Sequence[MatchedPoints], filtration: Filtration) -> MatchedPoints:
    """The points and the matching of all parts, in order."""
    if len(parts) == 1:
        return parts[0]
    points = DiagramPoints.join([part.prediction for part in parts], filtration)
    true_points = DiagramPoints.join([part.target for part in parts], filtration)
    first_rows = np.cumsum([(0, 0), *((part.prediction.count, part.target.count) for part in parts)], axis=0)
    matched = [part.matching.matched + first for part, first in zip(parts, first_rows, strict=False)]
    return MatchedPoints(points, true_points, Matching.of(join_rows(matched), points.count, true_points.count))


def join_rows(matched: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Matched rows ``(m, 2)`` of several fields and dimensions in one, sorted by the first.

    Example:
        >>> join_rows([np.array([[2, 0]]), np.array([[0, 1]])])
        array([[0, 1],
               [2, 0]])
    """
    rows = np.concatenate([np.zeros((0, 2), np.int64), *matched])
    return rows[np.argsort(rows[:, 0])]


def nearest_corner(diagram: ArrayLike | torch.Tensor, count: int) -> Matching:
    """Match the points nearest to (birth 1, death 0) with the points of a binary ground truth.

    The diagram of a binary image is ``count`` points at birth 1 and death 0. The ``count`` points with the smallest
    ``(1 - birth)**2 + death**2`` are matched to them (Hu et al. 2019, section 2.2); equal distances go to
    the earlier row.

    Args:
        diagram: ``(n, 2)`` births and deaths in [0, 1]; not differentiated.
        count: the ground truth's Betti number in this dimension.

    Returns:
        The matching with a second diagram of ``count`` points. If the first has fewer, the rest of the second are
        unmatched.

    Raises:
        ValueError: when the diagram is not ``(n, 2)`` or the count is negative.

    Example:
        >>> nearest_corner([[0.5, 0.4], [0.9, 0.1]], count=1)
        Matching(matched=array([[1, 0]]), unmatched_first=array([0]), unmatched_second=array([], dtype=int64))
    """
    points = _check_diagram(diagram)
    if count < 0:
        raise ValueError(f"count must be a Betti number, 0 or more, got {count!r}.")
    m = min(count, len(points))
    matched = np.arange(m)[:, None].repeat(2, axis=1)
    if 0 < m < len(points):
        matched[:, 0] = _smallest((1 - points[:, 0]) ** 2 + points[:, 1] ** 2, m)
    left = np.ones(len(points), np.bool_)
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

    Two matched points cost ``(b - b')**2 + (d - d')**2``, a point left to the diagonal ``(b - d)**2 / 2``: the square
    of the 2-Wasserstein distance with Euclidean ground metric.

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
    return Matching.of(np.stack([rows[kept], columns[kept]], axis=1), len(a), len(b))


def by_lifetime(
    diagram_a: ArrayLike | torch.Tensor, diagram_b: ArrayLike | torch.Tensor, *, sort_by: str = "lifetime"
) -> Matching:
    """Match the points of two diagrams in the order of their lifetimes, longest with longest.

    Args:
        diagram_a: ``(n, 2)`` births and deaths; not differentiated.
        diagram_b: ``(m, 2)`` births and deaths; not differentiated.
        sort_by: ``"lifetime"``, the size of birth minus death, or ``"birth"``, highest first. Equal ones keep the
            order of their rows.

    Returns:
        As many matched points as the shorter diagram has.

    Raises:
        ValueError: when a diagram is not ``(n, 2)`` or ``sort_by`` is unknown.

    Example:
        >>> by_lifetime([[0.5, 0.4], [0.9, 0.1]], [[1.0, 0.0]]).matched
        array([[1, 0]])
    """
    keys = {"lifetime": lambda points: -np.abs(points[:, 0] - points[:, 1]), "birth": lambda points: -points[:, 0]}
    if sort_by not in keys:
        raise ValueError(f"sort_by must be one of {tuple(keys)}, got {sort_by!r}.")
    a, b = (_check_diagram(diagram) for diagram in (diagram_a, diagram_b))
    order_a, order_b = (np.argsort(keys[sort_by](points), kind="stable") for points in (a, b))
    m = min(len(a), len(b))
    return Matching.of(np.stack([order_a[:m], order_b[:m]], axis=1), len(a), len(b))


def _check_diagram(diagram: ArrayLike | torch.Tensor) -> NDArray[Any]:
    points = to_array(diagram)
    if points.size == 0:
        points = points.reshape(-1, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"diagram must have shape (n, 2), births and deaths, got {points.shape}.")
    return points
