"""Sets of columns that are added modulo 2: each has a number, by which two of them are known to be equal.

A set is kept as the words of 64 bits that are not zero, each with its place. Number 0 is the empty set. What two sets
come to is looked up first in a table of sums that were made before: where chains of the same columns run side by side,
the same two sets meet again and again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.types import Array, Int, Partners, Scratch

WORD, IN_WORD = 6, 63
_HALF, _LOW_HALF = 32, 0xFFFFFFFF
_ONE = np.int64(1)
_SUMS = np.int64(1 << 14)
_MIX, _MIX_BITS = np.int64(0x2545F4914F6CDD1D), 40
"""Odd, to spread pairs of numbers over the table."""
_NUMBERS, _WORDS = 0, 1
"""The two entries of ``used``: how many numbers and words are."""


class Sets(NamedTuple):
    """Sets of columns by numbers.

    Attributes:
        start: int64: where the words of each set start, and where the last one ends.
        places: int32: which word of its set each one is.
        bits: int64: 64 columns of the set.
        used: int64 of 2: how many sets there are, and how many words.
        pairs: int64: pairs of sets that were added.
        sums: int32: what they came to.
    """

    start: Scratch
    places: Array
    bits: Array
    used: Scratch
    pairs: Scratch
    sums: Array


@allocating_kernel
def no_sets(numbers: Int, words: Int) -> Any:
    """The empty set alone, with room for others."""
    start, used = np.zeros(numbers + 1, np.int64), np.zeros(2, np.int64)
    sets = Sets(start, np.empty(words, np.int32), np.empty(words, np.int64), used, *_no_sums())
    used[_NUMBERS] = 1
    return sets


@allocating_kernel
def _no_sums() -> Any:
    return np.zeros(_SUMS, np.int64), np.zeros(_SUMS, np.int32)


@inlined_kernel
def has_room(sets: Sets, numbers: Int, words: Int) -> bool:
    """Whether there is place for some sets with some words in all."""
    used = sets.used
    return bool(used[_NUMBERS] + numbers < sets.start.size and used[_WORDS] + words <= sets.bits.size)


@inlined_kernel
def single(column: Int, sets: Sets) -> Int:
    """The number of a new set of one column."""
    number, end = sets.used[_NUMBERS], sets.used[_WORDS]
    sets.places[at(end)] = column >> WORD
    sets.bits[at(end)] = _ONE << (column & IN_WORD)
    return _close(number, end + 1, sets)


@inlined_kernel
def _close(number: Int, end: Int, sets: Sets) -> Int:
    """End the set that is written; return its number."""
    sets.start[at(number + 1)] = end
    sets.used[_NUMBERS], sets.used[_WORDS] = number + 1, end
    return number


@inlined_kernel
def sum_of(a: Int, b: Int, sets: Sets) -> Int:
    """The number of the sum of two sets."""
    if a == 0 or b == 0:
        return a | b
    if a == b:
        return np.int64(0)
    pair = (np.int64(min(a, b)) << 32) | np.int64(max(a, b))
    place = ((pair * _MIX) >> _MIX_BITS) & (_SUMS - 1)
    if sets.pairs[at(place)] != pair:
        sets.pairs[at(place)], sets.sums[at(place)] = pair, _merge(a, b, sets)
    return np.int64(sets.sums[at(place)])


@kernel
def _merge(a: Int, b: Int, sets: Sets) -> Int:
    """Write the sum of two sets; return its number."""
    places, bits = sets.places, sets.bits
    i, last_i, j, last_j = sets.start[a], sets.start[a + 1], sets.start[b], sets.start[b + 1]
    first = end = sets.used[_WORDS]
    while i < last_i and j < last_j:
        at_i, at_j = places[at(i)], places[at(j)]
        word = (bits[at(i)] if at_i <= at_j else 0) ^ (bits[at(j)] if at_j <= at_i else 0)
        places[at(end)], bits[at(end)] = min(at_i, at_j), word
        end += 1 if word else 0
        i, j = i + (at_i <= at_j), j + (at_j <= at_i)
    i, last_i = (i, last_i) if i < last_i else (j, last_j)
    while i < last_i:
        places[at(end)], bits[at(end)] = places[at(i)], bits[at(i)]
        i, end = i + 1, end + 1
    return _close(sets.used[_NUMBERS], end, sets) if end > first else 0


@inlined_kernel
def lowest_of_64(word: Int) -> Int:
    """The index of the lowest bit set."""
    low = word & _LOW_HALF
    return lowest_bit(low) if low else _HALF + lowest_bit((word >> _HALF) & _LOW_HALF)


@kernel
def write_members(number: Int, sets: Sets, members: Partners, end: Int) -> Int:
    """Write the columns of a set behind the others; return where they end."""
    for k in range(sets.start[number], sets.start[number + 1]):
        word, first = sets.bits[at(k)], np.int64(sets.places[at(k)]) << WORD
        while word:
            members[at(end)] = first + lowest_of_64(word)
            word &= word - 1
            end += 1
    return end
