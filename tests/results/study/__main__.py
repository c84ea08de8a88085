"""What losses add to good networks: ``python -m tests.results.study [--study NAME ...] [--quick]``, hours on two cores.

Runs that are done are kept, in docs/results/study_NAME.json, so that a study may be filled over several sittings.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

from tests.benchmarks.sections import DOCS, write_section
from tests.results.__main__ import perform
from tests.results.runs import Records
from tests.results.study.laboratory import StudyLaboratory, all_runs, by_seed
from tests.results.study.pictures import draw, draw_at_precision
from tests.results.study.report import headline, page
from tests.results.study.sections import draw_sections
from tests.results.study.selection import chosen_runs
from tests.results.study.studies import STUDIES, quick


def main(arguments=None):
    """Fill the studies asked for, one after the other, and write their pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MONAI_TOPO_TEST_DATA", "../shared/data")))
    parser.add_argument("--work", type=Path, default=Path("results_output"), help="folder for networks and predictions")
    parser.add_argument("--study", nargs="+", choices=list(STUDIES), default=list(STUDIES), metavar="NAME")
    parser.add_argument("--workers", type=int, default=2, help="networks at a time, each on its share of the cores")
    parser.add_argument("--quick", action="store_true", help="minutes, to see that everything works")
    parser.add_argument("--report", action="store_true", help="write the pages from what is recorded, run nothing")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // options.workers)))
    for name in options.study:
        study = quick(STUDIES[name]) if options.quick else STUDIES[name]
        work = options.work / ("quick" if options.quick else "")
        records = Records((work if options.quick else DOCS / "results") / f"study_{name}.json")
        if not options.report:
            laboratory = StudyLaboratory(study, options.data, work / f"study_{name}", records)
            fill(study, laboratory, records, options.workers)
            if not options.quick:
                draw_sections(study, laboratory, records.runs, DOCS / "images" / f"study_{name}_parts.png")
        if options.quick:
            sys.stdout.write(f"{page(study, records.runs)}\n")
        elif records.runs:
            draw(study, records.runs, DOCS / "images" / f"study_{name}.png")
            draw_at_precision(study, records.runs, DOCS / "images" / f"study_{name}_precision.png")
            write_section(f"results/study_{name}.md", name, page(study, records.runs))
            if study.headline:
                write_section("../README.md", "headline", headline(study, records.runs))


def fill(study, laboratory, records, workers):
    """Every weight with the first seed, the chosen ones with the others, then all the rest."""
    laboratory.without_network()
    first = [run for run in all_runs(study) if run.seed == study.seeds[0]]
    perform(f"{study.name}, weights", laboratory, first, workers)
    perform(f"{study.name}, seeds", laboratory, by_seed(chosen_runs(study, records.runs)), workers)
    perform(f"{study.name}, all", laboratory, all_runs(study), workers)
    if study.subject.at_precision:
        for run in tqdm(all_runs(study), desc=f"{study.name}, at one precision"):
            laboratory.at_precision(run)


if __name__ == "__main__":
    main()
