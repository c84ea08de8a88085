"""The report on disk: JSON and CSV, written whole, continued by a later call, and never over what is not theirs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monai_topo.commands.evaluation.beside import numbered, set_aside
from monai_topo.commands.evaluation.case import versions
from monai_topo.commands.evaluation.metric_table import METRICS
from monai_topo.commands.evaluation.options import Options, connectivity_name
from monai_topo.commands.evaluation.report import CaseResult, Row, finite, summaries, to_csv, without_absent_classes
from monai_topo.data import write_json, write_text

KIND = "monai_topo evaluate"


@dataclass(frozen=True)
class Record:
    """Where a report lies, and of what it is.

    Attributes:
        json: JSON file with everything that the numbers depend on.
        csv: CSV file with the numbers.
        prediction: folder or file.
        label: folder or file.
        options: options that define the numbers.
        prints: case to fingerprint.
    """

    json: Path
    csv: Path
    prediction: Path
    label: Path
    options: Options
    prints: Mapping[str, str]

    def load(self) -> tuple[dict[str, CaseResult], str]:
        """Cases of an earlier report that are the same now, and a line if that had other options and was kept.

        Raises:
            ValueError: when there is a file of another kind, or the report of other folders.
        """
        if not self.json.exists():
            if self.csv.exists():
                raise ValueError(f"--out would write {self.csv}, which is there already: name another file.")
            return {}, ""
        content = read_report(self.json)
        if content is None:
            raise ValueError(f"--out {self.json} is there already and is no report of this command: name another file.")
        if self.csv.exists() and not _is_table(self.csv):
            raise ValueError(f"--out would write {self.csv}, which is no table of this command: name another file.")
        for role, folder in self._folders().items():
            if content[role] != folder:
                raise ValueError(
                    f"--out {self.json} is there already, with the report of another {role}, {content[role]}: "
                    "name another file."
                )
        kept = {
            case["case"]: _result(case)
            for case in content["cases"]
            if case["fingerprint"] == self.prints.get(case["case"])
        }
        return kept, self._set_aside() if content["cases"] and content["options"] != plain_options(self.options) else ""

    def save(self, finished: Mapping[str, CaseResult], failed: Mapping[str, str], **lines: Sequence[str]) -> None:
        """Write the report.

        Args:
            finished: case to its numbers.
            failed: case to what was wrong with it.
            **lines: files that were not scored, by reason.
        """
        pairs = [name for name in self.prints if name not in {*finished, *failed}]
        rows, absent = without_absent_classes([row for case in sorted(finished) for row in finished[case].rows])
        axes = {len(result.shape) for result in finished.values()}
        content = {
            "kind": KIND,
            **self._folders(),
            "options": plain_options(self.options),
            "metrics": {name: self.options.protocol(name, axes) for name in self.options.metrics},
            "distances": distance_unit(self.options, finished.values()),
            "versions": versions(),
            "summary": summaries(rows),
            "cases": [_case(name, finished[name], self.prints[name]) for name in sorted(finished)],
            "absent_labels": absent,
            "failed": dict(sorted(failed.items())),
            **lines,
            "pending": pairs,
        }
        write_json(self.json, content)
        write_text(self.csv, to_csv(rows))

    def _folders(self) -> dict[str, str]:
        return {"prediction": str(self.prediction.resolve()), "label": str(self.label.resolve())}

    def _set_aside(self) -> str:
        """Give the report of other options another name."""
        number = set_aside([self.csv, self.json])
        return f"the report with other options that was {self.json.name} is {numbered(self.json, number)} now"


def report_files(out: Path) -> tuple[Path, Path]:
    """JSON and CSV of a report: ``--out`` may name either; a dot in another name is part of it.

    Raises:
        ValueError: for a folder.

    Example:
        >>> [path.name for path in report_files(Path("scores.csv"))], report_files(Path("run1.5"))[0].name
        (['scores.json', 'scores.csv'], 'run1.5.json')
    """
    if out.is_dir():
        raise ValueError(f"--out must be a file, {out} is a folder: say --out {out / 'report.json'}.")
    stem = out.name[: -len(out.suffix)] if out.suffix.lower() in (".json", ".csv") else out.name
    names = {".json": f"{stem}.json", ".csv": f"{stem}.csv", out.suffix.lower(): out.name}
    return out.with_name(names[".json"]), out.with_name(names[".csv"])


def distance_unit(options: Options, results: Iterable[CaseResult]) -> str:
    """Unit of the distances of all metrics, and so of their options."""
    if options.spacing is None:
        return "voxels"
    if options.spacing != "file":
        return "that of --spacing"
    units = sorted({result.unit or "not named by the file" for result in results})
    return " and ".join(units)


def plain_options(options: Options) -> dict[str, Any]:
    """Options as JSON has them."""
    words = {"connectivity": connectivity_name(options.connectivity)}
    return dict(json.loads(json.dumps({**asdict(options), **words})))


def read_report(path: Path) -> dict[str, Any] | None:
    """A report of this command; None for anything else."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    is_report = isinstance(content, dict) and content.get("kind") == KIND
    if not is_report or not {"prediction", "label", "options", "cases"} <= set(content):
        return None
    try:
        for case in content["cases"]:
            _result({**case, "fingerprint": case["fingerprint"]})
    except (AttributeError, KeyError, TypeError):  # changed by hand
        return None
    return dict(content)


def results_of(content: Mapping[str, Any]) -> dict[str, CaseResult]:
    """Case to its numbers, of a report that was read."""
    return {case["case"]: _result(case) for case in content["cases"]}


def _is_table(path: Path) -> bool:
    """Whether a file begins as the tables of this command do."""
    with path.open(encoding="utf-8", errors="replace") as file:
        case, label, *columns = [*file.readline(100_000).strip().split(","), "", ""]
    names = {column.partition(".")[0] for column in columns if column}
    return (case, label) == ("case", "label") and names <= set(METRICS)


def _case(name: str, result: CaseResult, fingerprint: str) -> dict[str, Any]:
    rows = [
        {
            "label": row.label,
            "held": row.held,
            "scores": {column: finite(value) for column, value in row.scores.items()},
        }
        for row in result.rows
    ]
    plain = {key: value for key, value in vars(result).items() if key != "rows"}
    return {"case": name, "fingerprint": fingerprint, **plain, "rows": rows}


def _result(case: Mapping[str, Any]) -> CaseResult:
    """The same, read back."""
    rows = [Row(case["case"], row["label"], _numbers(row["scores"]), row["held"]) for row in case["rows"]]
    spacing = None if case["spacing"] is None else tuple(case["spacing"])
    return CaseResult(rows, case["notes"], tuple(case["shape"]), spacing, case["unit"])


def _numbers(scores: Mapping[str, float | None]) -> dict[str, float]:
    return {column: math.nan if value is None else value for column, value in scores.items()}
