"""Metrics of topology on the patches that nnU-Net validates on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed

from monai_topo.metrics import TopologyMetric


class PatchScores:
    """Scores of predicted patches, class by class, averaged over an epoch and over processes.

    Args:
        metrics: metric of each name; their channels are the foreground classes, or the regions.
        num_classes: number of foreground classes or regions.

    Example:
        >>> from monai_topo.metrics import BettiErrorMetric
        >>> scores = PatchScores({"betti_error": BettiErrorMetric()}, num_classes=1)
        >>> target = torch.zeros(1, 1, 8, 9)
        >>> target[..., 1:7, 2:8] = 1
        >>> scores.add(*masks_of(torch.zeros(1, 2, 8, 9), target))
        >>> scores.means()
        {'betti_error': [1.0]}
    """

    def __init__(self, metrics: Mapping[str, TopologyMetric], num_classes: int) -> None:
        self.metrics = dict(metrics)
        self.num_classes = num_classes
        self.reset()

    @property
    def unknown(self) -> list[float]:
        """NaN for each class."""
        return [float("nan")] * self.num_classes

    def reset(self) -> None:
        """Forget all patches."""
        self.num_batches = 0
        self._values: dict[str, list[NDArray[np.float32]]] = {name: [] for name in self.metrics}

    def add(self, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Score a batch.

        Args:
            prediction: ``(B, num_classes, H, W[, D])`` masks.
            target: the same of the label.
        """
        self.num_batches += 1
        for name, metric in self.metrics.items():
            self._values[name].append(metric(prediction, target).cpu().numpy())
            metric.reset()

    def means(self) -> dict[str, list[float]]:
        """Mean of each metric for each class over the patches where it is defined; NaN where there is none."""
        return {name: self._mean(gathered(values)) for name, values in self._values.items()}

    def _mean(self, values: list[NDArray[np.float32]]) -> list[float]:
        table = np.concatenate([np.empty((0, self.num_classes), np.float32), *values]).astype(np.float64)
        defined = ~np.isnan(table)
        counts = defined.sum(axis=0)
        sums = np.where(defined, table, 0).sum(axis=0)
        return [float(total / count) if count else float("nan") for total, count in zip(sums, counts, strict=True)]


def gathered(values: list[Any]) -> list[Any]:
    """The values of all processes of a distributed run, each of which must call it; these values elsewhere."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return values
    parts: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(parts, values)
    return [value for part in parts for value in part]


def masks_of(
    output: torch.Tensor, target: torch.Tensor, regions: bool = False, ignore_label: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Predicted and true masks of the foreground; ignored voxels are 0 in both.

    Args:
        output: logits at full resolution, ``(B, C, H, W[, D])``.
        target: target as nnU-Net gives it, see :class:`TermAtFullResolution`.
        regions: whether the channels are regions, predicted where their likelihood is above 0.5, and not classes, of
            which the largest logit decides.
        ignore_label: nnU-Net's ignore label, None where there is none.

    Returns:
        Two bool tensors: ``(B, C - 1, H, W[, D])`` without the background, or ``(B, C, H, W[, D])`` of regions.
    """
    count = output.shape[1]
    if regions:
        predicted, true = output > 0, target[:, :count].bool()
        ignored = target[:, count : count + 1].bool() if ignore_label is not None else None
    else:
        classes = torch.arange(1, count, device=output.device).reshape(1, -1, *[1] * (output.ndim - 2))
        predicted, true = output.argmax(1, keepdim=True) == classes, target[:, :1] == classes
        ignored = target[:, :1] == ignore_label if ignore_label is not None else None
    if ignored is not None:
        predicted, true = predicted & ~ignored, true & ~ignored
    return predicted, true
