"""The grid: every place of it on every case, scored; and which is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from numpy.typing import NDArray
from tqdm import tqdm

from monai_topo.commands.evaluation import Options, score_masks
from monai_topo.commands.evaluation.case import read_pair
from monai_topo.commands.evaluation.metric_table import arguments_of, compares_instances, higher_is_better
from monai_topo.commands.evaluation.pairs import pair_volumes
from monai_topo.commands.evaluation.values import to_ids
from monai_topo.commands.tuning.settings import Settings
from monai_topo.topology import label_components
from monai_topo.transforms import InstanceToMembrane

Scores = dict[str, dict[str, float]]
"""Case to column to number."""


@dataclass(frozen=True)
class Point:
    """One place of the grid.

    Attributes:
        arguments: arguments of the transform; empty for the plain threshold.
        cases: scores of each case.
    """

    arguments: Mapping[str, Any]
    cases: Scores

    def mean(self, column: str) -> float:
        """Mean of a column over the cases in which it is defined; NaN where it is in none."""
        defined = [scores[column] for scores in self.cases.values() if not math.isnan(scores[column])]
        return float(np.mean(defined)) if defined else math.nan


@dataclass(frozen=True)
class _Case:
    name: str
    likelihood: NDArray[Any]
    spacing: tuple[float, ...]
    walls: NDArray[np.bool_]
    ids: NDArray[Any]

    @property
    def image(self) -> MetaTensor:
        """The likelihood, ``(1, H, W[, D])``, with its voxel size: what a transform gets in inference."""
        affine = np.diag([*self.spacing, *[1.0] * (4 - len(self.spacing))])
        native = np.ascontiguousarray(self.likelihood, self.likelihood.dtype.newbyteorder("="))
        return MetaTensor(torch.from_numpy(native)[None], affine=affine)


def search(predictions: Path, labels: Path, settings: Settings) -> tuple[Point, list[Point]]:
    """Score the plain threshold and every place of the grid on every case.

    Args:
        predictions: folder of likelihoods, or one file.
        labels: folder of labels of the same names, or one file: masks, or instance ids of cells.
        settings: options: what is tried and scored.

    Returns:
        The plain threshold, and the places of the grid.

    Raises:
        FileNotFoundError: when a folder does not exist or holds no volume.
        ValueError: when nothing can be paired, or a file is not what is wanted.
    """
    pairs = pair_volumes(predictions, labels, likelihoods=True).pairs
    candidates = settings.candidates()
    plain, found = Point({}, {}), [Point(arguments, {}) for arguments in candidates]
    with tqdm(total=len(pairs) * len(candidates), desc="tune", unit="place") as progress:
        for pair in pairs:
            case = _read(pair)
            plain.cases[case.name] = _score(case, case.likelihood >= settings.threshold, settings)
            for point in found:
                result = settings.build(point.arguments)(case.image)[0]
                point.cases[case.name] = _score(case, np.asarray(result), settings)
                progress.update()
    return plain, found


def choose(plain: Point, found: Sequence[Point], settings: Settings) -> Point | None:
    """The place of the best mean score of those within the floor; None where there is none.

    Example:
        >>> settings = Settings("close_walls", "f1", {"pixel.dice": -0.02})
        >>> plain, good, better = (
        ...     Point({}, {"a": {"betti_matching_f1.f1": f1, "pixel.dice": dice}})
        ...     for f1, dice in ((0.1, 0.8), (0.5, 0.79), (0.9, 0.7))
        ... )
        >>> choose(plain, [good, better], settings) is good
        True
    """
    allowed = [point for point in found if _is_within(point, plain, settings)]
    sign = -1 if higher_is_better(settings.column) else 1
    return min(allowed, key=lambda point: sign * point.mean(settings.column), default=None)


def _is_within(point: Point, plain: Point, settings: Settings) -> bool:
    if math.isnan(point.mean(settings.column)):
        return False
    changes = {column: point.mean(column) - plain.mean(column) for column in settings.floor}
    return all(
        changes[column] >= limit if higher_is_better(column) else changes[column] <= limit
        for column, limit in settings.floor.items()
    )


def _read(pair: Any) -> _Case:
    prediction, label = read_pair(pair, Options(metrics=("pixel",), threshold=0.5))
    likelihood = np.asarray(prediction.array)
    if likelihood.dtype.kind != "f" or likelihood.min() < 0 or likelihood.max() > 1:
        raise ValueError(f"{pair.prediction} must hold likelihoods from 0 to 1: write them with the network's output.")
    spacing = label.known_spacing or prediction.spacing
    values = np.unique(label.array)
    if len(values) <= 2 and values[-1] in (0, 1, 255):
        walls = label.array > 0
        return _Case(pair.name, likelihood, spacing, walls, label_components(~walls, full=False))
    ids = to_ids(label.array)
    return _Case(pair.name, likelihood, spacing, _membranes(ids, spacing), ids)


def _membranes(ids: NDArray[Any], spacing: tuple[float, ...], **cleaning: int) -> NDArray[np.bool_]:
    """Membranes between cells, within each section where sections are thick: as in the bundle's training."""
    membranes = np.asarray(InstanceToMembrane("auto", spacing=spacing, **cleaning)(ids[None]))
    return np.asarray(membranes[0] > 0)


def _score(case: _Case, result: NDArray[Any], settings: Settings) -> dict[str, float]:
    """Scores of a mask of walls, or of the ids of cells, by the columns wanted."""
    if result.dtype == bool or settings.transform != "segment_cells":
        walls = result.astype(bool)
        ids = label_components(~walls, full=False)
    else:
        walls, ids = _membranes(result, case.spacing, opening_radius=0, min_cell_size=0), result
    scores: dict[str, float] = {}
    for name in dict.fromkeys(column.partition(".")[0] for column in settings.columns):
        if compares_instances(name):
            scores |= score_masks(ids, case.ids, Options(metrics=(name,), instances="labels"))
        else:
            wanted = {"frame": settings.frame, "patch_size": settings.patch_size}
            options: dict[str, Any] = {key: value for key, value in wanted.items() if key in arguments_of(name)}
            scores |= score_masks(walls, case.walls, Options(metrics=(name,), **options))
    return {column: float(scores[column]) for column in settings.columns}
