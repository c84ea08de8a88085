"""AffinityToMembrane: voxels that are joined to no neighbor, voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest

from monai_topo.transforms import AffinityToMembrane, InstanceToAffinities

OFFSETS = {2: [(0, 1), (-3, 0), (-1, 0)], 3: [(0, 0, -1), (0, 2, 0), (1, 0, 0), (0, -1, 0)]}


def by_voxel(affinities, offsets):
    """1 less the strongest affinity of each voxel, by going through all pairs."""
    strongest = np.zeros(affinities.shape[1:])
    for channel, offset in zip(affinities, offsets, strict=True):
        for voxel in np.ndindex(*channel.shape):
            other = tuple(np.add(voxel, offset))
            if np.abs(offset).sum() == 1 and all(0 <= at < size for at, size in zip(other, channel.shape, strict=True)):
                for end in (voxel, other):
                    strongest[end] = max(strongest[end], channel[voxel])
    return 1 - strongest


@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 5)], ids=str)
def test_by_voxel(shape):
    for seed in range(20):
        affinities = np.random.default_rng(seed).integers(0, 5, (len(OFFSETS[len(shape)]), *shape)) / 4
        found = AffinityToMembrane(OFFSETS[len(shape)])(affinities)
        np.testing.assert_array_equal(found[0], by_voxel(affinities, OFFSETS[len(shape)]))


def test_of_ids_it_is_what_has_none():
    ids = np.repeat(np.array([[1, 1, 0, 2, 2, 0, 0, 3]]), 4, 0)[None]
    found = AffinityToMembrane()(InstanceToAffinities()(ids))
    np.testing.assert_array_equal(found, ids == 0)


def test_bad_input():
    with pytest.raises(ValueError, match="one to a nearest neighbor"):
        AffinityToMembrane([(0, -2)])
    with pytest.raises(ValueError, match="a channel for each of the offsets"):
        AffinityToMembrane()(np.zeros((3, 4, 5)))
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        AffinityToMembrane()(np.full((2, 4, 5), 2.0))
