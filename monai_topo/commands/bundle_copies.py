"""``monai-topo bundles``: what bundles there are, where they lie, and copies of them to change."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monai_topo.commands.bundles import find_bundle, list_bundles

_MADE_BY_RUNS = shutil.ignore_patterns("__pycache__", "quick", "eval", "*.pt", "*.ts")


def add_bundles_parser(commands: Any) -> None:
    """Add the command to the subparsers of a command line."""
    text = "list the bundles, or copy them to a folder of yours"
    parser = commands.add_parser("bundles", help=text, description=f"{text}; docs/bundles.md says how they are run.")
    parser.set_defaults(run=_bundles)
    parser.add_argument("names", nargs="*", metavar="NAME", help="bundles that are meant; default: all")
    parser.add_argument("--copy", type=Path, metavar="DIR", help="folder that each bundle is copied into")


def _bundles(arguments: argparse.Namespace) -> int:
    bundles = [find_bundle(name) for name in arguments.names] or list_bundles()
    if arguments.copy is not None:
        bundles = copy_bundles(bundles, arguments.copy)
    sys.stdout.write("\n".join(map(describe, bundles)) + "\n")
    return 0


def describe(bundle: Path) -> str:
    """Name, task and folder of a bundle, in two lines."""
    task = json.loads((bundle / "configs" / "metadata.json").read_text())["task"]
    return f"{bundle.name}: {task}\n  {bundle}"


def copy_bundles(bundles: Sequence[Path], folder: Path) -> list[Path]:
    """Copy bundles into a folder, without what runs have left in them.

    Args:
        bundles: folders of the bundles.
        folder: folder of the copies, each under its bundle's name; made if need be.

    Returns:
        The copies.

    Raises:
        FileExistsError: when one of them is there already; then nothing is copied.
    """
    copies = [folder.resolve() / bundle.name for bundle in bundles]
    for copy in copies:
        if copy.exists():
            raise FileExistsError(f"{copy} exists: give --copy another folder, or remove it first.")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".") as staged:  # a copy takes its name when it is whole
        for bundle, copy in zip(bundles, copies, strict=True):
            shutil.copytree(bundle, Path(staged) / bundle.name, ignore=_MADE_BY_RUNS)
            os.replace(Path(staged) / bundle.name, copy)
    return copies
