"""Closed walls: what is separated, what was added, what stays."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage
from skimage.measure import label

from monai_topo.topology import basin_walls, catchment_basins
from monai_topo.transforms import CloseWalls, CloseWallsd

WHOLE = {"sigma": 0, "min_size": 0}


def leaky_box(shape=(9, 10, 11), hole=0.1):
    """A wall across the volume that leaks in one place, and as channel 1 the same mirrored."""
    likelihood = np.full(shape, 0.02)
    likelihood[4] = 0.9
    likelihood[4, 5, 5] = hole
    return likelihood


def cells(mask, connectivity=None):
    """Components of the complement, in the dual connectivity."""
    return label(~mask.astype(bool), connectivity=1 if connectivity is None else mask.ndim)


@pytest.mark.parametrize(("hole", "count"), [(0.1, 2), (0.04, 1)])
def test_a_leak_closes_if_it_is_deeper_than_the_persistence(hole, count):
    likelihood = leaky_box(hole=hole)
    assert cells(likelihood >= 0.5).max() == 1
    closed = CloseWalls(**WHOLE)(likelihood[None])[0]
    assert cells(closed).max() == count
    assert closed[4, 5, 5] == (count == 2)
    if count == 2:
        np.testing.assert_array_equal(closed[4], 1)


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(11, 12, 9), (16, 23)], ids=str)
@pytest.mark.parametrize("threshold", [0.02, 0.05, 0.15])
def test_cells_are_the_basins_without_their_walls(shape, connectivity, threshold, rng):
    """The complement's components never join two basins; every basin wider than its walls keeps one."""
    likelihood = ndimage.gaussian_filter(rng.random(shape), 1)
    closed = CloseWalls(1, 0, threshold, 0, connectivity)(likelihood[None])[0].astype(bool)
    basins = catchment_basins(likelihood, persistence_threshold=threshold, connectivity=connectivity)
    found = cells(closed, connectivity)
    pairs = {(cell, basin) for cell, basin in zip(found[found > 0], basins[found > 0], strict=True)}
    assert len({cell for cell, _ in pairs}) == len(pairs)
    inside = {basin for basin in range(1, basins.max() + 1) if ((basins == basin) & ~closed).any()}
    assert {basin for _, basin in pairs} == inside


def test_the_parts_of_the_definition(rng):
    likelihood = rng.random((1, 12, 13, 14)).astype(np.float32)
    smoothed = ndimage.gaussian_filter(likelihood[0], (0.5, 1, 0.7))
    walls = basin_walls(smoothed, persistence_threshold=0.1)
    closed = CloseWalls(0.52, (0.5, 1, 0.7), 0.1, min_size=0)(likelihood)[0]
    np.testing.assert_array_equal(closed, walls | (smoothed >= 0.52))
    assert walls.any()
    assert (closed > walls).any()


def test_small_components_and_cells_are_gone():
    likelihood = np.zeros((1, 20, 30))
    likelihood[0, 5:15, 5:15] = 1
    likelihood[0, 8:10, 8:12] = 0.5  # a hole of 8 in a square of 100
    likelihood[0, 2, 25] = 1
    for min_size, holes, pieces in ((1, 1, 2), (2, 1, 1), (8, 1, 1), (9, 0, 1), (101, 0, 0)):
        closed = CloseWalls(0.6, 0, 0.9, min_size)(likelihood)[0]
        assert (cells(closed).max(), label(closed, connectivity=2).max()) == (1 + holes, pieces)


