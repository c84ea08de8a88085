"""What the sampler shows a network, over 2000 draws, against MONAI's sampler and against exact shares."""

from __future__ import annotations

import numpy as np
import pytest
from monai.transforms import RandCropByPosNegLabel
from scipy import ndimage

from monai_topo.data import phantoms
from monai_topo.transforms import RandCropByTopology, TopologyWeightMap

DRAWS = 2000
SIZE = 8


def scene(ndim, kind):
    """A block with two pores, or a tree of long branches."""
    shape = (50, 44, 48)[:ndim]
    if kind != "holes":
        return phantoms.tree(shape, num_branches=2, seed=2).label.astype(bool)
    block = np.pad(np.ones(np.subtract(shape, 12), bool), 6)
    block[(slice(12, 15),) * ndim] = block[(slice(30, 32),) * ndim] = False
    return block


def holds(places):
    """For every patch center that leaves the patch whole: does the patch hold one of the places."""
    window = ndimage.maximum_filter(places.astype(np.uint8), SIZE, mode="constant")
    valid = tuple(slice(SIZE // 2, size - SIZE + SIZE // 2 + 1) for size in places.shape)
    return window.astype(bool), valid


def share_of(centers, window):
    return np.mean([window[center] for center in centers])


def clamped(coordinates, shape):
    return tuple(np.clip(c, SIZE // 2, size - SIZE + SIZE // 2) for c, size in zip(coordinates, shape, strict=True))


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("kind", ["branch_points", "end_points", "holes"])
@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_shares_rise_by_what_the_weights_say(ndim, kind, ratio):
    label = scene(ndim, kind)
    places = TopologyWeightMap({kind: 1})(label[None])[0] > 0
    weights = TopologyWeightMap({"skeleton": 1, kind: 3})(label[None])
    window, valid = holds(places)
    uniform = window[valid].mean()
    drawn = np.nonzero(weights[0])
    topological = np.average(window[clamped(drawn, label.shape)], weights=weights[0][drawn])
    assert topological >= 0.75  # three of four centers are the place itself
    expected = (ratio * topological + uniform) / (1 + ratio)

    crop = RandCropByTopology(SIZE, DRAWS, ratio, weights).set_random_state(0)
    crop.randomize()
    share = share_of(crop.centers, window)
    assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / DRAWS))

    peer = RandCropByPosNegLabel(SIZE, label[None], pos=ratio, neg=1, num_samples=DRAWS).set_random_state(0)
    peer.randomize(label[None])
    of_peer = share_of(peer.centers, window)
    assert share - of_peer > 4 * np.sqrt(0.5 / DRAWS)
