"""Two reports whose scores can be paired."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_topo.commands.evaluation.comparison.paired import PairedDifference, paired_difference, with_holm
from monai_topo.commands.evaluation.metric_table import higher_is_better
from monai_topo.commands.evaluation.record import read_report, results_of
from monai_topo.commands.evaluation.report import Row, columns_of, labels_of, without_absent_classes

_MAY_DIFFER = ("metrics", "threshold", "pred_dataset")
"""Options that the two may have each of its own: what is common to both is compared."""


@dataclass(frozen=True)
class Scored:
    """One side of a comparison.

    Attributes:
        path: folder of the predictions, or the report.
        report: content of the report.
    """

    path: Path
    report: Mapping[str, Any]

    @property
    def rows(self) -> list[Row]:
        """Numbers of all cases and classes, NaN for a class that no file of this side holds."""
        results = results_of(self.report)
        return without_absent_classes([row for case in sorted(results) for row in results[case].rows])[0]


def read_scored(report: Path, path: Path | None = None) -> Scored:
    """A side from its report.

    Raises:
        FileNotFoundError: when there is none.
        ValueError: when the file is another.
    """
    if not report.is_file():
        raise FileNotFoundError(f"no such report: {report}")
    content = read_report(report)
    if content is None:
        raise ValueError(f"--compare takes reports of evaluate (JSON), and {report} is none.")
    return Scored(path or report, content)


def check_comparable(first: Scored, second: Scored) -> None:
    """Refuse what would compare unlike numbers.

    Raises:
        ValueError: when labels or options differ, or a side has no case with numbers.
    """
    for side in (first, second):
        if not side.rows:
            raise ValueError(f"no case of {side.path} is scored: there is nothing to compare.")
    if first.report["label"] != second.report["label"]:
        raise ValueError(
            f"the two reports have other labels, {first.report['label']} and {second.report['label']}: "
            "score both against the same."
        )
    options = [side.report["options"] for side in (first, second)]
    keys = dict.fromkeys([*options[0], *options[1]])
    others = [key for key in keys if key not in _MAY_DIFFER and options[0].get(key) != options[1].get(key)]
    if others:
        listed = ", ".join(f"{key} {options[0].get(key)} and {options[1].get(key)}" for key in others)
        raise ValueError(f"the two reports have other options, {listed}: score both with the same.")
    if not set(columns_of(first.rows)) & set(columns_of(second.rows)):
        raise ValueError("the two reports have no metric in common: score both with the same --metrics.")


def remarks(first: Scored, second: Scored) -> tuple[list[str], list[str]]:
    """Lines on cases that only one side has, and on what else differs."""
    named = [{(row.case, row.label) for row in side.rows} for side in (first, second)]
    alone = [
        f"only in {'AB'[side]}: {case}" + ("" if label is None else f", label {label}")
        for side in (0, 1)
        for case, label in sorted(named[side] - named[1 - side], key=str)
    ]
    reports = (first.report, second.report)
    versions = [report.get("versions", {}) for report in reports]
    notes = [
        f"note: {name} is {versions[0].get(name)} in A and {versions[1].get(name)} in B"
        for name in dict.fromkeys([*versions[0], *versions[1]])
        if versions[0].get(name) != versions[1].get(name)
    ]
    unfinished = [
        f"note: {'AB'[side]} has {len(report.get(entry, ()))} cases that are {words}"
        for side, report in enumerate(reports)
        for entry, words in (("failed", "not scored"), ("pending", "still to be scored"))
        if report.get(entry)
    ]
    return alone, notes + unfinished


def differences(first: Scored, second: Scored, seed: int) -> list[PairedDifference]:
    """B minus A of each class and column that both have, with p-values corrected for all of them."""
    rows = [{(row.label, row.case): row.scores for row in side.rows} for side in (first, second)]
    columns = [column for column in columns_of(first.rows) if column in columns_of(second.rows)]
    found: list[PairedDifference] = []
    for label in labels_of(first.rows):
        cases = [case for number, case in rows[0] if number == label and (label, case) in rows[1]]
        found += [_difference(rows, label, column, cases, seed) for column in columns]
    return with_holm(found)


def _difference(
    rows: Sequence[Mapping[Any, Mapping[str, float]]], label: int | None, column: str, cases: Sequence[str], seed: int
) -> PairedDifference:
    first, second = ([side[label, case].get(column, math.nan) for case in cases] for side in rows)
    scores = list(zip(cases, first, second, strict=True))
    return paired_difference(label, column, higher_is_better(column), scores, seed)
