"""What is tuned, by which score, and within which floor."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from monai_topo import transforms
from monai_topo.commands.evaluation.metric_table import METRICS, higher_is_better
from monai_topo.transforms import BridgeGaps, CloseWalls, SegmentCells

ALIASES = {"dice": "pixel.dice", "f1": "betti_matching_f1.f1", "voi": "variation_of_information.sum"}
"""Short names of columns."""


@dataclass(frozen=True)
class Tunable:
    """A transform that can be tuned.

    Attributes:
        transform: name of its class.
        grid: values of its arguments that are tried, unless the user says others.
        metric: column that chooses, unless the user says another.
    """

    transform: str
    grid: Mapping[str, Sequence[Any]]
    metric: str = "variation_of_information.sum"


TUNABLE = {
    "close_walls": Tunable(
        CloseWalls.__name__, {"sigma": (0, 0.7, 1.0), "persistence_threshold": (0.01, 0.02, 0.03, 0.05, 0.1)}
    ),
    "segment_cells": Tunable(
        SegmentCells.__name__, {"persistence_threshold": (0.01, 0.03), "level": (0.2, 0.3, 0.4, 0.5, 0.6)}
    ),
    "bridge_gaps": Tunable(
        BridgeGaps.__name__,
        {"floor": (0.1, 0.15, 0.25), "persistence_threshold": (0.05, 0.1), "max_angle": (45.0, 75.0)},
        "betti_matching_f1.f1",
    ),
}
"""Name on the command line to transform."""


@dataclass(frozen=True)
class Settings:
    """Everything that the choice depends on beside the files.

    Attributes:
        transform: name in :data:`TUNABLE`.
        metric: column of ``evaluate`` that chooses; None is the transform's own.
        floor: column to the change from the plain threshold that is allowed, such as -0.02 of ``"pixel.dice"``.
        grid: argument to values; those that are not named have one value, the transform's default.
        threshold: likelihood from which a voxel of the plain mask is foreground.
        frame: count Betti numbers relative to a frame of foreground.
        patch_size: edge lengths of the patches of Betti scores; None for whole volumes.

    Raises:
        ValueError: for an unknown name, or a floor that is in the wrong direction.
    """

    transform: str
    metric: str | None = None
    floor: Mapping[str, float] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    threshold: float = 0.5
    frame: bool = True
    patch_size: tuple[int, ...] | int | None = None

    def __post_init__(self) -> None:
        if self.transform not in TUNABLE:
            raise ValueError(f"--transform must be one of {', '.join(TUNABLE)}, got {self.transform}.")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"--threshold must be a likelihood from 0 to 1, got {self.threshold}.")
        for column in (self.column, *self.floor):
            _check_column(column)
        for column, change in self.floor.items():
            if (change <= 0) != higher_is_better(column) and change != 0:
                better = "0 or less" if higher_is_better(column) else "0 or more"
                raise ValueError(f"--floor says how much worse {column} may be: {better}, got {change}.")
        for arguments in self.candidates():
            self.build(arguments)

    @property
    def column(self) -> str:
        """The column that chooses."""
        return ALIASES.get(self.metric or "", self.metric) or TUNABLE[self.transform].metric

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are computed, the one that chooses first."""
        return tuple(dict.fromkeys([self.column, *self.floor]))

    def candidates(self) -> list[dict[str, Any]]:
        """Arguments of every place of the grid."""
        grid = self.grid or TUNABLE[self.transform].grid
        return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]

    def build(self, arguments: Mapping[str, Any]) -> Any:
        """The transform with these arguments.

        Raises:
            ValueError: when it has no such argument, or refuses one.
        """
        transform = getattr(transforms, TUNABLE[self.transform].transform)
        known = inspect.signature(transform).parameters
        unknown = [name for name in arguments if name not in known]
        if unknown:
            raise ValueError(
                f"--grid: {self.transform} has no argument {', '.join(unknown)}; it has {', '.join(known)}."
            )
        return transform(**arguments)


def _check_column(column: str) -> None:
    name, _, part = column.partition(".")
    if name not in METRICS:
        short = ", ".join(ALIASES)
        raise ValueError(f"{column} is no column of evaluate: METRIC.COMPONENT, or one of {short}.")
    components = getattr(METRICS[name].metric, "components", ())
    if components and part not in components:
        raise ValueError(f"{column}: of {name} say one of {', '.join(f'{name}.{known}' for known in components)}.")
