"""What defines the numbers of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monai_topo.commands.evaluation.metric_table import DEFAULT_METRICS, METRICS, build_metric, compares_instances


@dataclass(frozen=True)
class Options:
    """Everything that the numbers depend on beside the files.

    Attributes:
        metrics: names in the table of metrics.
        connectivity: of the foreground: None is full, 1 is face.
        frame: count Betti numbers relative to a frame of foreground.
        patch_size: edge lengths of the patches of the Betti error; None for whole volumes.
        num_patches: number of random patches; None for a grid.
        seed: of everything random.
        slack: largest distance at which centerlines match.
        spacing: None: distances are in voxels; ``"file"``: in the unit of the files' voxel size; numbers: the voxel
            size, whatever the files say.
        instances: what metrics of partitions compare: ``"foreground"``, ``"background"`` or ``"labels"``.
        section_axis: axis along which no two sections share an instance.
        labels: classes of label maps, each scored on its own; empty for masks.
        threshold: likelihood from which a voxel of a prediction is foreground; None for masks.
        pred_dataset: dataset of HDF5 predictions; None takes the only one.
        label_dataset: dataset of HDF5 labels.

    Raises:
        ValueError: for an unknown metric, or options that do not go together.
    """

    metrics: tuple[str, ...] = DEFAULT_METRICS
    connectivity: int | None = None
    frame: bool = False
    patch_size: tuple[int, ...] | int | None = None
    num_patches: int | None = None
    seed: int = 0
    slack: float = 5.0
    spacing: tuple[float, ...] | str | None = None
    instances: str = "foreground"
    section_axis: int | None = None
    labels: tuple[int, ...] = ()
    threshold: float | None = None
    pred_dataset: str | None = None
    label_dataset: str | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.metrics:
            raise ValueError(f"--metrics must be some of {', '.join(METRICS)}, got {', '.join(unknown) or 'none'}.")
        if self.labels and self.threshold is not None:
            raise ValueError("--labels is for label maps and --threshold for likelihoods: give one of them.")
        if isinstance(self.spacing, str) and self.spacing != "file":
            raise ValueError(f"--spacing must be 'file' or one number for each axis, got {self.spacing!r}.")
        if self.instances == "labels":
            self._check_instance_ids()
        for name in self.metrics:
            build_metric(name, self.arguments(None))

    def _check_instance_ids(self) -> None:
        of_masks = [name for name in self.metrics if not compares_instances(name)]
        if of_masks or self.labels or self.threshold is not None:
            fitting = " ".join(name for name in METRICS if compares_instances(name))
            raise ValueError(
                f"--instances labels compares instance ids: it goes with --metrics {fitting}, "
                "and without --labels and --threshold."
            )

    def arguments(self, file_spacing: tuple[float, ...] | None) -> dict[str, Any]:
        """Arguments for the metrics of files of this voxel size."""
        mode = "grid" if self.num_patches is None else "random"
        spacing = file_spacing if self.spacing == "file" else self.spacing
        return {**vars(self), "patch_mode": mode, "spacing": spacing}

    def protocol(self, name: str) -> dict[str, Any]:
        """Everything that defines the numbers of a metric, but which of its components."""
        defining = build_metric(name, self.arguments(None)).options
        if "spacing" in defining:
            defining["spacing"] = self.spacing
        return {key: value for key, value in defining.items() if key not in ("component", "dim")}
