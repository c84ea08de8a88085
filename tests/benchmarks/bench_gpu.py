"""What each loss adds to a step of training on a GPU, with how long the GPU waits in it."""

from __future__ import annotations

import math
import time
from functools import partial
from unittest.mock import patch

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.networks.nets import DynUNet
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from monai_topo.losses import DiagramLoss, DiceCETopologyLoss
from tests.benchmarks.bench_training import batch_of_membranes

TITLE = "On a GPU: steps with and without each loss"
TARGET = "gpu"
SECONDS = 480
CASES = ((96, 2), (128, 2))
SMALL = ((16, 1),)
TERMS = ("topo", "lifetime", "dmt", "betti_matching", "critical_components")
ALONE, WAITING = "Dice and cross-entropy", "topo, one after the other"
STEPS = 3
"""Steps in a row, of which the share of idle time is taken."""


def unavailable():
    """Why this machine cannot measure it, None where it can."""
    return None if torch.cuda.is_available() else "no CUDA device is here: steps on a GPU are not measured."


def device():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def new_network(quick):
    """A DynUNet of the size that nnU-Net plans for such patches; in a quick run a small one."""
    filters = [4, 8, 8] if quick else [32, 64, 128, 256, 320, 320]
    strides = [1] + [2] * (len(filters) - 1)
    torch.manual_seed(0)
    return DynUNet(3, 1, 1, [3] * len(filters), strides, strides[1:], filters=filters).to(device())


def new_step(network, loss, batch):
    """A step of training in bfloat16 with a loss: forward, loss, backward, optimizer."""
    optimizer = torch.optim.SGD(network.parameters(), 1e-2, momentum=0.99, nesterov=True)
    image, target = batch

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device().type, torch.bfloat16):
            output = network(image)
        loss(output.float(), target).backward()
        optimizer.step()

    return step


def finish():
    if device().type == "cuda":
        torch.cuda.synchronize()


def trained(run, size, batch):
    """A network after some steps, so that its likelihoods look like one's that trains, and a batch on its device."""
    network = new_network(run.quick)
    for n in range(run.pick(40, 1)):
        data = [tensor.to(device()) for tensor in batch_of_membranes(size, batch, seed=n % 4)]
        new_step(network, DiceCELoss(sigmoid=True), data)()
    return network, data


def new_losses():
    """Losses by name, of the weights that they have by default."""
    terms = {name: DiceCETopologyLoss(sigmoid=True, topology=name) for name in TERMS}
    return {ALONE: DiceCELoss(sigmoid=True), WAITING: one_after_the_other(terms["topo"]), **terms}


def one_after_the_other(loss):
    """The loss without the work beside each other."""

    def call(input, target):
        with patch.object(DiagramLoss, "can_begin", lambda *_: False):
            return loss(input, target)

    return call


def measure(run, size, batch):
    """Seconds of a step, and share of it in which the GPU does nothing, for each loss."""
    network, data = trained(run, size, batch)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    steps = {name: new_step(network, loss, data) for name, loss in new_losses().items()}

    def once():
        return [figures(network, state, step) for step in steps.values()]

    found = run.measure(once, steps, warm_up=once)
    return dict(zip(steps, np.median(np.array(found, float), axis=0).tolist(), strict=True))


def figures(network, state, step):
    """Seconds of a step and the idle share, all from the same weights."""
    network.load_state_dict(state)
    finish()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    finish()
    taken = (time.perf_counter() - start) / STEPS
    network.load_state_dict(state)
    return taken, idle_share(lambda: [step() for _ in range(STEPS)])


def idle_share(call):
    """Share of the time from the first kernel to the last in which none runs; 0 on a CPU."""
    if device().type != "cuda":
        return 0.0
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        call()
        finish()
    kernels = [
        (event.time_range.start, event.time_range.end)
        for event in profiled.events()
        if event.device_type == DeviceType.CUDA and not event.name.startswith(("Memcpy", "Memset"))
    ]
    return 1 - covered(kernels) / (max(stop for _, stop in kernels) - min(start for start, _ in kernels))


def covered(spans):
    """Length of the union of some spans of time."""
    total, end = 0.0, -math.inf
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def section(run):
    """The part of the page, as Markdown."""
    found = {case: measure(run, *case) for case in run.pick(CASES, SMALL)}
    shown = partial(cell, on_gpu=device().type == "cuda")
    names = list(next(iter(found.values())))
    if device().type == "cuda":
        run.find(summary(found))
    where = torch.cuda.get_device_name() if device().type == "cuda" else "no GPU, the CPU in its place"
    lines = [
        f"{where}. A step of a DynUNet of nnU-Net's size in bfloat16 (forward, loss, backward, optimizer) with Dice",
        "and cross-entropy alone, and with each topology term beside them; ms. Behind the time the share of it in",
        "which the GPU does nothing. *One after the other* is `TopoLoss` without work of the CPU beside the GPU's.",
        "",
        f"| patch, batch | {' | '.join(names)} |",
        f"| --- |{' --- |' * len(names)}",
        *[
            f"| {size}³, {batch} | {' | '.join(shown(*taken[name]) for name in names)} |"
            for (size, batch), taken in found.items()
        ],
    ]
    return "\n".join(lines)


def cell(taken, idle, on_gpu):
    return f"{taken * 1e3:.0f}" + (f" ({100 * idle:.0f} %)" if on_gpu else "")


def summary(found):
    """What the first term adds, from the least to the most of all cases."""
    added = [1e3 * (taken["topo"][0] - taken[ALONE][0]) for taken in found.values()]
    return f"beside a step of a DynUNet on a GPU, `TopoLoss` adds {min(added):.0f} to {max(added):.0f} ms."
