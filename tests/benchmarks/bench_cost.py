"""What each loss adds to a training step, by size of the patches and of the batch, and where the time goes."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial, wraps
from pkgutil import resolve_name
from unittest.mock import patch

import numpy as np
from monai.losses import SoftclDiceLoss

from monai_topo.losses import BettiMatchingLoss, DMTLoss, LifetimeTopoLoss, LocalizedTopoLoss, TopoLoss
from tests.benchmarks.bench_training import batch_of_membranes, trained_network
from tests.benchmarks.timing import seconds

TITLE = "What each loss costs in training"
SECONDS = 150
CASES = ((32, 2), (48, 1), (48, 2), (48, 4), (64, 2), (96, 2), (128, 1))
LOSSES = {
    "clDice": partial(SoftclDiceLoss, iter_=3),
    "TopoLoss": partial(TopoLoss, sigmoid=True, frame=True),
    "LifetimeTopoLoss": partial(LifetimeTopoLoss, sigmoid=True, frame=True),
    "LocalizedTopoLoss": partial(
        LocalizedTopoLoss, sigmoid=True, direction="superlevel", slope=(0.01, 0.04), persistence_threshold=0.05
    ),
    "DMTLoss": partial(DMTLoss, sigmoid=True, dims=[2], persistence_threshold=0.02),
    "BettiMatchingLoss": partial(BettiMatchingLoss, sigmoid=True, frame=True),
}
WORK = (
    "monai_topo.losses.persistence.PersistenceLoss._find_pulls",
    "monai_topo.losses.dmt.stable_manifolds_batch",
    "monai_topo.losses.betti_matching.match_induced_batch",
)
"""Functions whose time is what a step spends on persistence and matching, in whichever threads."""


def measure(size, batch, run, network, step):
    """Seconds of a step, and of each loss forward and backward with what of it is persistence and matching."""
    image, target = batch_of_membranes(size, batch, seed=9)
    logits = network(image).detach()

    def once():
        losses = [parts_of(build(), logits.clone().requires_grad_(), target) for build in LOSSES.values()]
        return [(seconds(partial(step, image, target)), 0.0), *losses]

    found = run.measure(once, ("step", *LOSSES), warm_up=once)
    return dict(zip(("step", *LOSSES), np.median(found, axis=0), strict=True))


def parts_of(loss, logits, target):
    """Seconds in all, and in persistence and matching."""
    spent = []
    with ExitStack() as stack:
        for name in WORK:
            stack.enter_context(patch(name, counted(resolve_name(name), spent)))
        total = seconds(lambda: loss(logits, target).backward())
    return total, sum(spent)


def counted(function, spent):
    """The function, whose times are kept."""

    @wraps(function)
    def call(*arguments, **settings):
        start = time.perf_counter()
        try:
            return function(*arguments, **settings)
        finally:
            spent.append(time.perf_counter() - start)

    return call


def section(run):
    """The part of the page, as Markdown."""
    network, optimizer, base = trained_network(run.pick(60, 2), run.pick(48, 16))

    def step(image, target):
        optimizer.zero_grad()
        base(network(image), target).backward()
        optimizer.step()

    found = {case: measure(*case, run, network, step) for case in run.pick(CASES, ((16, 2),))}
    run.find(summary(found))
    lines = [
        "A step of the EM bundle's small U-Net with Dice and cross-entropy alone (forward, loss, backward, Adam), and",
        "what each loss, forward and backward, adds to it; ms, all cores, phantoms of membranes, dimensions and frame",
        "as in the bundles. In brackets the share of that which is persistence and matching, with the Betti numbers of",
        "the target.",
        "",
        f"| patch, batch | step | {' | '.join(LOSSES)} |",
        f"| --- | --- | {' | '.join(['---'] * len(LOSSES))} |",
        *[
            f"| {size}³, {batch} | {times['step'][0] * 1e3:.0f} | {' | '.join(shown(times[name]) for name in LOSSES)} |"
            for (size, batch), times in found.items()
        ],
    ]
    return "\n".join(lines)


def summary(found):
    """What losses add to a step, from the least to the most of all cases."""
    shares = {name: [times[name][0] / times["step"][0] for times in found.values()] for name in LOSSES}
    told = {name: f"{min(share):.1f} to {max(share):.1f} times" for name, share in shares.items()}
    sides = [f"{size}³" for size, _ in found]
    return (
        f"beside a step of a small U-Net on a CPU, on patches of {sides[0]} to {sides[-1]}, `TopoLoss` takes "
        f"{told['TopoLoss']} the step's time, `BettiMatchingLoss` {told['BettiMatchingLoss']}, MONAI's soft clDice "
        f"{told['clDice']}."
    )


def shown(times):
    total, work = times
    share = f" ({100 * work / total:.0f} %)" if work else ""
    return f"{total * 1e3:.1f}{share}"
