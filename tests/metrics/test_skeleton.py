"""Skeletons are scikit-image's, and keep every component."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label
from skimage.morphology import skeletonize

from monai_topo.metrics.skeleton import skeletonize_mask


@pytest.mark.parametrize("shape", [(15, 19), (8, 9, 11)], ids=str)
def test_random_masks_are_scikit_images(shape, rng):
    mask = rng.random(shape) < 0.3
    np.testing.assert_array_equal(skeletonize_mask(mask), skeletonize(mask))
    assert not skeletonize_mask(np.zeros(shape, bool)).any()


@pytest.mark.parametrize(
    ("sides", "length"), [((2, 2, 20), 19), ((4, 4, 20), 17), ((2, 20, 2), 19), ((2, 2, 2), 2), ((6, 6, 6), 1)], ids=str
)
def test_boxes_of_even_sides_do_not_vanish(sides, length):
    mask = np.pad(np.ones(sides, bool), ((1, 0), (2, 1), (0, 3)))
    mask[0, 0, 0] = True  # another component, which stays
    assert skeletonize(mask).sum() == 1
    skeleton = skeletonize_mask(mask)
    assert not (skeleton & ~mask).any()
    assert label(skeleton, connectivity=3).max() == 2
    assert skeleton.sum() - 1 == pytest.approx(length, abs=1)
