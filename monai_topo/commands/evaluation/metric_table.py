"""The metrics that ``evaluate`` knows: name to metric, which end of it is better, and what in it is a distance."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from monai_topo.metrics import (
    AdaptedRandErrorMetric,
    APLSMetric,
    BettiErrorMetric,
    BettiMatchingErrorMetric,
    BettiMatchingF1Metric,
    BranchesDetectedMetric,
    CCQMetric,
    CenterlineDiceMetric,
    ComponentMetric,
    DetectedMetric,
    EulerErrorMetric,
    ExpectedRunLengthMetric,
    InstanceF1Metric,
    InstancesMetric,
    JunctionF1Metric,
    TLTSMetric,
    TopologyMetric,
    TreeLengthDetectedMetric,
    VariationOfInformationMetric,
)

if TYPE_CHECKING:
    import networkx


class PixelMetric(ComponentMetric):
    """Dice, intersection over union (quality), precision (correctness), sensitivity (completeness) and accuracy.

    An empty truth leaves all but the accuracy undefined.
    """

    components = ("dice", "quality", "correctness", "completeness", "accuracy")

    def __init__(self, component: str = "dice") -> None:
        super().__init__(True, component)

    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """All five."""
        without_slack = CCQMetric(slack=0, skeletonize=False).channel_components(prediction, target)
        quality = without_slack["quality"]
        accuracy = float((prediction == target).mean())
        return {"dice": 2 * quality / (1 + quality), **without_slack, "accuracy": accuracy}


@dataclass(frozen=True)
class Entry:
    """One metric of the command.

    Attributes:
        metric: the metric; arguments that the command has options for are set from them.
        higher_is_better: whether a high number is good.
        components: components of a :class:`ComponentMetric`, those that become columns; empty for all.
        distances: arguments that are lengths, in voxels or in the unit of the voxel size.
        errors: components of which, unlike the others, a low number is good.
    """

    metric: type[TopologyMetric]
    higher_is_better: bool
    components: tuple[str, ...] = ()
    distances: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


METRICS: dict[str, Entry] = {
    "pixel": Entry(PixelMetric, higher_is_better=True),
    "betti_error": Entry(BettiErrorMetric, higher_is_better=False),
    "betti_matching_error": Entry(BettiMatchingErrorMetric, higher_is_better=False),
    "betti_matching_f1": Entry(BettiMatchingF1Metric, higher_is_better=True),
    "euler_error": Entry(EulerErrorMetric, higher_is_better=False),
    "centerline_dice": Entry(CenterlineDiceMetric, higher_is_better=True),
    "ccq": Entry(CCQMetric, higher_is_better=True, distances=("slack",)),
    "apls": Entry(APLSMetric, higher_is_better=True, components=("apls",), distances=("max_snap", "min_path_length")),
    "tlts": Entry(TLTSMetric, higher_is_better=True, components=("correct",), distances=("max_node_dist",)),
    "junction_f1": Entry(JunctionF1Metric, higher_is_better=True, distances=("match_radius", "merge_radius")),
    "tree_length_detected": Entry(TreeLengthDetectedMetric, higher_is_better=True),
    "branches_detected": Entry(BranchesDetectedMetric, higher_is_better=True),
    "adapted_rand_error": Entry(AdaptedRandErrorMetric, higher_is_better=False, components=("error",)),
    "variation_of_information": Entry(VariationOfInformationMetric, higher_is_better=False),
    "instance_f1": Entry(InstanceF1Metric, higher_is_better=True),
    "expected_run_length": Entry(
        ExpectedRunLengthMetric,
        higher_is_better=True,
        components=("erl", "normalized", "omitted", "num_splits", "num_merges"),
        errors=("omitted", "num_splits", "num_merges"),
    ),
}
"""Name on the command line to metric."""

DEFAULT_METRICS = ("pixel", "betti_error", "euler_error", "centerline_dice")


DISTANCES = tuple(distance for entry in METRICS.values() for distance in entry.distances)
"""All arguments that are lengths."""


def arguments_of(name: str) -> dict[str, Any]:
    """Arguments of a metric and their defaults."""
    parameters = inspect.signature(METRICS[name].metric).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


def build_metric(name: str, options: Mapping[str, Any]) -> TopologyMetric:
    """The metric of a name, with those options that it has an argument for."""
    arguments = arguments_of(name)
    return METRICS[name].metric(**{key: value for key, value in options.items() if key in arguments})


def compares_instances(name: str) -> bool:
    """Whether a metric can take instance ids instead of masks."""
    return issubclass(METRICS[name].metric, InstancesMetric)


def compute(
    name: str,
    metric: TopologyMetric,
    prediction: NDArray[Any],
    label: NDArray[Any],
    tracing: networkx.Graph | None = None,
) -> dict[str, float]:
    """Numbers of one pair of masks or label maps, by column: ``name``, or ``name.component`` where it has several.

    Args:
        name: name of the metric.
        metric: the metric.
        prediction: mask or label map.
        label: the same shape.
        tracing: tracing that ``label`` was drawn of, for metrics that compare a prediction with a tracing.

    Example:
        >>> import numpy as np
        >>> compute("euler_error", EulerErrorMetric(), np.eye(3) > 0, np.zeros((3, 3)) > 0)
        {'euler_error': 1.0}
    """
    if not isinstance(metric, ComponentMetric):
        return {name: metric.channel_value(prediction, label)}
    if tracing is not None and isinstance(metric, DetectedMetric | ExpectedRunLengthMetric):
        found = metric.tracing_components(prediction, label, tracing)
    else:
        found = metric.channel_components(prediction, label)
    chosen = METRICS[name].components or tuple(found)
    return {f"{name}.{part}" if len(chosen) > 1 else name: found[part] for part in chosen}


def metric_of(column: str) -> str:
    """Name of the metric that a column is of."""
    return column.partition(".")[0]


def higher_is_better(column: str) -> bool:
    """Whether a high number in a column is good."""
    entry = METRICS[metric_of(column)]
    return entry.higher_is_better and column.partition(".")[2] not in entry.errors
