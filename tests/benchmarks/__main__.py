"""Measure, and write the parts of docs/benchmarks.md: ``python -m tests.benchmarks [--write] [--only NAME ...]``.

Every figure is the median over rounds; within a round all contestants take their turn on the same data, so that what
the machine does otherwise falls on all of them. Peers are measured where they can be imported; the folder
``MONAI_TOPO_PEERS`` may hold them, so that they need not stand in the package's own environment.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from tests.benchmarks.sections import write_section
from tests.benchmarks.timing import machine

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main(arguments=None):
    """Run the benchmarks asked for, one part of the page after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    sys.path.extend(filter(None, [os.environ.get("MONAI_TOPO_PEERS")]))
    for name in chosen.only:
        bench = import_module(f"tests.benchmarks.bench_{name}")
        text = f"## {bench.TITLE}\n\n{machine()}; {chosen.rounds} rounds.\n\n{bench.section(chosen.rounds)}"
        sys.stdout.write(f"{text}\n\n")
        if chosen.write:
            write_section("benchmarks.md", name, text)


if __name__ == "__main__":
    main()
