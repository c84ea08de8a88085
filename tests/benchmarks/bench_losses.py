"""Topology losses beside the ``topolosses`` package, forward and backward on the same likelihoods."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from unittest.mock import MagicMock

import numpy as np
import torch
from monai.losses import DiceCELoss, SoftclDiceLoss
from scipy.ndimage import gaussian_filter
from skimage.segmentation import watershed

from monai_topo.losses import (
    BettiMatchingLoss,
    CbDiceLoss,
    CenterlineCrossEntropyLoss,
    CenterlineDiceLoss,
    CriticalRegionLoss,
    LifetimeTopoLoss,
    LocalizedTopoLoss,
    MalisLoss,
    SkeletonRecallLoss,
    TopoLoss,
)
from monai_topo.topology import persistence_pairs, persistence_pairs_batch
from monai_topo.transforms import InstanceToAffinities
from tests.benchmarks.fields import smooth, vessel_mask
from tests.benchmarks.timing import installed, interleaved, one_thread

TITLE = "Losses"
SECONDS = 90
OURS = {
    "TopoLoss": TopoLoss,
    "LocalizedTopoLoss": partial(LocalizedTopoLoss, direction="superlevel", slope=(0, 0.01)),
    "LifetimeTopoLoss": LifetimeTopoLoss,
}


PEER = "HutopoLoss"


def example(shape):
    """A vessel tree and a likelihood that sees it through noise, ``(1, 1, ...)``."""
    truth = gaussian_filter(vessel_mask(max(shape), len(shape)), 1.2) > 0.1
    likelihood = torch.sigmoid(torch.tensor(4.0 * truth - 2.0 + 12 * smooth(shape), dtype=torch.float32))
    return likelihood[None, None], torch.tensor(truth, dtype=torch.float32)[None, None]


def import_topolosses():
    """The losses of the peer where it is installed, else None; what others of its losses import is not needed."""
    if not installed("topolosses"):
        return None
    for name in ("cv2", "torchvision"):
        sys.modules.setdefault(name, MagicMock())
    return import_module("topolosses.losses")


def their_losses():
    """HutopoLoss of the peer."""
    peer = import_topolosses()
    if peer is None:
        return {}
    return {PEER: partial(peer.HutopoLoss, use_base_loss=False, include_background=True, alpha=1.0)}


def forward_and_backward(loss, likelihood, target):
    loss(likelihood.clone().requires_grad_(), target).backward()


def measure(run):
    """Seconds of each loss by shape."""
    found = {}
    for shape in run.pick(((128, 128), (256, 256), (32,) * 3, (64,) * 3), ((16, 16), (12,) * 3)):
        data = example(shape)
        losses = {name: new_loss() for name, new_loss in {**OURS, **their_losses()}.items()}
        calls = {name: partial(forward_and_backward, loss, *data) for name, loss in losses.items()}
        found[" x ".join(map(str, shape))] = interleaved(calls, run, dict.fromkeys(OURS, 5), warm=OURS)
    return found


def affinities(size):
    """Cells as a network sees their affinities through noise, and the cells' ids."""
    shape, rng = (size,) * 3, np.random.default_rng(0)
    markers = np.zeros(shape, int)
    markers[tuple(rng.integers(0, size, (3, 60)))] = np.arange(1, 61)
    ids = watershed(smooth(shape, 1), markers)
    truth = InstanceToAffinities()(ids[None])
    noise = np.stack([smooth(shape, seed) for seed in range(2, 5)])
    seen = torch.sigmoid(torch.tensor(4.0 * truth - 2.0 + 12 * noise, dtype=torch.float32))
    return seen[None], torch.tensor(ids)[None, None]


def measure_regions_and_affinities(run, sides):
    """Times of CriticalRegionLoss beside TopoLoss at 96³, and of MalisLoss beside the pairs of one affinity at 64³."""
    data, cells = example((sides[0],) * 3), affinities(sides[1])
    losses = {
        "TopoLoss": TopoLoss(num_threads=1),
        "components": CriticalRegionLoss(num_threads=1),
        "homotopy": CriticalRegionLoss(criterion="homotopy", num_threads=1),
    }
    calls = {name: partial(forward_and_backward, loss, *data) for name, loss in losses.items()}
    calls["persistence_pairs"] = partial(persistence_pairs, cells[0][0, 0])
    calls["MalisLoss"] = partial(forward_and_backward, MalisLoss(num_threads=1), *cells)
    return interleaved(calls, run, warm=calls)


def regions_and_affinities(run):
    """Their sentence."""
    sides = run.pick((96, 64), (12, 12))
    taken = measure_regions_and_affinities(run, sides)
    ratios = {name: taken[name] / taken["TopoLoss"] for name in ("components", "homotopy")}
    malis = taken["MalisLoss"] / taken["persistence_pairs"]
    return (
        f"`CriticalRegionLoss` at {sides[0]}³, one thread, takes {ratios['components']:.2f} (components) and "
        f"{ratios['homotopy']:.2f} (homotopy) times as long as `TopoLoss`, `MalisLoss` of three affinities of "
        f"{sides[1]}³ {malis:.1f} times as long as `persistence_pairs` of one."
    )


