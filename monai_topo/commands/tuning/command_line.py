"""The arguments of ``python -m monai_topo tune``, its table, its picture and its file."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monai.utils import optional_import

from monai_topo.commands.evaluation.case import versions
from monai_topo.commands.output import align
from monai_topo.commands.tuning.search import Point, choose, search
from monai_topo.commands.tuning.settings import ALIASES, TUNABLE, Settings
from monai_topo.data import locked, write_json
from monai_topo.transforms import tuned_arguments
from monai_topo.visualize import plot_trade_off


def add_tune_parser(commands: Any) -> None:
    """Add the command to the subparsers of a command line."""
    text = "choose the arguments of a finishing transform on validation data"
    parser = commands.add_parser("tune", help=text, description=f"{text}; docs/finished.md says how.")
    parser.set_defaults(run=_tune)
    add = parser.add_argument
    add("predictions", type=Path, metavar="PRED_DIR", help="folder of likelihoods, or one file")
    add("labels", type=Path, metavar="LABEL_DIR", help="folder of labels: masks of walls, or ids of cells")
    add("--transform", required=True, choices=tuple(TUNABLE), help="what is tuned")
    add("--metric", metavar="COLUMN", help=f"column of evaluate that chooses; {', '.join(ALIASES)} for short")
    add(
        "--floor",
        nargs="+",
        default=(),
        type=_change,
        metavar="COLUMN=CHANGE",
        help="how much worse it may be: dice=-0.02",
    )
    add("--grid", nargs="+", default=(), type=_values, metavar="ARGUMENT=V,V", help="values that are tried")
    add("--threshold", type=float, default=0.5, metavar="P", help="of the plain mask")
    add("--no-frame", action="store_true", help="count Betti numbers without a frame of foreground")
    add("--patch-size", type=int, metavar="N", help="patches of Betti scores; default: whole volumes")
    add("--out", type=Path, default=Path("tuned.json"), help="JSON file of the arguments; a picture beside it")


def _change(text: str) -> tuple[str, float]:
    column, _, change = text.partition("=")
    return ALIASES.get(column, column), float(change)


def _values(text: str) -> tuple[str, tuple[Any, ...]]:
    """Values as JSON has them, or words: ``sigma=0,0.7`` or ``sigma=[0.7,[1,1,0.3]]``."""
    name, _, values = text.partition("=")
    try:
        found = json.loads(values if values.startswith("[") else f"[{values}]")
    except json.JSONDecodeError:
        found = [None if value in ("None", "null") else value for value in values.split(",")]
    if not name.isidentifier() or not found:
        raise argparse.ArgumentTypeError(f"{text} is not ARGUMENT=VALUE,VALUE")
    return name, tuple(found)


def _tune(arguments: argparse.Namespace) -> int:
    settings = Settings(
        arguments.transform,
        arguments.metric,
        dict(arguments.floor),
        dict(arguments.grid),
        arguments.threshold,
        not arguments.no_frame,
        arguments.patch_size,
    )
    with locked(arguments.out, "tune"):
        _check_out(arguments.out, settings.transform)
        plain, found = search(arguments.predictions, arguments.labels, settings)
        chosen = choose(plain, found, settings)
        sys.stdout.write(_table(plain, found, chosen, settings) + "\n")
        _draw(plain, found, chosen, settings, arguments.out.with_suffix(".png"))
        if chosen is None:
            sys.stderr.write(f"nothing is within the floor {dict(settings.floor)}: allow more, or try other values.\n")
            return 1
        write_json(arguments.out, _content(plain, found, chosen, settings))
    sys.stdout.write(f"{arguments.out}: {dict(chosen.arguments)}\n")
    return 0


def _check_out(out: Path, transform: str) -> None:
    """Nothing is written over but what this command wrote for this transform."""
    if out.suffix != ".json":
        raise ValueError(f"--out must be a .json file, beside which a .png is written, got {out}.")
    if out.exists():
        try:
            tuned_arguments(out, transform)
        except ValueError as error:
            raise ValueError(f"--out would write over another file: {error} Or name another --out.") from None
    elif out.with_suffix(".png").exists():
        raise ValueError(f"--out would write {out.with_suffix('.png')}, which is there already: name another file.")


def _table(plain: Point, found: Sequence[Point], chosen: Point | None, settings: Settings) -> str:
    rows = [["arguments", *settings.columns], [f"threshold {settings.threshold:g}", *_means(plain, settings)]]
    for point in found:
        name = " ".join(f"{key}={value}" for key, value in point.arguments.items())
        rows.append([f"{name} *" if point is chosen else name, *_means(point, settings)])
    return align(rows)


def _means(point: Point, settings: Settings) -> list[str]:
    return [f"{point.mean(column):.4f}" for column in settings.columns]


def _draw(plain: Point, found: Sequence[Point], chosen: Point | None, settings: Settings, path: Path) -> None:
    if not settings.floor or not optional_import("matplotlib")[1]:
        return
    column, (beside, change) = settings.column, next(iter(settings.floor.items()))
    means = [(point.mean(beside), point.mean(column)) for point in found]
    plot_trade_off(
        path,
        means,
        plain=(plain.mean(beside), plain.mean(column)),
        chosen=None if chosen is None else list(found).index(chosen),
        floor=plain.mean(beside) + change,
        names=(beside, column),
    )


def _content(plain: Point, found: Sequence[Point], chosen: Point, settings: Settings) -> dict[str, Any]:
    return {
        "transform": settings.transform,
        "arguments": dict(chosen.arguments),
        "metric": settings.column,
        "settings": {**asdict(settings), "floor": dict(settings.floor), "grid": dict(settings.grid)},
        "versions": dict(versions()),
        "plain": _cases(plain),
        "grid": [{"arguments": dict(point.arguments), "cases": _cases(point)} for point in found],
    }


def _cases(point: Point) -> dict[str, dict[str, float | None]]:
    """Scores by case; an undefined one is null."""
    return {
        case: {column: None if math.isnan(score) else score for column, score in scores.items()}
        for case, scores in point.cases.items()
    }
