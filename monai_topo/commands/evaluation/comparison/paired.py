"""Differences of paired scores: their mean, a bootstrap interval and a sign-flip test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
"""Confidence level of the intervals."""
NUM_RESAMPLES = 9999
"""Resamples of the bootstrap, and sign flips of the test beyond which they are drawn instead of enumerated."""


@dataclass(frozen=True)
class PairedDifference:
    """One column, B minus A, over the cases in which both are defined.

    Attributes:
        label: the class; None where files hold one mask.
        column: name of the column.
        higher_is_better: whether a high number is good.
        cases: names of the cases.
        first: scores of A.
        second: scores of B.
        difference: mean of B - A, NaN without cases.
        low: lower end of the interval of the mean difference, NaN for fewer than two cases.
        high: upper end.
        p_value: two-sided p-value of the sign-flip test, NaN without cases.
        p_holm: the p-value corrected for the number of columns, those of all classes (Holm).
    """

    label: int | None
    column: str
    higher_is_better: bool
    cases: tuple[str, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]
    difference: float
    low: float
    high: float
    p_value: float
    p_holm: float = np.nan

    @property
    def differences(self) -> NDArray[np.float64]:
        """B - A of each case."""
        return np.subtract(self.second, self.first, dtype=np.float64)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Number of cases in which B is better, worse, and equal."""
        gains = self.differences if self.higher_is_better else -self.differences
        return int((gains > 0).sum()), int((gains < 0).sum()), int((gains == 0).sum())


def paired_difference(
    label: int | None,
    column: str,
    higher_is_better: bool,
    scores: Sequence[tuple[str, float, float]],
    seed: int,
) -> PairedDifference:
    """Mean difference of one column with its interval and p-value.

    Args:
        label: the class, or None.
        column: name of the column.
        higher_is_better: whether a high number is good.
        scores: name, score of A and score of B of each case; cases with NaN are left out.
        seed: random seed of bootstrap and test.

    Example:
        >>> cases = [("a", 0.5, 0.75), ("b", 0.5, 1.0), ("c", 0.25, 0.5), ("d", np.nan, 0.5)]
        >>> found = paired_difference(None, "pixel.dice", True, cases, seed=0)
        >>> found.cases, round(found.difference, 3), found.p_value, found.counts
        (('a', 'b', 'c'), 0.333, 0.25, (3, 0, 0))
    """
    defined = [row for row in scores if not np.isnan(row[1:]).any()]
    cases, first, second = zip(*defined, strict=True) if defined else ((), (), ())
    differences = np.subtract(second, first, dtype=np.float64)
    low, high = bootstrap_interval(differences, seed)
    mean = float(differences.mean()) if len(differences) else np.nan
    return PairedDifference(
        label, column, higher_is_better, cases, first, second, mean, low, high, sign_flip_p_value(differences, seed)
    )


def bootstrap_interval(differences: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over cases, at the level :data:`LEVEL`.

    Args:
        differences: ``(N,)`` numbers, one for each case.
        seed: random seed.

    Returns:
        Its two ends, NaN for fewer than two cases.

    Example:
        >>> bootstrap_interval([2.0, 2.0, 2.0]), bootstrap_interval([1.0])
        ((2.0, 2.0), (nan, nan))
    """
    from scipy.stats import bootstrap

    values = np.asarray(differences, np.float64)
    if len(values) < 2:
        return np.nan, np.nan
    if (values == values[0]).all():
        return float(values[0]), float(values[0])
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=NUM_RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def sign_flip_p_value(differences: ArrayLike, seed: int = 0) -> float:
    """Two-sided p-value of the mean under random signs of the differences: A and B exchanged case by case.

    It is exact for up to 13 cases, whose sign flips are all enumerated. The smallest p-value of N cases is 2 / 2^N.

    Args:
        differences: ``(N,)`` numbers, one for each case.
        seed: random seed, for more than 13 cases.

    Returns:
        The p-value, NaN without cases.

    Example:
        >>> sign_flip_p_value([1.0, 2.0, 3.0, 4.0]), sign_flip_p_value([0.0, 0.0]), sign_flip_p_value([5.0])
        (0.125, 1.0, 1.0)
    """
    from scipy.stats import permutation_test

    values = np.asarray(differences, np.float64)
    if not len(values):
        return np.nan
    if len(values) < 2:
        return 1.0
    found = permutation_test(
        (values, np.zeros_like(values)),
        _mean_difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=NUM_RESAMPLES,
        random_state=np.random.default_rng(seed),
    )
    return min(float(found.pvalue), 1.0)


def _mean_difference(first: NDArray[Any], second: NDArray[Any], axis: int = -1) -> Any:
    return np.mean(first - second, axis=axis)


def with_holm(found: Sequence[PairedDifference]) -> list[PairedDifference]:
    """The differences with p-values corrected for their number by Holm's step-down method; NaN is not counted.

    Example:
        >>> found = [paired_difference(None, "x", True, [("a", 0, d), ("b", 0, 1), ("c", 0, 1)], 0) for d in (1, 0)]
        >>> [one.p_value for one in found], [one.p_holm for one in with_holm(found)]
        ([0.25, 0.5], [0.5, 0.5])
    """
    p_values = np.array([one.p_value for one in found], np.float64)
    corrected = p_values.copy()
    order = [int(place) for place in np.argsort(p_values, kind="stable") if not np.isnan(p_values[place])]
    reached = 0.0
    for rank, place in enumerate(order):
        reached = max(reached, min(1.0, (len(order) - rank) * p_values[place]))
        corrected[place] = reached
    return [replace(one, p_holm=float(p)) for one, p in zip(found, corrected, strict=True)]
