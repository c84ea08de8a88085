"""The matrix that is left when most of dimension 1 is paired: columns of squares, rows of edges, modulo 2.

It is reduced by rows, from the last edge to the first. A row is a set of bits, one for each square with a column, 64
to a word, and the first square that is left of it is the one that the edge is paired with. By columns the pairs are the
same, but where the matrix is large they take twice as long. Of a reduced row the words that are not zero are kept, each
with its place. Rows fill up with the squares around which many loops go: adding one then takes a step for each word and
not for each square. Of two rows with one first square the shorter is kept for it: any row with that square will do, as
long as only later ones went into it.

Source: Bauer, Bin Masood, Giunti, Houry, Kerber, Rathod, "Keeping it sparse: computing persistent homology revisited",
Computing in Geometry and Topology 3 (2024).
"""

from __future__ import annotations

import numpy as np

from monai_topo.topology.compiled.kernel import allocating_kernel, at, inlined_kernel, kernel
from monai_topo.topology.engines.native.pairing.chains import FIRST_KEPT, UNTAKEN, longer
from monai_topo.topology.engines.native.pairing.sets import IN_WORD, WORD, lowest_of_64
from monai_topo.topology.engines.native.types import Cells, Int, KeptWords, Partners, Rows, Scratch

_ONE = np.int64(1)


@allocating_kernel
def pair_remainder(rows: Rows, columns: Partners, edges: Cells, partner: Partners) -> None:
    """Pair the squares that have a column.

    Args:
        rows: rows, the last edge first.
        columns: int32, the square of each column.
        edges: int32 ``(3, n)``, in the total order.
        partner: partner of each square: the voxel that owns its edge; filled where there is a column.
    """
    place, square_of = np.zeros(partner.size, np.int32), np.empty(columns.size, np.int32)
    _number(columns, place, square_of)
    bits, taker = np.zeros((columns.size >> WORD) + 1, np.int64), np.empty(columns.size, np.int32)
    taker[:] = UNTAKEN
    for k in range(rows.start[rows.edges.size]):
        rows.members[k] = place[columns[rows.members[k]]]
    spans = np.empty((2, rows.edges.size), np.int64)
    kept = KeptWords(np.empty(FIRST_KEPT, np.int32), np.empty(FIRST_KEPT, np.int64))
    spare = KeptWords(np.empty(bits.size, np.int32), np.empty(bits.size, np.int64))
    end = np.int64(0)
    for row in range(rows.edges.size):
        members = rows.members[rows.start[row] : rows.start[row + 1]]
        first, length = _eliminate(members, bits, taker, spans, kept, spare)
        if first == UNTAKEN:
            continue
        while end + length > kept.bits.size:
            kept = KeptWords(longer(kept.places), longer(kept.bits))
        taker[first] = row
        spans[0, row], spans[1, row] = end, end + length
        _write_row(bits, first >> WORD, kept, end, end + length)
        _add_row(kept, end, end + length, bits)
        end += length
        partner[square_of[first]] = edges[0, rows.edges[row]]


@kernel
def _number(columns: Partners, place: Partners, square_of: Partners) -> None:
    """Number the squares that have a column in their order."""
    for k in range(columns.size):
        place[columns[k]] = 1
    count = 0
    for square in range(place.size):
        if place[square]:
            place[square], square_of[count] = count, square
            count += 1


@kernel
def _eliminate(
    members: Partners, bits: Scratch, taker: Partners, spans: Scratch, kept: KeptWords, spare: KeptWords
) -> tuple[Int, Int]:
    """Reduce a row into the empty bits; return its first square that no other row took, and how many words it has.

    ``UNTAKEN`` instead of a square says that nothing is left.
    """
    length = _set_bits(members, bits)
    word = 0
    for _ in range(taker.size):  # no square is met twice
        if length == 0:
            break
        while bits[at(word)] == 0:
            word += 1
        square = (word << WORD) | lowest_of_64(bits[at(word)])
        owner = np.int64(taker[at(square)])
        if owner == UNTAKEN:
            return square, length
        first, last = spans[0, at(owner)], spans[1, at(owner)]
        if length < last - first:
            for k in range(first, last):
                spare.places[at(k - first)], spare.bits[at(k - first)] = kept.places[at(k)], kept.bits[at(k)]
            spans[1, at(owner)] = first + length
            _write_row(bits, word, kept, first, first + length)
            length += _add_row(spare, np.int64(0), last - first, bits)
        else:
            length += _add_row(kept, first, last, bits)
    return UNTAKEN, 0


@kernel
def _set_bits(members: Partners, bits: Scratch) -> Int:
    """Turn the bits of some squares around; return by how many more words are not zero."""
    more = 0
    for k in range(members.size):
        square = np.int64(members[k])
        before = bits[at(square >> WORD)]
        bits[at(square >> WORD)] = before ^ (_ONE << (square & IN_WORD))
        more += (1 if bits[at(square >> WORD)] else 0) - (1 if before else 0)
    return more


@inlined_kernel
def _add_row(row: KeptWords, first: Int, last: Int, bits: Scratch) -> Int:
    """Add a kept row to the bits; return by how many more words are not zero."""
    more = 0
    for k in range(first, last):
        place = np.int64(row.places[at(k)])
        before = bits[at(place)]
        after = before ^ row.bits[at(k)]
        bits[at(place)] = after
        more += (1 if after else 0) - (1 if before else 0)
    return more


@kernel
def _write_row(bits: Scratch, word: Int, row: KeptWords, first: Int, last: Int) -> None:
    """List the words that are not zero, from a word on, which is the first one."""
    while first < last:
        if bits[at(word)]:
            row.places[at(first)], row.bits[at(first)] = word, bits[at(word)]
            first += 1
        word += 1
