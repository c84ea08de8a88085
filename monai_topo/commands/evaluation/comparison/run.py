"""From two folders or two reports to their differences: table, CSV, JSON and picture."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.utils import optional_import

from monai_topo.commands.evaluation.beside import named_after, plain, read_own
from monai_topo.commands.evaluation.case import versions
from monai_topo.commands.evaluation.comparison.paired import LEVEL, NUM_RESAMPLES, PairedDifference
from monai_topo.commands.evaluation.comparison.reports import (
    Scored,
    check_comparable,
    differences,
    read_scored,
    remarks,
)
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.record import report_files
from monai_topo.commands.evaluation.run import evaluate
from monai_topo.commands.output import align
from monai_topo.data import locked, printable, write_json, write_text

KIND = "monai_topo evaluate --compare"
COLUMNS = ("label", "column", "cases", "mean_a", "mean_b", "difference", "low", "high", "p", "p_holm")
COUNTS = ("b_better", "b_worse", "equal")


def compare(
    first: Path,
    second: Path,
    label: Path | None,
    options: Options,
    out: Path,
    workers: int = 1,
    sections: bool = False,
) -> bool:
    """Compare two folders of predictions, or two reports that were written before.

    Folders are scored first, each to a report beside ``out``, from which a later call goes on.

    Args:
        first: A, a folder of predictions or a report.
        second: B, the same kind.
        label: folder of labels; None for reports.
        options: options that define the numbers of folders; the defaults for reports.
        out: JSON file of the comparison; a CSV and a PNG of the same name beside it.
        workers: number of processes.
        sections: whether folders that hold nothing but images are volumes, an image for each section.

    Returns:
        Whether every case of both was scored and compared.

    Raises:
        FileNotFoundError: when a folder or report does not exist.
        ValueError: when the two cannot be compared, or ``out`` is another file.
    """
    files = [*report_files(out)]
    files.append(files[0].with_suffix(".png"))
    of = {"a": str(first.resolve()), "b": str(second.resolve())}
    read_own(files, KIND, of)
    complete, sides = _sides(first, second, label, options, files[0], workers, sections)
    check_comparable(*sides)
    alone, notes = remarks(*sides)
    found = differences(*sides, options.seed)
    with locked(files[0], "evaluate --compare"):
        _save(files, {**of, "label": sides[0].report["label"]}, sides, found, options.seed, alone)
    sys.stderr.writelines(f"{printable(line)}\n" for line in (*alone, *notes))
    print(f"\nA: {printable(str(first))}\nB: {printable(str(second))}\n\n{to_table(found)}\n")
    drawn = _draw(files[2], found, (first, second))
    written = [str(files[0]), str(files[1]), *([str(files[2])] if drawn else [])]
    print(f"Everything is in {', '.join(written[:-1])} and {written[-1]}")
    return complete and not alone


def _sides(
    first: Path, second: Path, label: Path | None, options: Options, out: Path, workers: int, sections: bool
) -> tuple[bool, tuple[Scored, Scored]]:
    """Both sides, scored where they are folders; and whether all of their cases were."""
    are_reports = [path.suffix.lower() == ".json" for path in (first, second)]
    if any(are_reports) != all(are_reports):
        raise ValueError(f"--compare takes two folders or two reports, got {first} and {second}.")
    if first.resolve() == second.resolve():
        raise ValueError(f"--compare takes two different folders or reports, got {first} twice.")
    if all(are_reports):
        if label is not None or options != Options(seed=options.seed):
            raise ValueError(
                "--compare of two reports takes labels and options from them: leave out --label and all options "
                "but --out and --seed, or give two folders."
            )
        return True, (read_scored(first), read_scored(second))
    if label is None:
        raise ValueError("--compare of two folders needs --label, the folder of their labels.")
    for path in (first, second, label):
        if not path.exists():  # of the second, before the first is scored for hours
            raise FileNotFoundError(f"no such file or folder: {path}")
    complete, scored = True, []
    for word, folder in (("a", first), ("b", second)):
        report = named_after(out, word, ".json")
        print(f"{word.upper()}: {printable(str(folder))}")
        complete &= evaluate(folder, label, options, report, workers=workers, sections=sections).complete
        scored.append(read_scored(report, folder))
    return complete, (scored[0], scored[1])


def _save(
    files: Sequence[Path],
    of: Mapping[str, str],
    sides: Sequence[Scored],
    found: Sequence[PairedDifference],
    seed: int,
    alone: Sequence[str],
) -> None:
    content = {
        "kind": KIND,
        **of,
        "level": LEVEL,
        "resamples": NUM_RESAMPLES,
        "seed": seed,
        "options": {word: side.report["options"] for word, side in zip("ab", sides, strict=True)},
        "versions": versions(),
        "differences": [
            {**_numbers(one), "in_cases": {case: plain(pair) for case, *pair in _scores(one)}} for one in found
        ],
        "not_compared": list(alone),
    }
    write_json(files[0], plain(content))
    write_text(files[1], to_csv(found))


def _scores(one: PairedDifference) -> list[tuple[str, float, float]]:
    return list(zip(one.cases, one.first, one.second, strict=True))


def _numbers(one: PairedDifference) -> dict[str, Any]:
    """A line of the table by name of the column."""
    means = [float(np.mean(side)) if side else math.nan for side in (one.first, one.second)]
    numbers = (*means, one.difference, one.low, one.high, one.p_value, one.p_holm)
    line = zip(COLUMNS, (one.label, one.column, len(one.cases), *numbers), strict=True)
    return {**dict(line), **dict(zip(COUNTS, one.counts, strict=True))}


def to_csv(found: Sequence[PairedDifference]) -> str:
    """A line for each class and column; an undefined number is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *COUNTS])
    writer.writerows(["" if cell is None else cell for cell in plain(_numbers(one)).values()] for one in found)
    return text.getvalue()


def to_table(found: Sequence[PairedDifference]) -> str:
    """The differences as aligned text."""
    lines = [["", "cases", "A", "B", "B - A", f"{LEVEL:.0%} interval", "p", "p (Holm)", "B better / worse / equal"]]
    for one in found:
        name = one.column if one.label is None else f"{one.column}, label {one.label}"
        numbers = _numbers(one)
        shown = [_number(numbers[key]) for key in ("mean_a", "mean_b", "difference")]
        interval = "-" if math.isnan(one.low) else f"{_number(one.low)} to {_number(one.high)}"
        counts = " / ".join(map(str, one.counts))
        lines.append([name, str(len(one.cases)), *shown, interval, _number(one.p_value), _number(one.p_holm), counts])
    return align(lines)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


def _draw(path: Path, found: Sequence[PairedDifference], sides: tuple[Path, Path]) -> bool:
    """The picture, where matplotlib is there."""
    if not optional_import("matplotlib")[1]:
        sys.stderr.write('no picture: it needs matplotlib, pip install "monai_topo[bundle]"\n')
        return False
    from monai_topo.visualize import Differences, plot_differences

    panels = [
        Differences(
            one.column if one.label is None else f"{one.column}, label {one.label}",
            one.differences.tolist(),
            one.difference,
            one.low,
            one.high,
            one.higher_is_better,
        )
        for one in found
        if one.cases
    ]
    names = (printable(side.name) for side in sides)
    plot_differences(path, panels, title="A: {}   B: {}".format(*names))
    return True
