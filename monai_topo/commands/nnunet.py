"""``monai-topo nnunet``: the two lines by which nnU-Net trains with a topology loss, and a list of the trainers."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from monai_topo.commands.output import align

VARIABLE = "nnUNet_extTrainer"
_FIRST = "nnUNetTrainerBettiMatching"


def add_nnunet_parser(commands: Any) -> None:
    """Add the command to the subparsers of a command line."""
    text = "print how nnU-Net finds the trainers of this package, and list them"
    parser = commands.add_parser("nnunet", help=text, description=f"{text}; docs/nnunet.md describes them.")
    parser.set_defaults(run=_nnunet)
    parser.add_argument("trainer", nargs="?", default=_FIRST, metavar="TRAINER", help="trainer that is meant")


def _nnunet(arguments: argparse.Namespace) -> int:
    trainers = list_trainers()
    if arguments.trainer not in trainers:
        raise ValueError(f"there is no trainer {arguments.trainer!r}; there are {', '.join(trainers)}.")
    sys.stdout.write(f"{export_line()}\n{train_line(arguments.trainer)}\n\n")
    rows = [[name, trainer.topology, *_terms(trainer)] for name, trainer in trainers.items()]
    sys.stdout.write(align([["trainer", "topology", "weight", "joins after"], *rows]) + "\n")
    _warn_of_nnunet()
    return 0


def list_trainers() -> dict[str, Any]:
    """The trainers by name; nnU-Net, which takes seconds to import, is imported only now."""
    from monai_topo import nnunet

    return {name: getattr(nnunet, name) for name in nnunet.__all__ if name.startswith("nnUNetTrainer")}


def trainers_folder() -> str:
    """The folder that nnU-Net is told of."""
    return str(Path(__file__).parent.parent / "nnunet" / "external")


def export_line(windows: bool = os.name == "nt") -> str:
    """The line that tells nnU-Net of the trainers, and of the folders that it is told of already.

    Args:
        windows: whether it is a line of PowerShell, and not of a POSIX shell.
    """
    told = [folder for folder in os.environ.get(VARIABLE, "").split(os.pathsep) if folder]
    folders = os.pathsep.join(dict.fromkeys([*told, trainers_folder()]))
    return f'$env:{VARIABLE} = "{folders}"' if windows else f"export {VARIABLE}={shlex.quote(folders)}"


def train_line(trainer: str) -> str:
    """The command that trains, with a place for the number of the data set.

    Example:
        >>> train_line("nnUNetTrainerDMT")
        'nnUNetv2_train DATASET 3d_fullres 0 -tr nnUNetTrainerDMT'
    """
    return f"nnUNetv2_train DATASET 3d_fullres 0 -tr {trainer}"


def _terms(trainer: Any) -> list[str]:
    """The weight of a trainer's term and the share of the epochs before it, for people."""
    measured = trainer.topology_weight is None
    weight = f"{trainer.topology_gradient_ratio:g} of the gradient" if measured else f"{trainer.topology_weight:g}"
    return [weight, f"{trainer.topology_start:.0%} of epochs"]


def _warn_of_nnunet() -> None:
    try:
        installed = version("nnunetv2")
    except PackageNotFoundError:
        installed = "missing"
    numbers = [int(part) if part.isdigit() else 0 for part in installed.split(".")[:2]]
    if installed == "missing" or numbers < [2, 8]:
        sys.stderr.write(f"nnunetv2 is {installed}: pip install 'nnunetv2>=2.8'\n")
