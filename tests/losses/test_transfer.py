"""Work of the CPU beside that of a device, on a simulated one: what begins when, what waits, and the same numbers."""

from __future__ import annotations

import threading
import time
from functools import partial

import numpy as np
import pytest
import torch
from monai.losses import DiceCELoss

from monai_topo.losses import (
    BettiMatchingLoss,
    DiceCETopologyLoss,
    LifetimeTopoLoss,
    LocalizedTopoLoss,
    SpatialMatchingLoss,
    TopoLoss,
    WeightedSumLoss,
    persistence,
    transfer,
)
from monai_topo.nnunet.term import TermAtFullResolution, build_term
from tests.losses.simulated import SimulatedDevice

PATIENCE = 10
"""Seconds after which something that should have begun has not; a busy machine may load a kernel before."""


@pytest.fixture
def device(monkeypatch):
    """Tensors of the CPU lie on a simulated device."""
    simulated = SimulatedDevice()
    monkeypatch.setitem(transfer.DEVICES, "cpu", lambda index: simulated)
    return simulated


def on_the_cpu(monkeypatch, call):
    with monkeypatch.context() as patched:
        patched.delitem(transfer.DEVICES, "cpu", raising=False)
        return call()


def example(shape=(2, 1, 9, 8, 7), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator), (torch.rand(shape, generator=generator) > 0.6).float()


def value_and_gradient(loss, logits, target):
    leaf = logits.clone().requires_grad_()
    value = loss(leaf, target)
    value.sum().backward()
    return value.detach(), leaf.grad


LOSSES = {
    "topo": partial(TopoLoss, sigmoid=True),
    "topo without a frame": partial(TopoLoss, sigmoid=True, frame=False, reduction="none"),
    "lifetime": partial(LifetimeTopoLoss, sigmoid=True),
    "localized": partial(LocalizedTopoLoss, sigmoid=True, direction="superlevel", dims=(0, 1), frame=False),
    "localized map": partial(LocalizedTopoLoss, slope=(0.01, 0.05), dims=(0, 1)),
    "betti matching": partial(BettiMatchingLoss, sigmoid=True),
    "spatial matching": partial(SpatialMatchingLoss, sigmoid=True),
    "random patches": partial(TopoLoss, sigmoid=True, patch_size=5, patch_mode="random", num_patches=3),
    "ignored": partial(LifetimeTopoLoss, sigmoid=True, ignore_index=1),
    "all threads": partial(TopoLoss, sigmoid=True, num_threads=2),
}


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


class Ordinary(torch.nn.Module):
    """Dice and cross-entropy that a device computes in its own time."""

    def __init__(self, device, seconds=0.0, until=lambda: None):
        super().__init__()
        self.device, self.seconds, self.until = device, seconds, until

    def forward(self, input, target):
        self.device.compute(self.seconds, "ordinary loss", self.until)
        return input.sum() * 0


def run_with_gates(device, monkeypatch, num_threads, patience=PATIENCE):
    """The whole log of a step in which the device holds back all but item 0 until persistence of it has begun."""
    begun, pairs = threading.Event(), persistence.persistence_pairs_batch

    def logged(fields, **options):
        device.log.append(f"persistence of {len(fields)} begins")
        begun.set()
        return pairs(fields, **options)

    def hold_back(number):
        if number > 2:  # 0 are the checks, 1 and 2 likelihood and target of item 0
            begun.wait(patience)

    monkeypatch.setattr(persistence, "persistence_pairs_batch", logged)
    device.before_fetch = hold_back
    ordinary = Ordinary(device, until=lambda: begun.wait(patience))
    loss = WeightedSumLoss([ordinary, TopoLoss(sigmoid=True, num_threads=num_threads)], [1.0, 1.0])
    value_and_gradient(loss, *example())
    device.synchronize()
    return device.log


def first_begins_early(log):
    """Whether persistence of item 0 began while item 1 was on its way and the ordinary loss was computed."""
    begins = log.index("persistence of 1 begins")
    return begins < log.index("copied 3") and begins < log.index("ordinary loss ends")


