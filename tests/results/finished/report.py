"""The part of an experiment in docs/finished.md, from what is recorded."""

from __future__ import annotations

from tests.results.datasets import TEST
from tests.results.finished.laboratory import CONTROL, NETWORK, key_of
from tests.results.finished.networks import FLIPS, PLAIN
from tests.results.report import OWN_ARGUMENTS, header, line

KINDS = {PLAIN: "", FLIPS: "mean of flips: "}
"""Of the likelihood, to what stands before the step in its row."""


def section(experiment, records):
    """Text of the part: network, rows and arguments; the picture once all is recorded."""
    parts = dict.fromkeys(part for record in records.values() for part in record.get("scores", {}))
    tables = [
        f"**Test part{'' if part == TEST else f', {part}'}**\n\n{rows(experiment, records, part)}" for part in parts
    ]
    picture = [f"![{experiment.title}](images/finished_{experiment.name}.png)"] if NETWORK in records else []
    texts = [how(experiment, records), *picture, *tables, arguments(experiment, records)]
    return "\n\n".join([f"### {experiment.title}", *texts])


def how(experiment, records):
    """What was trained, and on what machine."""
    command = f"`python -m tests.results.finished --experiment {experiment.name}`"
    if not experiment.bundle:
        return f"{experiment.about} {command}."
    settings = ", ".join(f"{name.split('#')[-1]} {value}" for name, value in experiment.settings.items())
    loss = "the foreground weighted 3 in the cross-entropy" if "weighted" in experiment.loss else "not weighted"
    return (
        f"{experiment.about} Bundle `{experiment.bundle}` with U-Net 16-32-64-128, {settings}, "
        f"batch_size {experiment.batch_size}; {experiment.iterations} iterations of Dice+CE, {loss}, one seed. "
        f"{records.get(NETWORK, {}).get('machine', 'CPU')}; one thread. {command}."
    )


def rows(experiment, records, part):
    """One row for each step, on the network's likelihood and on the mean over flips."""
    columns = experiment.kind.columns
    lines = [header(["from likelihood to result", *columns])]
    if CONTROL in records:
        lines.append(line(["as many random cells as there are", *cells(columns, records[CONTROL]["scores"][part])]))
    for kind, prefix in KINDS.items():
        for name, step in experiment.kind.steps.items():
            record = records.get(key_of(kind, name))
            if record:
                lines.append(line([f"{prefix}{step.title}", *cells(columns, record["scores"][part])]))
    return "\n".join(lines)


def cells(columns, scores):
    """Numbers of a row; counts beside what there is to be counted."""
    return [show(scores, source) for source in columns.values()]


BESIDE = {"cells": "true cells", "components": "true", "right": "bridges"}
"""A count to the one that it is to be read beside."""
COUNTS = ("bridges", "gaps")
"""Counts that stand alone."""


def show(scores, source):
    """A number as the tables show it."""
    number = scores.get(source)
    if number is None:
        return "-"
    if source in BESIDE:
        return f"{count(number)} / {count(scores[BESIDE[source]])}"
    return count(number) if source in COUNTS else f"{number:.3f}"


def count(number):
    """A count, or a mean of counts."""
    return f"{number:.0f}" if float(number).is_integer() else f"{number:.1f}"


def arguments(experiment, records):
    """What was chosen on the validation part."""
    lines = ["Chosen on the validation part by `tune`:", ""]
    for kind, prefix in KINDS.items():
        for name, step in experiment.kind.steps.items():
            record = records.get(key_of(kind, name), {})
            if step.transform and "arguments" in record:
                settings = ", ".join(f"{argument} {value}" for argument, value in record["arguments"].items())
                lines.append(f"- {prefix}{step.title}: {settings or OWN_ARGUMENTS}")
    return "\n".join(lines)
