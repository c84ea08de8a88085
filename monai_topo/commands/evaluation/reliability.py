"""What `evaluate` does beside scoring: the arguments that ask how far scores can be trusted, and their checks."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from monai_topo.commands.evaluation.comparison import compare
from monai_topo.commands.evaluation.controls import ControlOptions, check_controls, score_controls
from monai_topo.commands.evaluation.controls.masks import STRUCTURES
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.page import write_page
from monai_topo.commands.evaluation.page.run import check_page
from monai_topo.commands.evaluation.record import report_files
from monai_topo.commands.evaluation.run import check_figures, evaluate
from monai_topo.commands.evaluation.sweep import SweepOptions, check_sweep, sweep
from monai_topo.commands.evaluation.sweep.settings import FACTORS, THRESHOLDS, settings_of

_OF_CONTROLS = ("control_draws", "before", "before_threshold")
_OF_SWEEP = ("sweep_thresholds", "sweep_factors")
REPORT, COMPARISON = Path("report.json"), Path("comparison.json")


def add_reliability(parser: argparse.ArgumentParser) -> None:
    """Add the arguments to those of ``evaluate``."""
    add = parser.add_argument_group("how far scores can be trusted").add_argument
    add(
        "--controls",
        nargs="?",
        const="auto",
        choices=STRUCTURES,
        metavar="KIND",
        help="score what has not seen the image: empty answer, moved label, random membranes or tubes (KIND; "
        "default: the one that the label looks like)",
    )
    add("--control-draws", type=int, metavar="N", help="draws of each random control; default: 3")
    add("--before", type=Path, metavar="DIR", help="predictions before a repair, for controls of random repair")
    add("--before-threshold", type=float, metavar="P", help="their threshold; default: --threshold")
    add("--sweep", action="store_true", help="every metric over thresholds of likelihoods, and over its distances")
    add(
        "--sweep-thresholds",
        type=_numbers,
        metavar="P,P",
        help=f"thresholds that are tried; default: {','.join(map(str, THRESHOLDS))}",
    )
    add(
        "--sweep-factors",
        type=_numbers,
        metavar="F,F",
        help=f"factors on each distance that are tried; default: {','.join(f'{one:g}' for one in FACTORS)}",
    )
    add("--html", action="store_true", help="a page of the report's name with all of it: tables, curves, pictures")
    add(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("A", "B"),
        help="two folders of predictions instead of --pred, or two JSON reports: paired differences of all metrics",
    )


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be numbers with commas between them, got {text!r}.") from None


def run_evaluation(arguments: argparse.Namespace, options: Options) -> bool:
    """Do what the arguments say.

    Returns:
        Whether every case was scored.

    Raises:
        ValueError: for arguments that do not go together.
    """
    if arguments.compare is not None:
        return _compare(arguments, options)
    missing = [f"--{name}" for name in ("pred", "label") if getattr(arguments, name) is None]
    if missing:
        raise ValueError(f"{' and '.join(missing)} must be given: --pred and --label name what is scored.")
    controls, sweeps = _controls(arguments, options), _sweep(arguments, options)
    of, workers = (arguments.pred, arguments.label), arguments.workers
    out, sections = arguments.out or REPORT, arguments.sections
    report = report_files(out)[0]
    if controls is not None:
        check_controls(of, options, controls, report, sections)
    if sweeps is not None:
        check_sweep(of, report)
    figures = _prepare_page(arguments, report)
    evaluation = evaluate(*of, options, out, figures, workers, sections)
    complete = evaluation.complete
    pairs = [pair for pair in evaluation.pairs if pair.name in evaluation.finished]
    if controls is not None and pairs:
        complete &= score_controls(of, options, controls, report, pairs, workers, sections)
    if sweeps is not None and pairs:
        complete &= sweep(of, options, sweeps, report, pairs, workers)
    if arguments.html and pairs:
        besides = {"controls": controls is not None, "sweep": sweeps is not None}
        print(f"The page is {write_page(evaluation, options, report, arguments.figures, besides)}")
    return complete


def _prepare_page(arguments: argparse.Namespace, report: Path) -> Path | None:
    """Folder of the pictures that are drawn before the page is written, which draws them itself."""
    if not arguments.html:
        return cast("Path | None", arguments.figures)
    check_figures("--html")
    check_page(report.with_suffix(".html"))
    return None


def _controls(arguments: argparse.Namespace, options: Options) -> ControlOptions | None:
    """The controls that are asked for, checked before anything is read."""
    given = {name: getattr(arguments, name) for name in _OF_CONTROLS if getattr(arguments, name) is not None}
    if arguments.controls is None:
        if given:
            raise ValueError(f"{_named(given)} is of --controls: add that, or leave it out.")
        return None
    of_ids = options.instances == "labels"
    if of_ids and (arguments.controls == "tubes" or arguments.before is not None):
        raise ValueError("with --instances labels the controls are random partitions: no tubes, and no --before.")
    if arguments.before is not None and not arguments.before.exists():
        raise FileNotFoundError(f"no such file or folder: {arguments.before}")
    if arguments.before is None and arguments.before_threshold is not None:
        raise ValueError("--before-threshold is of --before: add that, or leave it out.")
    draws = {"draws": given.pop("control_draws")} if "control_draws" in given else {}
    return ControlOptions(arguments.controls, **draws, **given)


def _sweep(arguments: argparse.Namespace, options: Options) -> SweepOptions | None:
    """The sweep that is asked for, checked before anything is read."""
    given = {name: getattr(arguments, name) for name in _OF_SWEEP if getattr(arguments, name) is not None}
    if not arguments.sweep:
        if given:
            raise ValueError(f"{_named(given)} is of --sweep: add that, or leave it out.")
        return None
    found = SweepOptions(**{name.removeprefix("sweep_"): values for name, values in given.items()})
    settings_of(options, found)
    return found


def _named(names: Iterable[str]) -> str:
    return " and ".join(f"--{name.replace('_', '-')}" for name in names)


def _compare(arguments: argparse.Namespace, options: Options) -> bool:
    others = ("pred", "figures", "controls", "sweep", "html", *_OF_CONTROLS, *_OF_SWEEP)
    given = [name for name in others if getattr(arguments, name) not in (None, False)]
    if given:
        raise ValueError(f"--compare names what is compared: leave out {_named(given)}.")
    out = arguments.out or COMPARISON
    first, second = arguments.compare
    return compare(first, second, arguments.label, options, out, arguments.workers, arguments.sections)
