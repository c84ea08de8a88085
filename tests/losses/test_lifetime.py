"""LifetimeTopoLoss and the matchings of two diagrams in PersistenceLoss."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.losses import DiceCETopologyLoss, LifetimeTopoLoss, PersistenceLoss
from monai_topo.topology import betti_numbers, by_lifetime, diagram, optimal, persistence_pairs
from tests.losses import images


def test_by_hand(engine):
    """Points (0.75, 0), (0.9, 0.5), (0.4, 0.1); the longest two are pulled to the corner."""
    likelihood = torch.tensor([[[[0.4, 0.1, 0.75, 0.5, 0.9]]]], requires_grad=True)
    target = torch.tensor([[[[1.0, 0.0, 1.0, 0.0, 0.0]]]])
    value = LifetimeTopoLoss(engine=engine)(likelihood, target)
    value.backward()
    # the essential point is (0.9, 0); lifetimes 0.9, 0.25 for (0.75, 0.5), 0.3 for (0.4, 0.1)
    assert value.item() == pytest.approx(0.1**2 + 0.6**2 + 0.1**2 + 0.25**2 / 2)
    expected = [2 * (0.4 - 1), 2 * 0.1, 0.25, -0.25, 2 * (0.9 - 1)]
    torch.testing.assert_close(likelihood.grad.flatten(), torch.tensor(expected))


def test_order_by_birth_is_another_loss(engine):
    likelihood = torch.tensor([[[[0.4, 0.1, 0.75, 0.5, 0.9]]]])
    target = torch.tensor([[[[1.0, 0.0, 1.0, 0.0, 0.0]]]])
    value = LifetimeTopoLoss(sort_by="birth", engine=engine)(likelihood, target)
    assert value.item() == pytest.approx(0.1**2 + 0.25**2 + 0.5**2 + 0.3**2 / 2)
    with pytest.raises(ValueError, match="sort_by"):
        LifetimeTopoLoss(sort_by="death")


def test_features_without_a_point_are_a_constant(engine):
    likelihood = torch.full((1, 1, 7, 9), 0.5, requires_grad=True)
    target = torch.zeros(1, 1, 7, 9)
    target[..., 1:4, 1:4] = target[..., 1:4, 5:8] = 1
    target[..., 2, 2] = 0  # two components, one loop
    value = LifetimeTopoLoss(engine=engine)(likelihood, target)
    value.backward()
    assert value.item() == pytest.approx(0.5**2 + 0.5 + 0.5)
    assert likelihood.grad.abs().sum().item() == pytest.approx(1.0)  # of the essential point alone


@pytest.mark.parametrize(("matching", "function"), [("optimal", optimal), ("by_lifetime", by_lifetime)])
@pytest.mark.parametrize("shape", [(6, 8), (4, 5, 6)], ids=str)
def test_the_loss_is_the_cost_of_the_matching(engine, shape, matching, function):
    field = images.tie_free(shape, 0)
    target = (images.tie_free(shape, 1) > 0.7).float()
    expected = 0.0
    pairs = persistence_pairs(field, engine=engine)
    for k, count in enumerate(betti_numbers(target)):
        points = diagram(field, pairs, k).double().numpy()
        truth = np.tile([1.0, 0.0], (count, 1))
        found = function(points, truth)
        rows, columns = found.matched.T
        left = points[found.unmatched_first]
        expected += ((points[rows] - truth[columns]) ** 2).sum() + ((left[:, 0] - left[:, 1]) ** 2).sum() / 2
        expected += len(found.unmatched_second) / 2
    assert expected > 0.1
    value = PersistenceLoss(matching=matching, engine=engine)(field[None, None], target[None, None])
    assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("broken", "matching"),
    [
        (images.joined_blobs, "optimal"),
        (images.joined_blobs, "by_lifetime"),
        (images.broken_ring, "by_lifetime"),
        (images.pierced_shell, "by_lifetime"),
        (images.broken_tube, "by_lifetime"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_descent_by_the_loss_alone_mends(engine, broken, matching):
    likelihood, target = broken()
    wanted = betti_numbers(target[0, 0])
    assert betti_numbers(likelihood[0, 0] >= 0.5) != wanted
    mended = images.descend(PersistenceLoss(sigmoid=True, matching=matching, engine=engine), likelihood, target)
    assert betti_numbers(mended[0, 0] >= 0.5) == wanted


def test_optimal_matching_gives_up_a_feature_that_is_too_weak(engine):
    """A loop born at 0.2 is nearer to the diagonal than to the corner, so its gap is opened further."""
    likelihood, target = images.broken_ring()
    directions = []
    for matching in ("optimal", "nearest_corner"):
        leaf = likelihood.clone().requires_grad_()
        PersistenceLoss(matching=matching, dims=1, engine=engine)(leaf, target).backward()
        directions.append(leaf.grad[0, 0, 5, 9].item())
    assert directions[0] > 0 > directions[1]


def test_as_the_term_of_a_compound_loss():
    likelihood, target = images.broken_ring()
    logits = torch.logit(likelihood)
    losses = [DiceCETopologyLoss(sigmoid=True, topology="lifetime", lambda_topo=weight) for weight in (0.0, 2.0)]
    base, total = (loss(logits, target) for loss in losses)
    term = LifetimeTopoLoss(sigmoid=True)(logits, target)
    assert term > 0
    torch.testing.assert_close(total, base + 2 * term)
