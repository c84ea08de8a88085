"""Betti errors by hand, the patch protocol, reductions and empties."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.metrics import BettiErrorMetric, compute_betti_error
from tests.topology.masks.test_betti import gudhi_betti_numbers


def ring_pair():
    """Prediction: one full square. Truth: a ring and a dot."""
    prediction, truth = torch.zeros(1, 1, 7, 12), torch.zeros(1, 1, 7, 12)
    prediction[..., 1:4, 1:4] = 1
    truth[..., 1:4, 1:4] = 1
    truth[..., 2, 2] = 0
    truth[..., 5, 10] = 1
    return prediction, truth


@pytest.mark.parametrize(("dim", "expected"), [(0, 1), (1, 1), ("sum", 2)])
def test_by_hand(dim, expected):
    prediction, truth = ring_pair()
    error = compute_betti_error(prediction, truth, dim=dim)
    assert error.shape == (1, 1)
    assert error.item() == expected
    assert compute_betti_error(truth, prediction, dim=dim).item() == expected


@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize("shape", [(6, 9), (4, 5, 6)], ids=str)
def test_every_item_and_channel_against_gudhi(shape, connectivity, rng):
    masks = torch.tensor(rng.random((2, 2, 3, *shape)) < 0.4).float()
    prediction, truth = masks
    for k in range(len(shape)):
        error = compute_betti_error(prediction, truth, dim=k, connectivity=connectivity)
        for item, channel in np.ndindex(2, 3):
            p, t = (gudhi_betti_numbers(mask[item, channel].numpy(), connectivity is None)[k] for mask in masks)
            assert error[item, channel] == abs(p - t)
    total = compute_betti_error(prediction, truth, connectivity=connectivity)
    assert total.max() > 0
    each = [compute_betti_error(prediction, truth, dim=k, connectivity=connectivity) for k in range(len(shape))]
    torch.testing.assert_close(total, sum(each))


def test_background_channel(rng):
    prediction, truth = torch.tensor(rng.random((2, 2, 3, 6, 7)) < 0.4).float()
    every = compute_betti_error(prediction, truth)
    torch.testing.assert_close(compute_betti_error(prediction, truth, include_background=False), every[:, 1:])
    single = compute_betti_error(prediction[:, :1], truth[:, :1], include_background=False)
    torch.testing.assert_close(single, every[:, :1])


def test_empties():
    _, truth = ring_pair()
    empty, full = torch.zeros_like(truth), torch.ones_like(truth)
    assert compute_betti_error(empty, empty).item() == 0
    assert compute_betti_error(full, full, frame=True).item() == 0
    assert compute_betti_error(empty, truth).item() == 3
    assert compute_betti_error(truth, empty).item() == 3
    assert compute_betti_error(full, empty).item() == 1


def test_a_frame_sees_a_membrane_that_the_border_cuts():
    truth = torch.zeros(1, 1, 9, 11)
    truth[..., 5] = 1  # a wall from border to border
    pierced = truth.clone()
    pierced[..., 4, 5] = 0
    assert compute_betti_error(pierced, truth, dim=1).item() == 0
    assert compute_betti_error(pierced, truth, dim=1, frame=True).item() == 1


def test_grid_patches_cover_and_the_last_is_shifted_inside():
    prediction, truth = torch.zeros(1, 1, 1, 10), torch.zeros(1, 1, 1, 10)
    truth[..., 9] = 1  # in the patch 6:10 only; patches of 4 start at 0, 4 and 6
    error = compute_betti_error(prediction, truth, patch_size=4)
    assert error.item() == pytest.approx(1 / 3)


def test_errors_that_cancel_in_the_volume_show_in_patches():
    prediction, truth = torch.zeros(1, 1, 4, 12), torch.zeros(1, 1, 4, 12)
    prediction[..., 1, 1] = 1
    truth[..., 1, 10] = 1
    assert compute_betti_error(prediction, truth).item() == 0
    assert compute_betti_error(prediction, truth, patch_size=(4, 6)).item() == 1


def test_random_patches_are_the_same_for_every_item_batch_and_method(rng):
    prediction, truth = torch.tensor(rng.random((2, 3, 1, 20, 24)) < 0.3).float()
    options = {"patch_size": 6, "patch_mode": "random", "num_patches": 5}
    np.random.seed(3)
    together = compute_betti_error(prediction, truth, seed=1, **options)
    np.random.seed(4)
    items = zip(prediction.split(1), truth.split(1), strict=True)
    alone = torch.cat([compute_betti_error(p, t, seed=1, **options) for p, t in items])
    torch.testing.assert_close(together, alone)
    assert not torch.equal(together, compute_betti_error(prediction, truth, seed=2, **options))
    same = compute_betti_error(prediction[[0, 0]], truth[[0, 0]], seed=1, **options)
    assert same[0] == same[1]


def test_patches_larger_than_the_volume_take_it_whole(rng):
    prediction, truth = torch.tensor(rng.random((2, 1, 1, 5, 6, 4)) < 0.4).float()
    whole = compute_betti_error(prediction, truth)
    assert whole.item() > 0
    for options in ({"patch_size": 64}, {"patch_size": (8, 9, 10), "patch_mode": "random", "num_patches": 2}):
        torch.testing.assert_close(compute_betti_error(prediction, truth, **options), whole)


def test_the_protocol_is_printed_with_the_result():
    text = repr(BettiErrorMetric(dim=1, patch_size=64, patch_mode="random", num_patches=8, frame=True))
    for part in ("dim=1", "connectivity=None", "frame=True", "patch_size=64", "'random'", "num_patches=8", "seed=0"):
        assert part in text


def test_ignored_voxels_make_no_topology():
    prediction, truth = ring_pair()
    truth[..., 2, 2] = 255  # the hole of the ring
    prediction[..., 5, 10] = 1
    truth[..., 0, 0] = 255
    assert compute_betti_error(prediction, truth, ignore_index=255).item() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 2}, "dims must be"),
        ({"dim": "all"}, "dim must be 0, 1, 2 or 'sum'"),
        ({"connectivity": 3}, "connectivity"),
        ({"patch_size": 8, "patch_mode": "random"}, "num_patches must be at least 1"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        compute_betti_error(*ring_pair(), **options)


def test_bad_options_of_the_metric_are_refused_at_once():
    with pytest.raises(ValueError, match="num_patches must be at least 1"):
        BettiErrorMetric(patch_size=8, patch_mode="random")
