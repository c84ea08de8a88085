"""The weight of a term, apart from any engine; the handler's tests are about the same numbers in a training."""

from __future__ import annotations

import pytest
import torch

from monai_topo.losses import TermWeight, gradient_norms


def test_the_weight_is_the_ratio_of_sums():
    weight = TermWeight(gradient_ratio=0.5, ratio_iterations=2, warmup_epochs=1)
    weight.add(torch.tensor([1.0, 3.0]))
    assert weight.is_measured_in(1)
    assert weight.weight_in(1) == 0
    weight.add(torch.tensor([3.0, 13.0]))
    assert not weight.is_measured_in(1)
    assert [weight.weight_in(epoch) for epoch in (1, 2, 3)] == [1.0, 2.0, 2.0]  # 0.5 * 16 / 4


@pytest.mark.parametrize("norms", [(float("inf"), 1.0), (1.0, float("nan"))])
def test_an_overflow_does_not_count(norms):
    weight = TermWeight(gradient_ratio=1.0, ratio_iterations=1)
    weight.add(torch.tensor(norms))
    assert weight.is_measured_in(1)
    weight.add(torch.tensor([1.0, 2.0]))
    assert weight.weight_in(1) == 2.0


def test_a_term_without_a_gradient_is_waited_for():
    weight = TermWeight(gradient_ratio=1.0, ratio_iterations=1)
    weight.add(torch.tensor([0.0, 5.0]))
    assert weight.is_measured_in(1)
    weight.add(torch.tensor([1.0, 5.0]))
    assert weight.weight_in(1) == 10.0


def test_the_state_goes_on():
    first, second = (TermWeight(gradient_ratio=1.0, ratio_iterations=2) for _ in range(2))
    first.add(torch.tensor([1.0, 2.0]))
    second.load_state_dict(first.state_dict())
    for weight in (first, second):
        weight.add(torch.tensor([1.0, 4.0]))
        assert weight.weight_in(1) == 3.0
    given = TermWeight(weight=7.0)
    given.load_state_dict(first.state_dict())
    assert given.weight_in(1) == 7.0


@pytest.mark.parametrize("keep_graph", [True, False])
def test_norms_are_those_of_the_gradients(keep_graph):
    network = torch.nn.Linear(3, 2)
    output = network(torch.ones(1, 3))
    values = [output.sum(), 2 * output.sum()]
    norms = gradient_norms(values, list(network.parameters()), scale=8.0, keep_graph=keep_graph)
    assert norms.tolist() == pytest.approx([8 * 8**0.5, 16 * 8**0.5])  # six weights and two biases, all of 1
    if keep_graph:
        values[0].backward()
    else:
        with pytest.raises(RuntimeError, match="second time"):
            values[0].backward()
