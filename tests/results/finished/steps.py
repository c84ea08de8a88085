"""What a step is, how its arguments are chosen, and the mean of its scores over volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from monai_topo.commands.tuning import Settings, choose, search

THRESHOLD = 0.5
PATCH_SIZE = 64
"""Of the framed patches whose features are matched."""


@dataclass(frozen=True)
class Step:
    """From a likelihood to a finished segmentation.

    Attributes:
        title: of its rows.
        apply: from a likelihood, the size of its voxels and the arguments to what the experiment scores.
        transform: name of the transform for ``tune``; empty for a step without arguments of its own.
        grid: values of its arguments that are tried on the validation part.
        floor: how much worse than the plain threshold a score may be there.
        like: name of the step whose arguments it takes.
        metric: column of ``evaluate`` that chooses; None is the transform's own.
        frame: whether Betti numbers are those of framed patches in ``tune``, else of whole volumes.
    """

    title: str
    apply: Callable[..., Any]
    transform: str = ""
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    floor: Mapping[str, float] = field(default_factory=dict)
    like: str = ""
    metric: str | None = None
    frame: bool = True


@dataclass(frozen=True)
class Kind:
    """What is segmented: walls or tubes.

    Attributes:
        steps: name to step, in the order of the rows.
        columns: heading to number of ``score``.
        score: from what a step gives, label and size of the voxels to numbers.
        counts: numbers that are summed over the volumes; of the others the mean is taken.
        likelihoods: which ones the steps go on from (``networks``), the one of the picture last.
    """

    steps: Mapping[str, Step]
    columns: Mapping[str, str]
    score: Callable[..., dict[str, float]]
    counts: frozenset[str]
    likelihoods: tuple[str, ...]

    def over_volumes(self, scores):
        """One number of those of each volume, of the volumes in which it is defined."""
        found = {}
        for column in scores[0]:
            defined = [score[column] for score in scores if np.isfinite(score[column])]
            total = np.sum(defined) if column in self.counts else np.mean(defined) if defined else np.nan
            found[column] = round(float(total), 5) if np.isfinite(total) else None
        return found


def tuned(step, likelihoods, labels):
    """The arguments that ``python -m monai_topo tune`` chooses for two folders.

    None, which are the transform's own, where all of the grid cost more than may be.
    """
    patch_size = PATCH_SIZE if step.frame else None
    settings = Settings(step.transform, step.metric, step.floor, step.grid, frame=step.frame, patch_size=patch_size)
    plain, found = search(likelihoods, labels, settings)
    chosen = choose(plain, found, settings)
    return dict(chosen.arguments) if chosen else {}