def test_what_was_added():
    likelihood = np.stack([leaky_box(hole=0.1), leaky_box(hole=0.3)])
    likelihood[0, 4, 2, 2] = 0.2
    numbers, pieces = CloseWalls(**WHOLE).added(MetaTensor(torch.tensor(likelihood), affine=2 * np.eye(4)))
    assert [(p.channel, p.weakest, p.mean, p.index) for p in pieces] == [
        (0, 0.1, 0.1, (4, 5, 5)),
        (0, 0.2, 0.2, (4, 2, 2)),
        (1, 0.3, 0.3, (4, 5, 5)),
    ]
    for piece in pieces:
        assert numbers[piece.channel][piece.index] == piece.number
        assert piece.size == (numbers[piece.channel] == piece.number).sum() == 2
    assert numbers.affine[0, 0] == 2
    assert numbers.dtype == torch.int32


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(9, 10, 8), (14, 17)], ids=str)
def test_mean_and_weakest_of_larger_pieces_against_a_loop(shape, connectivity, rng):
    likelihood = ndimage.gaussian_filter(rng.random(shape), 1)
    transform = CloseWalls(0.5, 0, 0.03, 0, connectivity)
    numbers, pieces = transform.added(likelihood[None])
    basins = catchment_basins(likelihood, persistence_threshold=0.03, connectivity=connectivity)
    steps = {}
    for a, b in itertools.product(np.argwhere(likelihood < 0.5), repeat=2):
        difference = np.abs(a - b)
        is_step = difference.max() == 1 if connectivity == 1 else difference.sum() == 1
        a, b = tuple(a), tuple(b)
        if a < b and is_step and basins[a] != basins[b]:
            assert numbers[0][a] == numbers[0][b] > 0
            steps.setdefault(numbers[0][a], []).append(max(likelihood[a], likelihood[b]))
    assert len(pieces) == numbers.max() == len(steps) > 1
    for piece in pieces:
        assert piece.weakest == min(steps[piece.number]) == likelihood[piece.index]
        assert piece.mean == pytest.approx(np.mean(steps[piece.number]))
        assert piece.size == (numbers[0] == piece.number).sum()
    assert [p.weakest for p in pieces] == sorted(p.weakest for p in pieces)
    np.testing.assert_array_equal(label(numbers[0] > 0), numbers[0])


def test_the_twin_gives_the_added_walls():
    item = {"pred": leaky_box()[None], "name": "a"}
    done = CloseWallsd("pred", **WHOLE, added_postfix="_added")(item)
    numbers, pieces = CloseWalls(**WHOLE).added(item["pred"])
    np.testing.assert_array_equal(done["pred_added"], numbers)
    assert done["pred_added_pieces"] == pieces
    np.testing.assert_array_equal(done["pred"], CloseWalls(**WHOLE)(item["pred"]))
    assert set(CloseWallsd("pred", **WHOLE)(item)) == {"pred", "name"}


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(9, 10, 8), (15, 18)], ids=str)
def test_turned_images_have_turned_masks(shape, connectivity):
    size = int(np.prod(shape))
    likelihood = np.random.default_rng(0).permutation(size).reshape(1, *shape) / size
    transform = CloseWalls(0.8, 0, 0.2, 4, connectivity)
    closed = transform(likelihood)
    assert 0 < closed.mean() < 1
    for axis in range(1, 1 + len(shape)):
        np.testing.assert_array_equal(transform(np.flip(likelihood, axis)), np.flip(closed, axis))
    np.testing.assert_array_equal(transform(np.swapaxes(likelihood, 1, 2)), np.swapaxes(closed, 1, 2))


def test_empty_and_constant_likelihoods():
    for value in (0, 0.3):
        assert not CloseWalls()(np.full((1, 8, 9, 7), value)).any()
    assert CloseWalls()(np.full((1, 8, 9, 7), 0.5)).all()
    numbers, pieces = CloseWalls().added(np.zeros((1, 8, 9)))
    assert not numbers.any()
    assert pieces == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 1.5}, "threshold must be a likelihood"),
        ({"sigma": -1}, "sigma must be 0 or more"),
        ({"sigma": float("nan")}, "sigma must be 0 or more"),
        ({"persistence_threshold": -0.1}, "persistence_threshold and min_size must be"),
        ({"min_size": -3}, "persistence_threshold and min_size must be"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CloseWalls(**arguments)


def test_bad_inputs_are_refused():
    with pytest.raises(ValueError, match=r"likelihoods in \[0, 1\]"):
        CloseWalls()(np.full((1, 5, 6), 2.0))
    with pytest.raises(ValueError, match="sigma must be one number or one for each of 2 axes"):
        CloseWalls(sigma=(1, 1, 1))(np.zeros((1, 5, 6)))
    with pytest.raises(ValueError, match="connectivity must be"):
        CloseWalls(connectivity=2)(np.zeros((1, 5, 6, 7)))
