"""The page of an evaluation, from its files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_topo.commands.evaluation.beside import named_after
from monai_topo.commands.evaluation.figures import draw_worst
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.page import parts
from monai_topo.commands.evaluation.page.html import document
from monai_topo.commands.evaluation.run import Evaluation
from monai_topo.commands.evaluation.sweep.run import given_of
from monai_topo.data import write_text

MARK = '<meta name="generator" content="monai_topo evaluate --html">'


def check_page(path: Path) -> None:
    """Refuse to write over another file.

    Raises:
        ValueError: when a file is there that is no page of this command.
    """
    if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace"):
        raise ValueError(f"--html would write {path}, which is there already: name another --out.")


def write_page(
    evaluation: Evaluation, options: Options, report: Path, figures: Path | None, besides: Mapping[str, bool]
) -> Path:
    """Write the page beside the report.

    Args:
        evaluation: results of the evaluation.
        options: options that define the numbers.
        report: JSON file of the report.
        figures: folder for the pictures of the worst cases; None draws them for the page alone.
        besides: names of what was computed besides: ``"controls"``, ``"sweep"``.

    Returns:
        The path of the page.
    """
    content = json.loads(report.read_text(encoding="utf-8"))
    others = {
        name: json.loads(named_after(report, name, ".json").read_text(encoding="utf-8"))
        for name, wanted in besides.items()
        if wanted
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if figures is None else figures / report.stem
        drawn = draw_worst(evaluation.pairs, evaluation.rows, options, folder)
        pictures = parts.pictures(drawn, folder)
    notes = {case: result.notes for case, result in evaluation.finished.items()}
    body = [parts.overview(content), parts.summary(evaluation.rows), parts.cases(evaluation.rows, notes)]
    body += [_beside(name, found, options) for name, found in others.items()]
    body += [pictures, parts.settings(content, {name: found["settings"][name] for name, found in others.items()})]
    page = document(f"Evaluation: {report.stem}", body).replace("</title>", f"</title>\n{MARK}", 1)
    path = report.with_suffix(".html")
    write_text(path, page)
    return path


def _beside(name: str, found: Mapping[str, Any], options: Options) -> str:
    results = {case["case"]: case["result"] for case in found["cases"]}
    if not results:
        return ""
    return parts.controls(results) if name == "controls" else parts.sweep(results, given_of(results, options))
