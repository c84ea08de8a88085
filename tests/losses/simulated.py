"""A device simulated on the CPU: streams are threads, work takes the time that it is told, and all is logged."""

from __future__ import annotations

import queue
import threading
import time
from functools import partial

import torch

from monai_topo.losses import (
    BettiMatchingLoss,
    LifetimeTopoLoss,
    LocalizedTopoLoss,
    SpatialMatchingLoss,
    TopoLoss,
)


class Stream:
    """Work that is done in order, beside the thread that queues it."""

    def __init__(self):
        self.work = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            self.work.get()()

    def record(self):
        done = Happened()
        self.work.put(done.set)
        return done


class Happened(threading.Event):
    def synchronize(self):
        assert self.wait(20)


class SimulatedDevice:
    """What ``monai_topo.losses.transfer.Device`` asks for, with tensors of the CPU as those of the device.

    Attributes:
        log: what happened, in order.
        seconds_to_fetch: time that a copy takes.
        before_fetch: called with the number of each copy when its turn comes, on the stream of copies.
    """

    def __init__(self, seconds_to_fetch=0.0):
        self.log = []
        self.blocks = []
        self.computing, self.copying = Stream(), Stream()
        self.seconds_to_fetch = seconds_to_fetch
        self.before_fetch = lambda number: None
        self.fetched = 0

    def host_memory(self, num_bytes):
        self.blocks.append(torch.empty(num_bytes, dtype=torch.uint8))
        return self.blocks[-1]

    def is_host(self, tensor):
        """Whether a tensor lies in memory that this device has handed out."""
        place = tensor.untyped_storage().data_ptr()
        return any(block.untyped_storage().data_ptr() == place for block in self.blocks)

    def begin(self):
        ready = self.computing.record()
        self.copying.work.put(ready.synchronize)

    def fetch(self, source, target):
        number, self.fetched = self.fetched, self.fetched + 1

        def copy():
            self.before_fetch(number)
            time.sleep(self.seconds_to_fetch)
            target.copy_(source)
            self.log.append(f"copied {number}")

        self.copying.work.put(copy)

    def record(self):
        return self.copying.record()

    def synchronize(self):
        """Wait for all that the device has been given to do: before that its log may lack the last of it."""
        for stream in (self.computing, self.copying):
            stream.record().synchronize()

    def send(self, source):
        self.log.append("sent")
        return source.clone()

    def compute(self, seconds, name, until=lambda: None):
        """Queue work of the device."""

        def work():
            self.log.append(f"{name} begins")
            until()
            time.sleep(seconds)
            self.log.append(f"{name} ends")

        self.computing.work.put(work)


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
