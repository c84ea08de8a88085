"""What the metrics of whole label maps share: ids in their own type, without a copy of the volume."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from numpy.typing import NDArray

from monai_topo.metrics.base import ComponentMetric
from monai_topo.metrics.instance_matching import check_integer_ids
from monai_topo.metrics.partition import InstancesMetric, check_ids


class LabelMapMetric(InstancesMetric):
    """Base of the metrics that compare two label maps of a volume.

    A subclass names its :attr:`components` and implements :meth:`map_components`. The arguments are those of
    :class:`InstancesMetric`.
    """

    @abstractmethod
    def map_components(self, predicted: NDArray[Any], true: NDArray[Any]) -> dict[str, float]:
        """All numbers by name.

        Args:
            predicted: ``(H, W[, D])`` ids of any number type, 0 for no instance.
            true: the same shape.
        """

    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """All numbers of one channel.

        Args:
            prediction: ``(H, W[, D])`` instance ids, or a mask of 0 and 1; -1 is of no instance.
            target: the same shape.
        """
        return self.map_components(self.instance_map(prediction), self.instance_map(target))

    def instance_map(self, array: NDArray[Any]) -> NDArray[Any]:
        """Ids of the instances; a copy of ids as they are would take as much memory as the volume."""
        plain = self.instances == "labels" and self.section_axis is None
        return array if plain and (array.dtype.kind != "i" or array.min() >= 0) else self.find_instances(array)

    def _to_arrays(self, y_pred: torch.Tensor, y: torch.Tensor) -> tuple[NDArray[Any], NDArray[Any]]:
        """Ids in their own type, 0 where voxels are ignored; or masks, ignored voxels -1."""
        if self.instances != "labels":
            return super()._to_arrays(y_pred, y)
        check_ids(y_pred, y)
        return ComponentMetric._to_arrays(self, y_pred, y)

    def _to_array(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        if self.instances != "labels":
            return super()._to_array(values, name)
        check_integer_ids(values, name)
        return values
