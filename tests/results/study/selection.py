"""Which weight of a loss counts: the best F1 score on the validation part with the first seed, if it keeps Dice."""

from __future__ import annotations

import numpy as np

from tests.results.datasets import VALIDATION
from tests.results.study.laboratory import ratios_of, runs_of

CRITERION = "f1"
TOLERANCE = 0.02
"""A weight that costs more Dice than this on the validation part is not chosen as long as another one does not."""


def validated(study, records, loss, ratio, column):
    """A number of the validation part with the first seed, as the network answers; NaN before the run."""
    plain, first = next(iter(study.subject.steps)), runs_of(study, loss, ratio)[0]
    return records[first.key]["scores"][VALIDATION][plain][column] if first.key in records else np.nan


def chosen_ratio(study, records, loss):
    """The ratio of a loss's row in the findings; None before any run, and without a term."""
    base = validated(study, records, study.base(loss), None, "dice")

    def rank(ratio):
        lost = max(0.0, base - TOLERANCE - validated(study, records, loss, ratio, "dice"))
        return lost, -validated(study, records, loss, ratio, CRITERION)

    tried = [ratio for ratio in ratios_of(study, loss) if np.isfinite(validated(study, records, loss, ratio, "dice"))]
    return min(tried, key=rank) if tried else None


def chosen_runs(study, records):
    """Every loss with its weight and every seed."""
    return [run for loss in study.losses for run in runs_of(study, loss, chosen_ratio(study, records, loss))]
