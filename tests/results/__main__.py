"""Measure what each loss does: ``python -m tests.results [--table NAME ...] [--quick]``, hours on two cores.

Runs that are done are kept, in docs/results/, so that a table may be filled over several sittings; ``--quick`` keeps
its own, in the working folder, and leaves the page alone. ``--losses`` takes other losses than a table's own, of those
in ``NAMES``, and the page then has their rows.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from tests.benchmarks.sections import DOCS, write_section
from tests.results.losses import NAMES
from tests.results.plan import choice_runs, chosen_runs, equal_time_runs, heavier_runs, search_runs, timed_runs
from tests.results.report import draw, section
from tests.results.runs import Laboratory, Records
from tests.results.table import of_losses, quick
from tests.results.tables import TABLES


def main(arguments=None):
    """Fill the tables asked for, one after the other, and write their sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MONAI_TOPO_TEST_DATA", "../shared/data")))
    parser.add_argument("--work", type=Path, default=Path("results_output"), help="folder for networks and predictions")
    parser.add_argument("--table", nargs="+", choices=list(TABLES), default=list(TABLES), metavar="NAME")
    parser.add_argument("--workers", type=int, default=2, help="networks at a time, each on its share of the cores")
    parser.add_argument("--quick", action="store_true", help="half an hour, to see that everything works")
    parser.add_argument("--report", action="store_true", help="write the page from what is recorded, run nothing")
    parser.add_argument(
        "--losses", nargs="+", choices=list(NAMES), metavar="NAME", help="in the place of a table's own"
    )
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // options.workers)))
    for name in options.table:
        table = quick(TABLES[name]) if options.quick else TABLES[name]
        table = of_losses(table, options.losses) if options.losses else table
        place = options.work / "quick" if options.quick else DOCS / "results"
        records = Records(place / f"{name}.json")
        if not options.report:
            work = options.work / ("quick" if options.quick else "") / name
            fill(table, Laboratory(table, options.data, work, records), records, options.workers)
        if not records.runs:
            continue  # nothing to report yet
        text = section(table, records.runs)
        if options.quick:
            sys.stdout.write(f"{text}\n")
        else:
            draw(table, records.runs, DOCS / "images" / f"results_{name}.png")
            write_section(f"results/{name}.md", name, text)


def fill(table, laboratory, records, workers):
    """Every run of a table: to choose the weights, with the chosen ones, and in as much time as the base takes."""
    for fold in range(table.folds):
        laboratory.constant(fold)
    perform(f"{table.name}, weights", laboratory, search_runs(table), workers)
    perform(f"{table.name}, losses", laboratory, chosen_runs(table, records.runs), workers)
    perform(f"{table.name}, more weight", laboratory, heavier_runs(table), workers)
    perform(f"{table.name}, choices", laboratory, choice_runs(table, records.runs), workers)
    for number in range(table.rounds):
        for run in tqdm(timed_runs(table, records.runs), desc=f"{table.name}, seconds"):
            laboratory.time(run, number)
    perform(f"{table.name}, equal time", laboratory, equal_time_runs(table, records.runs), workers)


def perform(title, laboratory, runs, workers):
    """Runs, some at a time."""
    with ThreadPoolExecutor(workers) as pool:
        for _ in tqdm(pool.map(laboratory.run, runs), desc=title, total=len(runs)):
            pass


if __name__ == "__main__":
    main()
