"""Thinning of 3D masks: topology by scikit-image, and what must be left."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.ndimage import convolve
from skimage.measure import euler_number, label

from monai_topo.graphs.thinning import retract, thin


def counts(mask):
    """Components, components of the background, and the Euler characteristic."""
    padded = np.pad(mask, 1)
    return (
        label(padded, connectivity=3).max(),
        label(~padded, connectivity=1).max(),
        euler_number(padded, connectivity=3),
    )


def neighbors(mask):
    return convolve(mask.astype(int), np.ones((3, 3, 3), int), mode="constant")[mask] - 1


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_topology_stays(share, rng):
    for _ in range(5):
        mask = rng.random((7, 8, 9)) < share
        thinned = thin(mask)
        assert counts(thinned) == counts(mask)
        assert not (thinned & ~mask).any()
        np.testing.assert_array_equal(thin(thinned), thinned)
    assert thinned.sum() < mask.sum()


BARS = [(2, 2, 2), (2, 2, 200), (2, 1, 30), (4, 30, 4), (6, 6, 40), (3, 3, 30), (3, 20, 2), (20, 5, 4)]


@pytest.mark.parametrize("sides", sorted({turned for bar in BARS for turned in permutations(bar)}), ids=str)
def test_bars_keep_their_length(sides):
    thinned = thin(np.ones(sides, bool))
    found = np.argwhere(thinned)
    across, along = sorted(sides)[1:]
    assert along - across <= np.ptp(found, axis=0).max() + 1 <= along
    assert len(found) == np.ptp(found, axis=0).max() + 1
    assert neighbors(thinned).max() <= 2


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_what_is_kept_stays_and_nothing_else_but_what_joins_it(share, rng):
    curves = thin(rng.random((7, 8, 9)) < 0.4)
    kept = curves & (rng.random(curves.shape) < share)
    left = retract(curves, kept)
    assert counts(left) == counts(curves)
    assert (left | ~kept).all()
    for voxel, count in zip(np.argwhere(left), neighbors(left), strict=True):
        assert count != 1 or kept[tuple(voxel)]


def test_a_long_curve_is_retracted_at_once():
    spiral = np.zeros((1, 401, 401), bool)
    for ring in range(0, 200, 2):
        spiral[0, ring, ring : -ring or None] = spiral[0, -ring - 1, ring : -ring or None] = True
        spiral[0, ring + 2 : -ring or None, ring] = spiral[0, ring : -ring or None, -ring - 1] = True
        spiral[0, ring + 2, ring + 1] = True
    assert spiral.sum() > 70_000
    assert retract(thin(spiral), np.zeros_like(spiral)).sum() < 100


def test_what_is_thin_stays(rng):
    spiral = np.zeros((12, 13, 14), bool)
    spiral[1:11, 2, 3] = spiral[10, 2:12, 3] = spiral[10, 11, 3:13] = True
    spiral[10, 2, 3] = spiral[10, 11, 3] = False  # the corners are cut
    np.testing.assert_array_equal(thin(spiral), spiral)
    assert not thin(np.zeros((2, 3, 4), bool)).any()
    assert thin(np.ones((1, 1, 1), bool)).all()
