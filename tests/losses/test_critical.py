"""CriticalRegionLoss: values by region, gradients where they belong, and what a loss of 0 means."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_topo.losses import CriticalRegionLoss, DiceCETopologyLoss
from monai_topo.topology import critical_regions
from tests.losses import images
from tests.losses.cases import example, value_and_gradient
from tests.topology.regions.test_critical import betti_by_gudhi, changes_homology

AGGREGATES = {"mean": np.mean, "max": np.max, "rms": lambda values: np.sqrt(np.mean(np.square(values)))}


def errors(likelihood, truth, error):
    distance = np.abs(likelihood - truth)
    return distance if error == "absolute" else -np.log(1 - distance)


def by_hand(likelihood, truth, settings):
    """The value of one patch from the formula, and the critical voxels."""
    found = critical_regions(likelihood >= 0.5, truth, criterion=settings["criterion"])
    error = errors(likelihood.astype(np.float64), truth, settings["error"])
    alpha, beta = settings["critical_weight"], settings["missing_weight"]
    weights = [beta if missing else 1 - beta for missing in found.missing]
    regions = [error[found.labels == number] for number in range(1, len(weights) + 1)]
    if settings["aggregation"] == "voxels":
        term = sum(weight * region.sum() for weight, region in zip(weights, regions, strict=True)) / error.size
    else:
        each = [AGGREGATES[settings["aggregation"]](region) for region in regions]
        term = np.average(each, weights=weights) if sum(weights) else 0.0
    return (1 - alpha) * error.mean() + alpha * term, found.labels > 0


@pytest.mark.parametrize("criterion", ["components", "homotopy"])
@pytest.mark.parametrize("seed", range(200))
def test_value_and_place_of_the_gradient(seed, criterion):
    rng = np.random.default_rng(seed)
    shape = [(6, 7), (3, 4, 5)][seed % 2]
    likelihood, target = example(shape, seed, threshold=rng.choice([0.4, 0.7]))
    settings = {
        "criterion": criterion,
        "error": ["cross_entropy", "absolute"][seed // 2 % 2],
        "aggregation": ["voxels", "mean", "max", "rms"][seed // 4 % 4],
        "critical_weight": [1.0, 0.5, 0.3][seed % 3],
        "missing_weight": [0.5, 0.2, 1.0][seed // 3 % 3],
    }
    value, gradient = value_and_gradient(CriticalRegionLoss(**settings), likelihood, target)
    expected, critical = by_hand(likelihood[0, 0].numpy(), target[0, 0].numpy() > 0, settings)
    assert value == pytest.approx(expected, rel=1e-5, abs=1e-7)
    if settings["critical_weight"] == 1:
        assert not gradient[0, 0].numpy()[~critical].any()
    else:
        assert gradient.all()


@pytest.mark.parametrize("error", ["cross_entropy", "absolute"])
@pytest.mark.parametrize("aggregation", ["voxels", "mean", "max", "rms"])
@pytest.mark.parametrize("criterion", ["components", "homotopy"])
@pytest.mark.parametrize("shape", [(6, 7), (3, 4, 5)], ids=str)
def test_gradient_in_double_precision(shape, criterion, aggregation, error):
    likelihood, target = example(shape, 3, threshold=0.6)
    likelihood = likelihood[0].double().requires_grad_()
    loss = CriticalRegionLoss(criterion=criterion, aggregation=aggregation, error=error, critical_weight=0.7)
    mask = target[0] > 0
    (gradient,) = torch.autograd.grad(loss.patch_terms(likelihood, mask).sum(), likelihood)
    assert gradient.abs().max() > 0
    assert torch.autograd.gradcheck(lambda values: loss.patch_terms(values, mask), likelihood, eps=1e-7)


def test_a_right_prediction_of_another_thickness_is_no_topological_error():
    truth, likelihood = torch.zeros(1, 1, 9, 12), torch.full((1, 1, 9, 12), 0.1)
    truth[..., 3:6, 2:10] = 1
    likelihood[..., 3:7, 2:11] = 0.8
    loss = CriticalRegionLoss(criterion="homotopy")
    assert loss(likelihood, truth) == 0
    likelihood[..., 3:7, 5] = 0.3  # a gap
    value, gradient = value_and_gradient(loss, likelihood, truth)
    assert value == pytest.approx(0.7)
    torch.testing.assert_close(gradient[..., 3:6, 5], torch.full((1, 1, 3), -1 / 3))
    assert gradient.count_nonzero() == 3


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("shape", [(6, 7), (3, 4, 5)], ids=str)
def test_loss_0_means_equivalent_inclusions(shape, full):
    """Topograph's property: the loss is 0 if and only if both masks are in their union without a change of homology.

    By persistence by the textbook; the Betti numbers of both are then equal, which gudhi counts.
    """
    loss = CriticalRegionLoss(criterion="homotopy", connectivity=None if full else 1)
    seen = set()
    for seed in range(100):
        rng = np.random.default_rng(seed)
        truth = rng.random(shape) < rng.choice([0.2, 0.5, 0.8])
        false = rng.random(shape) < rng.choice([0.02, 0.1, 0.3])
        likelihood = np.where(truth ^ false, rng.uniform(0.5, 1, shape), rng.uniform(0, 0.49, shape))
        masks = likelihood >= 0.5, truth
        union = masks[0] | masks[1]
        equivalent = not any(changes_homology(mask, union & ~mask, full, False) for mask in masks)
        value = float(loss(*(torch.tensor(array[None, None]) for array in (likelihood, truth))))
        assert (value == 0) == equivalent
        if equivalent:
            assert betti_by_gudhi(masks[0], full) == betti_by_gudhi(masks[1], full)
        seen.add((equivalent, bool((masks[0] ^ masks[1]).any())))
    assert seen >= {(True, True), (False, True)}


def test_settings_of_the_papers():
    components, homotopy = CriticalRegionLoss(), CriticalRegionLoss(criterion="homotopy")
    assert (components.error, components.aggregation, components.critical_weight) == ("cross_entropy", "voxels", 0.5)
    assert (homotopy.error, homotopy.aggregation, homotopy.critical_weight) == ("absolute", "mean", 1.0)


def test_logits_are_not_rounded():
    logits = torch.full((1, 1, 3, 5), -200.0)
    truth = torch.zeros(1, 1, 3, 5)
    truth[..., 1, :] = 1
    logits[..., 1, :2] = logits[..., 1, 3:] = 200.0
    assert CriticalRegionLoss(sigmoid=True, critical_weight=1.0, missing_weight=1.0)(logits, truth) == 200 / 15


def test_the_threshold_and_its_noise():
    likelihood, truth = images.broken_vessel(2)
    assert CriticalRegionLoss(criterion="homotopy", threshold=0.2)(likelihood, truth) == 0
    assert CriticalRegionLoss(criterion="homotopy")(likelihood, truth) > 0
    noisy = CriticalRegionLoss(criterion="homotopy", threshold_noise=0.3, seed=1)
    drawn = [float(noisy(likelihood, truth)) for _ in range(20)]
    again = CriticalRegionLoss(criterion="homotopy", threshold_noise=0.3, seed=1)
    assert drawn == [float(again(likelihood, truth)) for _ in range(20)]
    assert min(drawn) == 0 < max(drawn)


@pytest.mark.parametrize("name", ["critical_components", "critical_homotopy"])
def test_by_name_beside_dice_and_cross_entropy(name):
    logits, target = example((8, 9))
    named = DiceCETopologyLoss(sigmoid=True, topology=name)
    alone = CriticalRegionLoss(sigmoid=True, criterion=name.removeprefix("critical_"))
    assert DiceCETopologyLoss(sigmoid=True, topology=alone).lambda_topo == named.lambda_topo
    expected = named.voxelwise(logits, target) + named.lambda_topo * alone(logits, target)
    torch.testing.assert_close(named(logits, target), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"criterion": "loops"}, "criterion must be one of"),
        ({"error": "l2"}, "error must be one of"),
        ({"aggregation": "sum"}, "aggregation must be one of"),
        ({"critical_weight": 1.5}, "critical_weight must be from 0 to 1"),
        ({"missing_weight": -0.5}, "missing_weight must be from 0 to 1"),
        ({"threshold": 0.0}, "threshold must be over 0"),
        ({"threshold_noise": -1.0}, "threshold_noise 0 or more"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        CriticalRegionLoss(**arguments)
