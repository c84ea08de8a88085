"""What it costs to remove features of low persistence, with and without the loops of a volume."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_topo.transforms import RemoveLowPersistence
from tests.benchmarks.bench_finished import membranes
from tests.benchmarks.bench_matching import to_unit
from tests.benchmarks.fields import white
from tests.benchmarks.timing import interleaved

TITLE = "Features of low persistence removed"
SECONDS = 60


def likelihoods(side):
    """Likelihoods and the threshold that suits each."""
    shape = (side,) * 3
    sharp = gaussian_filter(white(shape, 1), 1)
    return {
        "walls": (membranes(shape), 0.05),
        "blurred noise": (to_unit(gaussian_filter(white(shape), 2)), 0.1),
        "sigmoid of less blurred noise": (1 / (1 + np.exp(-3 * sharp / sharp.std())), 0.2),
    }


def measure(run, side):
    """CPU seconds without and with loops for each likelihood."""
    found = {}
    for name, (likelihood, threshold) in likelihoods(side).items():
        calls = {
            "without": partial(RemoveLowPersistence(threshold, dims=(0, 2)), likelihood[None]),
            "all": partial(RemoveLowPersistence(threshold), likelihood[None]),
        }
        found[f"{name}, {threshold}"] = interleaved(calls, run, clock=time.process_time, warm=calls)
    return found


def section(run):
    """The part of the page, as Markdown."""
    side = run.pick(72, 12)
    found = measure(run, side)
    ratios = [times["all"] / times["without"] for times in found.values()]
    run.find(
        f"with the loops of a volume of {side}³ `RemoveLowPersistence` takes {min(ratios):.0f} to {max(ratios):.0f} "
        "times as long as without."
    )
    return "\n".join(
        [
            f"CPU seconds of `RemoveLowPersistence` on likelihoods of {side}³, of components and cavities alone, and "
            "with the loops too. Loops are filled and cut at the same time, each on a core of its own.",
            "",
            "| likelihood, threshold | `dims=(0, 2)` | all dimensions | ratio |",
            "| --- | --- | --- | --- |",
            *[
                f"| {name} | {times['without']:.2f} | {times['all']:.2f} | {times['all'] / times['without']:.1f} |"
                for name, times in found.items()
            ],
        ]
    )
