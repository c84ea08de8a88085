"""Command line: ``python -m monai_topo demo`` and ``python -m monai_topo evaluate``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from monai_topo.commands.demo import demo
from monai_topo.commands.evaluation import Options, evaluate
from monai_topo.commands.evaluation.metric_table import DEFAULT_METRICS, METRICS


def build_parser() -> argparse.ArgumentParser:
    """The command-line interface."""
    parser = argparse.ArgumentParser(prog="python -m monai_topo", description="Topology losses and metrics for MONAI.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_demo(commands.add_parser("demo", help="train two 3D U-Nets, with and without TopoLoss, and compare them"))
    _add_evaluate(commands.add_parser("evaluate", help="score segmentations on disk against their labels"))
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_demo)
    parser.add_argument("--data", type=Path, help="folder of volumes in the CREMI layout; default: phantoms")
    parser.add_argument("--out", type=Path, default=Path("demo_output"), help="folder for the results")
    parser.add_argument("--iterations", type=int, default=800, help="training iterations of each network")
    parser.add_argument("--seed", type=int, default=0, help="of weights, patches and phantoms")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    parser.set_defaults(run=_evaluate)
    parser.description = "Files are NIfTI, TIFF, HDF5 or NumPy, paired by name; docs/metrics.md defines the metrics."
    add("--pred", type=Path, required=True, help="folder of predictions, or one file")
    add("--label", type=Path, required=True, help="folder of labels, or one file")
    names = " ".join(METRICS)
    add("--metrics", nargs="+", default=list(DEFAULT_METRICS), metavar="NAME", help=f"some of: {names}")
    add("--connectivity", choices=("full", "face"), default="full", help="of the foreground")
    add("--frame", action="store_true", help="count Betti numbers relative to a frame of foreground")
    add("--patch-size", type=_integers, help="patches of the Betti error: 64 or 64,64,32; default: whole volumes")
    add("--num-patches", type=int, help="that many random patches; default: a grid of them")
    add("--seed", type=int, default=0, help="of random patches")
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


def _demo(arguments: argparse.Namespace) -> int:
    demo(arguments.data, arguments.out, arguments.iterations, arguments.seed)
    return 0


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what the user can put right is one line on standard error and exit status 2.

    Exit status 1: some of the cases could not be scored; 130: interrupted.
    """
    options = build_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (OSError, ValueError, RuntimeError) as error:
        sys.stderr.write(f"monai_topo {options.command}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"monai_topo {options.command}: interrupted; run it again to go on.\n")
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
