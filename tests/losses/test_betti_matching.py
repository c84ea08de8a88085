"""BettiMatchingLoss and SpatialMatchingLoss: values by the textbook, descent that mends errors where they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.losses import BettiMatchingLoss, DiceCETopologyLoss, SpatialMatchingLoss, TopoLoss
from monai_topo.topology import betti_numbers, match_induced
from tests.losses import images
from tests.topology import textbook


def value(field, voxel):
    return 0.0 if voxel == textbook.ESSENTIAL else float(field.ravel()[voxel])


def expected_loss(likelihood, truth, full, frame, weights):
    """The three sums from the textbook's pairs and matching."""
    matched_weight, unmatched_weight, missed_weight = weights
    fields = -likelihood.astype(np.float64), -truth.astype(np.float64)
    total = 0.0
    for k, quadruples in textbook.induced_matching(*fields, full, frame).items():
        bars = [
            [
                (value(field, b), value(field, d))
                for b, d in textbook.pair_lists(-field.astype(np.float64), full, frame)[k]
                if b >= 0
            ]
            for field in (likelihood, truth)
        ]
        cost = [sum((b - d) ** 2 for b, d in points) for points in bars]
        for birth, death, true_birth, true_death in quadruples:
            b, d = value(likelihood, birth), value(likelihood, death)
            true_b, true_d = value(truth, true_birth), value(truth, true_death)
            if true_b > true_d:
                total += matched_weight * ((b - true_b) ** 2 + (d - true_d) ** 2)
                cost[0] -= (b - d) ** 2
                cost[1] -= (true_b - true_d) ** 2
        total += unmatched_weight * cost[0] + missed_weight * cost[1]
    return total


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize(("shape", "density"), [((5, 9), 0.5), ((6, 7), 0.0), ((3, 4, 5), 0.4)], ids=str)
def test_value_by_the_textbook(shape, density, connectivity, frame):
    weights = (2.0, 1.0, 0.5)
    loss = BettiMatchingLoss(missed_weight=0.5, connectivity=connectivity, frame=frame)
    for seed in range(3):
        likelihood = images.tie_free(shape, seed)
        truth = (np.random.default_rng(seed).random(shape) < density).astype(np.float32)
        expected = expected_loss(likelihood.double().numpy(), truth, connectivity is None, frame, weights)
        assert expected > 0.1
        found = loss(likelihood[None, None], torch.tensor(truth)[None, None])
        assert float(found) == pytest.approx(expected, rel=1e-4)


