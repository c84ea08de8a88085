"""DMTLoss: values and gradients by hand and by differences, what its mask holds, and what descent does."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch

from monai_topo.losses import DiceCETopologyLoss, DMTLoss
from monai_topo.topology import betti_numbers, stable_manifolds
from tests.losses import images

BROKEN = {
    "pierced sheet": images.pierced_sheet,
    "broken vessel": images.broken_vessel,
    "broken vessel 2D": partial(images.broken_vessel, ndim=2),
    "phantom branch": images.phantom_branch,
    "phantom branch 2D": partial(images.phantom_branch, ndim=2),
    "phantom wall": images.phantom_wall,
    "joined blobs": images.joined_blobs,
}


def manifolds(likelihood, dims, threshold=0.2):
    return stable_manifolds(likelihood[0, 0], persistence_threshold=threshold, dims=dims)


def test_by_hand():
    """Peaks 0.9 and 0.8, a gap of 0.25 between them; the dent at 0.75 is less than 0.2 deep."""
    likelihood = torch.tensor([[[[0.9, 0.25, 0.8, 0.75, 0.77]]]], requires_grad=True)
    target = torch.tensor([[[[1.0, 1.0, 0.0, 0.0, 0.0]]]])
    value = DMTLoss()(likelihood, target)
    value.backward()
    total = -math.log(0.9) - math.log(0.25) - math.log(1 - 0.8)
    assert value.item() == pytest.approx(total / 3)
    expected = torch.tensor([-1 / 0.9, -1 / 0.25, 1 / 0.2, 0, 0]) / 3
    torch.testing.assert_close(likelihood.grad.flatten(), expected)
    assert DMTLoss(normalize="image")(likelihood, target).item() == pytest.approx(total / 5)
    small = DMTLoss(persistence_threshold=0.01)(likelihood, target)
    assert small.item() == pytest.approx((total - math.log(0.25) - math.log(0.23)) / 5)


@pytest.mark.parametrize("normalize", ["mask", "image"])
@pytest.mark.parametrize("connectivity", [None, 1])
@pytest.mark.parametrize(("shape", "dims"), [((5, 9), 1), ((4, 6, 5), 1), ((4, 6, 5), 2), ((4, 6, 5), None)], ids=str)
def test_gradient_by_finite_differences(shape, dims, connectivity, normalize):
    size = int(np.prod(shape))
    values = (np.random.default_rng(0).permutation(2 * size) + 1).reshape(2, *shape) / (2 * size + 1)
    likelihood = torch.tensor(values, requires_grad=True)
    target = torch.tensor(np.random.default_rng(1).random((2, *shape)) < 0.5)
    loss = DMTLoss(dims=dims, persistence_threshold=0.12, connectivity=connectivity, normalize=normalize)
    (gradient,) = torch.autograd.grad(loss.patch_terms(likelihood, target).sum(), likelihood)
    for n in range(2):
        options = {"persistence_threshold": 0.12, "connectivity": connectivity}
        mask = stable_manifolds(values[n], dims=dims or range(1, len(shape)), **options)
        np.testing.assert_array_equal(gradient[n].numpy() != 0, mask)
        assert 0 < mask.mean() < 1
    assert torch.autograd.gradcheck(lambda x: loss.patch_terms(x, target), likelihood)


@pytest.mark.parametrize("dims", [1, 2])
def test_likelihoods_of_0_and_1_have_a_finite_loss(dims):
    likelihood = torch.tensor(np.random.default_rng(0).random((1, 1, 6, 6, 7)) < 0.8, dtype=torch.float32)
    likelihood.requires_grad_()
    value = DMTLoss(dims=dims)(likelihood, 1 - likelihood.detach())
    value.backward()
    assert value.item() == pytest.approx(100)
    assert torch.isfinite(likelihood.grad).all()
    assert likelihood.grad.abs().sum() > 0
    saturated = (400 * likelihood.detach() - 200).requires_grad_()  # of which the sigmoid is 0 or 1 in float32
    DMTLoss(dims=dims, sigmoid=True)(saturated, 1 - likelihood.detach()).backward()
    assert torch.isfinite(saturated.grad).all()


def test_an_empty_mask_is_0_attached_to_the_graph():
    for normalize in ("mask", "image"):
        likelihood = torch.full((2, 1, 5, 6, 7), 0.3, requires_grad=True)
        value = DMTLoss(normalize=normalize)(likelihood, torch.ones(2, 1, 5, 6, 7))
        value.backward()
        assert value.item() == 0
        assert likelihood.grad.abs().sum() == 0


def test_a_pierced_sheet_is_covered_by_s2_across_the_hole():
    likelihood, target = images.pierced_sheet()
    hole = (likelihood < 0.5) & (target == 1)
    assert betti_numbers(likelihood[0, 0] >= 0.5) == (1, 1, 0)
    sheet = manifolds(likelihood, 2)
    assert hole.any()
    assert sheet[3:5].any(axis=0).all()
    assert betti_numbers(sheet) == (1, 0, 0)
    assert not sheet[:2].any()


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_broken_vessel_is_covered_by_s1_across_the_gap(ndim):
    likelihood, target = images.broken_vessel(ndim)
    assert betti_numbers(likelihood[0, 0] >= 0.5)[0] == 2
    curve = manifolds(likelihood, 1)
    assert not (curve & (target[0, 0].numpy() == 0)).any()
    assert betti_numbers(curve)[0] == 1
    assert betti_numbers((likelihood[0, 0] >= 0.5).numpy() | curve)[0] == 1


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_phantom_branch_is_in_s1(ndim):
    likelihood, target = images.phantom_branch(ndim)
    branch = (likelihood >= 0.5) & (target == 0)
    curve = manifolds(likelihood, 1)
    assert branch.any()
    assert (curve & branch[0, 0].numpy()).any(axis=tuple(range(ndim - 1)))[4:9].all()


def test_a_phantom_wall_is_in_s2():
    likelihood, _ = images.phantom_wall()
    assert manifolds(likelihood, 2)[2:6, 2:7, 5:7].any(axis=2).all()


@pytest.mark.parametrize("name", BROKEN)
def test_descent_by_the_loss_alone_mends(name):
    likelihood, target = BROKEN[name]()
    wanted = betti_numbers(target[0, 0])
    assert betti_numbers(likelihood[0, 0] >= 0.5) != wanted
    mended = images.descend(DMTLoss(sigmoid=True), likelihood, target, steps=200)
    assert betti_numbers(mended[0, 0] >= 0.5) == wanted


@pytest.mark.parametrize(
    ("broken", "dims"),
    [(images.broken_ring, 1), (images.broken_tube, 1), (images.pierced_shell, 2)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_gap_in_a_loop_or_wall_is_seen_by_as_much_as_it_stands_out(broken, dims):
    """Here the gap is 0.2 and the background behind it 0.05 to 0.07: the threshold must be less than the difference."""
    likelihood, target = broken()
    wanted = betti_numbers(target[0, 0])
    descend = partial(images.descend, target=target, steps=80)
    assert not manifolds(likelihood, dims, 0.2).any()
    assert manifolds(likelihood, dims, 0.1).any()
    assert betti_numbers(descend(DMTLoss(sigmoid=True, dims=dims), likelihood)[0, 0] >= 0.5) != wanted
    lower = DMTLoss(sigmoid=True, dims=dims, persistence_threshold=0.1)
    assert betti_numbers(descend(lower, likelihood)[0, 0] >= 0.5) == wanted
    better = torch.where((likelihood < 0.5) & (target == 1), likelihood + 0.1, likelihood)
    assert betti_numbers(better[0, 0] >= 0.5) != wanted
    assert betti_numbers(descend(DMTLoss(sigmoid=True, dims=dims), better)[0, 0] >= 0.5) == wanted


@pytest.mark.parametrize("dims", [1, 2])
def test_axes_do_not_matter_to_either_dimension(dims):
    likelihood = images.tie_free((5, 7, 6), 5)[None, None]
    target = (images.tie_free((5, 7, 6), 6)[None, None] > 0.5).float()
    loss = DMTLoss(dims=dims, persistence_threshold=0.1)
    value = loss(likelihood, target)
    assert value > 0
    torch.testing.assert_close(loss(likelihood.transpose(2, 4), target.transpose(2, 4)), value)
    torch.testing.assert_close(loss(likelihood.flip(-1), target.flip(-1)), value)


def test_threads_give_the_same_bits():
    likelihood = torch.stack([images.tie_free((6, 10), seed) for seed in range(6)])[:, None]
    one, three = (DMTLoss(num_threads=n, reduction="none")(likelihood, 1 - likelihood.round()) for n in (1, 3))
    assert one.min() > 0
    assert torch.equal(one, three)


def test_as_the_term_of_a_compound_loss():
    likelihood, target = images.broken_vessel(2)
    logits = torch.logit(likelihood)
    base, total = (DiceCETopologyLoss(sigmoid=True, topology="dmt", lambda_topo=w)(logits, target) for w in (0, 3))
    term = DMTLoss(sigmoid=True)(logits, target)
    assert term > 0
    torch.testing.assert_close(total, base + 3 * term)


def test_errors():
    with pytest.raises(ValueError, match="persistence_threshold must be 0 or more"):
        DMTLoss(persistence_threshold=-0.1)
    with pytest.raises(ValueError, match=r"normalize must be one of \('mask', 'image'\)"):
        DMTLoss(normalize="voxels")
    with pytest.raises(ValueError, match="dims of stable manifolds"):
        DMTLoss(dims=(0, 1))
    with pytest.raises(ValueError, match="must be 1 for 2D data"):
        DMTLoss(dims=2)(torch.rand(1, 1, 4, 5), torch.zeros(1, 1, 4, 5))
    with pytest.raises(ValueError, match="set sigmoid=True"):
        DMTLoss()(torch.randn(1, 1, 4, 5) * 9, torch.zeros(1, 1, 4, 5))
