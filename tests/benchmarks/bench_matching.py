"""What matching in space costs: beside the pairs of the likelihood alone, and beside topolosses where it is installed.

Run as ``python -m tests.benchmarks.bench_matching [--rounds N] [--sizes 64 96]``.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import torch

from monai_topo.losses import BettiMatchingLoss
from monai_topo.topology import match_by_place, match_induced, persistence_pairs
from tests.benchmarks.bench_persistence import installed, interleaved, machine, probe, smooth, vessel_tree, white

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


def by_topolosses(likelihood, target):
    """Forward and backward of its loss, all dimensions, without a base loss."""
    from topolosses.losses import BettiMatchingLoss as Peer

    field = torch.tensor(likelihood)[None, None].requires_grad_()
    loss = Peer(alpha=0.999999, use_base_loss=False, include_background=True)
    loss(field, torch.tensor(target)[None, None]).backward()


def by_our_loss(likelihood, target):
    field = torch.tensor(likelihood)[None, None].requires_grad_()
    BettiMatchingLoss(num_threads=1)(field, torch.tensor(target)[None, None]).backward()


def measure(size, rounds):
    table = {}
    for name, pair in inputs(size).items():
        calls = {
            "pairs": lambda pair=pair: persistence_pairs(pair[0]),
            "match_induced": lambda pair=pair: match_induced(*pair),
        }
        if name != "two smooth":
            calls["loss"] = lambda pair=pair: by_our_loss(*pair)
            calls["match_by_place"] = lambda pair=pair: match_by_place(*pair)
        if installed("topolosses") and name == "own truth":
            calls["topolosses"] = lambda pair=pair: by_topolosses(*pair)
        for who, call in calls.items():
            if who != "topolosses":
                call()
        table[name] = interleaved(calls, rounds)
    return table


def lines(tables, memory):
    """The tables as Markdown."""
    found = [
        "## Matching in space",
        "",
        "Time in ms on one thread, and how many times that of `persistence_pairs` of the likelihood. The loss is",
        "`BettiMatchingLoss`, forward and backward; topolosses bundles the C++ code of Betti-Matching-3D.",
        "",
        "| input | pairs | match_induced | loss | match_by_place | topolosses |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for size, table in tables.items():
        for name, times in table.items():
            cells = [f"{times['pairs'] * 1e3:.1f}"]
            for who in ("match_induced", "loss", "match_by_place", "topolosses"):
                taken = times.get(who)
                cells.append(f"{taken * 1e3:.0f} ({taken / times['pairs']:.1f}x)" if taken else "-")
            found.append(f"| {size}³ {name} | {' | '.join(cells)} |")
    kept = ", ".join(f"{size}³ {value:.0f}" for size, value in memory.items())
    return [*found, "", f"Peak memory of `match_induced` beyond its inputs, bytes a voxel: {kept}.", ""]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 96])
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    tables = {size: measure(size, chosen.rounds) for size in chosen.sizes}
    memory = {size: probe(MEMORY_PROBE, str(size)) for size in chosen.sizes}
    sys.stdout.write("\n".join([f"Machine: {machine()}.", "", *lines(tables, memory)]))


if __name__ == "__main__":
    main()
