"""The page of a table in docs/results and its figure, from what is recorded."""

from __future__ import annotations

import numpy as np

from tests.results.datasets import VALIDATION
from tests.results.features import COUNTS
from tests.results.losses import BASE, NAMES
from tests.results.pictures import Panel, draw_points
from tests.results.plan import (
    CRITERION,
    DICE,
    choice_run,
    heavier_runs,
    heavier_runs_of,
    runs_in_time,
    runs_of,
    search_runs,
    seconds,
)
from tests.results.scoring import AS_IT_IS, SIGMA, SPECK, VARIANTS

SHOWN = ("framed/betti_error.sum", "whole/variation_of_information.merge", "whole/apls")
"""Columns beside those that decide, for every weight."""

PICTURED = ("Dice", "matching, framed", "VOI merge", "clDice", "APLS")
"""Headings of the panels of the picture."""

OWN_ARGUMENTS = "its own, all others cost too much Dice"
"""Of a step for which no arguments were chosen."""


def section(table, records):
    """Text of the section: how it was made, the rows, and what decided the weights; of the runs that there are."""
    parts = [
        table.about,
        how(table, records),
        f"![{table.title}: every run a point, Dice+CE's mean dotted](../images/results_{table.name}.png)",
        *(f"## {title}\n\n{rows(table, records, *what)}" for title, what in titles(table).items()),
        *(f"## {title}\n\n{heavier(table, records, part)}" for part, title in heavier_titles(table).items()),
        *(f"## {title}\n\n{features(table, records, part)}" for part, title in feature_titles(table, records).items()),
        *(f"## {title}\n\n{equal_time(table, records, part)}" for part, title in equal_titles(table, records).items()),
        f"## Weights, chosen on the validation part\n\n{weights(table, records)}",
        *([f"## Choices, on the validation part, first seed\n\n{choices(table, records)}"] if table.choices else []),
        measures(table),
    ]
    return "\n\n".join(parts)


def titles(table):
    """Each table of rows: to the part of the data and the variant of the mask."""
    notes = {
        AS_IT_IS: "As the network answers, at threshold 0.5",
        "without specks": f"Without components and holes of at most {SPECK} voxels",
        "smoothed": f"Likelihood smoothed by a Gaussian of sigma {SIGMA}",
    }
    return {
        named(notes[variant], title): (part, variant) for part, title in table.parts.items() for variant in VARIANTS
    }


def heavier_titles(table):
    """Each table of more weight, if there is any."""
    note = "With more weight than was chosen, as the network answers"
    return {part: named(note, title) for part, title in table.parts.items()} if table.heavier else {}


def feature_titles(table, records):
    """Each table of features, where a run has them counted."""
    note = "Features, framed, as the network answers"
    parts = {part: named(note, title) for part, title in table.parts.items()}
    return {part: title for part, title in parts.items() if any(counted(table, records, part).values())}


def counted(table, records, part):
    """By loss, the scores in which features are counted."""
    runs = {loss: runs_of(table, records, loss) for loss in table.losses}
    scores = {loss: test_scores(records, found, part, AS_IT_IS) for loss, found in runs.items()}
    return {loss: [score for score in found if feature_columns(score)] for loss, found in scores.items()}


def equal_titles(table, records):
    """Each table of equal time, once the losses have been timed."""
    if f"seconds_{BASE}" not in records:
        return {}
    note = "In the time of Dice+CE alone" + (", first fold" if table.folds > 1 else "")
    return {part: named(note, title) for part, title in table.parts.items()}


def named(text, title):
    return f"{text} ({title})" if title else text


def how(table, records):
    runs = [run for loss in table.losses for run in runs_of(table, records, loss)] + heavier_runs(table)
    machines = sorted({record["machine"] for record in known(records, runs)})
    seeds = ", ".join(map(str, table.seeds))
    folds = f", {table.folds} folds" if table.folds > 1 else ""
    return (
        f"Bundle `{table.bundle}`, {', '.join(f'{k} {v}' for k, v in table.settings.items())}; "
        f"{table.start_iterations} iterations of Dice+CE, then {table.iterations} with each loss from there, "
        f"seeds {seeds}{folds}. Mean ± standard deviation over the runs. "
        f"{'; and '.join(machines)}; one thread a network."
    )


def rows(table, records, part, variant):
    """One row for each loss, and for the constant answer."""
    lines = [header(["loss", "runs", *table.columns])]
    if variant == AS_IT_IS:
        runs = [records.get(f"constant_fold{fold}") for fold in range(table.folds)]
        found = [run["scores"][part][variant] for run in runs if run]
        lines.append(line(["nothing anywhere", "-", *cells(table.columns, found)]))
    for loss in table.losses:
        found = test_scores(records, runs_of(table, records, loss), part, variant)
        lines.append(line([NAMES[loss], str(len(found)), *cells(table.columns, found)]))
    return "\n".join(lines)


def heavier(table, records, part):
    """What more weight does to the rows that have it, each behind the row with the chosen weight."""
    lines = [header(["loss", "gradient ratio", "runs", "Dice, validation", *table.columns])]
    groups = [runs_of(table, records, BASE)]
    for loss in table.heavier:
        groups += [runs_of(table, records, loss), heavier_runs_of(table, loss)]
    for runs in groups:
        found = test_scores(records, runs, part, AS_IT_IS)
        ratio = "-" if runs[0].ratio is None else f"{runs[0].ratio:g}"
        validation = show([record["scores"][VALIDATION][AS_IT_IS][DICE] for record in known(records, runs)])
        lines.append(line([NAMES[runs[0].loss], ratio, str(len(found)), validation, *cells(table.columns, found)]))
    return "\n".join(lines)


