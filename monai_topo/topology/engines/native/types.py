"""What the kernels are given and give: one alias for each kind of array and number, with its dtype, shape and meaning.

numba reads no annotations: they are for the reader and the type checker. What goes from kernel to kernel together is a
named tuple, which numba takes apart when it compiles. "Flat, padded" is the grid of a field with one layer around it
(in 2D none along the first axis), as one row in C order.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monai_topo.topology.compiled.kernel import Int as Int

Voxel: TypeAlias = Int
"""The flat index of a voxel in the padded grid."""

Word: TypeAlias = Int
"""Neighbors of a voxel as bits, in the order of ``grid.neighbor_steps``; some kernels keep flags above them."""

Link: TypeAlias = Int
"""What ``links.link_of`` knows of the link of a voxel, packed."""

Grid: TypeAlias = tuple[Int, Int, Int]
"""Shape of the padded grid; a depth of 1 is 2D."""

Field: TypeAlias = NDArray[np.int32]
"""int32 ``(D, H, W)``: integers that stand for the values of a field; 2D fields have D = 1."""

Stack: TypeAlias = NDArray[np.int32]
"""int32 ``(N, D, H, W)``: fields of one shape."""

Keys: TypeAlias = NDArray[np.int32]
"""int32, flat, padded: one key for each voxel, in the order of the values; see ``order.keys``."""

Words: TypeAlias = NDArray[np.int32]
"""int32, flat, padded: one :data:`Word` for each voxel, the neighbors before it in the total order."""

Mixed: TypeAlias = NDArray[np.int32]
"""int32, flat, padded: for each voxel the edges that belong to it in one of two orders only; see ``gradient.mixed``."""

Keyed: TypeAlias = NDArray[np.int32]
"""int32, twice as long as the flat padded grid: key and state of each voxel by turns; see ``pairing.chains``."""

Forest: TypeAlias = NDArray[np.int32]
"""int32, flat, padded: for each voxel one that is nearer to the root of its tree, a root for itself."""

Flags: TypeAlias = NDArray[np.uint8]
"""uint8, flat, padded: what is known of each voxel, as bits."""

Mask: TypeAlias = NDArray[np.bool_]
"""bool: flat and padded, or one entry for each dimension that is asked for."""

Offsets: TypeAlias = NDArray[np.int64]
"""int64 ``(8,)`` or ``(26,)``: what leads from a voxel to each neighbor in the flat padded grid."""

LinkTable: TypeAlias = NDArray[np.int64]
"""int64: the links of all configurations in 3D, from ``links.new_link_table``."""

Codes: TypeAlias = NDArray[np.int64]
"""int64 ``(n,)``: order codes of voxels, which compare like the total order; also the heap of a chain."""

Cells: TypeAlias = NDArray[np.int32]
"""int32 ``(3, n)`` or ``(4, n)``: critical cells, each its owner, a voxel on either side, and of squares an edge."""

Partners: TypeAlias = NDArray[np.int32]
"""int32: for each cell the number of another or a voxel, ``UNPAIRED`` (-1) where there is none."""

Pairs: TypeAlias = NDArray[np.int64]
"""int64 ``(2, n)``: births and deaths, as flat indices in the stack of fields."""

Scratch: TypeAlias = NDArray[np.int64]
"""int64, a few places that a kernel overwrites: counts, regions of a link, edges that were found."""

Array: TypeAlias = NDArray[Any]
"""Flat, of a dtype that the kernel does not mind or its docstring says."""


class Place(NamedTuple):
    """Where the voxels of one field lie in the stack of fields.

    Attributes:
        field: number of the field in its stack.
        upside_down: the order, and with it the flat index, is turned around.
        grid: the padded grid.
        shape: the field's own shape.
    """

    field: Int
    upside_down: bool
    grid: Grid
    shape: Any


class ForestSteps(NamedTuple):
    """Which neighbors a forest steps to. The numbers are numpy's: of Python's numba would compile each kind anew.

    Attributes:
        first: the first of the bits to look at first; diagonal steps make short paths.
        stop: the one after the last of them, an even number further.
        others: the bits, as a word, to look at if none of these is set.
    """

    first: Int
    stop: Int
    others: Word


class CriticalCounts(NamedTuple):
    """How many voxels of a 3D field have critical edges or squares, and how many cells these are."""

    edge_voxels: Int
    edges: Int
    square_voxels: Int
    squares: Int


class CriticalCells(NamedTuple):
    """Critical edges and squares, and what dimensions 0 and 2 leave of them for dimension 1.

    Attributes:
        edges: int32 ``(3, n)``, in the total order.
        merged: partner of each edge in dimension 0, or ``UNPAIRED``.
        squares: int32 ``(4, n)``, in the total order.
        enclosed: partner of each square in dimension 2, or ``UNPAIRED``.
    """

    edges: Cells
    merged: Partners
    squares: Cells
    enclosed: Partners


class Taken(NamedTuple):
    """What a reduction has paired so far.

    Attributes:
        partner: partner of each critical square: the voxel that owns its edge, or ``UNPAIRED``.
        taker: column that took each cell at which a chain can end, or ``UNTAKEN``.
        first: int32, flat, padded: the first such cell of each voxel, defined where there is one.
    """

    partner: Partners
    taker: Partners
    first: Partners


class Effort(NamedTuple):
    """How much work goes into the reduction of dimension 1 before it is tried in another way; see ``chains.POP_WORK``.

    Attributes:
        column: work that a square may always take before it is put off.
        first: further work for each voxel of the grid that squares may take, given out as they take their turns. Once
            it is used up, there is none any more.
        attempt: work for each voxel after which pushing up is given up.
        plateau: share of the voxels, in percent, that are equal and come last from which chains are pushed up first.
    """

    column: Int
    first: Int
    attempt: Int
    plateau: Int


class Allowance(NamedTuple):
    """Work that the columns of one attempt may take.

    Attributes:
        left: int64 of 1: what is left for all of them.
        pay: amount that is added to it with every column; 0 if there is no end to the columns that are put off.
        shortest: amount that each column may take even when nothing is left, and that does not count.
    """

    left: Scratch
    pay: Int
    shortest: Int


class KeptChains(NamedTuple):
    """Reduced chains, one behind the other.

    Attributes:
        start: int64: where the chain of each column starts, if it has one.
        stop: int64: where it ends.
        voxels: int32: the voxels of the chains.
        bits: bits of each of them: its cells that are in the chain.
    """

    start: Scratch
    stop: Scratch
    voxels: Array
    bits: Array


class Reduction(NamedTuple):
    """How far the reduction of dimension 1 has come: cells, pairs and chains, as in the tuples above.

    Attributes:
        edges: int32 ``(3, n)``, in the total order.
        merged: partner of each edge in dimension 0, or ``UNPAIRED``.
        squares: int32 ``(4, n)``, in the total order.
        enclosed: partner of each square in dimension 2, or ``UNPAIRED``.
        partner: partner of each critical square.
        taker: square that took each edge, or ``UNTAKEN``.
        put_off: marks of the squares that are put off.
        start: int64: where the chain of each square starts, if it has one.
        stop: int64: where it ends.
        voxels: int32: the voxels of the chains.
        bits: uint8: bits of each of them.
    """

    edges: Cells
    merged: Partners
    squares: Cells
    enclosed: Partners
    partner: Partners
    taker: Partners
    put_off: Mask
    start: Scratch
    stop: Scratch
    voxels: Array
    bits: Array


class Rows(NamedTuple):
    """Rows of a sparse matrix, one behind the other.

    Attributes:
        edges: int32: the edge of each row.
        start: int64: where each row starts, and where the last one ends.
        members: int32: the columns that are set.
    """

    edges: Partners
    start: Scratch
    members: Partners


class KeptWords(NamedTuple):
    """Rows of bits, one behind the other, without their words that are zero.

    Attributes:
        places: int32: which word of its row each one is.
        bits: int64: 64 columns of the row.
    """

    places: Array
    bits: Array


class TwoOrders(NamedTuple):
    """Two total orders of one grid: a field that is filtered, and a larger filtration that it lies in.

    Attributes:
        keys_a: keys of the field.
        keys_b: keys of the larger filtration.
        lower_a: words of lower neighbors in the field's order.
        lower_b: words of lower neighbors in the order of the larger filtration.
    """

    keys_a: Keys
    keys_b: Keys
    lower_a: Words
    lower_b: Words
