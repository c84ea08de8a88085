"""All cases into a report that an interrupted run goes on from."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monai.utils import optional_import
from tqdm import tqdm

from monai_topo.commands.evaluation.case import fingerprint
from monai_topo.commands.evaluation.figures import draw_worst
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.pairs import Pair, Pairing, pair_volumes
from monai_topo.commands.evaluation.record import Record, distance_unit, report_files
from monai_topo.commands.evaluation.report import CaseResult, Row, to_table, without_absent_classes
from monai_topo.commands.evaluation.workers import outcomes
from monai_topo.data import locked, printable


@dataclass
class Evaluation:
    """What came of it.

    Attributes:
        finished: case to its numbers.
        failed: case to what was wrong with it.
        alone: a line for each name that could not be paired.
        skipped: a line for each file beside the one that is scored.
        pairs: files of the cases.
    """

    finished: dict[str, CaseResult] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    alone: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """All rows, by name of the case; without numbers of classes that no file holds."""
        return self._rows_and_absent()[0]

    @property
    def absent_labels(self) -> list[int]:
        """Classes that no file holds."""
        return self._rows_and_absent()[1]

    @property
    def complete(self) -> bool:
        """Whether every file was scored, and every class."""
        return not self.failed and not self.alone and not self.absent_labels

    def _rows_and_absent(self) -> tuple[list[Row], list[int]]:
        return without_absent_classes([row for case in sorted(self.finished) for row in self.finished[case].rows])


def evaluate(
    prediction: Path,
    label: Path,
    options: Options,
    out: Path,
    figures: Path | None = None,
    workers: int = 1,
    sections: bool = False,
) -> Evaluation:
    """Score every prediction that has a label of the same name; write the report, print the table.

    The report is written anew after every case. A later call goes on from it: a case is scored again only if it failed,
    or if its files, the options or a version have changed since.

    Args:
        prediction: folder of predictions, or one file.
        label: folder of labels, or one file.
        options: options that define the numbers.
        out: report to write, a JSON file and a CSV file of one name. A report of other options that was there gets
            another name.
        figures: folder for pictures of the worst cases, in a folder of the report's name; None for no pictures.
        workers: number of processes.
        sections: whether folders that hold nothing but images are volumes, an image for each section.

    Returns:
        The numbers, and what could not be scored.

    Raises:
        FileNotFoundError: when a folder does not exist or holds no volume.
        BlockingIOError: when another process writes the report.
        ValueError: when nothing can be paired, ``out`` is another file or the report of other folders, or an argument
            is bad.
    """
    if workers < 1:
        raise ValueError(f"--workers must be at least 1, got {workers}.")
    if figures is not None:
        check_figures("--figures")
    files = report_files(out)
    pairing = pair_volumes(prediction, label, options.threshold is not None, sections)
    prints = {pair.name: fingerprint(pair, options) for pair in pairing.pairs}
    record = Record(*files, prediction, label, options, prints)
    with locked(record.json, "evaluate"):
        evaluation = _score_all(pairing, record, workers)
    _tell(evaluation)
    if evaluation.rows:
        _show(evaluation, record)
        if figures is not None:
            draw_worst(pairing.pairs, evaluation.rows, options, figures / record.json.stem)
    return evaluation


def check_figures(option: str) -> None:
    """Refuse an option whose pictures cannot be drawn.

    Raises:
        ValueError: when matplotlib is missing.
    """
    if not optional_import("matplotlib")[1]:
        raise ValueError(f'{option} needs matplotlib: pip install "monai_topo[bundle]".')


def _score_all(pairing: Pairing, record: Record, workers: int) -> Evaluation:
    finished, set_aside = record.load()
    if set_aside:
        sys.stderr.write(f"kept: {set_aside}\n")
    evaluation = Evaluation(finished, alone=pairing.alone, skipped=pairing.skipped, pairs=pairing.pairs)
    to_do = [pair for pair in pairing.pairs if pair.name not in finished]

    def save() -> None:
        record.save(finished, evaluation.failed, not_paired=pairing.alone, skipped=pairing.skipped)

    save()
    total = len(pairing.pairs)
    with tqdm(total=total, initial=total - len(to_do), desc="evaluate", unit="case") as progress:
        for pair, outcome in outcomes(to_do, record.options, workers):
            if isinstance(outcome, str):
                evaluation.failed[pair.name] = outcome
            else:
                finished[pair.name] = outcome
            save()
            progress.update()
    return evaluation


def _tell(evaluation: Evaluation) -> None:
    """What the numbers do not say, a line each."""
    lines = [f"skipped: {line}" for line in evaluation.skipped]
    lines += [f"not paired: {line}" for line in evaluation.alone]
    lines += [f"not scored: {case}: {reason}" for case, reason in sorted(evaluation.failed.items())]
    lines += [f"note: {case}: {note}" for case, result in sorted(evaluation.finished.items()) for note in result.notes]
    lines += [
        f"class {label} is in no file, neither prediction nor label: it has no numbers"
        for label in evaluation.absent_labels
    ]
    sys.stderr.writelines(f"{printable(line)}\n" for line in lines)


def _show(evaluation: Evaluation, record: Record) -> None:
    options, results = record.options, evaluation.finished
    print(to_table(evaluation.rows), end="\n\n")
    axes = {len(result.shape) for result in results.values()}
    for name in options.metrics:
        protocol = options.protocol(name, axes)
        print(f"{name}: {', '.join(f'{key}={value}' for key, value in protocol.items()) or 'no options'}")
    print(f"unit of distances: {distance_unit(options, results.values())}")
    print(f"voxel sizes: {_sizes(results)}")
    print(f"\nEverything is in {record.json} and {record.csv}")


def _sizes(results: Mapping[str, CaseResult]) -> str:
    """Voxel size with its unit, and of several sizes how many cases have each."""
    cases: dict[str, list[str]] = defaultdict(list)
    for name, result in sorted(results.items()):
        cases[_size(result.spacing, result.unit)].append(name)
    if len(cases) == 1:
        return next(iter(cases))
    return ", ".join(
        f"{size} ({len(names)}: {names[0]}{' ...' if len(names) > 1 else ''})" for size, names in cases.items()
    )


def _size(spacing: Sequence[float] | None, unit: str | None) -> str:
    if spacing is None:
        return "not in the files"
    return " x ".join(f"{size:.4g}" for size in spacing) + f" {unit or '(unit not in the file)'}"
