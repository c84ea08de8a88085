"""DiceCETopologyLoss as a superset of DiceCELoss, and weighted sums."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from monai.losses import DiceCELoss, DiceLoss
from scipy.ndimage import gaussian_filter

from monai_topo.losses import DiceCETopologyLoss, LifetimeTopoLoss, TopoLoss, WeightedSumLoss
from monai_topo.losses.compound import TOPOLOGY_TERMS


def example(channels=2, shape=(6, 7, 5)):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, channels, *shape, generator=generator)
    classes = torch.randint(0, channels, (2, 1, *shape), generator=generator)
    return logits, classes.float()


def test_every_argument_of_dicece_first_and_with_its_default():
    theirs = list(inspect.signature(DiceCELoss).parameters.values())
    ours = list(inspect.signature(DiceCETopologyLoss).parameters.values())
    assert [(p.name, p.default) for p in ours[: len(theirs)]] == [(p.name, p.default) for p in theirs]


ARGUMENTS = [
    {"to_onehot_y": True, "softmax": True},
    {"to_onehot_y": True, "softmax": True, "include_background": False, "squared_pred": True, "batch": True},
    {"to_onehot_y": True, "sigmoid": True, "jaccard": True, "reduction": "sum", "lambda_dice": 0.5, "lambda_ce": 2.0},
    {"to_onehot_y": True, "other_act": torch.sigmoid, "smooth_nr": 0.1, "smooth_dr": 0.2, "label_smoothing": 0.1},
    {"to_onehot_y": True, "softmax": True, "weight": torch.tensor([1.0, 3.0])},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=lambda arguments: ",".join(arguments))
def test_it_is_dicece_plus_the_term(arguments):
    logits, target = example()
    common = ("include_background", "to_onehot_y", "sigmoid", "softmax", "other_act", "reduction", "weight")
    term = TopoLoss(**{name: value for name, value in arguments.items() if name in common})(logits, target)
    base = DiceCELoss(**arguments)(logits, target)
    assert term > 0
    torch.testing.assert_close(DiceCETopologyLoss(**arguments, lambda_topo=0.3)(logits, target), base + 0.3 * term)


def test_a_term_of_weight_zero_is_not_computed():
    class Refuses(torch.nn.Module):
        def forward(self, input, target):
            raise AssertionError("must not be called")

    logits, target = example()
    loss = DiceCETopologyLoss(softmax=True, to_onehot_y=True, topology=Refuses(), lambda_topo=0.0)
    torch.testing.assert_close(loss(logits, target), DiceCELoss(softmax=True, to_onehot_y=True)(logits, target))
    loss.lambda_topo = 1.0
    with pytest.raises(AssertionError, match="must not be called"):
        loss(logits, target)


def test_the_background_has_no_weight_where_it_is_left_out():
    logits, target = example(channels=3)
    options = {"to_onehot_y": True, "softmax": True, "include_background": False}
    weight = torch.tensor([5.0, 1.0, 3.0])
    term = TopoLoss(**options, weight=weight[1:])(logits, target)
    base = DiceCELoss(**options, weight=weight)(logits, target)
    assert term > 0
    torch.testing.assert_close(
        DiceCETopologyLoss(**options, weight=weight, lambda_topo=0.3)(logits, target), base + 0.3 * term
    )


def test_several_terms():
    logits, target = example(channels=1)
    target = (target > 0).float()
    own = TopoLoss(sigmoid=True, dims=2)
    loss = DiceCETopologyLoss(sigmoid=True, topology=["lifetime", own], lambda_topo=[0.5, 2.0])
    base, first, second = (
        each(logits, target) for each in (DiceCELoss(sigmoid=True), LifetimeTopoLoss(sigmoid=True), own)
    )
    assert min(first, second) > 0
    torch.testing.assert_close(loss(logits, target), base + 0.5 * first + 2 * second)
    loss.lambda_topo[0] = 0.0
    torch.testing.assert_close(loss(logits, target), base + 2 * second)
    for topology, weights in ((["topo"], 0.1), ("topo", [0.1]), (["topo", "lifetime"], [0.1])):
        with pytest.raises(ValueError, match="one weight for each of"):
            DiceCETopologyLoss(topology=topology, lambda_topo=weights)
    with pytest.raises(ValueError, match="no less than"):
        DiceCETopologyLoss(topology=["topo"], lambda_topo=[-1.0])


def test_any_loss_may_be_the_term():
    logits, target = example()
    loss = DiceCETopologyLoss(
        softmax=True, to_onehot_y=True, topology=DiceLoss(softmax=True, to_onehot_y=True), lambda_topo=0.01
    )
    base = DiceCELoss(softmax=True, to_onehot_y=True)(logits, target)
    torch.testing.assert_close(
        loss(logits, target), base + 0.01 * DiceLoss(softmax=True, to_onehot_y=True)(logits, target)
    )


def test_gradient_reaches_the_logits():
    logits, target = example(channels=1)
    gradients = []
    for weight in (0.0, 1.0):
        leaf = logits.clone().requires_grad_()
        DiceCETopologyLoss(sigmoid=True, lambda_topo=weight)(leaf, (target > 0).float()).backward()
        gradients.append(leaf.grad)
    assert gradients[0].abs().sum() > 0
    assert not torch.equal(*gradients)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"lambda_topo should be no less than 0\.0\."):
        DiceCETopologyLoss(lambda_topo=-1)
    with pytest.raises(ValueError, match=r"lambda_dice should be no less than 0\.0\."):
        DiceCETopologyLoss(lambda_dice=-1)
    with pytest.raises(ValueError, match="topology must be a loss or one of"):
        DiceCETopologyLoss(topology="betti")
    with pytest.raises(TypeError, match="topology must be a loss or one of"):
        DiceCETopologyLoss(topology=3)
    with pytest.raises(ValueError, match="none"):
        DiceCETopologyLoss(reduction="none")
    with pytest.raises(ValueError, match="number of dimensions"):
        DiceCETopologyLoss(sigmoid=True)(torch.rand(1, 1, 4, 4), torch.zeros(1, 4, 4))


def test_weighted_sum():
    logits, target = example(channels=1)
    target = (target > 0).float()
    terms = [DiceLoss(sigmoid=True), TopoLoss(sigmoid=True)]
    expected = 2 * terms[0](logits, target) + 0.5 * terms[1](logits, target)
    torch.testing.assert_close(WeightedSumLoss(terms, [2, 0.5])(logits, target), expected)


def test_weighted_sum_of_nothing_is_zero_with_a_graph():
    logits, target = example(channels=1)
    logits.requires_grad_()
    value = WeightedSumLoss([TopoLoss()], [0])(logits, target)  # refuses logits: it must not be asked
    value.backward()
    assert value == 0
    assert not logits.grad.any()


def test_weighted_sum_refuses_bad_weights():
    for losses, weights in (([], []), ([DiceLoss()], [1, 2]), ([DiceLoss()], [-1])):
        with pytest.raises(ValueError, match="weights"):
            WeightedSumLoss(losses, weights)


@pytest.mark.parametrize("name", TOPOLOGY_TERMS)
def test_a_term_has_a_weight_of_its_own(name):
    """By which its gradient is neither lost beside that of Dice and cross-entropy nor drowns it."""
    logits, target = noisy_tubes()
    loss = DiceCETopologyLoss(sigmoid=True, topology=name)
    assert loss.lambda_topo == TOPOLOGY_TERMS[name].weight
    gradients = []
    for part in (loss.voxelwise, loss.topology[0]):
        leaf = logits.clone().requires_grad_()
        part(leaf, target).backward()
        gradients.append(float(leaf.grad.norm()))
    assert 0.03 < loss.lambda_topo * gradients[1] / gradients[0] < 10
    assert f"lambda_topo={loss.lambda_topo}" in repr(loss)


def noisy_tubes():
    """Logits of a network that is nearly right on a lattice of tubes in 32 voxels a side."""
    rng = np.random.default_rng(0)
    planes, rows, columns = np.indices((32, 32, 32)) % 16
    tubes = (abs(planes - 8) < 2) & (abs(rows - 8) < 2) | (abs(rows - 8) < 2) & (abs(columns - 8) < 2)
    field = gaussian_filter(np.where(tubes, 3.0, -3.0) + rng.normal(0, 4, tubes.shape), 0.8)
    return torch.tensor(field, dtype=torch.float32)[None, None], torch.tensor(tubes, dtype=torch.float32)[None, None]


def test_defaults_and_given_weights_mix():
    assert DiceCETopologyLoss(topology=["topo", "dmt"]).lambda_topo == [0.01, 0.2]
    assert DiceCETopologyLoss(topology=["topo", "dmt"], lambda_topo=[None, 3.0]).lambda_topo == [0.01, 3.0]
    assert DiceCETopologyLoss(topology=TopoLoss(dims=1)).lambda_topo == 0.01
    with pytest.raises(ValueError, match="lambda_topo must be given for DiceLoss: it has no weight of its own"):
        DiceCETopologyLoss(topology=DiceLoss())
