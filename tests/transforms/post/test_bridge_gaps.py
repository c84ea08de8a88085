"""Bridges: topology by scikit-image, phantoms with known gaps, classes apart, the list."""

from __future__ import annotations

import csv
from itertools import permutations

import numpy as np
import pytest
from monai.data import MetaTensor
from scipy.ndimage import distance_transform_edt, gaussian_filter, label

from monai_topo.transforms import BridgeGaps, BridgeGapsd, save_bridges
from tests.graphs.test_centerline import betti_numbers

ANY = {"sigma": 0, "max_angle": 180, "min_ends": 0}


def random_likelihood(rng, shape, classes=1):
    """Blobs in [0, 1] without ties."""
    noise = np.stack([gaussian_filter(rng.standard_normal(shape), 1.2) for _ in range(classes)])
    return np.clip(0.45 + 0.3 * noise / noise.std(), 0.01, 0.99) + 1e-6 * rng.random(noise.shape)


def vessel(shape, gaps, radius=2.0, height=0.3, angle=0.0):
    """Likelihood of a straight vessel in the first two axes, lower where its position along it is in a gap."""
    middle, direction = np.array(shape) / 2, np.zeros(len(shape))
    direction[:2] = np.cos(angle), np.sin(angle)
    places = np.moveaxis(np.indices(shape), 0, -1) - middle
    along = places @ direction
    away = np.linalg.norm(places - along[..., None] * direction, axis=-1)
    likelihood = np.where(np.abs(along) < min(shape[:2]) / 2 - 3, np.clip(1 - 0.5 * away / radius, 0.02, 1), 0.02)
    for low, high in gaps:
        likelihood = np.where((along >= low) & (along < high), likelihood * height, likelihood)
    return likelihood[None]


@pytest.mark.parametrize("shape", [(40, 47), (17, 19, 21)], ids=str)
@pytest.mark.parametrize("options", [{}, {"floor": 0.3, "max_length": 6}, {"persistence_threshold": 0}], ids=str)
def test_every_bridge_takes_one_component_away_and_nothing_else_changes(shape, options, rng):
    drawn = 0
    for _ in range(3):
        likelihood = random_likelihood(rng, shape)
        transform = BridgeGaps(**{**ANY, **options})
        mask, bridged = likelihood[0] >= 0.5, transform(likelihood)[0].astype(bool)
        found = [bridge for bridge in transform.bridges(likelihood)[1] if bridge.outcome == "bridged"]
        assert (bridged | ~mask).all()
        before, after = betti_numbers(mask), betti_numbers(bridged)
        assert after == (before[0] - len(found), *before[1:])
        assert all(bridge.weakest >= options.get("floor", 0.15) for bridge in found)
        drawn += len(found)
    assert drawn > 3


@pytest.mark.parametrize("shape", [(40, 47), (17, 19, 21)], ids=str)
def test_with_loops_every_bridge_takes_a_component_or_adds_a_loop(shape, rng):
    likelihood = random_likelihood(rng, shape)
    transform = BridgeGaps(allow_loops=True, **ANY)
    before, after = betti_numbers(likelihood[0] >= 0.5), betti_numbers(transform(likelihood)[0].astype(bool))
    found = [bridge for bridge in transform.bridges(likelihood)[1] if bridge.outcome == "bridged"]
    assert after[1] > before[1]
    assert before[0] - after[0] + after[1] - before[1] == len(found)
    assert after[2:] == before[2:]


@pytest.mark.parametrize("shape", [(31, 26), (13, 16, 14)], ids=str)
def test_flips_and_permutations_commute(shape, rng):
    likelihood = random_likelihood(rng, shape)
    spacing = (1.0, 2.0, 1.5)[: len(shape)]
    transform = BridgeGaps(sigma=0.5, min_ends=0, spacing=spacing)
    bridged = transform(likelihood)
    assert any(bridge.outcome == "bridged" for bridge in transform.bridges(likelihood)[1])
    for axis in range(1, len(shape) + 1):
        flipped = BridgeGaps(sigma=0.5, min_ends=0, spacing=spacing)(np.flip(likelihood, axis).copy())
        np.testing.assert_array_equal(np.flip(flipped, axis), bridged)
    for order in permutations(range(len(shape))):
        turned = likelihood.transpose(0, *(axis + 1 for axis in order)).copy()
        transform = BridgeGaps(sigma=0.5, min_ends=0, spacing=[spacing[axis] for axis in order])
        np.testing.assert_array_equal(transform(turned), bridged.transpose(0, *(axis + 1 for axis in order)))


