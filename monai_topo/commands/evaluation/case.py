"""One case: read, checked and scored."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from numpy.typing import NDArray

from monai_topo.commands.evaluation.metric_table import build_metric, compute
from monai_topo.commands.evaluation.options import Options
from monai_topo.commands.evaluation.report import Row
from monai_topo.commands.evaluation.volumes import Pair, VolumeFile, check_same_grid, read_volume, to_labels, to_mask

PACKAGES = ("monai_topo", "monai", "numpy", "scipy", "scikit-image", "torch")


def score_case(pair: Pair, options: Options) -> list[Row]:
    """Numbers of one case, a row for each class.

    Raises:
        ValueError: when a file cannot be read or is not what the options say.
    """
    prediction, label = read_pair(pair, options)
    spacing = label.spacing or prediction.spacing
    if options.spacing == "file" and spacing is None:
        raise ValueError("neither file holds a voxel size: give it by --spacing.")
    metrics = {name: build_metric(name, options.arguments(spacing)) for name in options.metrics}
    rows = []
    for number, predicted, true in comparisons(prediction, label, options):
        scores: dict[str, float] = {}
        for name, metric in metrics.items():
            scores.update(compute(name, metric, predicted, true))
        rows.append(Row(pair.name, number, scores))
    return rows


def read_pair(pair: Pair, options: Options) -> tuple[VolumeFile, VolumeFile]:
    """Prediction and label, on one grid.

    Raises:
        ValueError: when a file cannot be read, or shape or voxel size differ.
    """
    prediction = read_volume(pair.prediction, options.pred_dataset)
    label = read_volume(pair.label, options.label_dataset)
    check_same_grid(prediction, label, check_spacing=options.spacing in (None, "file"))
    return prediction, label


def comparisons(
    prediction: VolumeFile, label: VolumeFile, options: Options
) -> Iterator[tuple[int | None, NDArray[Any], NDArray[Any]]]:
    """What is compared: for each class, its number, predicted and true mask; or two masks or label maps at once."""
    if options.instances == "labels":
        yield None, to_labels(prediction), to_labels(label)
    elif options.labels:
        predicted, true = to_labels(prediction), to_labels(label)
        for number in options.labels:
            yield number, predicted == number, true == number
    else:
        yield None, to_mask(prediction, options.threshold), to_mask(label)


def fingerprint(pair: Pair, options: Options) -> str:
    """Digest of all that the numbers of a case depend on: its files, the options, the versions."""
    files = [
        (str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in (pair.prediction, pair.label)
    ]
    return hashlib.sha256(json.dumps([files, asdict(options), versions()]).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of what computes the numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
