"""Listed features: as many as the Betti numbers and the ranks, each where it is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from monai_topo.topology import betti_numbers, list_features, shared_betti_numbers
from tests.topology import images


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(5, 9), (12, 11), (5, 6, 7)], ids=str)
def test_as_many_as_are_counted(shape, connectivity, frame, rng):
    ndim = len(shape)
    for density in (0.2, 0.4, 0.6, 0.8, 1.0):
        prediction, target = rng.random((2, *shape)) < density
        listed = list_features(prediction, target, connectivity, frame=frame)
        counts = Counter((feature.dim, feature.status) for feature in listed)
        shared = shared_betti_numbers(prediction, target, connectivity, frame=frame)
        ours, truth = (betti_numbers(mask, connectivity, frame=frame) for mask in (prediction, target))
        for k in range(ndim):
            assert counts[k, "matched"] + counts[k, "missing"] == truth[k]
            assert counts[k, "matched"] + counts[k, "extra"] == ours[k]
            if k in (0, ndim - 1):
                assert counts[k, "matched"] == shared[k]
        for feature in listed:
            if feature.size is not None:
                mask = prediction if feature.status == "extra" else target
                assert mask[feature.voxel] == (feature.dim == 0)


def test_rings_are_missing_and_extra_where_they_are():
    prediction, target = images.ring((7, 12), (2, 2), 1), images.ring((7, 12), (2, 8), 1)
    listed = {(f.dim, f.status): f for f in list_features(prediction, target)}
    assert set(listed) == {(0, "missing"), (0, "extra"), (1, "missing"), (1, "extra")}
    assert listed[1, "missing"].voxel == (2, 8)
    assert listed[1, "extra"].voxel == (2, 2)
    assert listed[1, "extra"].size == 1
    assert listed[0, "extra"].size == 8


def test_a_solid_ring_in_3d():
    ring = np.zeros((5, 7, 9))
    ring[1:4, 1:6, 1:6] = 1
    ring[:, 3, 3] = 0
    (loop,) = list_features(np.zeros_like(ring), ring, dims=1)
    assert (loop.dim, loop.status, loop.size) == (1, "missing", None)
    assert ring[loop.voxel] == 1


def test_two_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        list_features(np.zeros((2, 3)), np.zeros((3, 2)))
