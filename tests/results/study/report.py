"""The page of a study: how it was made, one table for each step, costs and what was chosen, from what is recorded."""

from __future__ import annotations

import numpy as np

from tests.results.datasets import TEST
from tests.results.losses import BASE, NAMES
from tests.results.report import OWN_ARGUMENTS, header, line, show
from tests.results.study import precision
from tests.results.study.laboratory import EQUAL, EQUAL_LOWER, IMAGE, ratios_of, runs_of
from tests.results.study.selection import TOLERANCE, chosen_ratio
from tests.results.study.statistics import f1_interval

BESIDE = {"cells": "true cells"}
"""A count to the one that it is to be read beside."""
SUMS = {"voi": ("split", "merge")}
"""Numbers that are sums of recorded ones."""
NO_NETWORK = "the smoothed image, no network"


def page(study, records):
    """Text between the marks of the page."""
    parts = [how(study, records), picture(study, ""), picture(study, "_parts")]
    for name, step in study.subject.steps.items():
        parts += [f"## {step.title[0].upper()}{step.title[1:]}" if step.title[0] != "`" else f"## {step.title}"]
        parts += [rows(study, records, name)]
    parts += ["## Differences from Dice+CE", differences(study, records)]
    if any(EQUAL in record for record in records.values()):
        parts += ["## At the centerline precision of Dice+CE", picture(study, "_precision")]
        parts += [equal_rows(study, records, EQUAL)]
        parts += [f"## At a centerline precision of {precision.LOWER}", equal_rows(study, records, EQUAL_LOWER)]
    parts += ["## Cost, weights and arguments", costs(study, records), arguments(study, records)]
    return "\n\n".join(parts)


def picture(study, kind):
    """Link to one of the study's pictures."""
    return f"![{study.title}](../images/study_{study.name}{kind}.png)"


def how(study, records):
    """What was trained, and on what machines."""
    machines = sorted({record["machine"] for record in records.values() if "machine" in record})
    settings = ", ".join(f"{key.split('#')[-1]} {value}" for key, value in study.settings.items())
    return (
        f"{study.about} Bundle `{study.bundle}`, {settings}; {study.start_iterations} iterations of Dice+CE with AdamW "
        f"at a constant rate, then {study.iterations} with each loss while the rate falls to 0; seeds "
        f"{', '.join(map(str, study.seeds))}, of which each row shows mean and standard deviation. In bold the weight "
        "that the validation part chose with the first seed: the best F1 score that costs at most "
        f"{TOLERANCE} of Dice. "
        f"{'; and '.join(machines)}; one thread a network. `python -m tests.results.study --study {study.name}`."
    )


def headline(study, records):
    """The few numbers that the README shows: answers without a network, and each loss with its weight."""
    plain, finished = next(iter(study.subject.steps)), study.finish
    title = study.subject.steps[finished].title
    lines = [
        header(["answer", "ratio", *study.headline, *(f"{heading}, {title}" for heading in list(study.headline)[1:])])
    ]
    for name, record in controls(records).items():
        lines.append(line([name, "", *numbers(study, [record], plain), *["-"] * (len(study.headline) - 1)]))
    if IMAGE in records:
        lines.append(line([NO_NETWORK, "", *both(study, [records[IMAGE]])]))
    for loss in study.losses:
        ratio = chosen_ratio(study, records, loss)
        found = done(study, records, loss, ratio)
        if found:
            lines.append(line([NAMES[loss], "" if ratio is None else f"{ratio:g}", *both(study, found)]))
    return "\n".join(lines)


def both(study, found):
    """As the network answers, and finished."""
    return [*numbers(study, found, next(iter(study.subject.steps))), *numbers(study, found, study.finish)[1:]]


def numbers(study, found, step):
    """Texts of the headline's columns."""
    return cells(study.headline, [record["scores"][TEST][step] for record in found])


def controls(records):
    """Records of answers without a network, by their titles."""
    return {key.removeprefix("control "): record for key, record in records.items() if key.startswith("control ")}


def rows(study, records, step):
    """Controls, the image alone, every loss at every weight, and others' figures."""
    columns = study.subject.columns
    lines = [header(["loss", "ratio", "runs", *columns])]
    if step == next(iter(study.subject.steps)):
        lines += [
            line([title, "", "", *cells(columns, [record["scores"][TEST][step]])])
            for title, record in controls(records).items()
        ]
    if IMAGE in records:
        lines.append(line([NO_NETWORK, "", "", *cells(columns, [records[IMAGE]["scores"][TEST][step]])]))
    for loss in study.losses:
        lines += loss_rows(study, records, loss, step)
    if step == next(iter(study.subject.steps)) and study.published:
        lines += [
            line([f"{name}, published", "", "", *(str(row.get(c, "-")) for c in columns)])
            for name, row in study.published.items()
        ]
        lines += ["", study.source]
    return "\n".join(lines)


def loss_rows(study, records, loss, step):
    """One row for each weight."""
    chosen, lines = chosen_ratio(study, records, loss), []
    for ratio in ratios_of(study, loss):
        found = [run["scores"][TEST][step] for run in done(study, records, loss, ratio)]
        if found:
            lines.append(loss_row(loss, ratio, ratio == chosen, study.subject.columns, found))
    return lines


