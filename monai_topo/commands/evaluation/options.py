"""What defines the numbers of an evaluation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from monai_topo.commands.evaluation.metric_table import (
    DEFAULT_METRICS,
    DISTANCES,
    METRICS,
    arguments_of,
    build_metric,
    compares_instances,
)

MAX_NODES = 2000
"""Control nodes of APLS in a graph, of which a tree of vessels has fewer and a mask of noise many thousands."""

OF_SOME = (
    "frame",
    "patch_size",
    "num_patches",
    "section_axis",
    "iou_threshold",
    "min_size",
    "merge_tolerance",
    "max_step",
    *DISTANCES,
)
"""Options that only some metrics take."""
_WHOLE = {None: "full", 1: "face"}
_NEIGHBORS = {("full", 2): 8, ("full", 3): 26, ("face", 2): 4, ("face", 3): 6}


@dataclass(frozen=True)
class Options:
    """Everything that the numbers depend on beside the files.

    Distances, ``slack`` to ``merge_radius``, are in voxels, or with ``spacing`` in its unit, for which there is no
    default. None takes the metric's default.

    Attributes:
        metrics: names in the table of metrics.
        connectivity: connectivity of the foreground: None is full, 1 is face.
        frame: count Betti numbers relative to a frame of foreground.
        patch_size: edge lengths of the patches of the Betti error; None for whole volumes.
        num_patches: number of random patches; None for a grid.
        seed: random seed.
        slack: largest distance at which voxels of two centerlines match (ccq).
        max_snap: largest distance of a node from the other graph (apls).
        min_path_length: length of the shortest path that is asked for (apls).
        max_nodes: number of control nodes of a graph that are drawn if it has more (apls); None takes all.
        max_node_dist: largest distance of the end of a path from the prediction (tlts).
        match_radius: largest distance at which junctions match (junction_f1).
        merge_radius: junctions closer than this are one (junction_f1).
        spacing: None: distances are in voxels; ``"file"``: in the unit of the files' voxel size; numbers: the voxel
            size, whatever the files say.
        instances: regions that metrics of partitions compare: ``"foreground"``, ``"background"`` or ``"labels"``.
        section_axis: axis along which no two sections share an instance.
        iou_threshold: intersection over union that a match of instances exceeds, or several of them (instance_f1).
        min_size: number of voxels below which an instance is background (instance_f1).
        merge_tolerance: number of points of another skeleton in a segment that make no merge (expected_run_length).
        max_step: length of the longest step of a tracing, None for steps as traced (expected_run_length).
        labels: classes of label maps, each scored on its own; empty for masks.
        threshold: likelihood from which a voxel of a prediction is foreground; None for masks.
        label_threshold: the same of a label.
        swc_mode: drawing of a label that is an SWC tracing: ``"centerline"`` or ``"tube"``.
        swc_unit: unit of its coordinates: ``"physical"``, that of the prediction's voxel size, or ``"voxel"``.
        swc_origin: place of its coordinate 0 in the first voxel: at its ``"center"`` or its ``"corner"``.
        pred_dataset: dataset of HDF5 predictions; None takes the only one.
        label_dataset: dataset of HDF5 labels.

    Raises:
        ValueError: for an unknown metric, a number that is out of range or not finite, or options that do not go
            together.
    """

    metrics: tuple[str, ...] = DEFAULT_METRICS
    connectivity: int | None = None
    frame: bool = False
    patch_size: tuple[int, ...] | int | None = None
    num_patches: int | None = None
    seed: int = 0
    slack: float | None = None
    max_snap: float | None = None
    min_path_length: float | None = None
    max_nodes: int | None = MAX_NODES
    max_node_dist: float | None = None
    match_radius: float | None = None
    merge_radius: float | None = None
    spacing: tuple[float, ...] | str | None = None
    instances: str = "foreground"
    section_axis: int | None = None
    iou_threshold: tuple[float, ...] | float = 0.5
    min_size: int = 0
    merge_tolerance: int = 0
    max_step: float | None = None
    labels: tuple[int, ...] = ()
    threshold: float | None = None
    label_threshold: float | None = None
    swc_mode: str = "centerline"
    swc_unit: str = "physical"
    swc_origin: str = "center"
    pred_dataset: str | None = None
    label_dataset: str | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.metrics:
            raise ValueError(f"--metrics must be some of {', '.join(METRICS)}, got {', '.join(unknown) or 'none'}.")
        _refuse_twice("--metrics", self.metrics)
        _refuse_twice("--labels", self.labels)
        self._check_numbers()
        if self.labels and not (self.threshold is None and self.label_threshold is None):
            raise ValueError("--labels is for label maps and --threshold for likelihoods: give one of them.")
        if self.instances == "labels":
            self._check_instance_ids()
        self._check_used()
        self._check_distances()
        for name in self.metrics:
            build_metric(name, self.arguments(None))

    def _check_numbers(self) -> None:
        for name in ("threshold", "label_threshold", *DISTANCES):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{_option(name)} must be a finite number, got {value}.")
        if isinstance(self.spacing, str) and self.spacing != "file":
            raise ValueError(f"--spacing must be 'file' or one number for each axis, got {self.spacing!r}.")
        if isinstance(self.spacing, tuple) and not (
            len(self.spacing) in (2, 3) and all(0 < size < math.inf for size in self.spacing)
        ):
            raise ValueError(f"--spacing must be 2 or 3 positive, finite numbers, got {_listed(self.spacing)}.")
        if self.seed < 0:
            raise ValueError(f"--seed must be at least 0, got {self.seed}.")
        if any(number < 0 for number in self.labels):
            raise ValueError(f"--labels must be at least 0, got {_listed(self.labels)}.")

    def _check_instance_ids(self) -> None:
        of_masks = [name for name in self.metrics if not compares_instances(name)]
        if of_masks or self.labels or self.threshold is not None or self.label_threshold is not None:
            fitting = " ".join(name for name in METRICS if compares_instances(name))
            raise ValueError(
                f"--instances labels compares instance ids: it goes with --metrics {fitting}, "
                "and without --labels and --threshold."
            )

    def _check_used(self) -> None:
        """An option that no metric takes would be a promise without effect."""
        taken = {argument for name in self.metrics for argument in arguments_of(name)}
        default = {field.name: field.default for field in fields(self)}
        for name in OF_SOME:
            if getattr(self, name) != default[name] and name not in taken:
                takers = " ".join(metric for metric in METRICS if name in arguments_of(metric))
                raise ValueError(f"{_option(name)} is of {takers}: add that to --metrics, or leave the option out.")

    def _check_distances(self) -> None:
        """A default in voxels is none in another unit."""
        if self.spacing is None:
            return
        missing = {
            name: arguments_of(metric)[name]
            for metric in self.metrics
            for name in METRICS[metric].distances
            if getattr(self, name) is None
        }
        if missing:
            listed = " ".join(f"{_option(name)} {default:g}" for name, default in missing.items())
            raise ValueError(
                f"with --spacing distances are in its unit, but the defaults are in voxels ({listed}): "
                f"give {' and '.join(map(_option, missing))} in that unit."
            )

    def arguments(self, file_spacing: Sequence[float] | None) -> dict[str, Any]:
        """Arguments for the metrics of files of this voxel size; a distance that is not given is the metric's own."""
        mode = "grid" if self.num_patches is None else "random"
        spacing = file_spacing if self.spacing == "file" else self.spacing
        given = {key: value for key, value in vars(self).items() if value is not None or key not in DISTANCES}
        return {**given, "patch_mode": mode, "spacing": spacing}

    def protocol(self, name: str, axes: Collection[int] = ()) -> dict[str, Any]:
        """Everything that defines the numbers of a metric, but which of its components.

        Args:
            name: name of the metric.
            axes: numbers of axes that the volumes have.
        """
        defining = {**build_metric(name, self.arguments(None)).options}
        if "spacing" in defining:
            defining["spacing"] = "voxels" if self.spacing is None else self.spacing
        if "connectivity" in defining:
            defining["connectivity"] = connectivity_name(self.connectivity, axes)
        return {key: value for key, value in defining.items() if key not in ("component", "dim")}


def connectivity_name(connectivity: int | None, axes: Collection[int] = ()) -> str:
    """Connectivity of the foreground in words, with the number of neighbors in volumes of so many axes.

    Example:
        >>> connectivity_name(None, {3}), connectivity_name(1, {2, 3}), connectivity_name(None)
        ('full (26)', 'face (4 in 2D, 6 in 3D)', 'full')
    """
    word = _WHOLE[connectivity]
    numbers = [f"{_NEIGHBORS[word, ndim]}{f' in {ndim}D' if len(axes) > 1 else ''}" for ndim in sorted(axes)]
    return f"{word} ({', '.join(numbers)})" if numbers else word


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _listed(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


def _refuse_twice(option: str, values: Sequence[Any]) -> None:
    twice = [str(value) for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"{option} names {', '.join(twice)} more than once.")
