"""Sweeps of all cases into files beside the report."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from monai.utils import optional_import

from monai_topo.commands.evaluation.beside import folders_of, named_after, plain, read_own
from monai_topo.commands.evaluation.case import fingerprint
from monai_topo.commands.evaluation.metric_table import higher_is_better, metric_of
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.pairs import Pair
from monai_topo.commands.evaluation.record import plain_options
from monai_topo.commands.evaluation.side_record import SideRecord
from monai_topo.commands.evaluation.sweep.case import score_case_sweep
from monai_topo.commands.evaluation.sweep.settings import Setting, SweepOptions, given_value, settings_of
from monai_topo.commands.evaluation.sweep.table import Curve, Results, curves_of, to_csv, to_table
from monai_topo.data import write_text

KIND = "monai_topo evaluate --sweep"


def sweep(
    of: tuple[Path, Path],
    options: Options,
    sweep_options: SweepOptions,
    report: Path,
    pairs: Sequence[Pair],
    workers: int = 1,
) -> bool:
    """Score every case at every place of the sweep; write JSON, CSV and curves beside the report, print a table.

    Args:
        of: folders of predictions and labels.
        options: options that define the numbers.
        sweep_options: values that are tried.
        report: JSON file of the report.
        pairs: cases.
        workers: number of processes.

    Returns:
        Whether all of them were scored.

    Raises:
        ValueError: when there is nothing to vary, or a file is there that is not this sweep's.
    """
    settings = settings_of(options, sweep_options)
    files = _files(report)
    record = SideRecord(
        files,
        KIND,
        folders_of(of),
        {"options": plain_options(options), "sweep": plain(asdict(sweep_options))},
        {pair.name: _print(pair, options, settings) for pair in pairs},
    )
    record.fill(pairs, score_case_sweep, settings, workers)
    if record.finished:
        curves = curves_of(record.finished)
        given = given_of(record.finished, options)
        write_text(files[1], to_csv(record.finished))
        print(f"\n{to_table(curves, given)}\n")
        drawn = _draw(files[2], curves, [given[curve.parameter, curve.column] for curve in curves])
        written = [str(file) for file in files[: 3 if drawn else 2]]
        print(f"The sweep is in {', '.join(written[:-1])} and {written[-1]}")
    return not record.failed


def check_sweep(of: tuple[Path, Path], report: Path) -> None:
    """Refuse before anything is scored to write over another file.

    Raises:
        ValueError: when a file is there that is not this sweep's.
    """
    read_own(_files(report), KIND, folders_of(of))


def _files(report: Path) -> list[Path]:
    return [named_after(report, "sweep", suffix) for suffix in (".json", ".csv", ".png")]


def _print(pair: Pair, options: Options, settings: Sequence[Setting]) -> str:
    places = [(setting.parameter, setting.value) for setting in settings]
    return hashlib.sha256(json.dumps([fingerprint(pair, options), places]).encode()).hexdigest()


def given_of(results: Results, options: Options) -> dict[tuple[str, str], float]:
    """Parameter and column of each curve to the value that the evaluation has."""
    return {
        (curve.parameter, curve.column): given_value(options, curve.parameter, metric_of(curve.column))
        for curve in curves_of(results)
    }


def _draw(path: Path, curves: Sequence[Curve], given: Sequence[float]) -> bool:
    """The picture, where matplotlib is there."""
    if not optional_import("matplotlib")[1]:
        sys.stderr.write('no picture: it needs matplotlib, pip install "monai_topo[bundle]"\n')
        return False
    from monai_topo.visualize import CurvePanel, plot_curves

    panels = [
        CurvePanel(
            curve.title,
            curve.parameter,
            curve.values,
            curve.means,
            [[points.get(value, float("nan")) for value in curve.values] for points in curve.cases.values()],
            at,
            higher_is_better(curve.column),
        )
        for curve, at in zip(curves, given, strict=True)
    ]
    plot_curves(path, panels)
    return True
