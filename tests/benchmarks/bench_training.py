"""What the topology costs where it is used: TopoLoss beside a training step, Betti numbers beside labeling."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from scipy.ndimage import gaussian_filter
from skimage.measure import label

from monai_topo.data import phantoms
from monai_topo.losses import TopoLoss
from monai_topo.topology import betti_numbers
from tests.benchmarks.timing import interleaved, seconds

TITLE = "In training: TopoLoss and Betti numbers"
SECONDS = 100


def trained_network(steps=60, size=48, batch=2):
    """The U-Net of the EM bundle, trained on a phantom until its likelihoods look like a network's."""
    torch.manual_seed(0)
    network = UNet(3, 1, 1, [16, 32, 64], [2, 2], num_res_units=1, norm="batch")
    optimizer, loss = torch.optim.Adam(network.parameters(), 1e-3), DiceCELoss(sigmoid=True)
    for step in range(steps):
        image, target = batch_of_membranes(size, batch, seed=step % 4)
        optimizer.zero_grad()
        loss(network(image), target).backward()
        optimizer.step()
    return network, optimizer, loss


def batch_of_membranes(size, batch, seed):
    cells = [
        phantoms.membranes((size,) * 3, num_cells=max(4, size**3 // 8000), num_gaps=40, noise=0.15, seed=seed * 10 + n)
        for n in range(batch)
    ]
    return tuple(torch.tensor(np.stack([array(p)[None] for p in cells]), dtype=torch.float32) for array in ARRAYS)


ARRAYS = (lambda phantom: phantom.image, lambda phantom: phantom.label)


def measure_loss(run):
    """Seconds of one step with Dice and cross-entropy, and of TopoLoss forward and backward, batch 2, by turns."""
    network, optimizer, loss = trained_network(run.pick(60, 2), run.pick(48, 16))

    def step(image, target):
        optimizer.zero_grad()
        loss(network(image), target).backward()
        optimizer.step()

    def topology(logits, target):
        TopoLoss(sigmoid=True)(logits, target).backward()

    found = {}
    for size in run.pick((48, 96), (16,)):
        image, target = batch_of_membranes(size, 2, seed=9)
        logits = network(image).detach()
        calls = {
            "step": partial(step, image, target),
            "TopoLoss": lambda logits=logits, target=target: topology(logits.clone().requires_grad_(), target),
        }
        found[f"{size}³"] = interleaved(calls, run, times=2, warm=(*calls, *calls))
    return found


def measure_betti(size):
    """Seconds of all Betti numbers of a mask, and of scikit-image's labeling of the foreground alone."""
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.standard_normal((size // 2,) * 3, dtype=np.float32), 2.0)
    masks = {
        "smooth": np.kron(smooth > 0, np.ones((2, 2, 2), bool)),
        "white noise, 30 % filled": rng.random((size,) * 3, dtype=np.float32) < 0.3,
    }
    betti_numbers(np.ones((3, 3, 3)))  # compiled, or read from numba's cache
    return {
        f"{size}³ {name}": {
            "Betti numbers": seconds(lambda mask=mask: betti_numbers(mask)),
            "label": seconds(lambda mask=mask: label(mask, connectivity=3)),
        }
        for name, mask in masks.items()
    }


def section(run):
    """The part of the page, as Markdown."""
    losses = measure_loss(run)
    betti = run.once(measure_betti, run.pick(512, 32))
    size, step = list(losses.items())[-1]
    mask, counted = next(iter(betti.items()))
    ratio = counted["Betti numbers"] / counted["label"]
    run.find(
        f"`TopoLoss` on two patches of {size} adds {100 * step['TopoLoss'] / step['step']:.0f} % to a step; Betti "
        f"numbers of {mask} take {ratio:.2f} times as long as scikit-image's `label`."
    )
    lines = [
        "Forward and backward of `TopoLoss` (all dimensions, framed) on a batch of two patches, beside a step of the",
        "EM bundle's small U-Net (forward, Dice and cross-entropy, backward, Adam), by turns, all cores, on phantoms.",
        "",
        "| patch | step, ms | TopoLoss, ms | share |",
        "| --- | --- | --- | --- |",
        *[
            f"| {size} | {times['step'] * 1e3:.0f} | {times['TopoLoss'] * 1e3:.1f} "
            f"| {100 * times['TopoLoss'] / times['step']:.0f} % |"
            for size, times in losses.items()
        ],
        "",
        "`betti_numbers` (all dimensions, full connectivity) beside scikit-image's `label` of the foreground alone.",
        "",
        "| mask | Betti numbers, s | label, s | ratio |",
        "| --- | --- | --- | --- |",
        *[
            f"| {name} | {times['Betti numbers']:.2f} | {times['label']:.2f} "
            f"| {times['Betti numbers'] / times['label']:.2f} |"
            for name, times in betti.items()
        ],
    ]
    return "\n".join(lines)
