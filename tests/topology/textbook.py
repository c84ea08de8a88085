"""Persistent homology by the textbook: every cell of the complex, one boundary matrix, one reduction.

Slow, short, and sharing no code with the package: the oracle of all engines on tiny images.
"""

from __future__ import annotations

import itertools

import numpy as np

FRAME, ESSENTIAL = -2, -1


def voxel_pairs(field, full, frame):
    """Pairs (birth, death) for each dimension, voxels as flat indices, of the sublevel filtration of ``field``."""
    return {k: set(found) for k, found in pair_lists(field, full, frame).items()}


def pair_lists(field, full, frame):
    """The same with repetitions: a voxel can give birth to several features that another one ends."""
    sequence, cells, voxel = _filtration(field, full, frame)
    pairs = {k: [] for k in range(field.ndim)}
    for birth, death in _reduce(sequence, sequence):
        k = _dimension(birth)
        if k >= field.ndim:
            continue
        if death is None:
            pairs[k].append((voxel[cells[birth]], ESSENTIAL))
        elif cells[birth] != cells[death]:
            pairs[k].append((voxel[cells[birth]], voxel[cells[death]]))
    return pairs


def induced_matching(first, second, full, frame):
    """Sorted quadruples (birth, death, birth, death) for each dimension: the features of two fields that are matched.

    A bar of a field and a bar of its image with the same birth belong together, the longest with the longest; a bar of
    the image and one of the comparison with the same death likewise; both fields' bars with one of the comparison are
    matched.
    """
    joint = np.minimum(first, second)
    reached = [_bars_of_comparison(field, joint, full, frame) for field in (first, second)]
    return {
        k: sorted((*reached[0][k][bar], *reached[1][k][bar]) for bar in set(reached[0][k]) & set(reached[1][k]))
        for k in range(first.ndim)
    }


def _bars_of_comparison(field, joint, full, frame):
    """For each dimension, from (death, place) of a bar of the comparison to the bar of the field that goes there."""
    values, image = field.ravel(), image_pairs(field, joint, full, frame)
    position, joint_position = _positions(field), _positions(joint)
    reached = {k: {} for k in range(field.ndim)}
    for k, bars in pair_lists(field, full, frame).items():
        of_birth = {}
        for birth, death in bars:
            if birth == FRAME:
                continue
            if death == ESSENTIAL:
                reached[k][ESSENTIAL, 0] = (birth, death)
            elif values[birth] < values[death]:
                of_birth.setdefault(birth, []).append(death)
        of_death = {}
        for birth in {birth for birth, _ in image[k]}:
            deaths = sorted((d for b, d in image[k] if b == birth), key=lambda d: -joint_position[d])
            own = sorted(of_birth[birth], key=lambda d: -position[d])
            for death, own_death in zip(deaths, own[: len(deaths)], strict=True):
                of_death.setdefault(death, []).append((birth, own_death))
        for death, found in of_death.items():
            for place, bar in enumerate(sorted(found, key=lambda bar: position[bar[0]])):
                reached[k][death, place] = bar
    return reached


def _positions(field):
    positions = np.empty(field.size, int)
    positions[np.argsort(field, axis=None, kind="stable")] = np.arange(field.size)
    return positions


def image_pairs(domain, codomain, full, frame):
    """Sorted pairs for each dimension of the image of one sublevel filtration in a larger one: a class is born in the
    domain and dies in the codomain. The matrix has its rows in the order of the domain, its columns in the
    codomain's. Without the essential classes, those of the frame, and bars that are empty by value."""
    rows, row_cells, row_voxel = _filtration(domain, full, frame)
    columns, column_cells, column_voxel = _filtration(codomain, full, frame)
    pairs = {k: [] for k in range(domain.ndim)}
    for birth, death in _reduce(rows, columns):
        if death is None or _dimension(birth) >= domain.ndim:
            continue
        born, dies = row_voxel[row_cells[birth]], column_voxel[column_cells[death]]
        if born != FRAME and dies != FRAME and domain.ravel()[born] < codomain.ravel()[dies]:
            pairs[_dimension(birth)].append((born, dies))
    return {k: sorted(found) for k, found in pairs.items()}


def _filtration(field, full, frame):
    """All cells in order, the rank of the voxel that each belongs to, and the voxel of each rank."""
    order = np.argsort(field, axis=None, kind="stable")
    ranks = np.empty(field.size, int)
    ranks[order] = np.arange(1, field.size + 1)
    ranks = ranks.reshape(field.shape)
    if frame:
        ranks = np.pad(ranks, 1)
    cells = _cells_over_top_cells(ranks) if full else _cells_over_vertices(ranks)
    sequence = sorted(cells, key=lambda cell: (cells[cell], _dimension(cell), cell))
    return sequence, cells, {0: FRAME} | {rank + 1: int(index) for rank, index in enumerate(order)}


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


def _reduce(rows, sequence):
    """Standard reduction modulo 2; yields (creator, destroyer), or (creator, None) where both orders are one."""
    position = {cell: i for i, cell in enumerate(rows)}
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
            yield rows[max(column)], cell
        else:
            creators.add(j)
    for i in sorted(creators):
        yield sequence[i], None
