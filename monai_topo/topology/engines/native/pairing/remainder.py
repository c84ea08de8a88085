"""The matrix that is left when most of dimension 1 is paired: columns of squares, rows of edges, modulo 2.

It is reduced from the first column to the last. A column is a set of bits, one for each row, the last edge first, 64 to
a word; of a reduced one the words that are not zero are kept, each with its place. Late columns fill up with the edges
of loops that nothing fills for long: adding one then takes a step for each word and not for each edge. Of two columns
with one last edge the shorter is kept for it: any column with that edge will do, as long as only earlier ones went into
it.

Source: Bauer, Bin Masood, Giunti, Houry, Kerber, Rathod, "Keeping it sparse: computing persistent homology revisited",
Computing in Geometry and Topology 3 (2024).
"""

from __future__ import annotations

import numpy as np

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.pairing.chains import FIRST_KEPT, UNTAKEN, longer
from monai_topo.topology.engines.native.types import Cells, Columns, Int, KeptWords, Partners, Scratch

_WORD, _IN_WORD = 6, 63
_HALF, _LOW_HALF = 32, 0xFFFFFFFF
_ONE = np.int64(1)


@allocating_kernel
def pair_remainder(columns: Columns, edges: Cells, partner: Partners) -> None:
    """Pair the squares that have a column.

    Args:
        columns: column of each square, rows by the numbers of edges; those are overwritten.
        edges: int32 ``(3, n)``, in the total order.
        partner: partner of each square: the voxel that owns its edge; filled where there is a column.
    """
    start, stop, rows = columns
    named = np.zeros(edges.shape[1] if rows.size else 0, np.int32)
    edge_of = np.empty(_mark(rows, named), np.int32)
    _number(named, edge_of)
    bits, taker = np.zeros((edge_of.size >> _WORD) + 1, np.int64), np.empty(edge_of.size, np.int32)
    taker[:] = UNTAKEN
    spans = np.empty((2, start.size), np.int64)
    kept = KeptWords(np.empty(FIRST_KEPT, np.int32), np.empty(FIRST_KEPT, np.int64))
    spare = KeptWords(np.empty(bits.size, np.int32), np.empty(bits.size, np.int64))
    end = np.int64(0)
    for square in range(start.size):
        column = rows[start[square] : stop[square]]
        if column.size == 0:
            continue
        for k in range(column.size):
            column[k] = named[column[k]]
        row, length = _eliminate(column, bits, taker, spans, kept, spare)
        if row == UNTAKEN:
            continue
        while end + length > kept.bits.size:
            kept = KeptWords(longer(kept.places), longer(kept.bits))
        taker[row] = square
        spans[0, square], spans[1, square] = end, end + length
        _write_column(bits, row >> _WORD, kept, end, end + length)
        _add_column(kept, end, end + length, bits)
        end += length
        partner[square] = edges[0, edge_of[row]]


@kernel
def _mark(rows: Partners, named: Partners) -> Int:
    """Mark the edges that occur; return how many there are."""
    found = 0
    for k in range(rows.size):
        found += 1 - named[rows[k]]
        named[rows[k]] = 1
    return found


@kernel
def _number(named: Partners, edge_of: Partners) -> None:
    """Give the marked edges numbers, the last one 0."""
    row = 0
    for edge in range(named.size - 1, -1, -1):
        if named[edge]:
            named[edge] = row
            edge_of[row] = edge
            row += 1


@kernel
def _eliminate(
    column: Partners, bits: Scratch, taker: Partners, spans: Scratch, kept: KeptWords, spare: KeptWords
) -> tuple[Int, Int]:
    """Reduce a column into the empty bits; return its first row that no other column took, and how many words it has.

    ``UNTAKEN`` instead of a row says that nothing is left.
    """
    length = _set_rows(column, bits)
    word = 0
    for _ in range(taker.size):  # no row is met twice
        if length == 0:
            break
        while bits[at(word)] == 0:
            word += 1
        row = (word << _WORD) | _lowest_of_64(bits[at(word)])
        owner = np.int64(taker[at(row)])
        if owner == UNTAKEN:
            return row, length
        first, last = spans[0, at(owner)], spans[1, at(owner)]
        if length < last - first:
            for k in range(first, last):
                spare.places[at(k - first)], spare.bits[at(k - first)] = kept.places[at(k)], kept.bits[at(k)]
            spans[1, at(owner)] = first + length
            _write_column(bits, word, kept, first, first + length)
            length += _add_column(spare, np.int64(0), last - first, bits)
        else:
            length += _add_column(kept, first, last, bits)
    return UNTAKEN, 0


@inlined_kernel
def _lowest_of_64(word: Int) -> Int:
    """The index of the lowest bit set."""
    low = word & _LOW_HALF
    return lowest_bit(low) if low else _HALF + lowest_bit((word >> _HALF) & _LOW_HALF)


@kernel
def _set_rows(rows: Partners, bits: Scratch) -> Int:
    """Turn the bits of some rows around; return by how many more words are not zero."""
    more = 0
    for k in range(rows.size):
        row = np.int64(rows[k])
        before = bits[at(row >> _WORD)]
        bits[at(row >> _WORD)] = before ^ (_ONE << (row & _IN_WORD))
        more += (1 if bits[at(row >> _WORD)] else 0) - (1 if before else 0)
    return more


@inlined_kernel
def _add_column(column: KeptWords, first: Int, last: Int, bits: Scratch) -> Int:
    """Add a kept column to the bits; return by how many more words are not zero."""
    more = 0
    for k in range(first, last):
        place = np.int64(column.places[at(k)])
        before = bits[at(place)]
        after = before ^ column.bits[at(k)]
        bits[at(place)] = after
        more += (1 if after else 0) - (1 if before else 0)
    return more


@kernel
def _write_column(bits: Scratch, word: Int, column: KeptWords, first: Int, last: Int) -> None:
    """List the words that are not zero, from a word on, which is the first one."""
    while first < last:
        if bits[at(word)]:
            column.places[at(first)], column.bits[at(first)] = word, bits[at(word)]
            first += 1
        word += 1
