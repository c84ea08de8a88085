"""Persistent homology by the textbook: every cell of the complex, one boundary matrix, one reduction.

Slow, short, and sharing no code with the package: the oracle of all engines on tiny images.
"""

from __future__ import annotations

import itertools

import numpy as np

FRAME, ESSENTIAL = -2, -1


def voxel_pairs(field, full, frame):
    """Pairs (birth, death) for each dimension, voxels as flat indices, of the sublevel filtration of ``field``."""
    order = np.argsort(field, axis=None, kind="stable")
    ranks = np.empty(field.size, int)
    ranks[order] = np.arange(1, field.size + 1)
    ranks = ranks.reshape(field.shape)
    if frame:
        ranks = np.pad(ranks, 1)
    cells = _cells_over_top_cells(ranks) if full else _cells_over_vertices(ranks)
    sequence = sorted(cells, key=lambda cell: (cells[cell], _dimension(cell), cell))
    pairs = {k: set() for k in range(field.ndim)}
    voxel = {0: FRAME} | {rank + 1: int(index) for rank, index in enumerate(order)}
    for birth, death in _reduce(sequence):
        k = _dimension(birth)
        if k >= field.ndim:
            continue
        if death is None:
            pairs[k].add((voxel[cells[birth]], ESSENTIAL))
        elif cells[birth] != cells[death]:
            pairs[k].add((voxel[cells[birth]], voxel[cells[death]]))
    return pairs


def _dimension(cell):
    return sum(position % 2 for position in cell)


def _cells_over_top_cells(ranks):
    """Doubled coordinates, odd along an axis that the cell spans: a voxel is (1, 1, ...) plus twice its index."""
    cells = {}
    for index in np.ndindex(*ranks.shape):
        for step in itertools.product((-1, 0, 1), repeat=ranks.ndim):
            cell = tuple(2 * i + 1 + s for i, s in zip(index, step, strict=True))
            cells[cell] = min(cells.get(cell, ranks[index]), ranks[index])
    return cells


def _cells_over_vertices(ranks):
    """Doubled coordinates: a voxel is a vertex at twice its index."""
    cells = {}
    for cell in np.ndindex(*[2 * size - 1 for size in ranks.shape]):
        corners = itertools.product(*[(c // 2, c // 2 + 1) if c % 2 else (c // 2,) for c in cell])
        cells[cell] = max(ranks[corner] for corner in corners)
    return cells


def _reduce(sequence):
    """Standard reduction modulo 2; yields (creator, destroyer or None)."""
    position = {cell: i for i, cell in enumerate(sequence)}
    columns, owner, creators = {}, {}, set()
    for j, cell in enumerate(sequence):
        column = set()
        for axis, c in enumerate(cell):
            if c % 2:
                for side in (c - 1, c + 1):
                    column.add(position[(*cell[:axis], side, *cell[axis + 1 :])])
        while column and max(column) in owner:
            column ^= columns[owner[max(column)]]
        if column:
            columns[j] = column
            owner[max(column)] = j
            creators.discard(max(column))
            yield sequence[max(column)], cell
        else:
            creators.add(j)
    for i in sorted(creators):
        yield sequence[i], None
