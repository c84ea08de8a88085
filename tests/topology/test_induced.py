"""Induced matching against the textbook's matrices, and against what the theory says of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.topology import comparison, match_induced, match_induced_batch, persistence_pairs
from monai_topo.topology.common_features import _place_in_group
from monai_topo.topology.engines.native import compute
from monai_topo.topology.engines.native.types import Effort
from tests.topology import images, textbook

SHAPES = [(5, 9), (1, 6), (7, 1), (6, 7), (3, 4, 2), (2, 1, 5), (4, 4, 5)]


def two_fields(kind, shape, seed, binary):
    """A field of a kind, and another one or a mask."""
    return images.make(kind, shape, seed), images.make("binary" if binary else kind, shape, seed + 100)


def quadruples(found, k):
    """Births and deaths of the matched features, as the textbook lists them."""
    rows, columns = found.matchings[k].matched.T
    first, second = found.prediction, found.target
    return sorted(
        zip(
            first.birth[k][rows].tolist(),
            first.death[k][rows].tolist(),
            second.birth[k][columns].tolist(),
            second.death[k][columns].tolist(),
            strict=True,
        )
    )


def is_partition(found, k):
    matching = found.matchings[k]
    for side, rest, pairs in (
        (0, matching.unmatched_first, found.prediction),
        (1, matching.unmatched_second, found.target),
    ):
        if sorted([*matching.matched[:, side], *rest]) != list(range(len(pairs.birth[k]))):
            return False
    return True


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_matching_is_the_textbooks(shape, connectivity, frame):
    for seed, kind in enumerate([*images.KINDS[:4], *images.KINDS[:4]]):
        prediction, target = two_fields(kind, shape, seed, binary=seed > 3)
        found = match_induced(prediction, target, connectivity=connectivity, frame=frame)
        fields = [-field.astype(np.float64) for field in (prediction, target)]
        expected = textbook.induced_matching(*fields, connectivity is None, frame)
        for k in range(len(shape)):
            assert quadruples(found, k) == expected[k], (kind, seed, k)
            assert is_partition(found, k)


@pytest.mark.parametrize(
    ("shape", "kind", "seed", "connectivity", "frame", "binary"),
    [
        ((7, 6, 8), "white", 1, None, False, False),
        ((7, 6, 8), "white", 2, 1, True, False),
        ((8, 7, 9), "smooth", 3, 1, False, False),
        ((8, 7, 9), "tied", 4, None, True, False),
        ((8, 7, 9), "white", 5, None, False, True),
        ((7, 8, 6), "white", 6, 1, True, True),
    ],
)
@pytest.mark.parametrize("effort", [compute.EFFORT, Effort(*map(np.int64, (-1, 0, 2**20, 20)))])
def test_image_pairs_of_larger_volumes_are_the_textbooks(
    shape, kind, seed, connectivity, frame, binary, effort, monkeypatch
):
    """Also with all squares put off."""
    monkeypatch.setattr(compute, "EFFORT", effort)
    prediction, target = two_fields(kind, shape, seed, binary)
    found = match_induced(prediction, target, connectivity=connectivity, frame=frame)
    joint = -comparison(prediction, target).astype(np.float64)
    for field, image in ((prediction, found.prediction_image), (target, found.target_image)):
        expected = textbook.image_pairs(-field.astype(np.float64), joint, connectivity is None, frame)
        ours = {k: sorted(zip(image.birth[k].tolist(), image.death[k].tolist(), strict=True)) for k in image.dims}
        assert ours == expected
        assert len(ours[1]) > 5


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_large_and_small_targets(share):
    field = images.make("smooth", (8, 7, 9), 5)
    likelihood = 0.5 + 0.4 * (field - field.min()) / np.ptp(field)
    target = (field > np.quantile(field, 1 - share)).astype(float)
    found = match_induced(likelihood, target)
    expected = textbook.induced_matching(-likelihood, -target, True, False)
    assert quadruples(found, 1) == expected[1]


def likelihood_and_mask(shape, seed, share, levels=None):
    """A likelihood inside (0, 1), smooth or noise, rounded to some levels or not, and the mask of another field."""
    field, other = (images.make("smooth" if seed == 2 else "white", shape, seed + n) for n in (0, 100))
    likelihood = 0.1 + 0.8 * (field - field.min()) / np.ptp(field)
    if levels is not None:
        likelihood = np.round(likelihood * levels) / levels
    return likelihood, (other > np.quantile(other, 1 - share)).astype(float)


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("share", [0.5, 0.3, 0.05])
@pytest.mark.parametrize("levels", [None, 12])
def test_image_pairs_beside_a_mask_are_the_textbooks(share, levels, frame):
    loops = 0
    for seed, shape in enumerate([(8, 9, 10), (10, 8, 9), (2, 9, 8), (7, 7, 1)]):
        likelihood, target = likelihood_and_mask(shape, seed, share, levels)
        image = match_induced(likelihood, target, frame=frame).prediction_image
        joint = -comparison(likelihood, target).astype(np.float64)
        expected = textbook.image_pairs(-likelihood, joint, True, frame)
        ours = {k: sorted(zip(image.birth[k].tolist(), image.death[k].tolist(), strict=True)) for k in image.dims}
        assert ours == expected
        loops += len(ours[1])
    assert loops > 0


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize(("levels", "share"), [(None, 0.5), (None, 0.25), (8, 0.4)])
def test_orders_that_are_made_alike_give_the_same_bars(levels, share, frame, monkeypatch):
    likelihood, target = likelihood_and_mask((22, 25, 19), 2, share, levels)
    own = match_induced(likelihood, target, frame=frame)
    aligned = []
    align = compute._align
    monkeypatch.setattr(compute, "_align", lambda *fields: (aligned.append(align(*fields)), fields)[1])
    general = match_induced(likelihood, target, frame=frame)
    assert aligned[1][0] is aligned[1][1]  # the target's is the same order then, and another way finds its pairs
    for k in range(3):
        for image in ("prediction_image", "target_image"):
            for side in ("birth", "death"):
                found, expected = (getattr(getattr(matched, image), side)[k] for matched in (own, general))
                assert sorted(found) == sorted(expected)
        assert quadruples(own, k) == quadruples(general, k)
    assert len(own.prediction_image.birth[1]) > 20


@pytest.mark.parametrize(("seed", "frame"), [(1797, True), (1809, False), (2817, False)])
def test_a_square_beside_a_mixed_cube_is_not_left_out(seed, frame):
    """Volumes in which a square that fills a loop merges upper voxels only through a cube of its own voxel."""
    prediction, target = np.random.default_rng(seed).random((2, 7, 6, 8)).astype(np.float32)
    found = match_induced(prediction, target, dims=1, frame=frame)
    joint = -comparison(prediction, target).astype(np.float64)
    for field, image in ((prediction, found.prediction_image), (target, found.target_image)):
        expected = textbook.image_pairs(-field.astype(np.float64), joint, True, frame)[1]
        assert sorted(zip(image.birth[1].tolist(), image.death[1].tolist(), strict=True)) == expected


def test_the_textbook_can_tell_a_wrong_implementation():
    prediction, target = two_fields("white", (6, 8), 0, binary=False)
    found = match_induced(prediction, target)
    right = {k: quadruples(found, k) for k in range(2)}
    fields = -prediction.astype(np.float64), -target.astype(np.float64)
    assert right == textbook.induced_matching(*fields, True, False)
    for wrong in (
        textbook.induced_matching(*fields, False, False),
        textbook.induced_matching(*fields, True, True),
        textbook.induced_matching(*(field.reshape(8, 6) for field in fields), True, False),
    ):
        assert right != wrong


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("kind", ["white", "smooth", "tied"])
@pytest.mark.parametrize("shape", [(11, 13), (6, 8, 7)], ids=str)
def test_it_is_symmetric(shape, kind, connectivity):
    prediction, target = two_fields(kind, shape, 1, binary=False)
    one = match_induced(prediction, target, connectivity=connectivity)
    other = match_induced(target, prediction, connectivity=connectivity)
    assert sum(len(matching.matched) for matching in one.matchings.values()) > 1
    for k, matching in one.matchings.items():
        assert sorted(map(tuple, matching.matched.tolist())) == sorted(
            (b, a) for a, b in other.matchings[k].matched.tolist()
        )


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("kind", ["white", "tied", "binary"])
@pytest.mark.parametrize("shape", [(11, 13), (6, 8, 7)], ids=str)
def test_identical_fields_match_fully(shape, kind, frame):
    field = images.make(kind, shape, 2)
    found = match_induced(field, field.copy(), frame=frame)
    pairs = persistence_pairs(field, frame=frame)
    for k, matching in found.matchings.items():
        rows = np.arange(len(pairs.birth[k]))
        assert matching.matched.tolist() == np.stack([rows, rows], axis=1).tolist()
    assert sum(len(birth) for birth in pairs.birth.values()) > 3


def test_sublevel_is_superlevel_of_the_negative():
    prediction, target = two_fields("smooth", (6, 8, 7), 3, binary=False)
    one = match_induced(prediction, target)
    other = match_induced(-prediction, -target, direction="sublevel")
    assert other.prediction.direction == "sublevel"
    for k in range(3):
        assert one.matchings[k].matched.tolist() == other.matchings[k].matched.tolist()
    np.testing.assert_array_equal(comparison(-prediction, -target, "sublevel"), -comparison(prediction, target))


def rings(shape, *places, radius=2):
    return np.maximum.reduce([value * images.ring(shape, center, radius) for center, value in places])


def test_disjoint_rings_do_not_match():
    prediction = rings((7, 14), ((3, 3), 0.75))
    target = rings((7, 14), ((3, 10), 1.0))
    found = match_induced(prediction, target)
    assert found.matchings[1].matched.tolist() == []
    assert found.matchings[1].unmatched_first.tolist() == [0]
    assert found.matchings[1].unmatched_second.tolist() == [0]
    assert found.matchings[0].matched.tolist() == [[0, 0]]  # the essential ones


def test_loops_of_equal_persistence_match_in_place_and_not_by_value():
    prediction = rings((7, 14), ((3, 3), 0.5), ((3, 10), 0.75))
    target = rings((7, 14), ((3, 3), 0.75), ((3, 10), 0.5))
    found = match_induced(prediction, target)
    births = [(found.prediction.birth[1][a] % 14, found.target.birth[1][b] % 14) for a, b in found.matchings[1].matched]
    assert sorted(column > 6 for column, _ in births) == [False, True]
    assert all((a > 6) == (b > 6) for a, b in births)


@pytest.mark.parametrize("connectivity", [None, 1])
def test_a_shell_matches_a_shifted_shell_around_the_same_cavity(connectivity):
    shell = np.ones((7, 8, 9))
    shell[2:5, 2:6, 2:7] = 0
    prediction, target = np.pad(0.75 * shell, ((2, 6), (2, 2), (2, 2))), np.pad(shell, ((3, 5), (2, 2), (2, 2)))
    elsewhere = np.pad(shell, ((8, 0), (2, 2), (2, 2)))
    assert len(match_induced(prediction, target, connectivity=connectivity).matchings[2].matched) == 1
    assert len(match_induced(prediction, elsewhere, connectivity=connectivity).matchings[2].matched) == 0


def test_values_that_need_float64_and_values_whose_keys_are_far_apart():
    rng = np.random.default_rng(0)
    for scale in (1.0, 1e300):
        fields = [rng.standard_normal((4, 5, 4)) * scale for _ in range(2)]
        found = match_induced(*fields)
        expected = textbook.induced_matching(*(-field for field in fields), True, False)
        assert {k: quadruples(found, k) for k in range(3)} == expected
    fields = [(rng.random((6, 7)) * 2 - 1).astype(np.float32) * 3e38, (rng.random((6, 7)) < 0.5).astype(np.float32)]
    found = match_induced(*fields)
    expected = textbook.induced_matching(*(-field.astype(np.float64) for field in fields), True, False)
    assert {k: quadruples(found, k) for k in range(2)} == expected


@pytest.mark.parametrize("num_threads", [None, 1, 3])
def test_a_batch_is_its_pairs_one_by_one(num_threads):
    predictions, targets = (
        np.stack(fields) for fields in zip(*(two_fields("smooth", (6, 7, 5), n, n % 2) for n in range(5)), strict=True)
    )
    batch = match_induced_batch(torch.tensor(predictions), targets, num_threads=num_threads, dims=(0, 1))
    for n, (prediction, target) in enumerate(zip(predictions, targets, strict=True)):
        alone, found = match_induced(prediction, target, dims=(0, 1)), batch.field(n)
        assert list(found.matchings) == [0, 1]
        for k in (0, 1):
            np.testing.assert_array_equal(found.matchings[k].matched, alone.matchings[k].matched)
            np.testing.assert_array_equal(found.matchings[k].unmatched_second, alone.matchings[k].unmatched_second)
            for name in ("prediction", "target", "prediction_image", "target_image"):
                for side in ("birth", "death"):
                    of_batch, expected = (getattr(getattr(one, name), side)[k] for one in (found, alone))
                    np.testing.assert_array_equal(of_batch, expected)


def test_threads_share_one_large_pair():
    field = images.make("smooth", (35, 33, 30), 4)
    target = (field > np.quantile(field, 0.6)).astype(np.float32)
    one, *more = (match_induced_batch([field], [target], num_threads=threads).field(0) for threads in (1, 2, 3, 7))
    assert len(one.matchings[0].matched) > 1
    assert len(one.matchings[1].matched) > 1
    for found in more:
        for k in range(3):
            assert quadruples(found, k) == quadruples(one, k)
            for image in ("prediction_image", "target_image"):
                assert getattr(found, image).birth[k].tolist() == getattr(one, image).birth[k].tolist()


def test_a_batch_of_unlike_shapes():
    fields = [two_fields("smooth", shape, 3, 1) for shape in [(6, 7), (6, 7), (4, 5, 6), (5, 8)]]
    batch = match_induced_batch(*zip(*fields, strict=True), num_threads=2)
    for n, pair in enumerate(fields):
        alone, found = match_induced(*pair), batch.field(n)
        assert {k: quadruples(found, k) for k in found.matchings} == {k: quadruples(alone, k) for k in alone.matchings}
    assert match_induced_batch([], []).prediction.count == 0


def test_equal_features_keep_their_order():
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 3))
    place = _place_in_group(groups, np.zeros(groups.size, np.int64))
    for group in range(40):
        assert place[groups == group].tolist() == [0, 1, 2]
    assert _place_in_group(np.arange(5), np.zeros(5, np.int64)).tolist() == [0] * 5


@pytest.mark.parametrize(
    ("second", "options", "message"),
    [
        (np.zeros((3, 2)), {}, "one shape"),
        (np.full((2, 3), np.nan), {}, "NaN or infinity"),
        (np.zeros((2, 3)), {"direction": "up"}, "direction must be one of"),
        (np.zeros((2, 3)), {"dims": 2}, "dims must be"),
        (np.zeros((2, 3)), {"connectivity": 3}, "connectivity must be"),
        (np.zeros((2, 3)), {"engine": "gudhi"}, "has no image persistence: take 'auto' or one of .'native'"),
        (np.zeros((2, 3)), {"engine": "none"}, "engine must be"),
    ],
)
def test_bad_input_says_what_is_wrong(second, options, message):
    with pytest.raises(ValueError, match=message):
        match_induced(np.zeros((2, 3)), second, **options)


def test_a_bad_batch_says_what_is_wrong():
    with pytest.raises(ValueError, match="num_threads"):
        match_induced_batch(np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), num_threads=0)
    with pytest.raises(ValueError, match="as many targets as predictions, got 2 and 1"):
        match_induced_batch(np.zeros((1, 2, 2)), np.zeros((2, 2, 2)))
    for side, name in enumerate(("predictions", "targets")):
        fields = [np.zeros((3, 2, 2)), np.zeros((3, 2, 2))]
        fields[side][1, 0, 0] = np.nan
        with pytest.raises(ValueError, match=rf"{name}\[1\]: field holds NaN"):
            match_induced_batch(*fields)
        with pytest.raises(ValueError, match=rf"{name}\[1\]: field holds NaN"):
            match_induced_batch(*map(list, fields))
    with pytest.raises(ValueError, match=r"predictions\[1\] and targets\[1\] must have one shape"):
        match_induced_batch(np.zeros((2, 2, 2)), [np.zeros((2, 2)), np.zeros((2, 3))])
