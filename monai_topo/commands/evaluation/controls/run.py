"""Controls of all cases into files beside the report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from monai_topo.commands.evaluation.beside import folders_of, named_after, plain, read_own
from monai_topo.commands.evaluation.case import fingerprint
from monai_topo.commands.evaluation.controls.case import Settings, score_case_controls
from monai_topo.commands.evaluation.controls.masks import ControlOptions
from monai_topo.commands.evaluation.controls.table import cells_of, to_csv, to_table, verdicts
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.pairs import Pair, pair_volumes
from monai_topo.commands.evaluation.record import plain_options
from monai_topo.commands.evaluation.side_record import SideRecord
from monai_topo.data import state_of, write_text

KIND = "monai_topo evaluate --controls"


def score_controls(
    of: tuple[Path, Path],
    options: Options,
    controls: ControlOptions,
    report: Path,
    pairs: Sequence[Pair],
    workers: int = 1,
    sections: bool = False,
) -> bool:
    """Score the controls of every case; write a JSON and a CSV beside the report, print the table.

    Args:
        of: folders of predictions and labels.
        options: options that define the numbers.
        controls: names of the controls.
        report: JSON file of the report.
        pairs: cases whose controls are scored.
        workers: number of processes.
        sections: whether folders that hold nothing but images are volumes.

    Returns:
        Whether all of them were.

    Raises:
        FileNotFoundError: when ``controls.before`` does not exist.
        ValueError: when it cannot be paired, or a file is there that is not these controls'.
    """
    before = _before(controls, of[1], options.threshold is not None, sections)
    settings = Settings(options, controls, before)
    kept = {**asdict(controls), "before": controls.before and str(controls.before.resolve())}
    files = _files(report)
    record = SideRecord(
        files,
        KIND,
        folders_of(of),
        {"options": plain_options(options), "controls": plain(kept)},
        {pair.name: _print(pair, settings) for pair in pairs},
    )
    record.fill(pairs, score_case_controls, settings, workers)
    write_text(files[1], to_csv(record.finished))
    _show(record)
    return not record.failed


def check_controls(
    of: tuple[Path, Path], options: Options, controls: ControlOptions, report: Path, sections: bool = False
) -> None:
    """Refuse before anything is scored what :func:`score_controls` would refuse after that; the same arguments.

    Raises:
        ValueError: when a file is there that is not these controls', or the predictions before a repair have no pair.
    """
    read_own(_files(report), KIND, folders_of(of))
    _before(controls, of[1], options.threshold is not None, sections)


def _files(report: Path) -> list[Path]:
    return [named_after(report, "controls", suffix) for suffix in (".json", ".csv")]


def _before(controls: ControlOptions, label: Path, likelihoods: bool, sections: bool) -> Mapping[str, Path]:
    """Case to the file before its repair."""
    if controls.before is None:
        return {}
    likelihoods = likelihoods or controls.before_threshold is not None
    return {pair.name: pair.prediction for pair in pair_volumes(controls.before, label, likelihoods, sections).pairs}


def _print(pair: Pair, settings: Settings) -> str:
    """Digest of all that the scores of a case depend on."""
    before = settings.before.get(pair.name)
    state = [] if before is None else state_of(before)
    controls = settings.controls
    depends = [controls.structures, controls.draws, controls.before_threshold, state]
    content = [fingerprint(pair, settings.options), depends]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


def _show(record: SideRecord) -> None:
    if not record.finished:
        return
    cells = cells_of(record.finished)
    print(f"\n{to_table(cells)}\n")
    for line in verdicts(cells):
        print(line)
    print(f"Controls are in {record.files[0]} and {record.files[1]}")
