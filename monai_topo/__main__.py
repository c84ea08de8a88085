"""Command line: ``python -m monai_topo demo | evaluate | prepare``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from monai_topo.commands.demo import add_demo_parser
from monai_topo.commands.evaluation import add_evaluate_parser
from monai_topo.commands.prepare import add_prepare_parser


def build_parser() -> argparse.ArgumentParser:
    """The command-line interface: every command sets ``run``, from the options to an exit status or None for 0."""
    parser = argparse.ArgumentParser(prog="python -m monai_topo", description="Topology losses and metrics for MONAI.")
    commands = parser.add_subparsers(dest="command", required=True)
    add_demo_parser(commands)
    add_evaluate_parser(commands)
    add_prepare_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what the user can put right is one line on standard error and exit status 2.

    Exit status 1: some of the cases could not be scored; 130: interrupted.
    """
    options = build_parser().parse_args(arguments)
    try:
        status: int | None = options.run(options)
    except (OSError, ValueError, RuntimeError) as error:
        sys.stderr.write(f"monai_topo {options.command}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"monai_topo {options.command}: interrupted\n")
        return 130
    return status or 0


if __name__ == "__main__":
    sys.exit(main())
