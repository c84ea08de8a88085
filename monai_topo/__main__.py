"""Command line: ``python -m monai_topo demo | prepare``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from monai_topo.commands.demo import demo
from monai_topo.commands.prepare import add_prepare_parser


def build_parser() -> argparse.ArgumentParser:
    """The command-line interface: every command sets ``run``, a function of the options."""
    parser = argparse.ArgumentParser(prog="python -m monai_topo", description="Topology losses and metrics for MONAI.")
    commands = parser.add_subparsers(dest="command", required=True)
    shown = commands.add_parser("demo", help="train two 3D U-Nets, with and without TopoLoss, and compare them")
    shown.add_argument("--data", type=Path, help="folder of volumes in the CREMI layout; default: phantoms")
    shown.add_argument("--out", type=Path, default=Path("demo_output"), help="folder for the results")
    shown.add_argument("--iterations", type=int, default=800, help="training iterations of each network")
    shown.add_argument("--seed", type=int, default=0, help="of weights, patches and phantoms")
    shown.set_defaults(run=lambda options: demo(options.data, options.out, options.iterations, options.seed))
    add_prepare_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what the user can put right is one line on standard error and exit status 2."""
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError, RuntimeError) as error:
        sys.stderr.write(f"monai_topo {options.command}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"monai_topo {options.command}: interrupted\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
