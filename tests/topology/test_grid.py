"""Neighbors, padding and labels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import ndimage

from monai_topo.topology.grid import label_components, neighbor_offsets, neighbor_steps, padded_index


@pytest.mark.parametrize("ndim", [2, 3])
def test_steps_to_neighbors(ndim):
    steps = neighbor_steps(ndim)
    assert {*map(tuple, steps.tolist())} == {*product((-1, 0, 1), repeat=ndim)} - {(0,) * ndim}
    moved = np.abs(steps).sum(axis=1)
    assert (np.diff(moved) >= 0).all()
    assert (steps[0 : 2 * ndim : 2] == -steps[1 : 2 * ndim : 2]).all()


@pytest.mark.parametrize("shape", [(5, 7), (4, 6, 3)])
@pytest.mark.parametrize("full", [True, False])
def test_offsets_lead_to_neighbors(shape, full):
    index = np.arange(np.prod(shape)).reshape(shape)
    center = tuple(size // 2 for size in shape)
    structure = ndimage.generate_binary_structure(len(shape), len(shape) if full else 1)
    block = index[tuple(slice(at - 1, at + 2) for at in center)]
    expected = {*block[structure].tolist()} - {int(index[center])}
    assert {*(index[center] + neighbor_offsets(shape, full)).tolist()} == expected


@pytest.mark.parametrize("shape", [(5, 7), (4, 6, 3)])
def test_padded_index_names_the_same_voxel(shape, rng):
    values = rng.random(shape)
    index = np.arange(values.size)
    assert (np.pad(values, 1).ravel()[padded_index(index, shape)] == values.ravel()).all()


@pytest.mark.parametrize("shape", [(9, 7), (5, 6, 7)])
@pytest.mark.parametrize("full", [True, False])
def test_labels_are_those_of_scipy(shape, full, rng):
    mask = rng.random(shape) < 0.3
    structure = ndimage.generate_binary_structure(len(shape), len(shape) if full else 1)
    assert (label_components(mask, full) == ndimage.label(mask, structure)[0]).all()
