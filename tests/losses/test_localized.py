"""LocalizedTopoLoss: what its height functions see, and its settings Homo-Reg and Homo-Pre."""

from __future__ import annotations

import gudhi
import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from monai_topo.losses import DiceCETopologyLoss, LocalizedTopoLoss, PersistenceLoss
from monai_topo.topology import betti_numbers
from tests.benchmarks.roads import increments
from tests.losses import images
from tests.losses.cases import value_and_gradient


def distance_map(mask, most=4.0):
    """Truncated distance to the foreground, ``(1, 1, ...)``."""
    distance = ndimage.distance_transform_edt(np.asarray(mask) == 0)
    return torch.tensor(np.minimum(distance, most), dtype=torch.float32)[None, None]


def two_places():
    """One loop, and the same loop in another place: no diagram of the plain maps differs."""
    here = np.zeros((20, 28))
    here[3:9, 3:9] = 1
    here[4:8, 4:8] = 0
    return distance_map(here), distance_map(np.roll(here, (7, 15), (0, 1)))


def wasserstein_by_gudhi(first, second):
    """Squared distance of the sublevel diagrams of loops: gudhi's diagrams, the square assignment problem."""
    a, b = (loops_by_gudhi(field.numpy()[0, 0].astype(np.float64)) for field in (first, second))
    n, m = len(a), len(b)
    cost = np.zeros((n + m, n + m))
    cost[:n, :m] = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    cost[:n, m:] = ((a[:, 0] - a[:, 1]) ** 2 / 2)[:, None]
    cost[n:, :m] = ((b[:, 0] - b[:, 1]) ** 2 / 2)[None]
    rows, columns = linear_sum_assignment(cost)
    return cost[rows, columns].sum()


def loops_by_gudhi(field):
    cubes = gudhi.CubicalComplex(dimensions=field.shape[::-1], top_dimensional_cells=field.ravel())
    cubes.compute_persistence(homology_coeff_field=2)
    return cubes.persistence_intervals_in_dimension(1).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(4))
def test_homo_reg_is_the_wasserstein_distance(engine, seed):
    first, second = (images.tie_free((7, 9), 2 * seed + k)[None, None] * 5 for k in range(2))
    expected = wasserstein_by_gudhi(first, second)
    assert expected > 1
    value = LocalizedTopoLoss(height=None, frame=False, engine=engine)(first, second)
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_homo_pre_is_the_optimal_matching_of_likelihoods(engine):
    likelihood, target = images.broken_ring()
    expected = PersistenceLoss(matching="optimal", dims=1, frame=True, engine=engine)(likelihood, target)
    assert expected > 0
    homo_pre = LocalizedTopoLoss(height=None, direction="superlevel", engine=engine)
    torch.testing.assert_close(homo_pre(likelihood, target), expected)


@pytest.mark.parametrize("height", ["linear", "radial", "quadratic"])
@pytest.mark.parametrize("direction", ["sublevel", "superlevel"])
def test_a_slope_of_next_to_nothing_is_the_plain_loss(engine, height, direction):
    likelihood, target = images.broken_ring()
    plain = LocalizedTopoLoss(height=None, dims=(0, 1), direction=direction, engine=engine)(likelihood, target)
    flat = LocalizedTopoLoss(height=height, slope=(0, 1e-12), dims=(0, 1), direction=direction, engine=engine)
    assert plain > 0
    torch.testing.assert_close(flat(likelihood, target), plain)


@pytest.mark.parametrize("height", ["linear", "radial", "quadratic"])
def test_only_a_height_function_sees_place(height):
    here, there = two_places()
    assert LocalizedTopoLoss(height=None, frame=False)(there, here) == 0
    localized = LocalizedTopoLoss(height=height, slope=(0.4, 0.4), frame=False)
    assert torch.stack([localized(there, here) for _ in range(10)]).mean() > 0.1
    assert all(localized(here, here) == 0 for _ in range(5))


