"""All cases, in this process or in several, into a report that an interrupted run goes on from."""

from __future__ import annotations

import json
import math
import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from monai.utils import optional_import
from tqdm import tqdm

from monai_topo.commands.evaluation.case import fingerprint, score_case, versions
from monai_topo.commands.evaluation.figures import draw_worst
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.report import Row, finite, summaries, to_csv, to_table
from monai_topo.commands.evaluation.volumes import Pair, pair_volumes
from monai_topo.data import write_json, write_text

_KIND = "monai_topo evaluate"


@dataclass
class Evaluation:
    """What came of it.

    Attributes:
        finished: case to its rows.
        failed: case to what was wrong with it.
        alone: a line for each name that could not be paired.
    """

    finished: dict[str, list[Row]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    alone: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """All rows, by name of the case."""
        return [row for case in sorted(self.finished) for row in self.finished[case]]

    @property
    def complete(self) -> bool:
        """Whether every file was scored."""
        return not self.failed and not self.alone


def evaluate(
    prediction: Path,
    label: Path,
    options: Options,
    out: Path,
    figures: Path | None = None,
    workers: int = 1,
) -> Evaluation:
    """Score every prediction that has a label of the same name; write the report, print the table.

    The report is written anew after every case. A later call goes on from it: a case is scored again only if it failed,
    or if its files, the options or a version have changed since.

    Args:
        prediction: folder of predictions, or one file.
        label: folder of labels, or one file.
        options: what defines the numbers.
        out: JSON report to write; the numbers stand beside it in a file of suffix ``.csv`` too.
        figures: folder for pictures of the worst cases; None for no pictures.
        workers: number of processes.

    Returns:
        The numbers, and what could not be scored.

    Raises:
        FileNotFoundError: when a folder does not exist or holds no volume.
        ValueError: when nothing can be paired, ``out`` is another file, or an argument is bad.
    """
    if workers < 1:
        raise ValueError(f"--workers must be at least 1, got {workers}.")
    if figures is not None:
        _check_figures(options)
    pairs, alone = pair_volumes(prediction, label)
    evaluation = _score_all(pairs, alone, options, out, workers)
    for line in alone:
        sys.stderr.write(f"not paired: {line}\n")
    for case, reason in sorted(evaluation.failed.items()):
        sys.stderr.write(f"not scored: {case}: {reason}\n")
    if evaluation.rows:
        _show(evaluation, options, out)
        if figures is not None:
            draw_worst(pairs, evaluation.rows, options, figures)
    return evaluation


def _check_figures(options: Options) -> None:
    if not optional_import("matplotlib")[1]:
        raise ValueError('--figures needs matplotlib: pip install "monai_topo[bundle]".')
    if options.instances == "labels":
        raise ValueError("--figures shows masks: leave it out with --instances labels.")


def _score_all(pairs: Sequence[Pair], alone: list[str], options: Options, out: Path, workers: int) -> Evaluation:
    prints = {pair.name: fingerprint(pair, options) for pair in pairs}
    evaluation = Evaluation(_load_finished(out, prints), alone=alone)
    to_do = [pair for pair in pairs if pair.name not in evaluation.finished]

    def save() -> None:
        write_json(out, _content(evaluation, pairs, prints, options))
        write_text(out.with_suffix(".csv"), to_csv(evaluation.rows))

    save()
    with tqdm(total=len(pairs), initial=len(pairs) - len(to_do), desc="evaluate", unit="case") as progress:
        for pair, outcome in _outcomes(to_do, options, workers):
            if isinstance(outcome, str):
                evaluation.failed[pair.name] = outcome
            else:
                evaluation.finished[pair.name] = outcome
            save()
            progress.update()
    return evaluation


def _outcomes(pairs: Sequence[Pair], options: Options, workers: int) -> Iterator[tuple[Pair, list[Row] | str]]:
    """Each pair with its rows or what was wrong with it, as they are finished."""
    if workers == 1 or len(pairs) < 2:
        for pair in pairs:
            yield pair, _attempt(pair, options)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    pool = ProcessPoolExecutor(min(workers, len(pairs)), context, _ignore_interrupts)
    try:
        pending = {pool.submit(_attempt, pair, options): pair for pair in pairs}
        for future in as_completed(pending):
            yield pending[future], _outcome(future)
    finally:
        pool.shutdown(cancel_futures=True)


def _attempt(pair: Pair, options: Options) -> list[Row] | str:
    """The rows of a case, or one line that says what is wrong with it: the other cases are scored all the same."""
    try:
        return score_case(pair, options)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        return reason if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {reason}"


def _outcome(future: Future[list[Row] | str]) -> list[Row] | str:
    try:
        return future.result()
    except BrokenProcessPool:
        return "a process was killed, most likely for lack of memory: take fewer --workers."


def _ignore_interrupts() -> None:
    """Of Ctrl-C the first process alone takes care."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _content(evaluation: Evaluation, pairs: Sequence[Pair], prints: dict[str, str], options: Options) -> dict[str, Any]:
    """The report as JSON, with everything that makes its numbers reproducible."""
    finished = evaluation.finished
    return {
        "kind": _KIND,
        "options": asdict(options),
        "metrics": {name: options.protocol(name) for name in options.metrics},
        "versions": versions(),
        "summary": summaries(evaluation.rows),
        "cases": [
            {
                "case": pair.name,
                "prediction_file": str(pair.prediction),
                "label_file": str(pair.label),
                "fingerprint": prints[pair.name],
                "rows": [
                    {"label": row.label, "scores": {column: finite(value) for column, value in row.scores.items()}}
                    for row in finished[pair.name]
                ],
            }
            for pair in pairs
            if pair.name in finished
        ],
        "failed": dict(sorted(evaluation.failed.items())),
        "not_paired": evaluation.alone,
        "pending": [pair.name for pair in pairs if pair.name not in {*finished, *evaluation.failed}],
    }


def _load_finished(out: Path, prints: dict[str, str]) -> dict[str, list[Row]]:
    """Cases of an earlier report that are the same now."""
    if not out.exists():
        return {}
    try:
        content = json.loads(out.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise ValueError(f"--out {out} is there already and is no report of this command: name another file.")
    return {
        case["case"]: [_row(case["case"], row) for row in case["rows"]]
        for case in content["cases"]
        if case["fingerprint"] == prints.get(case["case"])
    }


def _row(case: str, row: dict[str, Any]) -> Row:
    scores = {column: math.nan if value is None else value for column, value in row["scores"].items()}
    return Row(case, row["label"], scores)


def _show(evaluation: Evaluation, options: Options, out: Path) -> None:
    print(to_table(evaluation.rows), end="\n\n")
    for name in options.metrics:
        print(f"{name}: {', '.join(f'{key}={value}' for key, value in options.protocol(name).items()) or 'no options'}")
    print(f"\nEverything is in {out} and {out.with_suffix('.csv')}")
