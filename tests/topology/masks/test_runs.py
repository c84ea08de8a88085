"""Components as runs against scikit-image's labels."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label

from monai_topo.topology import component_runs


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 9, 17), (4, 1, 8), (3, 5, 1), (2, 2, 40)], ids=str)
def test_labels_sizes_and_faces(shape, full, rng):
    for density in (0.0, 0.2, 0.5, 0.9, 1.0):
        mask = rng.random(shape) < density
        expected = label(mask, connectivity=3 if full else 1)
        runs = component_runs(mask, full)
        assert runs.count == expected.max()
        np.testing.assert_array_equal(runs.paint(np.arange(runs.count + 1)), expected)
        np.testing.assert_array_equal(runs.sizes()[1:], np.bincount(expected.ravel())[1:])
        for axis in range(3):
            for side in (0, 1):
                np.testing.assert_array_equal(runs.face(axis, side), np.take(expected, -side, axis))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64, np.float32])
def test_painted_with_values_of_any_type(dtype):
    runs = component_runs(np.array([[[1, 0, 1, 1]]], bool), True)
    painted = runs.paint(np.array([7, 200, 3], dtype))
    assert painted.dtype == dtype
    assert painted.tolist() == [[[200, 7, 3, 3]]]