BROKEN = {
    "weak blob": (images.weak_blob, (2, 0)),
    "joined blobs": (images.joined_blobs, (2, 0)),
    "broken ring": (images.broken_ring, (1, 1)),
    "pierced shell": (images.pierced_shell, (1, 0, 1)),
    "broken tube": (images.broken_tube, (1, 1, 0)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_descent_mends(name):
    make, betti = BROKEN[name]
    likelihood, truth = make()
    assert betti_numbers(likelihood[0, 0] > 0.5) != betti
    mended = images.descend(BettiMatchingLoss(sigmoid=True), likelihood, truth)[0, 0] > 0.5
    assert betti_numbers(mended) == betti
    matched = match_induced(mended, truth[0, 0])
    assert tuple(len(matching.matched) for matching in matched.matchings.values()) == betti


@pytest.mark.parametrize(
    ("make", "dim"), [(images.two_rings, 1), (images.two_cells, 2)], ids=["two rings", "two cells"]
)
@pytest.mark.parametrize("loss", [BettiMatchingLoss, SpatialMatchingLoss])
def test_descent_mends_in_the_right_place_where_nearest_corner_is_fooled(make, dim, loss):
    likelihood, truth = make()
    mended = images.descend(loss(sigmoid=True, dims=dim), likelihood, truth)[0, 0] > 0.5
    fooled = images.descend(TopoLoss(sigmoid=True, dims=dim, frame=False), likelihood, truth)[0, 0] > 0.5
    assert betti_numbers(mended)[dim] == betti_numbers(fooled)[dim] == 1
    assert len(match_induced(mended, truth[0, 0]).matchings[dim].matched) == 1
    assert len(match_induced(fooled, truth[0, 0]).matchings[dim].matched) == 0


def test_gradient_reaches_critical_voxels_and_no_other():
    likelihood, truth = images.two_rings()
    likelihood.requires_grad_()
    BettiMatchingLoss(dims=1, frame=False)(likelihood, truth).backward()
    pairs = match_induced(likelihood[0, 0], truth[0, 0], dims=1).prediction
    critical = np.concatenate([pairs.birth[1], pairs.death[1]])
    gradient = likelihood.grad.flatten().numpy()
    assert gradient[6 * 26 + 10] < 0  # the gap of the true ring rises
    assert set(np.flatnonzero(gradient)) <= set(critical.tolist())


def test_an_empty_patch_and_an_empty_truth():
    empty = torch.zeros(1, 1, 5, 6)
    nothing = torch.zeros(1, 1, 5, 6, requires_grad=True)
    loss = BettiMatchingLoss()(nothing, empty)
    loss.backward()
    assert float(loss.detach()) == 0
    assert not nothing.grad.any()
    blob = empty.clone()
    blob[0, 0, 2, 3] = 0.5
    assert float(BettiMatchingLoss()(blob, empty)) == pytest.approx(0.25)  # (b - d)**2 of a false component
    full = torch.ones(1, 1, 5, 6)
    assert float(BettiMatchingLoss()(full, full)) == 0


def test_small_unmatched_features_can_be_left_alone():
    likelihood, truth = images.two_rings()
    every, large = (float(BettiMatchingLoss(dims=1, persistence_threshold=t)(likelihood, truth)) for t in (0, 0.3))
    only_matched = float(BettiMatchingLoss(dims=1, unmatched_weight=0)(likelihood, truth))
    assert only_matched < large < every


@pytest.mark.parametrize("loss", [BettiMatchingLoss, SpatialMatchingLoss])
def test_batches_patches_and_threads_give_one_result(loss):
    likelihood = torch.stack([images.tie_free((12, 10), n) for n in range(6)]).reshape(3, 2, 12, 10)
    target = (torch.rand(3, 2, 12, 10, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    values, gradients = [], []
    for threads in (1, 2, None):
        field = likelihood.clone().requires_grad_()
        terms = loss(reduction="none", patch_size=6, num_threads=threads)(field, target)
        terms.sum().backward()
        values.append(terms.detach())
        gradients.append(field.grad)
    assert values[0].shape == (3, 2, 1, 1)
    assert gradients[0].abs().sum() > 0
    assert all(torch.equal(values[0], other) for other in values[1:])
    assert all(torch.equal(gradients[0], other) for other in gradients[1:])
    alone = loss(patch_size=6)(likelihood[1:2, :1], target[1:2, :1])
    assert float(alone) == pytest.approx(float(values[0][1, 0]), rel=1e-5)


@pytest.mark.parametrize("name", ["betti_matching", "spatial_matching"])
def test_by_name_in_the_compound_loss(name):
    logits, target = torch.randn(1, 2, 8, 9), torch.zeros(1, 1, 8, 9)
    target[..., 2:6, 3:7] = 1
    options = {"to_onehot_y": True, "softmax": True}
    term = {"betti_matching": BettiMatchingLoss, "spatial_matching": SpatialMatchingLoss}[name](**options)
    plain, whole = (DiceCETopologyLoss(topology=name, lambda_topo=x, **options)(logits, target) for x in (0.0, 0.5))
    assert float(whole - plain) == pytest.approx(0.5 * float(term(logits, target)), rel=1e-4)


@pytest.mark.parametrize("option", ["matched_weight", "unmatched_weight", "missed_weight", "persistence_threshold"])
def test_negative_numbers_are_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be 0 or more, got -1"):
        BettiMatchingLoss(**{option: -1})


def test_loops_in_3d_have_no_place():
    with pytest.raises(ValueError, match="dims must be 0 or 2 here, got 1"):
        SpatialMatchingLoss(dims=1)(torch.zeros(1, 1, 3, 3, 3), torch.zeros(1, 1, 3, 3, 3))


@pytest.mark.parametrize("loss", [BettiMatchingLoss, SpatialMatchingLoss])
def test_kept_targets_change_no_number(loss):
    generator = torch.Generator().manual_seed(3)
    target = (torch.rand(2, 1, 9, 8, 7, generator=generator) > 0.5).float()
    plain, keeping = loss(), loss(target_cache_mib=1)
    for _ in range(3):
        likelihood = torch.rand(target.shape, generator=generator)
        gradients = []
        for criterion in (plain, keeping):
            field = likelihood.clone().requires_grad_()
            criterion(field, target).backward()
            gradients.append(field.grad)
        assert gradients[0].abs().sum() > 0
        torch.testing.assert_close(gradients[1], gradients[0], rtol=0, atol=0)
    assert plain.target_cache is None
    assert (keeping.target_cache.misses, keeping.target_cache.hits) == (2, 4)


@pytest.mark.parametrize("loss", [BettiMatchingLoss, SpatialMatchingLoss])
@pytest.mark.parametrize("size", [-1, None, "8"])
def test_memory_for_targets_is_a_number_that_is_not_negative(loss, size):
    with pytest.raises(ValueError, match="target_cache_mib must be 0"):
        loss(target_cache_mib=size)