def features(table, records, part):
    """What the matching error is made of: features of the prediction, of the label, and those in place in both."""
    found = {loss: scores for loss, scores in counted(table, records, part).items() if scores}
    columns = feature_columns(next(iter(found.values()))[0])
    lines = [line([NAMES[loss], str(len(scores)), *cells(columns, scores)]) for loss, scores in found.items()]
    return "\n".join([header(["loss", "runs", *columns]), *lines])


def feature_columns(scores):
    """Heading to column, of all features but components; none where they were not counted."""
    names = {1: "loops", 2: "cavities"}
    sources = {f"{name}, {count}": f"framed/features.{count}.{k}" for k, name in names.items() for count in COUNTS}
    return {heading: source for heading, source in sources.items() if source in scores}


def equal_time(table, records, part):
    lines = [header(["loss", "s / iteration", "iterations", "runs", *table.columns])]
    for loss in table.losses:
        if f"seconds_{loss}" in records:
            runs = runs_in_time(table, records, loss)
            found = test_scores(records, runs, part, AS_IT_IS)
            facts = [NAMES[loss], f"{seconds(records, loss):.3f}", str(runs[0].iterations), str(len(found))]
            lines.append(line([*facts, *cells(table.columns, found)]))
    return "\n".join(lines)


def weights(table, records):
    """What the weights were chosen by."""
    columns = deciding(table)
    lines = [header(["loss", "gradient ratio", "weight", *columns, "configuration"])]
    chosen = {runs_of(table, records, loss)[0].key for loss in table.losses}
    for run in search_runs(table):
        if run.key in records:
            record = records[run.key]
            ratio, weight = weighing(run, record)
            ratio = f"**{ratio}**" if run.ratio is not None and run.key in chosen else ratio
            numbers = validated(record, columns)
            lines.append(line([NAMES[run.loss], ratio, weight, *numbers, " + ".join(record["configs"])]))
    return "\n".join(lines)


def choices(table, records):
    """What one thing does, under the row that it is to be compared with."""
    columns = deciding(table)
    lines = [header(["loss", "gradient ratio", "but for", "weight", *columns])]
    for loss in table.losses:
        tried = {table.choices[name].title: choice_run(table, records, name) for name in choices_of(table, loss)}
        tried = {title: run for title, run in tried.items() if run.key in records}
        if tried:
            tried = {"-": runs_of(table, records, loss)[0], **tried}
        for title, run in tried.items():
            record = records[run.key]
            ratio, weight = weighing(run, record)
            facts = [NAMES[loss], ratio, title, weight]
            lines.append(line([*facts, *validated(record, columns)]))
    return "\n".join(lines)


def weighing(run, record):
    """Ratio and weight of the term, if there is one."""
    return ("-", "-") if run.ratio is None else (f"{run.ratio:g}", f"{record['weight']:.3g}")


def choices_of(table, loss):
    return [name for name, choice in table.choices.items() if choice.loss == loss]


def deciding(table):
    return {heading: source for heading, source in table.columns.items() if source in (DICE, CRITERION, *SHOWN)}


def validated(record, columns):
    """Numbers of the validation part."""
    return [show([record["scores"][VALIDATION][AS_IT_IS][source]]) for source in columns.values()]


def measures(table):
    lines = [f"- {protocol.name}: `evaluate {protocol.command()}`" for protocol in table.protocols]
    return "\n".join(["The columns are those of", "", *lines])


def test_scores(records, runs, part, variant):
    return [record["scores"][part][variant] for record in known(records, runs)]


def known(records, runs):
    """Records of the runs that are done."""
    return [records[run.key] for run in runs if run.key in records]


def cells(columns, found):
    return [show([scores[source] for scores in found]) for source in columns.values()]


def show(numbers):
    defined = [number for number in numbers if number is not None]
    if not defined:
        return "-"
    mean, spread = np.mean(defined), np.std(defined)
    digits = 3 if mean < 2 else 2 if mean < 10 else 1
    return f"{mean:.{digits}f}" + (f" ± {spread:.{digits}f}" if len(defined) > 1 else "")


def header(titles):
    return "\n".join([line(titles), line(["---"] * len(titles))])


def line(texts):
    return f"| {' | '.join(texts)} |"


def draw(table, records, path):
    """What decides, as the network answers: a row of panels for each part of the data."""
    shown = [loss for loss in table.losses if known(records, runs_of(table, records, loss))]
    headings = [heading for heading in table.columns if heading in PICTURED]
    grid = {
        title: [panel(table, records, shown, part, heading) for heading in headings]
        for part, title in table.parts.items()
    }
    return draw_points([NAMES[loss] for loss in shown], grid, path)


def panel(table, records, shown, part, heading):
    """Of one number; Dice+CE's mean is the dotted line."""
    found = {
        loss: [
            scores[table.columns[heading]]
            for scores in test_scores(records, runs_of(table, records, loss), part, AS_IT_IS)
        ]
        for loss in shown
    }
    rows_of = [[number for number in numbers if number is not None] for numbers in found.values()]
    base = [number for number in found.get(BASE, []) if number is not None]
    return Panel(heading, {"tab:blue": rows_of}, float(np.mean(base)) if base else None)
