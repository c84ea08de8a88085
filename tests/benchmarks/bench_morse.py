"""Stable manifolds beside the persistence pairs that they are read from."""

from __future__ import annotations

from functools import partial

from monai_topo.topology import persistence_pairs, stable_manifolds
from tests.benchmarks.fields import smooth, vessel_tree, white
from tests.benchmarks.timing import interleaved

TITLE = "Stable manifolds beside persistence pairs"

SECONDS = 60
MANIFOLDS = {"S1": (1,), "S2": (2,), "S1 and S2": (1, 2)}


def likelihoods(run):
    """Fields stretched to [0, 1]."""
    flat, small, side = run.pick((512, 64, 96), (24, 12, 16))
    fields = {
        f"{flat}² smooth": smooth((flat, flat)),
        f"{small}³ smooth": smooth((small,) * 3),
        f"{side}³ smooth": smooth((side,) * 3),
        f"{side}³ white noise": white((side,) * 3),
        f"{side}³ vessel tree": vessel_tree(side),
    }
    return {name: (field - field.min()) / (field.max() - field.min()) for name, field in fields.items()}


def measure(run):
    """Seconds of the pairs of all dimensions, and of each kind of manifold that the field has."""
    found = {}
    for name, field in likelihoods(run).items():
        calls = {"pairs": partial(persistence_pairs, field)}
        for kind, dims in MANIFOLDS.items():
            if max(dims) < field.ndim:
                calls[kind] = partial(stable_manifolds, field, persistence_threshold=0.2, dims=dims)
        found[name] = interleaved(calls, run, dict.fromkeys(calls, 5), warm=calls)
    return found


def section(run):
    """The part of the page, as Markdown."""
    found = measure(run)
    name = list(found)[2]
    run.find(
        f"stable manifolds of {name}, S1 and S2, take {found[name]['S1 and S2'] / found[name]['pairs']:.1f} times as "
        "long as its persistence pairs, which they are read from."
    )
    lines = [
        "`persistence_pairs` of all dimensions in ms, and how many times as long `stable_manifolds` takes, which asks "
        "for pairs itself; threshold 0.2, full connectivity, one thread.",
        "",
        f"| likelihood | pairs | {' | '.join(MANIFOLDS)} |",
        f"| --- | --- |{' --- |' * len(MANIFOLDS)}",
    ]
    for name, times in found.items():
        cells = [f"{times[kind] / times['pairs']:.2f}" if kind in times else "-" for kind in MANIFOLDS]
        lines.append(f"| {name} | {times['pairs'] * 1e3:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)
