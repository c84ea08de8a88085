"""The scores of all controls of one case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.commands.evaluation.case import check_in_memory, comparisons, read_pair, score_masks, tracing_of
from monai_topo.commands.evaluation.controls.masks import (
    PREDICTION,
    Control,
    ControlOptions,
    masks_of,
    repairs_of,
    seed_of,
    structure_of,
)
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.pairs import Pair


@dataclass(frozen=True)
class Settings:
    """What the scores of controls depend on beside the files.

    Attributes:
        options: options that define the numbers.
        controls: names of the controls.
        before: case to the file before the repair.
    """

    options: Options
    controls: ControlOptions
    before: Mapping[str, Path]


def score_case_controls(pair: Pair, settings: Settings) -> dict[str, Any]:
    """Scores of the prediction and of its controls.

    Returns:
        ``structures``, the kind of random structure of each class; and ``rows``, each with label, control, draw,
        scores and whether the case holds the class.

    Raises:
        ValueError: when a file cannot be read or is not what the options say, or memory does not hold it.
    """
    options = settings.options
    check_in_memory(pair, options, "--controls")
    prediction, label = read_pair(pair, options)
    spacing = label.known_spacing or prediction.known_spacing
    before = _before(pair, settings)
    rows, structures = [], {}
    for number, predicted, true in comparisons(prediction, label, options):
        structures[str(number)] = _structures(true, settings)
        masks = [(PREDICTION, 0, predicted)]
        held = number is None or bool(predicted.any() or true.any())
        for control, draw, mask in [*masks, *_controls(pair, number, predicted, true, before, spacing, settings)]:
            scores = score_masks(mask, true, options, spacing, tracing=tracing_of(label, number))
            rows.append({"label": number, "control": control, "draw": draw, "scores": scores, "held": held})
    return {"structures": structures, "rows": rows}


def _structures(true: NDArray[Any], settings: Settings) -> str:
    if settings.options.instances == "labels":
        return "membranes"
    chosen = settings.controls.structures
    return structure_of(true) if chosen == "auto" else chosen


def _controls(
    pair: Pair,
    number: int | None,
    predicted: NDArray[Any],
    true: NDArray[Any],
    before: Mapping[int | None, NDArray[Any]],
    spacing: tuple[float, ...] | None,
    settings: Settings,
) -> Iterator[Control]:
    options, draws = settings.options, range(settings.controls.draws)
    seeds = [seed_of(pair.name, number, options.seed, draw) for draw in draws]
    yield from masks_of(true, options.instances == "labels", _structures(true, settings), spacing, seeds)
    if number in before:
        yield from repairs_of(before[number], predicted, seeds)


def _before(pair: Pair, settings: Settings) -> dict[int | None, NDArray[Any]]:
    """Masks before the repair, by class."""
    if settings.controls.before is None:
        return {}
    if pair.name not in settings.before:
        raise ValueError(f"--before {settings.controls.before} holds no prediction of this case.")
    threshold = settings.controls.before_threshold
    options = settings.options if threshold is None else replace(settings.options, threshold=threshold)
    try:
        raw, label = read_pair(Pair(pair.name, settings.before[pair.name], pair.label), options)
        return {number: np.asarray(mask) for number, mask, _ in comparisons(raw, label, options)}
    except ValueError as error:
        raise ValueError(str(error).replace("--threshold", "--before-threshold")) from None
