"""The matrix that is left when most of dimension 1 is paired: columns of squares, rows of edges, modulo 2.

It is reduced from the first column to the last. The column at hand is a set of bits, one for each row, the last edge
first; the reduced ones are lists. Of two columns with one last edge the shorter is kept for it, so that lists stay
short: any column with that edge will do, as long as only earlier ones went into it.

Source: Bauer, Bin Masood, Giunti, Houry, Kerber, Rathod, "Keeping it sparse: computing persistent homology revisited",
Computing in Geometry and Topology 3 (2024).
"""

from __future__ import annotations

import numpy as np

from monai_topo.topology.compiled.bits import lowest_bit
from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.pairing.chains import FIRST_KEPT, UNTAKEN, longer
from monai_topo.topology.engines.native.types import Cells, Int, Partners, Scratch

_WORD, _IN_WORD = 5, 31  # 32 bits in each int64


@allocating_kernel
def pair_remainder(start: Scratch, rows: Partners, edges: Cells, partner: Partners) -> None:
    """Pair the squares that have a column.

    Args:
        start: for each square where its column starts, and at last where the last one ends.
        rows: the numbers of edges in each column; overwritten.
        edges: int32 ``(3, n)``, in the total order.
        partner: for each square the voxel that owns its edge; filled where there is a column.
    """
    named = np.zeros(edges.shape[1] if start[start.size - 1] else 0, np.int32)
    edge_of = np.empty(_mark(rows, start[start.size - 1], named), np.int32)
    _number(named, edge_of)
    bits, taker = np.zeros((edge_of.size >> _WORD) + 1, np.int64), np.empty(edge_of.size, np.int32)
    taker[:] = UNTAKEN
    spans, kept, spare = (
        np.empty((2, start.size), np.int64),
        np.empty(FIRST_KEPT, np.int32),
        np.empty(edge_of.size, np.int32),
    )
    end = np.int64(0)
    for square in range(start.size - 1):
        column = rows[start[square] : start[square + 1]]
        if column.size == 0:
            continue
        for k in range(column.size):
            column[k] = named[column[k]]
        row, length = _eliminate(column, bits, taker, spans, kept, spare)
        if row == UNTAKEN:
            continue
        while end + length > kept.size:
            kept = longer(kept)
        taker[row] = square
        spans[0, square], spans[1, square] = end, end + length
        _write_column(bits, row, length, kept[end : end + length])
        _toggle(kept[end : end + length], bits)
        end += length
        partner[square] = edges[0, edge_of[row]]


@kernel
def _mark(rows: Partners, count: Int, named: Partners) -> Int:
    """Mark the edges that occur; return how many there are."""
    found = 0
    for k in range(count):
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
    column: Partners, bits: Scratch, taker: Partners, spans: Scratch, kept: Partners, spare: Partners
) -> tuple[Int, Int]:
    """Reduce a column into the empty bits; return its first row that no other column took, and how many rows it has.

    ``UNTAKEN`` instead of a row says that nothing is left.
    """
    length = _toggle(column, bits)
    word = 0
    while length:
        while bits[at(word)] == 0:
            word += 1
        row = (word << _WORD) | lowest_bit(bits[at(word)])
        owner = np.int64(taker[at(row)])
        if owner == UNTAKEN:
            return row, length
        first, other = spans[0, at(owner)], spans[1, at(owner)] - spans[0, at(owner)]
        added = kept[first : first + other]
        if length < other:
            for k in range(other):
                spare[k] = added[k]
            spans[1, at(owner)] = first + length
            _write_column(bits, row, length, added)
            added = spare[:other]
        length += _toggle(added, bits)
    return UNTAKEN, 0


@inlined_kernel
def _toggle(rows: Partners, bits: Scratch) -> Int:
    """Turn the bits of some rows around; return by how many more are set."""
    more = 0
    for k in range(rows.size):
        row = np.int64(rows[k])
        bits[at(row >> _WORD)] ^= 1 << (row & _IN_WORD)
        more += 2 * ((bits[at(row >> _WORD)] >> (row & _IN_WORD)) & 1) - 1
    return int(more)


@kernel
def _write_column(bits: Scratch, row: Int, length: Int, column: Partners) -> None:
    """List the rows whose bits are set; the first one is ``row``."""
    word, found = row >> _WORD, 0
    while found < length:
        left = bits[at(word)]
        while left:
            column[at(found)] = (word << _WORD) | lowest_bit(left)
            left &= left - 1
            found += 1
        word += 1
