"""Features that two masks share, against gudhi's persistent Betti numbers on a volume with one more axis."""

from __future__ import annotations

import gudhi
import numpy as np
import pytest

from monai_topo.topology import betti_numbers, shared_betti_numbers
from tests.topology import images


def persistent_betti_numbers(levels, full):
    """Ranks of the maps from level 0 to level 1."""
    name = "top_dimensional_cells" if full else "vertices"
    cubical = gudhi.CubicalComplex(**{name: np.asfortranarray(levels.astype(float))})
    cubical.compute_persistence(homology_coeff_field=2, min_persistence=-1)
    return np.array([*cubical.persistent_betti_numbers(0, 1), 0, 0, 0][:4])


def gudhi_shared(prediction, target, full, frame):
    """The rank definition: the third rank is that of both masks, as the outer layers of one volume more."""
    first, second = (np.pad(mask, 1, constant_values=frame) for mask in (prediction, target))
    if frame:  # gudhi's own outside is nothing, so that the frame's classes are counted and taken off below
        first, second = np.pad(first, 1), np.pad(second, 1)
    union = first | second
    levels = [np.where(mask, 0, np.where(union, 1, 2)) for mask in (first, second)]
    apart = np.stack([levels[0], np.where(union, 1, 2), levels[1]])
    ranks = [persistent_betti_numbers(level, full) for level in (*levels, apart)]
    shared = (ranks[0] + ranks[1] - ranks[2])[: prediction.ndim]
    if frame:
        shared[0] -= 1
        shared[-1] = max(shared[-1] - 1, 0)
    return {k: int(count) for k, count in enumerate(shared)}


def overlapping(shape, density, rng):
    """Two masks that have part of their voxels in common, as a prediction and its truth do."""
    target = rng.random(shape) < density
    change = rng.random(shape) < 0.2
    return np.where(change, rng.random(shape) < density, target), target


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(5, 9), (7, 1), (12, 11), (4, 6, 5), (3, 1, 5), (6, 5, 7)], ids=str)
def test_random_masks_against_gudhi(shape, connectivity, frame, rng):
    found = []
    for density in (0.2, 0.35, 0.5, 0.65, 0.8):
        for prediction, target in (overlapping(shape, density, rng), (rng.random((2, *shape)) < density)):
            ours = shared_betti_numbers(prediction, target, connectivity, frame=frame)
            assert ours == gudhi_shared(prediction, target, connectivity is None, frame)
            found.append(tuple(ours.values()))
    if min(shape) > 3:
        assert sum(sum(counts[1:]) for counts in found) > 0


@pytest.mark.parametrize("connectivity", [None, 1])
def test_many_small_volumes_against_gudhi(connectivity, rng):
    """Dense ones: checkerboards, and loops that only both masks together close."""
    for _ in range(150):
        shape = tuple(rng.integers(3, 6, 3))
        prediction, target = rng.random((2, *shape)) < rng.uniform(0.3, 0.8)
        ours = shared_betti_numbers(prediction, target, connectivity)
        assert ours == gudhi_shared(prediction, target, connectivity is None, False)


def test_the_wrong_connectivity_or_frame_would_be_seen(rng):
    prediction, target = overlapping((6, 7, 8), 0.5, rng)
    ours = shared_betti_numbers(prediction, target)
    assert ours == gudhi_shared(prediction, target, True, False)
    assert ours != gudhi_shared(prediction, target, False, False)
    assert ours != gudhi_shared(prediction, target, True, True)


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("shape", [(12, 11), (7, 6, 8)], ids=str)
def test_a_mask_shares_all_with_itself_and_nothing_with_nothing(shape, frame, rng):
    for density in (0.4, 0.6):
        mask = rng.random(shape) < density
        for connectivity in (None, 1):
            shared = shared_betti_numbers(mask, mask, connectivity, frame=frame)
            assert tuple(shared.values()) == betti_numbers(mask, connectivity, frame=frame)
            nothing = shared_betti_numbers(mask, np.zeros(shape), connectivity)
            assert not any(nothing.values())


def test_only_the_dimensions_asked_for(rng):
    prediction, target = overlapping((6, 7, 8), 0.5, rng)
    every = shared_betti_numbers(prediction, target)
    assert shared_betti_numbers(prediction, target, dims=(0, 2)) == {0: every[0], 2: every[2]}


@pytest.mark.parametrize("connectivity", [None, 1])
def test_recorded_values(connectivity):
    left, right = images.ring((7, 12), (2, 2), 1), images.ring((7, 12), (2, 8), 1)
    assert shared_betti_numbers(left, left, connectivity) == {0: 1, 1: 1}
    assert shared_betti_numbers(left, right, connectivity) == {0: 0, 1: 0}


def test_bad_masks_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        shared_betti_numbers(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="only 0 and 1"):
        shared_betti_numbers(np.zeros((2, 3)), np.full((2, 3), 0.5))
