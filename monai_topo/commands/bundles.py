"""Finding the project's bundles and running them as a user would, with ``python -m monai.bundle run``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_topo.commands.interrupt import unseen_by_children

_PACKAGE = Path(__file__).resolve().parent.parent


def list_bundles() -> list[Path]:
    """Folders of all bundles by name: beside the package in a checkout, inside it once installed."""
    found = [path.parent for place in (_PACKAGE, _PACKAGE.parent) for path in place.glob("bundles/*/configs")]
    return sorted(found, key=lambda bundle: bundle.name)


def find_bundle(name: str) -> Path:
    """Folder of a bundle.

    Raises:
        FileNotFoundError: when there is no such bundle.
    """
    bundles = {bundle.name: bundle for bundle in list_bundles()}
    if not bundles:
        raise FileNotFoundError(f"bundles lie neither in {_PACKAGE} nor beside it: reinstall monai_topo.")
    if name not in bundles:
        raise FileNotFoundError(f"there is no bundle {name!r}; there are {', '.join(bundles)}.")
    return bundles[name]


def run_bundle(bundle: Path, configs: Sequence[str], log: Path, **overrides: Any) -> None:
    """Run a bundle in a process of its own; its log goes to a file, its progress bars to the terminal.

    Args:
        bundle: the bundle's folder.
        configs: names of its configuration files, later ones laid over earlier ones.
        log: file for what the run logs.
        **overrides: configuration entries to replace.

    Raises:
        RuntimeError: when the run fails.
    """
    files = [str(bundle / "configs" / config) for config in configs]
    settings = {"bundle_root": bundle, "logging_file": bundle / "configs" / "logging.conf", **overrides}
    arguments = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(files), *arguments]
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        "OMP_WAIT_POLICY": "passive",  # threads that wait busily starve each other on a shared machine
        "PYTHONWARNINGS": "ignore",  # MONAI warns of every evaluated configuration
        **os.environ,
    }
    with log.open("w") as stdout, unseen_by_children():
        process = subprocess.Popen(command, stdout=stdout, env=environment)
    try:
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if code != 0:
        raise RuntimeError(f"{' + '.join(configs)} of bundle {bundle.name} failed with exit status {code}; see {log}.")
