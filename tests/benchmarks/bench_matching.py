"""What matching in space costs: beside the pairs of the likelihood alone, and beside the ``topolosses`` package."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from monai_topo.losses import BettiMatchingLoss
from monai_topo.topology import match_by_place, match_induced, persistence_pairs
from tests.benchmarks.bench_losses import import_topolosses
from tests.benchmarks.fields import smooth, vessel_tree, white
from tests.benchmarks.timing import interleaved, one_thread, probe

TITLE = "Matching in space"
SECONDS = 150
SIZES = (64, 96)
SIDE = 1024
THEIR_SECONDS = "73 s"
"""What the description of ``topologysegmentation`` 0.2.0 states for one image of 1024², in its table of losses."""
CONTESTANTS = ("match_induced", "loss", "loss, target kept", "match_by_place", "topolosses")

MEMORY_PROBE = """
import sys
from tests.benchmarks.bench_matching import inputs
from monai_topo.topology import match_induced
small, (likelihood, target) = inputs(12)["own truth"], inputs(int(sys.argv[1]))["own truth"]
match_induced(*small)
def kilobytes(key):
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith(key)))
open("/proc/self/clear_refs", "w").write("5")
before = kilobytes("VmRSS")
match_induced(likelihood, target)
print((kilobytes("VmHWM") - before) * 1024 / likelihood.size)
"""


def to_unit(image):
    return ((image - image.min()) / (image.max() - image.min())).astype(np.float32)


def inputs(size):
    """Likelihood and binary target: of one object, of unrelated ones, of vessels; and two smooth fields."""
    shape = (size,) * 3
    first = to_unit(smooth(shape))
    tree = vessel_tree(size)
    return {
        "own truth": (to_unit(first + 0.3 * to_unit(smooth(shape, 5))), (first > np.median(first)).astype(np.float32)),
        "unrelated": (first, (smooth(shape, 1) > 0).astype(np.float32)),
        "vessel tree": (to_unit(tree + 0.01 * white(shape, 3)), (tree > 0.1).astype(np.float32)),
        "two smooth": (first, to_unit(smooth(shape, 2))),
    }


def plane(side):
    """A likelihood in 2D and its own truth."""
    first = to_unit(smooth((side, side)))
    return to_unit(first + 0.3 * to_unit(smooth((side, side), 5))), (first > np.median(first)).astype(np.float32)


def forward_and_backward(loss, likelihood, target):
    field = torch.tensor(likelihood)[None, None].requires_grad_()
    loss(field, torch.tensor(target)[None, None]).backward()


def our_calls(pair):
    """Calls by contestant; the loss as published."""
    plain, keeping = (BettiMatchingLoss(frame=False, num_threads=1, target_cache_mib=mib) for mib in (0, 64))
    return {
        "pairs": partial(persistence_pairs, pair[0]),
        "match_induced": partial(match_induced, *pair),
        "loss": partial(forward_and_backward, plain, *pair),
        "loss, target kept": partial(forward_and_backward, keeping, *pair),
        "match_by_place": partial(match_by_place, *pair),
    }


def measure(size, run):
    """Seconds by input and contestant."""
    peer = import_topolosses()
    table = {}
    for name, pair in inputs(size).items():
        calls = our_calls(pair)
        if name == "two smooth":
            calls = {who: calls[who] for who in ("pairs", "match_induced")}
        warm = list(calls)
        if peer and name == "own truth":
            theirs = peer.BettiMatchingLoss(use_base_loss=False, include_background=True, alpha=1.0)
            calls["topolosses"] = partial(forward_and_backward, theirs, *pair)
        table[name] = interleaved(calls, run, warm=warm)
    return table


def peak_memory(size):
    """Bytes a voxel beyond the inputs."""
    return probe(MEMORY_PROBE, str(size))


def absent(who, name):
    """Why a cell holds no figure."""
    return "not installed" if who == "topolosses" and name == "own truth" else "-"


def section(run):
    """The part of the page, as Markdown."""
    sizes = run.pick(SIZES, (12,))
    side = run.pick(SIDE, 24)
    with one_thread():
        tables = {size: measure(size, run) for size in sizes}
        calls = our_calls(plane(side))
        tables[None] = {f"{side}² own truth": interleaved(calls, run, warm=list(calls))}
    lines = [
        "Time in ms on one thread, and how many times that of `persistence_pairs` of the likelihood. The loss is "
        "`BettiMatchingLoss`, forward and backward, also with `target_cache_mib` and a target that it has seen before; "
        "topolosses bundles the C++ code of Betti-Matching-3D. Own truth: a smooth field with noise against the mask "
        "of the field without; unrelated: against the mask of another field.",
        "",
        f"| input | pairs | {' | '.join(CONTESTANTS)} |",
        f"| --- | --- |{' --- |' * len(CONTESTANTS)}",
    ]
    for size, table in tables.items():
        for name, times in table.items():
            cells = [f"{times['pairs'] * 1e3:.1f}"]
            for who in CONTESTANTS:
                taken = times.get(who)
                cells.append(f"{taken * 1e3:.0f} ({taken / times['pairs']:.1f}x)" if taken else absent(who, name))
            lines.append(f"| {f'{size}³ ' if size else ''}{name} | {' | '.join(cells)} |")
    kept = ", ".join(f"{size}³ {run.once(peak_memory, size):.0f}" for size in sizes)
    own, other = (tables[sizes[-1]][name] for name in ("own truth", "unrelated"))
    run.find(
        f"`match_induced` takes {own['match_induced'] / own['pairs']:.1f} times as long as `persistence_pairs` of the "
        f"likelihood at {sizes[-1]}³ against its own truth, {other['match_induced'] / other['pairs']:.1f} times "
        "against an unrelated one."
    )
    end = [
        f"The description of `topologysegmentation` 0.2.0 states {THEIR_SECONDS} for its loss with gradients of a mask "
        "of vessels of 1024², on an Apple M1.",
        "",
        f"Peak memory of `match_induced` beyond its inputs, bytes a voxel: {kept}.",
    ]
    return "\n".join([*lines, "", *end])
