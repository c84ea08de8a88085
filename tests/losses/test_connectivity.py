"""Region separation by brute force over all pairs of voxels."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt
from scipy.ndimage import label as components

from monai_topo.losses import ConnectivityLoss
from tests.losses import images
from tests.losses.cases import value_and_gradient

SHAPES = [(4, 6), (3, 2, 4)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def maximin(values):
    """The largest threshold at which two voxels are joined, from a table of the edges between voxels."""
    joined = values.copy()
    for middle in range(len(values)):  # Floyd and Warshall
        joined = np.maximum(joined, np.minimum(joined[:, middle, None], joined[None, middle]))
    return joined


def by_pairs(predicted, true, tolerance, same_weight):
    """The loss, of distances with or without ties: which edge decides does not matter where the truth is constant."""
    regions = components(true > tolerance)[0].ravel()
    places = np.argwhere(np.ones(true.shape))
    beside = np.abs(places[:, None] - places[None]).sum(-1) == 1
    edge = np.minimum(predicted.ravel()[:, None], predicted.ravel()[None])
    inside = (regions[:, None] == regions[None]) & (regions > 0)
    away = maximin(np.where(beside, np.where(inside, np.inf, edge), -np.inf))
    within = maximin(np.where(beside & inside, edge, -np.inf))
    same, different = [], []
    for a, b in combinations(np.flatnonzero(regions), 2):
        if regions[a] == regions[b]:
            same.append((within[a, b] - true.max()) ** 2)
        else:
            different.append(away[a, b] ** 2)
    parts = [np.mean(found) if found else 0 for found in (different, same)]
    return parts[0] + same_weight * parts[1]


def example(shape, seed, truncation=2.0):
    """Every second prediction has many ties."""
    rng = np.random.default_rng(seed)
    network = rng.random(shape) < 0.3
    true = np.minimum(distance_transform_edt(~network), truncation) if network.any() else np.full(shape, truncation)
    predicted = rng.random(shape) * 2
    return np.round(predicted * 2) / 2 if seed % 2 else predicted, true


@every_shape
@pytest.mark.parametrize(
    ("truncation", "tolerance", "same_weight"), [(2.0, 0.0, 0.0), (2.0, 1.0, 0.0), (1.0, 0.0, 0.5)]
)
def test_by_all_pairs_of_voxels(shape, truncation, tolerance, same_weight):
    """Truncated at 1 the true distance is the same throughout the regions."""
    cases = [example(shape, seed, truncation) for seed in range(120)]
    cases = [(p, y) for p, y in cases if y.max() > tolerance]
    predicted, true = (torch.from_numpy(np.stack(maps)) for maps in zip(*cases, strict=True))
    assert len(cases) > 60
    loss = ConnectivityLoss(tolerance=tolerance, same_weight=same_weight)
    wanted = [by_pairs(p, y, tolerance, same_weight) for p, y in cases]
    np.testing.assert_allclose(loss.patch_terms(predicted, true), wanted, atol=1e-12)
    assert np.std(wanted) > 0.01


@every_shape
def test_gradient_by_finite_differences(shape):
    """In float64."""
    predicted = 2 * images.tie_free(shape, 1).double()[None].requires_grad_()
    true = torch.from_numpy(example(shape, 4)[1])[None]
    loss = ConnectivityLoss(tolerance=0, same_weight=0.5)
    leaf = predicted.detach().clone().requires_grad_()
    [gradient] = torch.autograd.grad(loss.patch_terms(leaf, true), leaf)
    assert gradient.abs().max() > 1e-2
    assert torch.autograd.gradcheck(lambda p: loss.patch_terms(p, true), leaf)


def road(gap=0.0):
    """A road across the image, and its predicted distances with a gap."""
    away = torch.abs(torch.arange(11.0) - 5).clamp(max=4).expand(9, 11)[None, None]
    predicted = away.clone()
    predicted[..., 4, 5] = gap
    return predicted, away


@pytest.mark.parametrize("gap", [0.0, 0.5, 0.75])
def test_a_gap_costs_its_square(gap):
    """And only the voxel in it has a gradient, upward by twice the gap."""
    value, gradient = value_and_gradient(ConnectivityLoss(tolerance=3), *road(gap))
    assert value == pytest.approx(gap**2)
    assert gradient[..., 4, 5].item() == pytest.approx(2 * gap)
    gradient[..., 4, 5] = 0
    assert not gradient.any()


def test_a_road_beside_the_annotation_costs_nothing():
    _, away = road()
    beside = away.roll(2, -1).clone()
    assert float(ConnectivityLoss(tolerance=3, same_weight=0)(beside, away)) == 0
    assert float(ConnectivityLoss(tolerance=0, same_weight=1.0)(beside, away)) > 0


def test_a_false_branch_is_raised():
    predicted, away = road()
    away = away.clamp(min=2) - 2  # a broad road
    predicted = away.clone()
    predicted[..., :2] = torch.tensor([2.0, 0.0])  # and a false one beside it
    _, gradient = value_and_gradient(ConnectivityLoss(tolerance=0), predicted, away)
    assert (gradient[..., 1] < 0).any()
    assert not (gradient > 0).any()


def test_in_3d_curves_separate_nothing_and_walls_do():
    curve = torch.full((1, 1, 5, 5, 6), 2.0)
    curve[:, :, 2, 2] = 0
    wall = torch.full((1, 1, 5, 5, 6), 2.0)
    wall[:, :, 2] = 0
    for truth, cost in ((curve, 0.0), (wall, 4.0)):
        loss = ConnectivityLoss(tolerance=1, same_weight=0)
        assert float(loss(torch.full_like(truth, 2.0), truth)) == cost


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": -1}, "tolerance must be at least 0"),
        ({"same_weight": float("nan")}, "same_weight must be at least 0"),
        ({"to_onehot_y": True}, "to_onehot_y needs classes"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        ConnectivityLoss(**options)


def test_a_band_as_wide_as_the_map_is_refused():
    _, away = road()
    with pytest.raises(ValueError, match="distances up to 4, none above tolerance=5: take a smaller tolerance"):
        ConnectivityLoss(tolerance=5)(away, away)
