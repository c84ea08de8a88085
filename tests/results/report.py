"""The section of a table in docs/results.md and its figure, from what is recorded."""

from __future__ import annotations

import numpy as np

from monai_topo.visualize.figure import new_figure, save_png
from tests.results.datasets import TEST, VALIDATION
from tests.results.plan import CRITERION, DICE, iterations_in_time, runs_of, search_runs, seconds, terms
from tests.results.scoring import AS_IT_IS, SIGMA, SPECK, VARIANTS
from tests.results.tables import BASE, NAMES


def section(table, records):
    """Text of the section: how it was made, the rows, and what decided the weights; of the runs that there are."""
    parts = [
        f"## {table.title}",
        table.about,
        how(table, records),
        f"![errors relative to Dice+CE](images/results_{table.name}.png)",
        *(f"**{title}**\n\n{rows(table, records, variant)}" for title, variant in titles().items()),
        f"**In the time of Dice+CE alone**\n\n{equal_time(table, records)}",
        f"**Weights**, chosen on the validation part\n\n{weights(table, records)}",
        measures(table),
    ]
    return "\n\n".join(parts)


def titles():
    notes = {
        AS_IT_IS: "As the network answers, at threshold 0.5",
        "without specks": f"Without components and holes of at most {SPECK} voxels",
        "smoothed": f"Likelihood smoothed by a Gaussian of sigma {SIGMA}",
    }
    return {notes[variant]: variant for variant in VARIANTS}


def how(table, records):
    first = records[runs_of(table, records, BASE)[0].key]
    seeds = ", ".join(map(str, table.seeds))
    folds = f", {table.folds} folds" if table.folds > 1 else ""
    return (
        f"Bundle `{table.bundle}`, {', '.join(f'{k} {v}' for k, v in table.settings.items())}; "
        f"{table.start_iterations} iterations of Dice+CE, then {table.iterations} with each loss from there, "
        f"seeds {seeds}{folds}. Mean ± standard deviation over the runs. "
        f"{first['machine']}; one thread a network."
    )


def rows(table, records, variant):
    """One row for each loss, and for the constant answer."""
    lines = [header(["loss", "runs", *table.columns])]
    if variant == AS_IT_IS:
        runs = [records.get(f"constant_fold{fold}") for fold in range(table.folds)]
        lines.append(
            line(["nothing anywhere", "-", *cells(table, [run["scores"][TEST][variant] for run in runs if run])])
        )
    for loss in table.losses:
        found = test_scores(records, runs_of(table, records, loss), variant)
        lines.append(line([NAMES[loss], str(len(found)), *cells(table, found)]))
    return "\n".join(lines)


def equal_time(table, records):
    lines = [header(["loss", "s / iteration", "iterations", "runs", *table.columns])]
    for loss in table.losses:
        if f"seconds_{loss}" in records:
            length = table.iterations if loss == BASE else iterations_in_time(table, records, loss)
            found = test_scores(records, runs_of(table, records, loss, length), AS_IT_IS)
            facts = [NAMES[loss], f"{seconds(records, loss):.3f}", str(length), str(len(found))]
            lines.append(line([*facts, *cells(table, found)]))
    return "\n".join(lines)


def weights(table, records):
    columns = {"Dice": DICE, "matching, framed": CRITERION}
    lines = [header(["loss", "gradient ratio", "weight", *columns, "configuration"])]
    chosen = {runs_of(table, records, loss)[0].key for loss in table.losses}
    for run in search_runs(table):
        if run.key in records:
            record = records[run.key]
            scores = [show([record["scores"][VALIDATION][AS_IT_IS][source]]) for source in columns.values()]
            ratio, weight = ("-", "-") if run.ratio is None else (f"{run.ratio:g}", f"{record['weight']:.3g}")
            ratio = f"**{ratio}**" if run.ratio is not None and run.key in chosen else ratio
            lines.append(line([NAMES[run.loss], ratio, weight, *scores, " + ".join(record["configs"])]))
    return "\n".join(lines)


def measures(table):
    lines = [f"- {protocol.name}: `evaluate {protocol.command()}`" for protocol in table.protocols]
    return "\n".join(["The columns are those of", "", *lines])


def test_scores(records, runs, variant):
    return [records[run.key]["scores"][TEST][variant] for run in runs if run.key in records]


def cells(table, found):
    return [show([scores[source] for scores in found]) for source in table.columns.values()]


def show(numbers):
    known = [number for number in numbers if number is not None]
    if not known:
        return "-"
    mean, spread = np.mean(known), np.std(known)
    digits = 3 if mean < 2 else 2 if mean < 10 else 1
    return f"{mean:.{digits}f}" + (f" ± {spread:.{digits}f}" if len(known) > 1 else "")


def header(titles):
    return "\n".join([line(titles), line(["---"] * len(titles))])


def line(texts):
    return f"| {' | '.join(texts)} |"


def draw(table, records, path):
    """Bars of every column but Dice, relative to Dice+CE; under 1 is better."""
    columns = {heading: source for heading, source in table.columns.items() if heading != "Dice"}
    figure, axes = new_figure(1, 1, size=6)
    places = np.arange(len(columns))
    base = means(test_scores(records, runs_of(table, records, BASE), AS_IT_IS), columns)
    for number, loss in enumerate(terms(table)):
        ratios = means(test_scores(records, runs_of(table, records, loss), AS_IT_IS), columns) / base
        axes[0, 0].bar(places + (number - len(terms(table)) / 2) * 0.15, ratios, 0.15, label=NAMES[loss])
    axes[0, 0].axhline(1, color="black", linewidth=0.8)
    axes[0, 0].set_xticks(places, columns, rotation=30, ha="right")
    axes[0, 0].set_ylabel("error, relative to Dice+CE")
    axes[0, 0].legend(fontsize="small")
    return save_png(figure, path)


def means(found, columns):
    return np.array([np.mean([scores[source] for scores in found]) for source in columns.values()])
