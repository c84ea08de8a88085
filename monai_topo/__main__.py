"""Command line: ``monai-topo demo | evaluate | prepare | segment | tune | bundles | nnunet``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from monai_topo.commands.bundle_copies import add_bundles_parser
from monai_topo.commands.demo import add_demo_parser
from monai_topo.commands.evaluation import add_evaluate_parser
from monai_topo.commands.interrupt import INTERRUPTED, interruptible
from monai_topo.commands.nnunet import add_nnunet_parser
from monai_topo.commands.prepare import add_prepare_parser
from monai_topo.commands.segmentation import add_segment_parser
from monai_topo.commands.tuning import add_tune_parser


def build_parser() -> argparse.ArgumentParser:
    """The command-line interface: every command sets ``run``, from the options to an exit status or None for 0."""
    parser = argparse.ArgumentParser(prog="monai-topo", description="Topology losses and metrics for MONAI.")
    parser.add_argument("--version", action="version", version=f"monai_topo {version('monai_topo')}")
    commands = parser.add_subparsers(dest="command", required=True)
    add_demo_parser(commands)
    add_evaluate_parser(commands)
    add_prepare_parser(commands)
    add_segment_parser(commands)
    add_tune_parser(commands)
    add_bundles_parser(commands)
    add_nnunet_parser(commands)
    _tell_defaults(parser)
    return parser


def _tell_defaults(parser: argparse.ArgumentParser) -> None:
    """Let the help of every option say its default, where its text does not."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _tell_defaults(command)
        elif "default" not in (action.help or "") and not _says_nothing(action.default):
            values = action.default if isinstance(action.default, (list, tuple)) else [action.default]
            default = f"default: {' '.join(map(str, values))}".replace("%", "%%")
            action.help = f"{action.help}; {default}" if action.help else default


def _says_nothing(default: object) -> bool:
    return any(default is nothing for nothing in (None, False, argparse.SUPPRESS)) or default == ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what the user can put right is one line on standard error and exit status 2.

    Exit status 1: some of the cases could not be scored; 130: interrupted.
    """
    options = build_parser().parse_args(arguments)
    try:
        with interruptible():
            status: int | None = options.run(options)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        sys.stderr.write(f"monai_topo {options.command}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"monai_topo {options.command}: interrupted\n")
        return INTERRUPTED
    return status or 0


if __name__ == "__main__":
    sys.exit(main())
