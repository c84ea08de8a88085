"""Measure, and write the pages of benchmarks: ``python -m tests.benchmarks [--write] [--only NAME ...]``.

Every figure is the median over rounds; within a round all contestants take their turn on the same data, so that what
the machine does otherwise falls on all of them. Each round is kept in ``bench_output/rounds.jsonl``: a run that was
killed goes on where it was. Rounds of other code, another machine or other versions are measured anew.

A section is a module ``bench_x`` with a ``TITLE``, a function ``section(run)`` that gives its text and asks ``run``
(``timing.Run``) for rounds and sizes, ``SECONDS`` that it may take on two cores, and, where it is not part of the 40
minutes of ``make bench``, a ``TARGET``. It stands on a page of docs between marks of its name.

Peers are measured where they can be imported; the folder ``MONAI_TOPO_PEERS`` may hold them, so that they need not
stand in the package's own environment.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
import traceback
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from tqdm import tqdm

from tests.benchmarks.journal import Journal
from tests.benchmarks.pages import Report, places, write_reports
from tests.benchmarks.stamp import ROOT, Stamp
from tests.benchmarks.timing import Run

TARGETS = ("bench", "large", "gpu")
NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main(arguments=None):
    """Run the benchmarks asked for, one section after the other."""
    chosen = parsed(arguments)
    chosen.only = available(chosen.only, chosen.quick)
    sys.path.extend(filter(None, [os.environ.get("MONAI_TOPO_PEERS")]))
    stamp = Stamp.of_now(quick=chosen.quick)
    if chosen.write:
        check_that_it_can_be_written(chosen, stamp)
    with alone(chosen.out):
        journal = Journal(chosen.out / "rounds.jsonl", stamp)
        reports, failed = measure_all(chosen.only, chosen.rounds, journal, stamp)
    for report in reports if not chosen.write else []:
        sys.stdout.write(f"## {report.title}\n\n{report.text}\n\n")
    if chosen.write and reports:
        line = stamp.line(journal.dates({report.name for report in reports}), chosen.rounds)
        whole = {report.name for report in reports} >= set(names_of("bench"))
        write_reports(reports, line, whole)
    if failed:
        raise SystemExit(f"not measured: {', '.join(failed)}")


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the pages")
    parser.add_argument(
        "--only", nargs="+", choices=[*NAMES, "all"], metavar="NAME", help=f"{', '.join(NAMES)}, or all"
    )
    parser.add_argument("--target", choices=TARGETS, default="bench", help="which sections, unless --only says")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="in small, once, to see that every section works")
    parser.add_argument("--changed", action="store_true", help="write although the code has changes; the page says so")
    parser.add_argument("--out", type=Path, default=ROOT / "bench_output", help="folder of kept rounds")
    chosen = parser.parse_args(arguments)
    if chosen.rounds < 1:
        parser.error(f"argument --rounds: must be at least 1, got {chosen.rounds}")
    chosen.only = NAMES if "all" in (chosen.only or ()) else chosen.only or names_of(chosen.target)
    chosen.rounds = 1 if chosen.quick else chosen.rounds
    return chosen


def load(name):
    return import_module(f"tests.benchmarks.bench_{name}")


def names_of(target):
    """The sections of a target."""
    return [name for name in NAMES if getattr(load(name), "TARGET", "bench") == target]


def available(names, quick):
    """The sections that this machine can measure; a quick run needs nothing. A line says why one is left out."""
    reasons = {} if quick else {name: getattr(load(name), "unavailable", lambda: None)() for name in names}
    left_out = [f"{name}: {reason}" for name, reason in reasons.items() if reason]
    if len(left_out) == len(names):
        raise SystemExit("\n".join(left_out))
    sys.stderr.writelines(f"{line}\n" for line in left_out)
    return [name for name in names if not reasons.get(name)]


def check_that_it_can_be_written(chosen, stamp):
    """Before anything is measured."""
    if stamp.quick:
        raise SystemExit("--quick measures in small: leave out --write.")
    if stamp.changed and not chosen.changed:
        raise SystemExit("the code has changes that no commit holds: commit them, or say --changed.")
    missing = sorted(set(chosen.only) - set(places()))
    if missing:
        raise SystemExit(f"no page has a place for {', '.join(missing)}: put the marks <!-- NAME --> on one of docs.")


@contextmanager
def alone(folder):
    """No other run measures into the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another run measures into {folder}: wait for it.") from None
        yield


def measure_all(names, rounds, journal, stamp):
    """Reports of the sections, and the names of those that failed; one that fails does not keep others back."""
    limits = {name: 0 if journal.finished(name, rounds) else load(name).SECONDS for name in names}
    reports, failed, before = [], [], 0
    layout = "{percentage:3.0f} %|{bar}| {remaining} left, {desc}"
    with tqdm(total=sum(limits.values()), bar_format=layout, smoothing=0) as bar:
        for name in names:
            bar.set_description_str(name)
            try:
                reports.append(measured(name, rounds, journal, stamp, ticking(bar, before + limits[name])))
            except Exception:
                traceback.print_exc()
                failed.append(name)
            before += limits[name]
            bar.n = before
            bar.refresh()
    return reports, failed


def ticking(bar, end):
    """Seconds go onto the bar, as far as the section's share of it."""

    def tick(seconds):
        bar.update(min(seconds, max(0.0, end - bar.n)))

    return tick


def measured(name, rounds, journal, stamp, tick=lambda seconds: None):
    """The report of a section, kept or measured now."""
    bench, kept = load(name), journal.finished(name, rounds)
    if not kept:
        run = Run(name, rounds, stamp.quick, bench.SECONDS, journal, tick)
        text = bench.section(run)
        if run.fewest < rounds:
            text += (
                f"\n\nAfter {bench.SECONDS} s no further round began: at least {run.fewest} of {rounds} are measured."
            )
        if Stamp.of_now(quick=stamp.quick) != stamp:
            raise RuntimeError("code or packages changed while it was measured: start again.")
        kept = journal.add(section=name, rounds=rounds, text=text, finding=run.finding)
    return Report(name, bench.TITLE, kept["text"], kept["finding"])


if __name__ == "__main__":
    main()
