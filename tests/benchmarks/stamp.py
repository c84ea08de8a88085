"""What figures were measured with: the code by its commit, the machine, and the versions of packages."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.timing import installed, processor

ROOT = Path(__file__).parents[2]
CODE = ("monai_topo", "tests/benchmarks", "pyproject.toml", "constraints.txt")
"""What a figure depends on: a commit that changes none of it leaves figures as they are."""
PACKAGES = ("numba", "llvmlite", "numpy", "scipy", "torch", "monai", "gudhi", "scikit-image", "networkx", "dask")
LIMITS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
PEERS = ("cripser", "topolosses", "POT", "dask-image")
"""Packages that figures are compared with and that `peers.txt` lists; without one its figures are left out."""


@dataclass(frozen=True)
class Stamp:
    """Figures with equal stamps may stand in one table.

    Attributes:
        commit: last commit that changed the code.
        changed: whether files of the code differ from it.
        code: digest of the code's files as they are.
        machine: processor, cores and vector instructions.
        versions: Python and the packages, peers among them.
        quick: whether everything is measured in small, to see that it works.
    """

    commit: str
    changed: bool
    code: str
    machine: str
    versions: str
    quick: bool = False

    @classmethod
    def of_now(cls, root=ROOT, quick=False):
        """The stamp of figures that are measured now."""
        changed = bool(git(root, "status", "--porcelain", "--", *CODE))
        commit = git(root, "log", "-1", "--format=%h", "--", *CODE).strip()
        return cls(commit, changed, digest_of(root), machine(), versions(), quick)

    def as_dict(self):
        return asdict(self)

    def line(self, date, rounds):
        """The sentence that pages show."""
        commit = f"{self.commit} with changes" if self.changed else self.commit
        counted = "1 round" if rounds == 1 else f"{rounds} rounds"
        small = "; in small, to see that it works" if self.quick else ""
        return f"Measured on {date}: commit {commit}; {self.machine}; {self.versions}; {counted}{small}."


def git(root, *arguments):
    """What git prints; the page names the commit, so there is no benchmark without it."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"{root} must be a git checkout, because figures are kept by commit: {error}") from None
    return done.stdout


def digest_of(root):
    """Digest of the names and contents of the code's files that git does not ignore."""
    names = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *CODE).split("\0")
    digest = hashlib.sha256()
    for name in sorted(set(filter(None, names))):
        path = Path(root, name)
        if path.is_file():
            digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def machine():
    """The processor, and what of it may be used."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [f"{name}={os.environ[name]}" for name in LIMITS if name in os.environ]
    return ", ".join([processor(), f"{usable} usable", *limits])


def versions():
    packages = [f"{name} {version(name)}" for name in (*PACKAGES, *PEERS) if installed(name)]
    return ", ".join([f"Python {platform.python_version()}", *packages])
