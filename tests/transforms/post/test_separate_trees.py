"""Trees apart: widest paths by brute force, cuts at the weakest place, ids of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.ndimage import binary_dilation, gaussian_filter, label

from monai_topo.transforms import SeparateTrees, SeparateTreesd


def widest(likelihood, mask, start):
    """For each voxel the largest level at which it and the start are joined within the mask, 0 where they are not."""
    found = np.zeros(likelihood.shape)
    for level in np.unique(likelihood[mask]):
        parts, _ = label(mask & (likelihood >= level), np.ones((3,) * mask.ndim))
        if parts[start]:
            found[parts == parts[start]] = level
    return found


@pytest.mark.parametrize("shape", [(17, 21), (8, 9, 10)], ids=str)
def test_every_voxel_goes_to_the_marker_with_the_widest_path_and_no_trees_touch(shape, rng):
    noise = gaussian_filter(rng.standard_normal(shape), 1)
    likelihood = np.clip(0.6 + 0.3 * noise / noise.std(), 0.01, 0.98) + 1e-3 * rng.random(shape)
    mask = likelihood >= 0.5
    starts = [tuple(place) for place in rng.permutation(np.argwhere(mask))[:2]]
    markers = np.zeros(shape, np.int64)
    markers[starts[0]], markers[starts[1]] = 3, 2**40
    trees = SeparateTrees()(likelihood[None], markers[None])[0]
    reach = [widest(likelihood, mask, start) for start in starts]
    assert (trees[~mask] == 0).all()
    for own, other, number in ((0, 1, 3), (1, 0, 2**40)):
        tree = trees == number
        assert (reach[own][tree] >= reach[other][tree]).all()
        assert label(tree, np.ones((3,) * len(shape)))[1] == 1
        assert not (binary_dilation(tree, np.ones((3,) * len(shape))) & (trees > 0) & ~tree).any()
    one_marker = np.where(markers == 3, markers, 0)
    assert ((SeparateTrees()(likelihood[None], one_marker[None])[0] == 3) == (reach[0] > 0)).all()


def test_two_vessels_that_touch_are_cut_where_they_do():
    likelihood = np.zeros((1, 20, 40), np.float32)
    likelihood[0, 5:8, 2:38] = likelihood[0, 12:15, 2:38] = 0.9
    likelihood[0, 8:12, 20] = 0.8, 0.6, 0.7, 0.8
    markers = np.zeros(likelihood.shape, np.uint8)
    markers[0, 6, 3], markers[0, 13, 3] = 1, 2
    trees = SeparateTrees()(likelihood, markers)
    assert trees.dtype == np.uint8
    assert np.argwhere((likelihood >= 0.5) & (trees == 0)).tolist() == [[0, 9, 20]]
    done = SeparateTreesd("pred", "roots")({"pred": MetaTensor(likelihood), "roots": torch.from_numpy(markers)})
    assert isinstance(done["pred"], MetaTensor)
    np.testing.assert_array_equal(done["pred"], trees)


@pytest.mark.parametrize(
    ("markers", "message"),
    [
        (np.zeros((1, 4, 5), int), "img and markers must have one shape"),
        (np.zeros((1, 4, 4)), "markers must be integers"),
        (np.full((1, 4, 4), -1), "markers must be integers of at least 0"),
    ],
)
def test_bad_markers(markers, message):
    with pytest.raises(ValueError, match=message):
        SeparateTrees()(np.ones((1, 4, 4)), markers)
    with pytest.raises(ValueError, match="threshold must be"):
        SeparateTrees(threshold=2)
