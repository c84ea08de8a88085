"""What is varied: the threshold of the predictions, and each distance and tolerance that a metric takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from monai_topo.commands.evaluation.metric_table import METRICS, arguments_of
from monai_topo.commands.evaluation.options import OF_SOME, Options

THRESHOLD = "threshold"
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
OVERLAP = "iou_threshold"
OVERLAPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
POINTS = "merge_tolerance"
NUMBERS = (0, 1, 2, 5, 10, 20, 50)
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class SweepOptions:
    """Values that are tried.

    Attributes:
        thresholds: thresholds of predictions that are likelihoods; None takes 0.1, 0.2, ..., 0.9. That of the
            evaluation is tried too.
        factors: factors on each distance of the evaluation, which itself is tried too.

    Raises:
        ValueError: for values that are not finite, factors that are not positive, or values that are there twice.
    """

    thresholds: tuple[float, ...] | None = None
    factors: tuple[float, ...] = FACTORS

    def __post_init__(self) -> None:
        for option, values in (("--sweep-thresholds", self.thresholds or ()), ("--sweep-factors", self.factors)):
            if not all(map(math.isfinite, values)):
                raise ValueError(f"{option} must be finite numbers, got {_listed(values)}.")
            if len(set(values)) < len(values):
                raise ValueError(f"{option} must be different numbers, got {_listed(values)}.")
        if not self.factors or min(self.factors) <= 0:
            raise ValueError(f"--sweep-factors must be positive, got {_listed(self.factors) or 'none'}.")


@dataclass(frozen=True)
class Setting:
    """One place of the sweep.

    Attributes:
        parameter: name of what is varied: ``"threshold"``, ``"iou_threshold"``, ``"merge_tolerance"``, or
            the name of a distance.
        value: its value.
        options: options of the evaluation with that value, and with the metrics that depend on it.
    """

    parameter: str
    value: float
    options: Options


def settings_of(options: Options, sweep: SweepOptions) -> list[Setting]:
    """All places of the sweep, by parameter and value.

    Raises:
        ValueError: when there is nothing to vary, or a value is out of range for a metric.

    Example:
        >>> options = Options(metrics=("pixel", "ccq"), threshold=0.5)
        >>> [(one.parameter, one.value) for one in settings_of(options, SweepOptions((0.3,), (0.2,)))]
        [('threshold', 0.3), ('threshold', 0.5), ('slack', 1.0), ('slack', 5.0)]
    """
    found = [Setting(THRESHOLD, value, replace(options, threshold=value)) for value in _thresholds(options, sweep)]
    for metric in options.metrics:
        single = _only(options, metric)
        for parameter, values in _tolerances(options, sweep, metric).items():
            found += [Setting(parameter, value, _with(single, parameter, value)) for value in values]
    if not found:
        takers = " ".join(
            name for name, entry in METRICS.items() if entry.distances or {OVERLAP, POINTS} & arguments_of(name).keys()
        )
        raise ValueError(
            "--sweep has nothing to vary: say by --threshold that predictions are likelihoods, or take a metric of "
            f"tolerances ({takers})."
        )
    return found


def given_value(options: Options, parameter: str, metric: str = "") -> float:
    """The value that the evaluation has: the option's or the metric's default."""
    value = getattr(options, parameter)
    return float(arguments_of(metric)[parameter] if value is None else value)


def _thresholds(options: Options, sweep: SweepOptions) -> list[float]:
    if options.threshold is None:
        if sweep.thresholds is not None:
            raise ValueError("--sweep-thresholds needs --threshold, which says that predictions are likelihoods.")
        return []
    if sweep.thresholds is None and not 0 < options.threshold <= 1:
        raise ValueError(
            f"--sweep-thresholds must be given: --threshold {options.threshold:g} is of another scale than 0.1 to 0.9."
        )
    return sorted({*(sweep.thresholds or THRESHOLDS), options.threshold})


def _tolerances(options: Options, sweep: SweepOptions, metric: str) -> dict[str, list[float]]:
    """What decides whether something matches, by name; an IoU of which a mean over several is asked for stays."""
    found: dict[str, list[float]] = {}
    for distance in METRICS[metric].distances:
        given = given_value(options, distance, metric)
        found[distance] = sorted({given, *(factor * given for factor in sweep.factors)})
    if OVERLAP in arguments_of(metric) and isinstance(options.iou_threshold, float):
        found[OVERLAP] = sorted({*OVERLAPS, options.iou_threshold})
    if POINTS in arguments_of(metric):
        found[POINTS] = sorted({*NUMBERS, options.merge_tolerance})
    return found


def _with(options: Options, parameter: str, value: float) -> Options:
    changed: dict[str, Any] = {parameter: value}
    return replace(options, **changed)


def _only(options: Options, metric: str) -> Options:
    """The options with one metric, without those that it does not take."""
    taken = arguments_of(metric)
    defaults: dict[str, Any] = {field.name: field.default for field in fields(Options)}
    others = {name: defaults[name] for name in OF_SOME if name not in taken}
    return replace(options, metrics=(metric,), **others)


def _listed(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in values)
