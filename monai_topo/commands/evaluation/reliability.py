"""What `evaluate` does beside scoring: the arguments that ask how far scores can be trusted, and their checks."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_topo.commands.evaluation.comparison import compare
from monai_topo.commands.evaluation.controls import ControlOptions, score_controls
from monai_topo.commands.evaluation.controls.masks import STRUCTURES
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.record import report_files
from monai_topo.commands.evaluation.run import evaluate

_OF_CONTROLS = ("control_draws", "before", "before_threshold")
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
    add(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("A", "B"),
        help="two folders of predictions instead of --pred, or two JSON reports: paired differences of all metrics",
    )


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
    controls = _controls(arguments, options)
    out, paths = arguments.out or REPORT, (arguments.pred, arguments.label)
    evaluation = evaluate(*paths, options, out, arguments.figures, arguments.workers, arguments.sections)
    complete = evaluation.complete
    if controls is not None and evaluation.finished:
        names = list(evaluation.finished)
        complete &= score_controls(*paths, options, controls, report_files(out)[0], names, arguments.workers)
    return complete


def _controls(arguments: argparse.Namespace, options: Options) -> ControlOptions | None:
    """The controls that are asked for, checked before anything is read."""
    given = {name: getattr(arguments, name) for name in _OF_CONTROLS if getattr(arguments, name) is not None}
    if arguments.controls is None:
        if given:
            listed = " and ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ValueError(f"{listed} is of --controls: add that, or leave it out.")
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


def _compare(arguments: argparse.Namespace, options: Options) -> bool:
    others = ("pred", "figures", "controls", *_OF_CONTROLS)
    given = [f"--{name.replace('_', '-')}" for name in others if getattr(arguments, name) is not None]
    if given:
        raise ValueError(f"--compare names what is compared: leave out {' and '.join(given)}.")
    out = arguments.out or COMPARISON
    first, second = arguments.compare
    return compare(first, second, arguments.label, options, out, arguments.workers, arguments.sections)