@pytest.mark.parametrize("shape", [(60, 60), (48, 48, 15)], ids=str)
@pytest.mark.parametrize("angle", [0.0, 0.4, 0.785])
def test_gaps_of_a_vessel_are_bridged_with_its_radius(shape, angle):
    likelihood = vessel(shape, [(-8, -4), (5, 8)], angle=angle)
    whole = vessel(shape, [], angle=angle)[0] >= 0.5
    mask = likelihood[0] >= 0.5
    assert label(mask, np.ones((3,) * mask.ndim))[1] == 3
    overlay, bridges = BridgeGaps(sigma=0).bridges(likelihood)
    assert [bridge.outcome for bridge in bridges if bridge.outcome == "bridged"] == ["bridged", "bridged"]
    for bridge, length in zip(sorted(bridges, key=lambda b: -b.length)[:2], (4, 3), strict=True):
        assert length <= bridge.length <= length + 3
        assert bridge.weakest >= 0.15
        assert 1.2 <= bridge.radius <= 2.8
        assert bridge.angle < 30
        assert bridge.num_ends == 2
    filled = (overlay[0] == 1) & whole
    assert filled.sum() > 0.6 * (whole & ~mask).sum()
    assert ((overlay[0] == 1) & ~whole).sum() < 0.2 * (whole & ~mask).sum()


def test_thresholds_say_what_was_refused():
    likelihood = vessel((60, 60), [(-8, -4), (5, 8)])
    assert {b.outcome for b in BridgeGaps(sigma=0, max_length=2).bridges(likelihood)[1]} == {"length"}
    assert {b.outcome for b in BridgeGaps(sigma=0, min_mean=0.6).bridges(likelihood)[1]} == {"mean"}
    assert not BridgeGaps(sigma=0, floor=0.4).bridges(likelihood)[1]
    overlay, left = BridgeGaps(sigma=0, max_length=2).bridges(likelihood)
    assert set(np.unique(overlay)) == {0, 2}
    assert len(left) == 2
    in_micrometers = BridgeGaps(sigma=0, max_length=2, spacing=0.1).bridges(likelihood)[1]
    assert {bridge.outcome for bridge in in_micrometers} == {"bridged"}


def test_the_side_of_a_vessel_is_no_end():
    """Two vessels side by side with a ridge from side to side, and one that ends at a vessel's side."""
    likelihood = np.full((1, 40, 60), 0.02)
    likelihood[0, 10:13, 3:57] = likelihood[0, 20:23, 3:57] = 0.9
    likelihood[0, 13:20, 15] = 0.3
    assert [bridge.outcome for bridge in BridgeGaps(sigma=0).bridges(likelihood)[1]] == ["ends"]
    ending = np.full((1, 40, 60), 0.02)
    ending[0, 10:13, 3:57] = ending[0, 18:38, 29:32] = 0.9
    ending[0, 13:18, 30] = 0.3
    (bridge,) = BridgeGaps(sigma=0).bridges(ending)[1]
    assert (bridge.outcome, bridge.num_ends) == ("bridged", 1)
    assert bridge.angle < 15
    sideways = np.full((1, 40, 60), 0.02)
    sideways[0, 10:13, 3:25] = sideways[0, 18:21, 25:57] = 0.9
    sideways[0, 11:20, 25] = 0.3  # a step aside from end to end
    sideways[0, 11:13, 25] = 0.9
    assert [bridge.outcome for bridge in BridgeGaps(sigma=0, max_angle=60).bridges(sideways)[1]] == ["angle"]


def test_a_loop_is_left_open_unless_it_may_close():
    ring = np.full((1, 40, 40), 0.02)
    radius = np.hypot(*(np.indices((40, 40)) - 19.5))
    ring[0][np.abs(radius - 13) < 1.6] = 0.9
    gap = (np.abs(radius - 13) < 1.6) & (np.abs(np.indices((40, 40))[0] - 19.5) < 3) & (np.indices((40, 40))[1] > 20)
    ring[0][gap] = 0.3 + 0.1 * (np.abs(radius - 13)[gap] < 0.8)
    (bridge,) = BridgeGaps(sigma=0).bridges(ring)[1]
    assert bridge.closes_loop
    assert bridge.outcome == "joined already"
    closed = BridgeGaps(sigma=0, allow_loops=True)(ring)[0].astype(bool)
    assert betti_numbers(closed) == (1, 1)


@pytest.mark.parametrize("shape", [(40, 47), (17, 19, 21)], ids=str)
def test_classes_stay_apart(shape, rng):
    """No bridge comes to touch another class."""
    bridged_at_all = False
    for _ in range(4):
        likelihood = random_likelihood(rng, shape, classes=2)
        mask, bridged = likelihood >= 0.5, BridgeGaps(**ANY)(likelihood).astype(bool)
        new = bridged & ~mask
        bridged_at_all |= new.any()
        for own, other in ((0, 1), (1, 0)):
            near = distance_transform_edt(~bridged[other]) < 1.8 if len(shape) == 3 else _touched(bridged[other])
            assert not (new[own] & near).any()
    assert bridged_at_all


def _touched(mask):
    return distance_transform_edt(~mask) < 1.5