def summary(times):
    """The largest patch."""
    shape, taken = list(times.items())[-1]
    text = f"`TopoLoss`, forward and backward on a patch of {shape}, takes {taken['TopoLoss'] * 1e3:.0f} ms"
    if PEER in taken:
        text += f", `HutopoLoss` of topolosses {taken[PEER] / taken['TopoLoss']:.0f} times as long"
    return f"{text}."


def measure_two_patches(run, side):
    """Seconds of losses on a batch of two patches by threads, and of the pairs of both alone."""
    patches = [torch.cat([each, each.flip(2)]) for each in example((side,) * 3)]
    calls = {}
    for threads in (1, 2):
        for name, loss in TWO_PATCHES.items():
            call = partial(forward_and_backward, loss(num_threads=threads), *patches)
            calls[name, threads] = call
        calls["persistence_pairs_batch", threads] = partial(
            persistence_pairs_batch, patches[0][:, 0], frame=True, num_threads=threads
        )
    return interleaved(calls, run, dict.fromkeys(calls, 7), warm=calls)


TWO_PATCHES = {"TopoLoss": TopoLoss, "LifetimeTopoLoss": LifetimeTopoLoss, "BettiMatchingLoss": BettiMatchingLoss}


def two_patches(run):
    """Their table, as Markdown."""
    side = run.pick(48, 12)
    taken = measure_two_patches(run, side)
    names = (*TWO_PATCHES, "persistence_pairs_batch")
    return "\n".join(
        [
            f"A batch of two patches of {side}³, forward and backward, and the pairs of both alone; ms. What is around "
            "the pairs is activation, checks, Betti numbers of the target, matching, gather and gradient.",
            "",
            f"| threads | {' | '.join(names)} |",
            f"| --- |{' --- |' * len(names)}",
            *(
                f"| {threads} | {' | '.join(f'{taken[name, threads] * 1e3:.1f}' for name in names)} |"
                for threads in (1, 2)
            ),
        ]
    )


def section(run):
    """The part of the page, as Markdown."""
    times = measure(run)
    names = [*OURS, PEER]
    run.find(summary(times))
    lines = [
        "Forward and backward on one patch, all dimensions, a vessel tree seen through noise; ms. Behind the time of "
        "`HutopoLoss` (topolosses: optimal matching by GUDHI on barcodes in C++) how many times as much that is as "
        "`TopoLoss`.",
        "",
        f"| patch | {' | '.join(names)} |",
        f"| --- |{' --- |' * len(names)}",
    ]
    for shape, taken in times.items():
        cells = [f"{taken[name] * 1e3:.1f}" for name in OURS]
        peer = taken.get(PEER)
        cells.append(f"{peer * 1e3:.0f} ({peer / taken['TopoLoss']:.1f}x)" if peer else "not installed")
        lines.append(f"| {shape} | {' | '.join(cells)} |")
    return "\n\n".join(["\n".join(lines), two_patches(run), on_skeletons(run), regions_and_affinities(run)])


ITERATIONS = 3
ON_SKELETONS = {
    "SkeletonRecallLoss": SkeletonRecallLoss(),
    "CenterlineDiceLoss": CenterlineDiceLoss(iterations=ITERATIONS),
    "CenterlineCrossEntropyLoss": CenterlineCrossEntropyLoss(iterations=ITERATIONS),
    "CbDiceLoss": CbDiceLoss(iterations=ITERATIONS),
}


def on_skeletons(run):
    """Losses on skeletons, which come with the target, beside MONAI's losses, as Markdown."""
    shape = run.pick((64,) * 3, (12,) * 3)
    likelihood, target = example(shape)
    calls = {
        "DiceCELoss": partial(forward_and_backward, DiceCELoss(), likelihood, target),
        "SoftclDiceLoss": partial(forward_and_backward, SoftclDiceLoss(iter_=ITERATIONS), likelihood, target),
    }
    for name, loss in ON_SKELETONS.items():
        both = torch.cat([target, loss.skeletons_of(target[:, 0] > 0)[:, None]], 1)
        calls[name] = partial(forward_and_backward, loss, likelihood, both)
    calls["the skeleton of the label, where the target has none"] = partial(
        ON_SKELETONS["SkeletonRecallLoss"].skeletons_of, target[:, 0] > 0
    )
    with one_thread():
        taken = interleaved(calls, run, warm=calls)
    return "\n".join(
        [
            f"On skeletons, {' x '.join(map(str, shape))}, one thread, {ITERATIONS} iterations, the label's skeleton "
            "in the target; behind the time how many times as long MONAI's `DiceCELoss` and `SoftclDiceLoss` take.",
            "",
            "| loss | ms | DiceCELoss | SoftclDiceLoss |",
            "| --- | --- | --- | --- |",
            *(
                f"| {name} | {own * 1e3:.1f} | {taken['DiceCELoss'] / own:.2f} | {taken['SoftclDiceLoss'] / own:.1f} |"
                for name, own in taken.items()
            ),
        ]
    )
