"""The arguments of ``python -m monai_topo evaluate``."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from monai_topo.commands.evaluation.metric_table import DEFAULT_METRICS, METRICS
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.run import evaluate


def add_evaluate_parser(commands: Any) -> None:
    """Add the command to the subparsers of a command line."""
    parser = commands.add_parser("evaluate", help="score segmentations on disk against their labels")
    parser.set_defaults(run=_evaluate)
    add = parser.add_argument
    parser.description = "Files are NIfTI, TIFF, HDF5 or NumPy, paired by name; docs/metrics.md defines the metrics."
    add("--pred", type=Path, required=True, help="folder of predictions, or one file")
    add("--label", type=Path, required=True, help="folder of labels, or one file")
    names = " ".join(METRICS)
    add("--metrics", nargs="+", default=list(DEFAULT_METRICS), metavar="NAME", help=f"some of: {names}")
    add("--connectivity", choices=("full", "face"), default="full", help="of the foreground")
    add("--frame", action="store_true", help="count Betti numbers relative to a frame of foreground")
    add("--patch-size", type=_integers, help="patches of the Betti error: 64 or 64,64,32; default: whole volumes")
    add("--num-patches", type=int, help="that many random patches; default: a grid of them")
    add("--seed", type=int, default=0, help="of random patches and paths")
    add("--slack", type=float, default=5.0, help="largest distance at which centerlines match")
    add("--spacing", type=_spacing, help="distances in 'file' units or in those of 1,1,2.5; default: in voxels")
    add("--instances", choices=("foreground", "background", "labels"), default="foreground", help="of partitions")
    add("--section-axis", type=int, help="axis along which no two sections share an instance")
    add("--labels", type=_integers, default=(), help="classes of label maps, each scored on its own: 1,2")
    add("--threshold", type=float, help="predictions are likelihoods, foreground from this value up")
    add("--pred-dataset", help="dataset of HDF5 predictions; default: the only one")
    add("--label-dataset", help="dataset of HDF5 labels")
    add("--out", type=Path, default=Path("report.json"), help="JSON report; a CSV of the same name beside it")
    add("--figures", type=Path, help="folder for pictures of the worst cases")
    add("--workers", type=int, default=1, help="number of processes")


def _integers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be whole numbers with commas between them, got {text!r}.") from None


def _spacing(text: str) -> str | tuple[float, ...]:
    try:
        return text if text == "file" else tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be 'file' or numbers with commas between, got {text!r}.") from None


def _evaluate(arguments: argparse.Namespace) -> int:
    given = {option.name: getattr(arguments, option.name) for option in fields(Options)}
    given["metrics"] = tuple(arguments.metrics)
    given["connectivity"] = None if arguments.connectivity == "full" else 1
    if arguments.patch_size is not None and len(arguments.patch_size) == 1:
        given["patch_size"] = arguments.patch_size[0]
    evaluation = evaluate(
        arguments.pred, arguments.label, Options(**given), arguments.out, arguments.figures, arguments.workers
    )
    return 0 if evaluation.complete else 1
