"""The scores of one case at every place of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai_topo.commands.evaluation.case import check_in_memory, comparisons, read_pair, score_masks, tracing_of
from monai_topo.commands.evaluation.pairs import Pair
from monai_topo.commands.evaluation.sweep.settings import Setting


def score_case_sweep(pair: Pair, settings: Sequence[Setting]) -> list[dict[str, Any]]:
    """Rows with label, parameter, value, scores and whether the case holds the class; the files are read once.

    Raises:
        ValueError: when a file cannot be read or is not what the options say, or memory does not hold it.
    """
    options = settings[0].options
    check_in_memory(pair, options, "--sweep")
    prediction, label = read_pair(pair, options)
    spacing = label.known_spacing or prediction.known_spacing
    return [
        {
            "label": number,
            "parameter": setting.parameter,
            "value": setting.value,
            "scores": score_masks(predicted, true, setting.options, spacing, tracing=tracing_of(label, number)),
            "held": number is None or bool(predicted.any() or true.any()),
        }
        for setting in settings
        for number, predicted, true in comparisons(prediction, label, setting.options)
    ]