def test_two_equal_features_are_matched_by_place():
    """The loop on the left is open and there is a new one between: it must not stand for the open one."""
    truth = np.zeros((15, 45))
    for column in (2, 34):
        truth[3:12, column : column + 9] = 1
        truth[4:11, column + 1 : column + 8] = 0
    broken = truth.copy()
    broken[6:9, 2] = 0
    broken[3:12, 17:26] = 1
    broken[4:11, 18:25] = 0
    moved = {}
    for height in (None, "linear"):
        loss = LocalizedTopoLoss(height=height, slope=(0.4, 0.6), frame=False)
        leaf = distance_map(broken).requires_grad_()
        sum(loss(leaf, distance_map(truth)) for _ in range(8)).backward()
        gap, new_loop = leaf.grad[0, 0, 6:9, 2], leaf.grad[0, 0, 3:12, 17:26]
        moved[height] = gap.sum().item(), new_loop.abs().sum().item()
    assert moved[None][0] < 0  # descent opens the gap further
    assert moved[None][1] == 0
    assert moved["linear"][0] > 1  # descent closes it
    assert moved["linear"][1] > 1


@pytest.mark.parametrize("height", [None, "linear"])
def test_descent_by_the_loss_alone_closes_a_gap(engine, height):
    _, target = images.broken_ring()
    broken = target.clone()
    broken[..., 5, 9] = 0
    truth = distance_map(target[0, 0])
    prediction = distance_map(broken[0, 0]).requires_grad_()
    assert betti_numbers(prediction[0, 0].detach() < 0.5) != betti_numbers(target[0, 0])
    loss = LocalizedTopoLoss(height=height, slope=(0.1, 0.3), engine=engine)
    optimizer = torch.optim.Adam([prediction], lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        loss(prediction, truth).backward()
        optimizer.step()
    assert betti_numbers(prediction[0, 0].detach() < 0.5) == betti_numbers(target[0, 0])


def test_each_patch_and_call_has_a_height_of_its_own():
    first, second = (images.tie_free((8, 10), seed)[None, None] for seed in range(2))
    twice = torch.cat([first, first]), torch.cat([second, second])
    loss = LocalizedTopoLoss(slope=(0.02, 0.05), reduction="none", seed=4)
    values = [loss(*twice).flatten().tolist() for _ in range(2)]
    assert len({value for call in values for value in call}) == 4
    again = LocalizedTopoLoss(slope=(0.02, 0.05), reduction="none", seed=4)
    assert again(*twice).flatten().tolist() == values[0]


def test_the_frame_and_the_outside_of_ignored_voxels_in_a_map(engine):
    """Hidden voxels next to the frame belong to it: what the network says there neither opens nor closes a loop."""
    _, target = images.broken_ring()
    truth = distance_map(target[0, 0])
    hidden = truth.clone()
    hidden[..., :3, :] = -1
    wrong = truth.clone()
    wrong[..., :3, :] = 9.0
    for frame in (True, False):
        loss = LocalizedTopoLoss(height=None, dims=(0, 1), frame=frame, ignore_index=-1, engine=engine)
        assert loss(wrong, hidden) == 0
        assert LocalizedTopoLoss(height=None, dims=(0, 1), frame=frame, engine=engine)(wrong, truth) > 0


def test_by_name_it_takes_likelihoods():
    likelihood, target = images.broken_ring()
    logits = torch.logit(likelihood)
    base, total = (
        DiceCETopologyLoss(sigmoid=True, topology="localized", lambda_topo=weight)(logits, target)
        for weight in (0.0, 2.0)
    )
    assert total > base


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"height": "cubic"}, "height must be None or one of"),
        ({"slope": (0.5, 0.2)}, "slope must be a range"),
        ({"slope": (-0.5, 0.2)}, "slope must be a range"),
        ({"direction": "down"}, "direction must be one of"),
        ({"to_onehot_y": True}, "to_onehot_y needs classes"),
    ],
    ids=str,
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        LocalizedTopoLoss(**arguments)


