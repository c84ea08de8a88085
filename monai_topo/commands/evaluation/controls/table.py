"""Scores of controls over the cases: means, their range over draws, and which scores chance reaches."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_topo.commands.evaluation.beside import rows_of
from monai_topo.commands.evaluation.controls.masks import BLIND, PREDICTION
from monai_topo.commands.evaluation.metric_table import higher_is_better
from monai_topo.commands.output import align

MARK = "*"
"""Of a score that chance reaches."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class ControlScore:
    """One column of one control.

    Attributes:
        label: the class; None where files hold one mask.
        column: name of the column.
        control: name of the control.
        mean: mean over draws of the mean over cases; NaN where it is defined in none.
        low: lowest mean over cases of a draw.
        high: highest.
        draws: number of draws.
        reached: whether a control that has not seen the image is at least as good as the prediction in its cases.
    """

    label: int | None
    column: str
    control: str
    mean: float
    low: float
    high: float
    draws: int
    reached: bool


def cells_of(results: Mapping[str, Mapping[str, Any]]) -> list[ControlScore]:
    """A cell for each class, column and control, in the order in which they come up.

    Args:
        results: case to what :func:`score_case_controls` gives.
    """
    found: dict[tuple[Any, str, str], dict[int, dict[str, float]]] = {}
    for case, row in _rows(results):
        for column, value in row["scores"].items():
            number = math.nan if value is None else float(value)
            draws = found.setdefault((row["label"], column, row["control"]), {})
            draws.setdefault(row["draw"], {})[case] = number
    return [_cell(key, draws, found[key[0], key[1], PREDICTION][0]) for key, draws in found.items()]


def _rows(results: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return rows_of({case: result["rows"] for case, result in results.items()})


def _cell(
    key: tuple[Any, str, str], draws: Mapping[int, Mapping[str, float]], predicted: Mapping[str, float]
) -> ControlScore:
    label, column, control = key
    means = np.array([_mean(cases.values()) for cases in draws.values()])
    defined = means[~np.isnan(means)]
    mean = float(defined.mean()) if len(defined) else math.nan
    own = _mean(predicted[case] for case in next(iter(draws.values())))
    better = mean > own if higher_is_better(column) else mean < own
    as_good = better or math.isclose(mean, own, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    low, high = (float(end) for end in (defined.min(), defined.max())) if len(defined) else (math.nan, math.nan)
    return ControlScore(label, column, control, mean, low, high, len(means), control in BLIND and bool(as_good))


def _mean(values: Any) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def to_table(cells: Sequence[ControlScore]) -> str:
    """Aligned text: a line for each class and column, and a column for each control.

    Example:
        >>> scores = {PREDICTION: 7.0, "empty answer": 5.0}
        >>> rows = [{"label": None, "control": c, "draw": 0, "scores": {"euler_error": s}} for c, s in scores.items()]
        >>> print(to_table(cells_of({"a": {"rows": rows}})))
                      prediction   empty answer
        euler_error            7             5*
    """
    controls = list(dict.fromkeys(cell.control for cell in cells))
    lines: dict[str, dict[str, str]] = {}
    for cell in cells:
        name = cell.column if cell.label is None else f"{cell.column}, label {cell.label}"
        lines.setdefault(name, {})[cell.control] = cell_text(cell)
    return align([["", *controls], *[[name, *(row.get(c, "-") for c in controls)] for name, row in lines.items()]])


def cell_text(cell: ControlScore) -> str:
    """Mean, range over draws, and the mark of what chance reaches."""
    if math.isnan(cell.mean):
        return "-"
    spread = f" ({cell.low:.4g} to {cell.high:.4g})" if cell.high > cell.low else ""
    return f"{cell.mean:.4g}{spread}{MARK if cell.reached else ''}"


def verdicts(cells: Sequence[ControlScore]) -> list[str]:
    """A line for each score that chance reaches."""
    reached: dict[str, list[str]] = {}
    for cell in cells:
        if cell.reached:
            name = cell.column if cell.label is None else f"{cell.column}, label {cell.label}"
            reached.setdefault(name, []).append(cell.control)
    return [f"{MARK} {name}: no worse than the prediction: {', '.join(names)}" for name, names in reached.items()]


def to_csv(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each case, class, control and draw; an undefined number is an empty cell."""
    rows = _rows(results)
    columns = list(dict.fromkeys(column for _, row in rows for column in row["scores"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", "label", "control", "draw", *columns])
    for case, row in rows:
        cells = [row["scores"].get(column) for column in columns]
        shown = ["" if cell is None else repr(float(cell)) for cell in cells]
        writer.writerow([case, row["label"], row["control"], row["draw"], *shown])
    return text.getvalue()