def loss_row(loss, ratio, is_chosen, columns, found, *more):
    """Of one weight, in bold if the validation part chose it."""
    text = "" if ratio is None else f"**{ratio:g}**" if is_chosen else f"{ratio:g}"
    return line([NAMES[loss], text, str(len(found)), *cells(columns, found), *more])


def done(study, records, loss, ratio):
    """Records of the seeds that are done."""
    return [records[run.key] for run in runs_of(study, loss, ratio) if run.key in records]


def cells(columns, found):
    """Mean and standard deviation of each column; counts beside what there is to be counted."""
    texts = []
    for column in columns.values():
        beside = BESIDE.get(column)
        total = f" of {found[0][beside]:.0f}" if beside else ""
        texts.append(show([value(scores, column) for scores in found]) + total)
    return texts


def value(scores, column):
    """A recorded number, or the sum of some; None where one is not defined."""
    parts = [scores[part] for part in SUMS.get(column, (column,))]
    return None if None in parts else sum(parts)


def differences(study, records):
    """F1 of the chosen weight minus that of what it is compared with, for each step, with an interval."""
    steps = study.subject.steps
    lines = [header(["loss", "ratio", *(step.title for step in steps.values())])]
    for loss in study.losses:
        ratio = chosen_ratio(study, records, loss)
        if loss != BASE and done(study, records, loss, ratio):
            text = "" if ratio is None else f"{ratio:g}"
            lines.append(line([NAMES[loss], text, *(interval(study, records, loss, ratio, step) for step in steps)]))
    note = "F1 score minus that of Dice+CE: mean, and 95 % bootstrap interval over seeds and patches, in pairs."
    if "malis" in study.losses:
        note += f" {NAMES['malis']} is compared with {NAMES['affinities']}."
    return f"{note}\n\n" + "\n".join(lines)


def interval(study, records, loss, ratio, step):
    """Text of one difference."""
    return difference_text(f1_difference(study, records, loss, ratio, step))


def difference_text(found):
    """A difference and its interval; a dash without one."""
    return "-" if found is None else "{:+.3f} ({:+.3f} to {:+.3f})".format(*found)


def f1_difference(study, records, loss, ratio, place):
    """Difference and interval over the seeds that both have; None without such.

    Args:
        study: the study.
        records: of its runs.
        loss: name of the loss.
        ratio: of its weight.
        place: a step, or the key of what networks find at one centerline precision.
    """
    base = study.base(loss) if loss in study.terms else BASE
    pairs = zip(runs_of(study, loss, ratio), runs_of(study, base, None), strict=True)
    both = [[patches_of(records.get(run.key, {}), place) for run in pair] for pair in pairs]
    known = [pair for pair in both if None not in pair]
    return f1_interval(*zip(*known, strict=True)) if known else None


def patches_of(record, place):
    """Counts of features in each patch; None where they are not recorded."""
    return record.get("patches", {}).get(place) or record.get(place, {}).get("patches")


def equal_rows(study, records, key):
    """Every loss and weight at the thresholds that give a centerline precision."""
    columns = precision.CARRIED_COLUMNS if key == EQUAL else precision.COLUMNS
    lines = [header(["loss", "ratio", "runs", *columns, "F1 beside Dice+CE"])]
    for loss in study.losses:
        chosen = chosen_ratio(study, records, loss)
        for ratio in ratios_of(study, loss):
            found = [record[key] for record in done(study, records, loss, ratio) if key in record]
            if found:
                beside = difference_text(f1_difference(study, records, loss, ratio, key)) if loss != BASE else "-"
                lines.append(loss_row(loss, ratio, ratio == chosen, columns, found, beside))
    wanted = "the one of Dice+CE with its seed at 0.5" if key == EQUAL else str(precision.LOWER)
    note = (
        f"Each network at the threshold that makes its centerline precision {wanted}. The last column is the F1 score"
    )
    return f"{note} minus that of Dice+CE, with an interval as above.\n\n" + "\n".join(lines)


def costs(study, records):
    """Measured weights, and seconds of an iteration."""
    ratios = " / ".join(f"{ratio:g}" for ratio in study.ratios)
    lines = [header(["loss", f"weight at ratio {ratios}", "s / iteration"])]
    for loss in study.losses:
        runs = [done(study, records, loss, ratio) for ratio in ratios_of(study, loss)]
        seconds = [run["seconds"] for found in runs for run in found]
        weights = " / ".join(mean_weight(found) for found in runs) if loss in study.terms else "-"
        lines.append(line([NAMES[loss], weights, f"{min(seconds):.2f}" if seconds else "-"]))
    note = (
        "Weights are means over the runs, seconds those of the fastest run, in which another network trained beside it."
    )
    return f"{note}\n\n" + "\n".join(lines)


def mean_weight(runs):
    """Of runs with a term."""
    return f"{np.mean([run['weight'] for run in runs]):.2g}" if runs else "-"


def arguments(study, records):
    """What the steps were given, by the validation part of the first seed."""
    lines = ["Arguments of the steps, chosen on the validation part:", ""]
    for loss in study.losses:
        ratio = chosen_ratio(study, records, loss)
        for record in done(study, records, loss, ratio)[:1]:
            for name, step in study.subject.steps.items():
                if step.transform:
                    chosen = ", ".join(f"{key} {value}" for key, value in record["arguments"][name].items())
                    lines.append(f"- {NAMES[loss]}, {step.title}: {chosen or OWN_ARGUMENTS}")
    return "\n".join(lines)
