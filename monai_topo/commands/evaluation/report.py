"""Scores of many cases: mean, standard deviation and worst case, as a table, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from monai_topo.commands.evaluation.metric_table import higher_is_better
from monai_topo.commands.output import align


@dataclass(frozen=True)
class Row:
    """Numbers of one class of one case.

    Attributes:
        case: name of the case.
        label: the class; None where files hold one mask.
        scores: column to number, NaN where it is undefined.
        held: whether prediction or label has a voxel of the class.
    """

    case: str
    label: int | None
    scores: dict[str, float]
    held: bool = True


@dataclass(frozen=True)
class CaseResult:
    """What comes of one case.

    Attributes:
        rows: its numbers.
        notes: a line for each thing that a reader should know of them.
        shape: shape of its volumes.
        spacing: voxel size; None where no file knows it.
        unit: unit of the voxel size, ``"mm"``, ``"um"`` or ``"nm"``; None where no file says it.
    """

    rows: list[Row]
    notes: list[str]
    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None
    unit: str | None


@dataclass(frozen=True)
class Summary:
    """One column over the cases of one class.

    Attributes:
        count: number of cases in which it is defined.
        mean: mean of those, NaN without any.
        std: their standard deviation (of the population, as in MONAI's reports).
        worst: the largest error, or the lowest score.
        worst_case: its case, the first of several; empty without any.
    """

    count: int
    mean: float
    std: float
    worst: float
    worst_case: str


def without_absent_classes(rows: Sequence[Row]) -> tuple[list[Row], list[int]]:
    """Rows in which a class that no file holds has no numbers, and these classes: their errors of 0 say nothing.

    A class that is in some cases has its numbers in all of them.

    Example:
        >>> rows = [Row("a", 1, {"euler_error": 2.0}), Row("a", 7, {"euler_error": 0.0}, held=False)]
        >>> without_absent_classes(rows)[0][1].scores, without_absent_classes(rows)[1]
        ({'euler_error': nan}, [7])
    """
    held = {row.label for row in rows if row.held}
    absent = {row.label for row in rows if row.label is not None} - held
    undefined = [
        replace(row, scores=dict.fromkeys(row.scores, math.nan)) if row.label in absent else row for row in rows
    ]
    return undefined, sorted(number for number in absent if number is not None)


def columns_of(rows: Sequence[Row]) -> list[str]:
    """All columns, in the order in which they come up."""
    return list(dict.fromkeys(column for row in rows for column in row.scores))


def labels_of(rows: Sequence[Row]) -> list[int | None]:
    """All classes, in the order in which they come up."""
    return list(dict.fromkeys(row.label for row in rows))


def summarize(rows: Sequence[Row], column: str) -> Summary:
    """Mean, standard deviation and worst case of one column.

    Example:
        >>> rows = [Row("a", None, {"euler_error": 1.0}), Row("b", None, {"euler_error": 3.0})]
        >>> summarize(rows, "euler_error")
        Summary(count=2, mean=2.0, std=1.0, worst=3.0, worst_case='b')
    """
    defined = [row for row in rows if not math.isnan(row.scores.get(column, math.nan))]
    if not defined:
        return Summary(0, math.nan, math.nan, math.nan, "")
    values = [row.scores[column] for row in defined]
    worst = int(np.argmin(values) if higher_is_better(column) else np.argmax(values))
    return Summary(len(values), float(np.mean(values)), float(np.std(values)), values[worst], defined[worst].case)


def to_table(rows: Sequence[Row]) -> str:
    """The numbers as aligned text: a line for each case and class, and below them what they come to.

    Example:
        >>> rows = [Row("a", None, {"ccq.quality": 0.5, "euler_error": 3.0}), Row("b", None, {"ccq.quality": 1.0})]
        >>> print(to_table(rows))
                         ccq   euler_error
        case         quality
        a                0.5             3
        b                  1             -
        mean            0.75             3
        std             0.25             0
        worst            0.5             3
        worst case         a             a
    """
    columns = columns_of(rows)
    names, components = zip(*(column.partition(".")[::2] for column in columns), strict=True)
    firsts = [name if name != before else "" for name, before in zip(names, ("", *names), strict=False)]
    lines = [["", *firsts], ["case", *components]]
    lines += [[_name(row.case, row.label), *(_number(row.scores.get(c, math.nan)) for c in columns)] for row in rows]
    for label in labels_of(rows):
        found = [summarize([row for row in rows if row.label == label], column) for column in columns]
        lines += [[_name(key, label), *(_number(getattr(s, key)) for s in found)] for key in ("mean", "std", "worst")]
        lines.append([_name("worst case", label), *(s.worst_case or "-" for s in found)])
    return align(lines)


def to_csv(rows: Sequence[Row]) -> str:
    """A line for each case and class; an undefined number is an empty cell.

    Example:
        >>> print(to_csv([Row("a", 2, {"euler_error": 3.0, "ccq.quality": math.nan})]))
        case,label,euler_error,ccq.quality
        a,2,3.0,
    """
    columns, text = columns_of(rows), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", "label", *columns])
    for row in rows:
        cells = [row.scores.get(column, math.nan) for column in columns]
        writer.writerow([row.case, row.label, *("" if math.isnan(cell) else repr(cell) for cell in cells)])
    return text.getvalue()


def summaries(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """:class:`Summary` of every class and column, for JSON: an undefined number is None."""
    return [
        {"label": label, "column": column, **{key: finite(value) for key, value in vars(summary).items()}}
        for label in labels_of(rows)
        for column in columns_of(rows)
        for summary in [summarize([row for row in rows if row.label == label], column)]
    ]


def finite(value: Any) -> Any:
    """The value, None for NaN: JSON has no NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _name(text: str, label: int | None) -> str:
    return text if label is None else f"{text}, label {label}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"