def crossing_phantom(seed, shape=(64, 64, 40), vessels=12, gaps=14):
    """Vessels that grow anywhere, with gaps at known places, on a noisy likelihood."""
    rng = np.random.default_rng(seed)
    middle = np.zeros(shape, bool)
    holes = np.zeros(shape, bool)
    curves = []
    for _ in range(vessels):
        position, heading = rng.random(3) * shape, rng.standard_normal(3)
        curve = []
        for _ in range(70):
            heading = heading / np.linalg.norm(heading) + 0.12 * rng.standard_normal(3)
            position = position + heading / np.linalg.norm(heading)
            if (position < 2).any() or (position > np.array(shape) - 3).any():
                break
            curve.append(position)
            middle[tuple(np.rint(position).astype(int))] = True
        curves.append(np.array(curve))
    long = [curve for curve in curves if len(curve) > 25]
    for number in range(gaps):
        curve = long[number % len(long)]
        at = curve[rng.integers(8, len(curve) - 8)]
        holes |= np.linalg.norm(np.moveaxis(np.indices(shape), 0, -1) - at, axis=-1) < rng.uniform(3.0, 5.0)
    truth = distance_transform_edt(~middle) < 1.6
    away = distance_transform_edt(~truth)
    clean = np.where(truth, 0.9, 0.0) * np.where(holes, 0.3, 1)
    noise = gaussian_filter(rng.standard_normal(shape), 0.8)
    blurred = gaussian_filter(clean, 0.6) + 0.06 * noise / noise.std()
    return truth, np.clip(np.where(away > 6, np.minimum(blurred, 0.3), blurred), 0, 1)[None]


def random_bridges(mask, lengths, rng):
    """Straight lines of given lengths that start at random places of the mask's surface."""
    voxels = np.argwhere(mask)
    new = np.zeros_like(mask)
    for length in lengths:
        start, step = voxels[rng.integers(len(voxels))], rng.standard_normal(mask.ndim)
        points = start + np.linspace(0, length, 4 * int(length) + 4)[:, None] * step / np.linalg.norm(step)
        inside = np.clip(np.rint(points).astype(int), 0, np.array(mask.shape) - 1)
        new[tuple(inside.T)] = True
    return new & ~mask


@pytest.mark.slow
def test_on_phantoms_bridges_lie_in_true_vessels_and_random_ones_do_not(rng):
    true, drawn, by_chance, found_gaps, all_gaps = 0, 0, [], 0, 0
    for seed in range(3):
        truth, likelihood = crossing_phantom(seed)
        transform = BridgeGaps(sigma=0)
        mask = likelihood[0] >= 0.5
        overlay, bridges = transform.bridges(likelihood)
        new = overlay[0] == 1
        accepted = [bridge for bridge in bridges if bridge.outcome == "bridged"]
        lengths = [bridge.length for bridge in accepted]
        chance = random_bridges(mask, lengths, rng)
        true, drawn = true + (new & truth).sum(), drawn + new.sum()
        by_chance.append((chance & truth).sum() / max(chance.sum(), 1))
        parts = [label(m & truth, np.ones((3, 3, 3)))[1] for m in (mask, mask | new, truth)]
        found_gaps, all_gaps = found_gaps + parts[0] - parts[1], all_gaps + parts[0] - parts[2]
    assert true / drawn > 0.7 > 2 * np.mean(by_chance)
    assert found_gaps / all_gaps > 0.6


def test_the_twin_lists_and_writes(tmp_path):
    likelihood = vessel((60, 60), [(-8, -4), (5, 8)])
    affine = np.diag([0.5, 0.5, 1.0, 1.0])
    item = {"pred": MetaTensor(likelihood, affine=affine), "name": "a"}
    done = BridgeGapsd("pred", sigma=0, bridges_postfix="_bridges")(item)
    assert set(done) == {"pred", "name", "pred_bridges", "pred_bridges_list"}
    assert {bridge.outcome for bridge in done["pred_bridges_list"]} == {"bridged"}
    assert max(bridge.length for bridge in done["pred_bridges_list"]) == pytest.approx(2.5, abs=0.6)
    path = save_bridges(done["pred_bridges_list"], tmp_path / "new" / "bridges.csv")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [float(row["length"]) for row in rows] == [bridge.length for bridge in done["pred_bridges_list"]]
    assert rows[0]["start"].count(" ") == 1


def test_nothing_to_bridge():
    for value in (0.0, 0.2, 1.0):
        img = np.full((2, 6, 7), value)
        assert (BridgeGaps()(img) == (value >= 0.5)).all()
        assert BridgeGaps().bridges(img)[1] == []


def test_small_components_are_removed_before():
    likelihood = vessel((60, 60), [])
    likelihood[0, 5, 5] = 0.9
    assert not BridgeGaps(sigma=0, min_size=5)(likelihood)[0, 5, 5]
    assert BridgeGaps(sigma=0)(likelihood)[0, 5, 5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"floor": 0.6}, "floor and threshold must rise from 0 to 1"),
        ({"threshold": 1.2}, "floor and threshold must rise"),
        ({"sigma": -1}, "sigma must be 0 or more"),
        ({"min_ends": 3}, "min_ends must be 0, 1 or 2"),
        ({"max_length": 0}, "max_length must be None or positive"),
        ({"persistence_threshold": -0.1}, "persistence_threshold, min_size, min_mean and max_angle must be 0 or more"),
        ({"spacing": 0}, "spacing must be positive"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        BridgeGaps(**options)
