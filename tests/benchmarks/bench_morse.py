"""Stable manifolds beside the persistence pairs that they are read from."""

from __future__ import annotations

from functools import partial

from monai_topo.topology import persistence_pairs, stable_manifolds
from tests.benchmarks.fields import smooth, vessel_tree, white
from tests.benchmarks.timing import interleaved

TITLE = "Stable manifolds beside persistence pairs"

MANIFOLDS = {"S1": (1,), "S2": (2,), "S1 and S2": (1, 2)}


def likelihoods():
    """Fields stretched to [0, 1]."""
    fields = {
        "512² smooth": smooth((512, 512)),
        "64³ smooth": smooth((64,) * 3),
        "96³ smooth": smooth((96,) * 3),
        "96³ white noise": white((96,) * 3),
        "96³ vessel tree": vessel_tree(96),
    }
    return {name: (field - field.min()) / (field.max() - field.min()) for name, field in fields.items()}


def measure(rounds):
    """Seconds of the pairs of all dimensions, and of each kind of manifold that the field has."""
    found = {}
    for name, field in likelihoods().items():
        calls = {"pairs": partial(persistence_pairs, field)}
        for kind, dims in MANIFOLDS.items():
            if max(dims) < field.ndim:
                calls[kind] = partial(stable_manifolds, field, persistence_threshold=0.2, dims=dims)
        for call in calls.values():
            call()
        found[name] = interleaved(calls, rounds, dict.fromkeys(calls, 5))
    return found


def section(rounds):
    """The part of the page, as Markdown."""
    lines = [
        "`persistence_pairs` of all dimensions in ms, and how many times as long `stable_manifolds` takes, which asks "
        "for pairs itself; threshold 0.2, full connectivity, one thread.",
        "",
        f"| likelihood | pairs | {' | '.join(MANIFOLDS)} |",
        f"| --- | --- |{' --- |' * len(MANIFOLDS)}",
    ]
    for name, times in measure(rounds).items():
        cells = [f"{times[kind] / times['pairs']:.2f}" if kind in times else "-" for kind in MANIFOLDS]
        lines.append(f"| {name} | {times['pairs'] * 1e3:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)
