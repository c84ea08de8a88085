"""What `evaluate` does beside scoring: the arguments that ask how far scores can be trusted, and their checks."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_topo.commands.evaluation.comparison import compare
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.run import evaluate

REPORT, COMPARISON = Path("report.json"), Path("comparison.json")


def add_reliability(parser: argparse.ArgumentParser) -> None:
    """Add the arguments to those of ``evaluate``."""
    add = parser.add_argument_group("how far scores can be trusted").add_argument
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
    out = arguments.out or REPORT
    where = arguments.pred, arguments.label
    return evaluate(*where, options, out, arguments.figures, arguments.workers, arguments.sections).complete


def _compare(arguments: argparse.Namespace, options: Options) -> bool:
    given = [f"--{name}" for name in ("pred", "figures") if getattr(arguments, name) is not None]
    if given:
        raise ValueError(f"--compare names what is compared: leave out {' and '.join(given)}.")
    out = arguments.out or COMPARISON
    first, second = arguments.compare
    return compare(first, second, arguments.label, options, out, arguments.workers, arguments.sections)
