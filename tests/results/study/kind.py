"""What is segmented, and so how it is finished, scored, and answered without a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.results.finished.steps import Step

Scores = dict[str, float]


@dataclass(frozen=True)
class Subject:
    """What is segmented: membranes, vessels, mortar.

    Attributes:
        steps: name to step from likelihood to result; the first is the plain threshold.
        columns: heading to number of ``score``, in the order of the tables.
        score: from result, label and size of the voxels to numbers, and to the features of the patches.
        controls: from a label to answers that no network gives: title to draws.
        without_network: from an image to what stands for a likelihood.
        counts: numbers that are summed over volumes; of the others the mean is taken.
        shown: heading to number of the panels of the picture.
        mask_of: from what a step gives to a mask.
        flat: from an image to the part of it that a picture shows.
        colors: from a mask to such a picture, its parts in random colors.
        at_precision: whether networks are compared at one centerline precision too.
    """

    steps: Mapping[str, Step]
    columns: Mapping[str, str]
    score: Callable[[Any, NDArray[np.bool_], tuple[float, ...]], tuple[Scores, NDArray[np.int64]]]
    controls: Callable[[NDArray[np.bool_]], dict[str, list[Any]]]
    without_network: Callable[[NDArray[Any]], NDArray[Any]]
    counts: frozenset[str]
    shown: Mapping[str, str]
    mask_of: Callable[[Any], NDArray[np.bool_]]
    flat: Callable[[NDArray[Any]], NDArray[Any]]
    colors: Callable[[NDArray[np.bool_]], NDArray[np.float64]]
    at_precision: bool = False


def stretched(values):
    """From 0 to 1, but for the lowest and the highest hundredth."""
    low, high = np.percentile(values, [1, 99])
    return np.clip((values - low) / (high - low), 0, 1)
