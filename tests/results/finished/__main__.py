"""Finish segmentations: ``python -m tests.results.finished [--experiment NAME ...] [--quick]``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.benchmarks.sections import DOCS, write_section
from tests.results.finished.experiments import EXPERIMENTS, quick
from tests.results.finished.laboratory import fill
from tests.results.finished.pictures import draw
from tests.results.finished.report import section
from tests.results.runs import Records


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MONAI_TOPO_TEST_DATA", "../shared/data")))
    parser.add_argument("--work", type=Path, default=Path("results_output"), help="folder for networks and predictions")
    parser.add_argument("--experiment", nargs="+", choices=list(EXPERIMENTS), default=list(EXPERIMENTS))
    parser.add_argument("--quick", action="store_true", help="minutes, to see that everything works")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in options.experiment:
        experiment = quick(EXPERIMENTS[name]) if options.quick else EXPERIMENTS[name]
        place = options.work / "quick" if options.quick else DOCS / "results"
        records = Records(place / f"finished_{name}.json")
        work = options.work / ("quick" if options.quick else "") / f"finished_{name}"
        fill(experiment, options.data, work, records)
        if options.quick:
            sys.stdout.write(f"{section(experiment, records.runs)}\n")
        else:
            write_section("finished.md", name, section(experiment, records.runs))
            draw(experiment, options.data, work, records.runs, DOCS / "images" / f"finished_{name}.png")


if __name__ == "__main__":
    main()