@pytest.mark.parametrize("num_threads", [1, 2])
def test_persistence_of_the_first_begins_while_the_others_arrive(num_threads, device, monkeypatch):
    log = run_with_gates(device, monkeypatch, num_threads)
    assert first_begins_early(log)
    assert log.index("copied 2") < log.index("persistence of 1 begins")
    assert log.index("persistence of 1 begins") < log.index("sent")


def test_an_implementation_that_waits_for_all_is_caught(device, monkeypatch):
    take = transfer.Arriving.__getitem__

    def wait_for_all(batch, part):
        take(batch, slice(None))
        return take(batch, part)

    monkeypatch.setattr(transfer.Arriving, "__getitem__", wait_for_all)
    assert not first_begins_early(run_with_gates(device, monkeypatch, 2, patience=1))


def test_a_loss_that_waits_before_the_others_is_caught(device, monkeypatch):
    monkeypatch.setattr(TopoLoss, "can_begin", lambda *_: False)
    log = run_with_gates(device, monkeypatch, 2, patience=1)
    assert log.index("ordinary loss ends") < log.index("copied 0")


def test_a_step_takes_little_longer_than_the_device_does(device, monkeypatch):
    """With the times of a step given: the work of the CPU hides behind that of the device."""
    pairs = persistence.persistence_pairs_batch

    def slow(fields, **options):
        time.sleep(0.15)
        return pairs(fields, **options)

    monkeypatch.setattr(persistence, "persistence_pairs_batch", slow)
    data = example()
    topology = TopoLoss(sigmoid=True, num_threads=1)
    topology(*data)

    def step(loss):
        """The best of three: a busy machine makes any of them slower."""
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            loss(*data)
            device.computing.record().synchronize()
            taken.append(time.perf_counter() - start)
        return min(taken)

    beside = step(WeightedSumLoss([Ordinary(device, 0.3), topology], [1.0, 1.0]))
    alone = step(Ordinary(device, 0.3)) + step(topology)
    assert beside < 0.8 * alone


WAITING = ("cpu", "item", "tolist", "numpy", "nonzero", "masked_select", "argwhere", "unique")
CONVERTING = ("__bool__", "__float__", "__int__", "__index__", "__array__", "__contains__")


class Waits(torch.overrides.TorchFunctionMode):
    """Counts what waits for a device in the thread that queues its work."""

    def __init__(self, device):
        super().__init__()
        self.device, self.found = device, []

    def __torch_function__(self, function, types, arguments=(), options=None):
        name = getattr(function, "__name__", "")
        tensors = [value for value in arguments if isinstance(value, torch.Tensor)]
        on_device = bool(tensors) and not self.device.is_host(tensors[0])
        masked = name == "__getitem__" and any(value.dtype == torch.bool for value in tensors[1:])
        if on_device and (name in (*WAITING, *CONVERTING) or masked or function is torch.equal):
            self.found.append(name)
        return function(*arguments, **(options or {}))


def waits_of(device, loss, batch):
    logits, target = example((batch, 1, 6, 5, 7))
    leaf = logits.requires_grad_()
    with Waits(device) as waits:
        loss(leaf, target).backward()
    return waits.found


OVERLAPPED = ["topo", "topo without a frame", "lifetime", "localized", "betti matching", "random patches", "ignored"]


@pytest.mark.parametrize("name", OVERLAPPED)
def test_nothing_waits_for_the_device(name, device):
    loss = LOSSES[name]()
    loss.reduction = "mean"
    base = DiceCELoss(sigmoid=True)  # asks a tensor of the CPU for the axes that it sums over
    assert waits_of(device, WeightedSumLoss([base, loss], [1.0, 0.1]), 3) == waits_of(device, base, 3) == ["tolist"]


def test_what_waits_is_counted(device, monkeypatch):
    """As many times as there are patches, in an implementation that fetches one after the other."""

    def one_by_one(device, batches, flags):
        return [torch.stack([field.cpu() for field in batch]) for batch in batches], flags[None]

    monkeypatch.setattr("monai_topo.losses.points.fetch", one_by_one)
    assert waits_of(device, TopoLoss(sigmoid=True), 3).count("cpu") == 6


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
