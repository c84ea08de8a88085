"""The parts of the page of an evaluation, each from what is on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_topo.commands.evaluation.controls.table import MARK, cell_text, cells_of, verdicts
from monai_topo.commands.evaluation.metric_table import higher_is_better
from monai_topo.commands.evaluation.page.drawings import curves, strip
from monai_topo.commands.evaluation.page.html import (
    Shown,
    definitions,
    figure,
    grid,
    number,
    paragraph,
    picture,
    section,
    table,
)
from monai_topo.commands.evaluation.report import Row, Summary, columns_of, labels_of, summarize
from monai_topo.commands.evaluation.sweep.table import curves_of


def overview(report: Mapping[str, Any]) -> str:
    """What was scored, and what was not."""
    title = f"<h1>Evaluation of {len(report['cases'])} cases</h1>"
    lines = [f"Predictions: {report['prediction']}", f"Labels: {report['label']}"]
    lost = [f"Not scored: {case}: {reason}" for case, reason in report["failed"].items()]
    lost += [f"Not paired: {line}" for line in report.get("not_paired", ())]
    lost += [f"Class {label} is in no file: it has no numbers." for label in report["absent_labels"]]
    return "\n".join([title, *(paragraph(line, "faint") for line in lines), *(paragraph(line, "bad") for line in lost)])


def summary(rows: Sequence[Row]) -> str:
    """Mean, standard deviation and worst case of each column and class, with the cases on a line."""
    lines, strips = [], []
    for label in labels_of(rows):
        of_label = [row for row in rows if row.label == label]
        for column in columns_of(rows):
            found, name = summarize(of_label, column), _named(column, label)
            lines.append([Shown(name), Shown(_better(column)), *_summary(found)])
            cases = {row.case: row.scores.get(column, math.nan) for row in of_label}
            strips.append(figure(f"{name}: {_better(column)} is better", strip(cases, found.mean)))
    heads = ["column", "better", "mean", "std", "worst", "worst case", "cases"]
    return section("Summary", table(heads, lines), "<br>", grid(strips))


def _summary(found: Summary) -> list[Shown]:
    return [
        *(number(value) for value in (found.mean, found.std, found.worst)),
        Shown(found.worst_case or "-"),
        number(float(found.count)),
    ]


def cases(rows: Sequence[Row], notes: Mapping[str, Sequence[str]]) -> str:
    """A line for each case and class; the worst number of each column is marked."""
    columns, labels = columns_of(rows), labels_of(rows)
    found = {
        (label, column): summarize([row for row in rows if row.label == label], column)
        for label in labels
        for column in columns
    }
    worst = {key: one.worst if one.std > 0 else math.nan for key, one in found.items()}
    lines = []
    for row in rows:
        scores = [(column, row.scores.get(column, math.nan)) for column in columns]
        cells = [number(value, "worst" if value == worst[row.label, column] else "") for column, value in scores]
        lines.append([Shown(row.case), *([] if labels == [None] else [Shown(str(row.label))]), *cells])
    heads = ["case", *([] if labels == [None] else ["class"]), *columns]
    noted = [paragraph(f"{case}: {note}", "faint") for case, found in sorted(notes.items()) for note in found]
    hint = paragraph("A click on a heading sorts by it; the worst number of each column is red.", "faint")
    return section("Cases", hint, table(heads, lines), *noted)


def controls(results: Mapping[str, Any]) -> str:
    """Scores of answers that have not seen the image."""
    cells = cells_of(results)
    names = list(dict.fromkeys(cell.control for cell in cells))
    lines: dict[str, dict[str, Shown]] = {}
    for cell in cells:
        shown = Shown(cell_text(cell), cell.mean, "bad" if cell.reached else "")
        lines.setdefault(_named(cell.column, cell.label), {})[cell.control] = shown
    rows = [[Shown(name), *(found.get(control, number(None)) for control in names)] for name, found in lines.items()]
    about = (
        f"{MARK}: a control that has not seen the image is no worse than the prediction. Such a score is no evidence."
    )
    return section(
        "Controls", paragraph(about, "faint"), table(["column", *names], rows), *map(paragraph, verdicts(cells))
    )


def sweep(results: Mapping[str, Any], given: Mapping[tuple[str, str], float]) -> str:
    """Curves over thresholds and distances."""
    drawn = []
    for curve in curves_of(results):
        lines = [[points.get(value, math.nan) for value in curve.values] for points in curve.cases.values()]
        at = given[curve.parameter, curve.column]
        caption = f"{curve.title} over {curve.parameter.replace('_', ' ')}: {_better(curve.column)} is better"
        drawn.append(figure(caption, curves(curve.values, curve.means, lines, at)))
    about = "Thin lines are cases, the thick one is their mean, the dashed stroke is the value of this evaluation."
    return section("Sweep", paragraph(about, "faint"), grid(drawn))


def pictures(paths: Sequence[Path], folder: Path) -> str:
    """Pictures of the worst cases."""
    shown = [picture(path, path.relative_to(folder).with_suffix("").as_posix()) for path in paths]
    return section("Worst cases", grid(shown, wide=True)) if shown else ""


def settings(report: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> str:
    """Every option and version that the numbers depend on."""
    parts = ["<h3>Options</h3>", definitions(report["options"])]
    parts += ["<h3>Metrics</h3>", definitions(report["metrics"])]
    for name, content in others.items():
        parts += [f"<h3>{name}</h3>", definitions(content)]
    parts += [
        "<h3>Versions</h3>",
        definitions(report["versions"]),
        definitions({"unit of distances": report["distances"]}),
    ]
    return section("Settings", *parts)


def _named(column: str, label: int | None) -> str:
    return column if label is None else f"{column}, label {label}"


def _better(column: str) -> str:
    return "higher" if higher_is_better(column) else "lower"
