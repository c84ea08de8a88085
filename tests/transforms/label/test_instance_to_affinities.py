"""InstanceToAffinities against the definition, voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest

from monai_topo.transforms import InstanceToAffinities


@pytest.mark.parametrize("background", [0, None])
@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 5)], ids=str)
def test_voxel_by_voxel(shape, background):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 3, shape)
    ids[0] = 9
    offsets = (
        rng.integers(-3, 4, (6, len(shape))) + np.array([7, *[0] * (len(shape) - 1)]) * (np.arange(6) == 5)[:, None]
    )
    offsets = [offset.tolist() for offset in offsets if offset.any()]
    found = InstanceToAffinities(offsets, background, ignore_index=9, ignored_value=255)(ids[None])
    for place in np.ndindex(*found.shape):
        other = tuple(np.add(place[1:], offsets[place[0]]))
        one = ids[place[1:]]
        if not all(0 <= i < size for i, size in zip(other, shape, strict=True)) or 9 in (one, ids[other]):
            assert found[place] == 255
        else:
            assert found[place] == (one == ids[other] and one != background)


def test_the_default_is_the_voxel_before():
    ids = np.array([[[1, 1], [1, 2]]])
    np.testing.assert_array_equal(InstanceToAffinities()(ids), [[[0, 0], [1, 0]], [[0, 1], [0, 0]]])


def test_bad_input():
    for offsets in ([], [(0, 0)]):
        with pytest.raises(ValueError, match="offsets must be None or one or more"):
            InstanceToAffinities(offsets)
    with pytest.raises(ValueError, match="as many spatial axes as the offsets"):
        InstanceToAffinities([(0, 0, 1)])(np.ones((1, 4, 4)))
    with pytest.raises(ValueError, match="img must be instance ids of shape"):
        InstanceToAffinities()(np.ones((2, 4, 4)))
    with pytest.raises(ValueError, match="Was a label interpolated"):
        InstanceToAffinities()(np.full((1, 4, 4), 0.5))
