"""Everything that an experiment measures, recorded step by step."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.timing import machine
from tests.results.datasets import VALIDATION, divided
from tests.results.finished.networks import predicted, tested
from tests.results.finished.steps import tuned
from tests.results.finished.walls import WALLS, random_cells

CONTROL = "random cells"
NETWORK = "network"


def key_of(kind, name):
    """Of a record."""
    return f"{kind}, {name}"


def fill(experiment, data, work, records):
    """Train, segment and score what is not recorded."""
    keys = [key_of(kind, name) for kind in experiment.kind.likelihoods for name in experiment.kind.steps]
    if NETWORK in records.runs and all(key in records.runs for key in keys):
        return
    held_out = divided(experiment, data, work, 0) / "held_out"
    for kind in experiment.kind.likelihoods:
        folder = predicted(experiment, data, work, kind)
        for name in sorted(experiment.kind.steps, key=lambda name: bool(experiment.kind.steps[name].like)):
            if key_of(kind, name) not in records.runs:
                records.add(key_of(kind, name), measured(experiment, name, kind, folder, held_out, records))
    if experiment.kind is WALLS:
        control = {
            "scores": scores(experiment, lambda likelihood, label, spacing: random_cells(label), folder, held_out)
        }
        records.add(CONTROL, control)
    records.add(NETWORK, {"iterations": experiment.iterations, "machine": machine()})


def measured(experiment, name, kind, folder, held_out, records):
    """Arguments and scores of a step."""
    step = experiment.kind.steps[name]
    arguments = {}
    if step.transform:
        arguments = tuned(step, folder / VALIDATION, held_out / "labels")
    elif step.like:
        arguments = records.runs[key_of(kind, step.like)]["arguments"]

    def apply(likelihood, label, spacing):
        return step.apply(likelihood, spacing, **arguments)

    return {"arguments": arguments, "scores": scores(experiment, apply, folder, held_out)}


def scores(experiment, apply, folder, held_out):
    """Part of the data to numbers."""
    found = {}
    for name, likelihood, label in tested(folder, held_out):
        mask, spacing = label.array > 0, label.spacing
        result = apply(np.asarray(likelihood.array), mask, spacing)
        found.setdefault(name.split("_")[0], []).append(experiment.kind.score(result, mask, spacing))
    return {part: experiment.kind.over_volumes(numbers) for part, numbers in found.items()}
