"""Work of the CPU beside that of a device, on a simulated one: what begins when, and what waits."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from monai.losses import DiceCELoss

from monai_topo.losses import TopoLoss, WeightedSumLoss, persistence, transfer
from tests.losses.simulated import LOSSES, example, value_and_gradient

PATIENCE = 10
"""Seconds after which something that should have begun has not; a busy machine may load a kernel before."""


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
