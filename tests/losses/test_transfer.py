"""From a device to the CPU and back, on a simulated one: the same numbers, errors and hooks."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from monai.losses import DiceCELoss

from monai_topo.losses import BettiMatchingLoss, DiceCETopologyLoss, TopoLoss, WeightedSumLoss, transfer
from monai_topo.nnunet.term import TermAtFullResolution, build_term
from tests.losses.simulated import LOSSES, example, value_and_gradient


def on_the_cpu(monkeypatch, call):
    with monkeypatch.context() as patched:
        patched.delitem(transfer.DEVICES, "cpu", raising=False)
        return call()


@pytest.mark.parametrize("name", LOSSES)
def test_a_device_changes_no_number(name, device, monkeypatch):
    logits, target = example()
    wanted = on_the_cpu(monkeypatch, lambda: value_and_gradient(LOSSES[name](), logits, target))
    found = value_and_gradient(LOSSES[name](), logits, target)
    assert wanted[0].abs().sum() > 0
    assert wanted[1].abs().sum() > 0
    assert device.log.count("sent") == 1
    assert torch.equal(found[0], wanted[0])
    assert torch.equal(found[1], wanted[1])


def test_classes_and_sums_of_losses_change_no_number(device, monkeypatch):
    logits = example((2, 3, 9, 8, 7))[0]
    target = torch.from_numpy(np.random.default_rng(0).integers(0, 3, (2, 1, 9, 8, 7)))
    options = {"to_onehot_y": True, "softmax": True}

    def losses():
        terms = [TopoLoss(**options), DiceCELoss(**options), BettiMatchingLoss(**options)]
        yield DiceCETopologyLoss(**options, topology=["topo", "betti_matching", "skeleton_recall"])
        yield WeightedSumLoss(terms, [0.1, 1.0, 0.2])
        term = TermAtFullResolution(DiceCELoss(**options), build_term("topo"))
        term.weight = 0.3
        yield term

    wanted = on_the_cpu(monkeypatch, lambda: [value_and_gradient(loss, logits, target) for loss in losses()])
    found = [value_and_gradient(loss, logits, target) for loss in losses()]
    assert device.log.count("sent") == 5
    for (value, gradient), (wanted_value, wanted_gradient) in zip(found, wanted, strict=True):
        assert wanted_value > 0
        assert torch.equal(value, wanted_value)
        torch.testing.assert_close(gradient, wanted_gradient)  # added up in another order


ERRORS = {
    "NaN": (lambda logits, target: logits[1].fill_(float("nan")), {}, "input holds NaN or infinity at batch index 1"),
    "no likelihood": (lambda logits, target: logits.add_(3), {"sigmoid": False}, "input must be likelihoods in"),
    "no mask": (lambda logits, target: target.mul_(255), {}, "target must hold only 0 and 1.*divide it by 255"),
    "shape": (lambda logits, target: target.resize_(2, 1, 3, 3, 3), {}, "ground truth has different shape"),
    "dims": (lambda logits, target: None, {"dims": 5}, "dims must be homology dimensions"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_those_of_the_cpu(name, device, monkeypatch):
    spoil, options, message = ERRORS[name]
    data = example()
    spoil(*data)
    loss = TopoLoss(**{"sigmoid": True, **options})
    for call in (partial(on_the_cpu, monkeypatch), lambda call: call()):
        with pytest.raises((ValueError, AssertionError), match=message) as raised:
            call(lambda: loss(*data))
        assert raised.type is (AssertionError if name == "shape" else ValueError)


def test_a_class_that_the_input_has_no_channel_for(device):
    logits, target = torch.zeros(1, 2, 4, 4), torch.full((1, 1, 4, 4), 7)
    loss = TopoLoss(softmax=True, to_onehot_y=True)
    with pytest.raises(ValueError, match=r"class indices from 0 to 1.*got 7"):
        loss(logits, target)


def test_an_error_of_a_loss_beside_it_comes_first(device):
    logits, target = example()
    loss = DiceCETopologyLoss(sigmoid=True)
    with pytest.raises((AssertionError, ValueError)) as theirs:
        DiceCELoss(sigmoid=True)(logits, target[..., :3])
    with pytest.raises(theirs.type, match="shape") as ours:
        loss(logits, target[..., :3])
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("kind", ["forward", "forward_pre", "full_backward", "full_backward_pre"])
def test_a_hook_of_a_term_is_called(kind, device):
    seen = []
    loss = DiceCETopologyLoss(sigmoid=True)
    getattr(loss.topology[0], f"register_{kind}_hook")(lambda *arguments: seen.append(1))
    logits, target = example()
    loss(logits.requires_grad_(), target).backward()
    assert seen == [1]


@pytest.mark.parametrize("count", [1, 2, 16, 17, 40])
def test_batches_of_any_length_arrive(count, device):
    fields, masks = torch.rand(count, 3, 2), torch.rand(count, 3, 2) > 0.5
    (first, second), flags = transfer.fetch(device, [fields, masks], torch.tensor([True, False]))
    assert flags[0].tolist() == [True, False]
    assert torch.equal(torch.stack([first[n] for n in range(count)]), fields)
    assert torch.equal(second[:], masks)
    assert torch.equal(first[-1], fields[-1])
    assert first[count:].shape == (0, 3, 2)
    assert len(device.blocks) == 1
    assert device.fetched <= 1 + 2 * 16


def test_columns_of_any_kind_are_sent_in_one_copy(device):
    columns = [np.arange(3), np.float32([[1, 2]]), np.zeros(0, np.float32), np.array([True])]
    sent = transfer.send(device, columns, torch.zeros(1))
    assert device.log == ["sent"]
    for tensor, column in zip(sent, columns, strict=True):
        np.testing.assert_array_equal(tensor.numpy(), column)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", LOSSES)
def test_on_a_cuda_device(name):
    logits, target = example()
    wanted = value_and_gradient(LOSSES[name](), logits, target)
    found = value_and_gradient(LOSSES[name](), logits.cuda(), target.cuda())
    torch.testing.assert_close(found[0].cpu(), wanted[0])
    torch.testing.assert_close(found[1].cpu(), wanted[1])
