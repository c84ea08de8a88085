"""Curves of a sweep over all cases: means, the table for people, CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from monai_topo.commands.evaluation.beside import rows_of
from monai_topo.commands.evaluation.metric_table import higher_is_better
from monai_topo.commands.output import align

Results = Mapping[str, Sequence[Mapping[str, Any]]]
"""Case to what :func:`score_case_sweep` gives."""


@dataclass
class Curve:
    """One column over one parameter.

    Attributes:
        parameter: name of what is varied.
        column: name of the column.
        label: the class; None where files hold one mask.
        cases: case to its points, value to number; NaN where it is undefined.
    """

    parameter: str
    column: str
    label: int | None
    cases: dict[str, dict[float, float]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Column and class."""
        return self.column if self.label is None else f"{self.column}, label {self.label}"

    @property
    def values(self) -> list[float]:
        """Values of the parameter, rising."""
        return sorted({value for points in self.cases.values() for value in points})

    @property
    def means(self) -> list[float]:
        """Mean over the cases in which it is defined, for each value."""
        found = []
        for value in self.values:
            numbers = [points.get(value, math.nan) for points in self.cases.values()]
            defined = [number for number in numbers if not math.isnan(number)]
            found.append(float(np.mean(defined)) if defined else math.nan)
        return found

    @property
    def best(self) -> tuple[float, float]:
        """Value of the best mean, the first of several, and that mean; NaN where nothing is defined."""
        sign = -1 if higher_is_better(self.column) else 1
        defined = [(sign * mean, value) for value, mean in zip(self.values, self.means, strict=True) if mean == mean]
        return (min(defined)[1], sign * min(defined)[0]) if defined else (math.nan, math.nan)


def curves_of(results: Results) -> list[Curve]:
    """A curve for each parameter, column and class, in the order in which they come up.

    Example:
        >>> common = {"label": None, "parameter": "threshold"}
        >>> rows = [{**common, "value": t, "scores": {"euler_error": 9.0 * t}} for t in (0, 1)]
        >>> [(curve.column, curve.values, curve.means) for curve in curves_of({"a": rows})]
        [('euler_error', [0, 1], [0.0, 9.0])]
    """
    found: dict[tuple[str, str, Any], Curve] = {}
    for case, row in rows_of(results):
        for column, number in row["scores"].items():
            key = (row["parameter"], column, row["label"])
            points = found.setdefault(key, Curve(*key)).cases.setdefault(case, {})
            points[row["value"]] = math.nan if number is None else float(number)
    return list(found.values())


def to_table(curves: Sequence[Curve], given: Mapping[tuple[str, str], float]) -> str:
    """Aligned text: for each curve the score at the value of the evaluation, and where it is best.

    Args:
        curves: the curves.
        given: parameter and column to the value that the evaluation has.
    """
    lines = [["", "over", "given", "score there", "lowest", "highest", "best", "at"]]
    for curve in curves:
        at = given[curve.parameter, curve.column]
        there = dict(zip(curve.values, curve.means, strict=True)).get(at, math.nan)
        defined = [mean for mean in curve.means if not math.isnan(mean)] or [math.nan]
        value, best = curve.best
        numbers = (at, there, min(defined), max(defined), best, value)
        lines.append([curve.title, curve.parameter, *map(_number, numbers)])
    return align(lines)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


def to_csv(results: Results) -> str:
    """A line for each case, class, parameter and value; what is undefined or not computed there is an empty cell."""
    rows = rows_of(results)
    columns = list(dict.fromkeys(column for _, row in rows for column in row["scores"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", "label", "parameter", "value", *columns])
    for case, row in rows:
        cells = [row["scores"].get(column) for column in columns]
        shown = ["" if cell is None else repr(float(cell)) for cell in cells]
        writer.writerow([case, row["label"], row["parameter"], repr(float(row["value"])), *shown])
    return text.getvalue()
