"""TopoLoss and PersistenceLoss: values and gradients by hand, by differences, and by what descent does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.losses import PersistenceLoss, TopoLoss
from monai_topo.topology import betti_numbers, diagram, persistence_pairs
from tests.losses import images
from tests.losses.cases import value_and_gradient


def test_components_by_hand(engine):
    """Peaks 0.9 (essential), 0.7 (dies at 0.3) and 0.5 (dies at 0.1); the truth has two."""
    likelihood = torch.tensor([[[[0.9, 0.3, 0.7, 0.1, 0.5]]]])
    target = torch.tensor([[[[1.0, 0.0, 1.0, 0.0, 0.0]]]])
    value, gradient = value_and_gradient(PersistenceLoss(dims=0, engine=engine), likelihood, target)
    # (1 - 0.9)^2 + 0^2 for the first, (1 - 0.7)^2 + 0.3^2 = 0.18 against (1 - 0.5)^2 + 0.1^2 = 0.26 for the second
    assert value == pytest.approx(0.01 + 0.18 + 0.4**2 / 2)
    expected = [2 * (0.9 - 1), 2 * 0.3, 2 * (0.7 - 1), -(0.5 - 0.1), 0.5 - 0.1]
    torch.testing.assert_close(gradient.flatten(), torch.tensor(expected))


def test_the_essential_component_counts(engine):
    likelihood = torch.tensor([[[[0.4, 0.2]]]])
    one, none = torch.tensor([[[[1.0, 0.0]]]]), torch.zeros(1, 1, 1, 2)
    loss = PersistenceLoss(engine=engine)
    value, gradient = value_and_gradient(loss, likelihood, one)
    assert value == pytest.approx(0.36)
    torch.testing.assert_close(gradient.flatten(), torch.tensor([-1.2, 0.0]))
    value, gradient = value_and_gradient(loss, likelihood, none)
    assert value == pytest.approx(0.4**2 / 2)
    torch.testing.assert_close(gradient.flatten(), torch.tensor([0.4, 0.0]))


def test_a_loop_by_hand(engine):
    """A ring whose weakest pixel is 0.6 around a center of 0.2."""
    likelihood = torch.full((1, 1, 5, 6), 0.0)
    likelihood[..., 1:4, 1:4] = torch.tensor([[0.9, 0.8, 0.95], [0.85, 0.2, 0.6], [0.7, 0.75, 0.65]])
    target = (likelihood > 0.5).float()
    value, gradient = value_and_gradient(PersistenceLoss(dims=1, engine=engine), likelihood, target)
    assert value == pytest.approx(0.4**2 + 0.2**2)
    expected = torch.zeros_like(likelihood)
    expected[..., 2, 3], expected[..., 2, 2] = 2 * (0.6 - 1), 2 * 0.2
    torch.testing.assert_close(gradient, expected)


def test_the_frame_closes_a_branch_that_leaves_the_patch(engine):
    """A line of 0.8 across the patch separates two regions; the shallower one, of 0.3, dies as the loop."""
    likelihood = torch.tensor([[[[0.1, 0.8, 0.3], [0.12, 0.7, 0.35], [0.15, 0.8, 0.4]]]])
    target = torch.tensor([[[[0.0, 1.0, 0.0]] * 3]])
    value, gradient = value_and_gradient(TopoLoss(dims=1, engine=engine), likelihood, target)
    assert value == pytest.approx(0.3**2 + 0.3**2)
    expected = torch.zeros(3, 3)
    expected[1, 1], expected[0, 2] = 2 * (0.7 - 1), 2 * 0.3
    torch.testing.assert_close(gradient[0, 0], expected)
    assert value_and_gradient(TopoLoss(dims=1, frame=False, engine=engine), likelihood, target)[0] == 0


def test_gradient_is_nothing_outside_the_critical_voxels(engine):
    likelihood = images.tie_free((6, 9), 3)
    _, gradient = value_and_gradient(PersistenceLoss(engine=engine), likelihood[None, None], torch.zeros(1, 1, 6, 9))
    pairs = persistence_pairs(likelihood, engine=engine)
    critical = np.concatenate([*pairs.birth.values(), *pairs.death.values()])
    moved = gradient.flatten().nonzero().flatten().tolist()
    assert set(moved) == set(critical[critical >= 0].tolist())
    assert 0 < len(moved) < likelihood.numel()


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("shape", [(7, 9), (4, 5, 6)], ids=str)
def test_theorem_1(engine, shape, frame):
    """Loss 0 implies equal Betti numbers, for a likelihood with no fewer points than the truth has features."""
    rng = np.random.default_rng(7)
    loss = TopoLoss(frame=frame, engine=engine)
    zeros = others = 0
    for _ in range(60):
        likelihood, target = images.batched(*(rng.random((2, *shape)) < 0.15))
        found, true = (betti_numbers(x[0, 0] >= 0.5, frame=frame) for x in (likelihood, target))
        assert float(loss(target, target)) == 0
        if any(f < t for f, t in zip(found, true, strict=True)):
            continue
        is_zero = float(loss(likelihood, target)) == 0
        assert is_zero == (found == true)
        zeros, others = zeros + is_zero, others + (not is_zero)
    assert zeros > 0
    assert others > 0


def test_what_is_missing_without_a_trace_adds_nothing(engine):
    """Equation 2.2 sums over the points of the likelihood: the limit of theorem 1."""
    likelihood, target = images.batched(np.eye(1, 7), [[1, 0, 1, 0, 1, 0, 0]])
    assert float(TopoLoss(dims=0, frame=False, engine=engine)(likelihood, target)) == 0


@pytest.mark.parametrize(
    ("broken", "dims"),
    [
        (images.weak_blob, None),
        (images.weak_blob, 0),
        (images.joined_blobs, None),
        (images.joined_blobs, 0),
        (images.broken_ring, None),
        (images.broken_ring, 1),
        (images.pierced_shell, None),
        (images.pierced_shell, 2),
        (images.broken_tube, None),
        (images.broken_tube, 1),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_descent_by_the_loss_alone_mends(engine, broken, dims):
    likelihood, target = broken()
    wanted = betti_numbers(target[0, 0])
    assert betti_numbers(likelihood[0, 0] >= 0.5) != wanted
    mended = images.descend(PersistenceLoss(sigmoid=True, dims=dims, engine=engine), likelihood, target)
    assert betti_numbers(mended[0, 0] >= 0.5) == wanted


def test_persistence_threshold_leaves_small_points_alone(engine):
    likelihood = torch.tensor([[[[0.9, 0.5, 0.525, 0.1, 0.7]]]])
    target = torch.tensor([[[[1.0, 0.0, 0.0, 0.0, 1.0]]]])
    _, every = value_and_gradient(PersistenceLoss(engine=engine), likelihood, target)
    _, large = value_and_gradient(PersistenceLoss(persistence_threshold=0.03, engine=engine), likelihood, target)
    assert every.flatten()[2] != 0
    assert large.flatten()[2] == 0
    torch.testing.assert_close(every.flatten()[[0, 3, 4]], large.flatten()[[0, 3, 4]])


def test_grid_patches_are_averaged(engine):
    likelihood = images.tie_free((6, 10), 0)[None, None]
    target = (images.tie_free((6, 10), 1)[None, None] > 0.5).float()
    whole = TopoLoss(engine=engine)
    patches = [(slice(0, 4), slice(0, 4)), (slice(0, 4), slice(4, 8)), (slice(0, 4), slice(6, 10))]
    patches += [(slice(2, 6), columns) for _, columns in patches]
    expected = torch.stack([whole(likelihood[..., r, c], target[..., r, c]) for r, c in patches]).mean()
    torch.testing.assert_close(TopoLoss(patch_size=4, engine=engine)(likelihood, target), expected)
    assert float(whole(likelihood, target)) != pytest.approx(float(expected))


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("filled", [0.0, 1.0])
def test_a_constant_patch_is_zero_with_a_graph(engine, constant, filled):
    likelihood = torch.full((2, 1, 4, 5, 3), constant)
    value, gradient = value_and_gradient(TopoLoss(engine=engine), likelihood, torch.full((2, 1, 4, 5, 3), filled))
    assert value == 0
    assert not gradient.any()


def test_the_loss_is_the_matching_of_the_diagram(engine):
    """Summed by hand from the public pieces, over dimensions, in 3D."""
    likelihood, target = images.pierced_shell()
    field = likelihood[0, 0]
    pairs = persistence_pairs(field, engine=engine)
    expected = 0.0
    for k, count in enumerate(betti_numbers(target[0, 0])):
        points = diagram(field, pairs, k)
        order = ((1 - points[:, 0]) ** 2 + points[:, 1] ** 2).argsort()
        kept, other = points[order[:count]], points[order[count:]]
        expected += ((kept - torch.tensor([1.0, 0.0])) ** 2).sum() + ((other[:, 0] - other[:, 1]) ** 2).sum() / 2
    torch.testing.assert_close(PersistenceLoss(engine=engine)(likelihood, target), expected)