@pytest.mark.parametrize("arguments", [{"height": "linear"}, {"direction": "sublevel"}], ids=str)
def test_the_nearest_corner_needs_true_points_in_the_corner(arguments):
    with pytest.raises(ValueError, match="matching='nearest_corner' needs every true point"):
        PersistenceLoss(**arguments)


def test_fewer_errors_lower_the_localized_loss():
    """The paper's experiment in small; an error ought to raise the loss (docs/losses.md has it in full)."""
    plain, localized = (increments(height, networks=3, errors=20) for height in (None, "linear"))
    assert (plain < 0).mean() > 0.1
    assert (localized < 0).mean() < 0.8 * (plain < 0).mean()
    assert (localized > 0).mean() > 0.8


def gapped_ring():
    """A ring of likelihood 0.9 with a gap of 0.4."""
    rows, columns = np.indices((24, 24))
    ring = np.abs(np.hypot(rows - 11.5, columns - 11.5) - 7) < 1.3
    gap = ring & (columns > 16) & (rows > 10) & (rows < 13)
    likelihood = np.where(ring, 0.9, 0.05)
    likelihood[gap] = 0.4
    likelihood += 0.001 * np.random.default_rng(0).random(ring.shape)
    return *images.batched(likelihood, ring), torch.tensor(gap)


@pytest.mark.parametrize("height", ["linear", "radial", "quadratic"])
def test_the_default_slopes_let_likelihoods_be_mended(height):
    """The slopes of distances, a hundred times as steep, hide the gap."""
    likelihood, target, gap = gapped_ring()

    def raised(**options):
        losses = [
            LocalizedTopoLoss(height=height, direction="superlevel", frame=False, seed=seed, **options)
            for seed in range(20)
        ]
        gradients = [value_and_gradient(loss, likelihood, target)[1][0, 0][gap] for loss in losses]
        return sum(bool((gradient < 0).any()) for gradient in gradients)

    assert raised() >= 19
    assert raised(slope=(0.2, 0.8)) < 15
    assert LocalizedTopoLoss().slope == (0.2, 0.8)
    assert LocalizedTopoLoss(direction="superlevel").slope == (0.002, 0.008)


def test_a_height_that_does_nothing_is_refused():
    with pytest.raises(ValueError, match=r"slope \(0, 0\) makes height='linear' do nothing"):
        PersistenceLoss(matching="optimal", height="linear", slope=(0.0, 0.0))
    likelihood, target, _ = gapped_ring()
    flat, raised = (PersistenceLoss(matching="optimal", height=height) for height in (None, "linear"))
    assert float(flat(likelihood, target)) != float(raised(likelihood, target))
    assert raised.slope == (0.002, 0.008)


@pytest.mark.parametrize("frame", [False, True])
def test_ignored_voxels_of_a_map_are_the_frame_or_the_outside(frame):
    """The lowest distance with a frame, else the largest, of the voxels that count."""
    _, target = images.broken_ring()
    truth = distance_map(target[0, 0]) + 1
    prediction = truth + torch.rand(truth.shape, generator=torch.Generator().manual_seed(0))
    hidden = truth.clone()
    hidden[..., 8:] = -1
    kept = truth[..., :8]
    right, wrong = (kept.min(), kept.max()) if frame else (kept.max(), kept.min())

    def loss(value=None):
        options = {"height": None, "dims": (0, 1), "frame": frame, "reduction": "none"}
        if value is None:
            return LocalizedTopoLoss(**options, ignore_index=-1)(prediction, hidden)
        cut = [torch.cat([x[..., :8], torch.full_like(x[..., 8:], float(value))], -1) for x in (prediction, truth)]
        return LocalizedTopoLoss(**options)(*cut)

    assert loss() > 0
    torch.testing.assert_close(loss(), loss(right))
    assert not torch.allclose(loss(), loss(wrong))
