"""Numbers of a whole volume, exact, from passes over its blocks: extremes, mean, and order statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Blocks = Callable[[Callable[[NDArray[np.float32]], Any]], Iterable[Any]]
"""Applies a function to the values of each block and gives the results, in any order."""


def extremes(blocks: Blocks) -> tuple[float, float]:
    """Smallest and largest value."""
    found = list(blocks(_extremes))
    return min(low for low, _ in found), max(high for _, high in found)


def mean_and_deviation(blocks: Blocks) -> tuple[float, float]:
    """Mean and standard deviation (of the population), from sums in float64 about the mean of each block."""
    count, mean, squares = 0, 0.0, 0.0
    for n, center, spread in blocks(_moments):
        step = center - mean
        total = count + n
        squares += spread + step * step * count * n / total
        mean += step * n / total
        count = total
    return mean, float(np.sqrt(squares / count))


def percentiles(blocks: Blocks, wanted: Sequence[float]) -> list[float]:
    """Percentiles as ``numpy.percentile`` has them, of values in float32.

    Values are sorted into 2^16 bins by the upper half of their bits, then those of the bins in question by the
    lower half: two passes, and no more memory for a larger volume.

    Args:
        blocks: values of the volume.
        wanted: percentages, 0 to 100.

    Example:
        >>> values = np.array([3, -1, 0.5, 8, 2], np.float32)
        >>> percentiles(lambda function: [function(values[:2]), function(values[2:])], [50, 25])
        [2.0, 0.5]
    """
    upper = sum(blocks(_upper_halves), np.zeros(2**16, np.int64))
    ranks = [q / 100 * (int(upper.sum()) - 1) for q in wanted]
    places = sorted({int(place) for rank in ranks for place in (np.floor(rank), np.ceil(rank))})
    ends = np.cumsum(upper)
    bins = {place: int(np.searchsorted(ends, place, side="right")) for place in places}
    lower: dict[int, NDArray[np.int64]] = {}
    for found in blocks(_LowerHalves(tuple(sorted({*bins.values()})))):
        for number, counts in found.items():
            lower[number] = lower.get(number, np.zeros(2**16, np.int64)) + counts
    values = {place: _value(number, place - int(ends[number] - upper[number]), lower) for place, number in bins.items()}
    return [_between(rank, values) for rank in ranks]


def _extremes(values: NDArray[np.float32]) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _moments(values: NDArray[np.float32]) -> tuple[int, float, float]:
    center = float(values.mean(dtype=np.float64))
    return values.size, center, float(np.square(values - center, dtype=np.float64).sum())


def _keys(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Integers in the order of the values."""
    bits = np.ascontiguousarray(values, np.float32).ravel().view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(2**31))


def _upper_halves(values: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.bincount(_keys(values) >> 16, minlength=2**16)


class _LowerHalves:
    """Counts of the lower halves of the bits, of the values in some bins; a class since workers get it by pickle."""

    def __init__(self, bins: tuple[int, ...]) -> None:
        self.bins = bins

    def __call__(self, values: NDArray[np.float32]) -> dict[int, NDArray[np.int64]]:
        keys = _keys(values)
        upper = keys >> 16
        return {number: np.bincount(keys[upper == number] & 0xFFFF, minlength=2**16) for number in self.bins}


def _value(number: int, place: int, lower: dict[int, NDArray[np.int64]]) -> float:
    """The value at a place among those of a bin."""
    half = int(np.searchsorted(np.cumsum(lower[number]), place, side="right"))
    key = np.uint32(number << 16 | half)
    bits = key & np.uint32(2**31 - 1) if key >> 31 else ~key
    return float(np.array([bits], np.uint32).view(np.float32)[0])


def _between(rank: float, values: dict[int, float]) -> float:
    low = int(np.floor(rank))
    below, above = values[low], values[int(np.ceil(rank))]
    return below + (above - below) * (rank - low)
