"""What the metrics of partitions share: instance maps, or the instances that a binary mask separates."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from monai.utils import MetricReduction
from numpy.typing import NDArray
from scipy import ndimage

from monai_topo.metrics.base import ComponentMetric, plain_array
from monai_topo.metrics.instance_matching import check_integer_ids
from monai_topo.topology import is_full_connectivity

INSTANCES = ("labels", "foreground", "background")
_IGNORED = -1


class InstancesMetric(ComponentMetric):
    """Base of the metrics that compare instances, given as ids or found in masks.

    A subclass names its :attr:`components` and implements :meth:`channel_components`.

    Args:
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        component: the number that this instance gives, one of :attr:`components`.
        instances: meaning of the inputs. ``"labels"``: ``(B, 1, H, W[, D])`` integer ids, 0 is no instance. Masks of 0
            and 1 otherwise, whose instances are the components of the ``"foreground"`` (vessels) or of the
            ``"background"`` (cells between membranes).
        connectivity: connectivity of the mask's foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6). The
            background has the other one, so cells are face-connected by default.
        section_axis: spatial axis along which no two sections share an instance, for anisotropic stacks (2 or -1 for
            files read as x, y, z); None takes the volume whole.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are of no instance.

    Raises:
        ValueError: for an unknown component or kind of instances.
    """

    def __init__(
        self,
        include_background: bool,
        component: str,
        instances: str = "labels",
        connectivity: int | None = None,
        section_axis: int | None = None,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(include_background, component, reduction, get_not_nans, ignore_index)
        if instances not in INSTANCES:
            raise ValueError(f"instances must be one of {INSTANCES}, got {instances!r}.")
        self.instances = instances
        self.connectivity = connectivity
        self.section_axis = section_axis

    def find_instances(self, array: NDArray[Any]) -> NDArray[Any]:
        """Small ids of the instances from 1 on, 0 elsewhere.

        Args:
            array: ``(H, W[, D])`` instance ids, or a mask of 0 and 1; -1 is of no instance.

        Raises:
            ValueError: when ``section_axis`` is no axis of the array.
        """
        axis = self.section_axis
        if axis is not None and not -array.ndim <= axis < array.ndim:
            raise ValueError(f"section_axis must be an axis of {array.ndim}D data, got {axis}.")
        if self.instances != "labels":
            return _components(array, self.instances == "foreground", self.connectivity, axis)
        ids = _small_ids(np.maximum(array, array.dtype.type(0)))
        return ids if axis is None else _apart_by_section(ids, axis)

    def _to_arrays(self, y_pred: torch.Tensor, y: torch.Tensor) -> tuple[NDArray[Any], NDArray[Any]]:
        """Ids or masks, ignored voxels -1."""
        if self.instances == "labels":
            check_ids(y_pred, y)
        prediction, target = super()._to_arrays(y_pred, y)
        outside = self._ignored(plain_array(y))
        if outside is None:
            return prediction, target
        return np.where(outside, _IGNORED, prediction), np.where(outside, _IGNORED, target)

    def _to_array(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        if self.instances != "labels":
            return super()._to_array(values, name).astype(np.int8)
        check_integer_ids(values, name)
        return _small_ids(values)


class PartitionMetric(InstancesMetric):
    """Base of the metrics that compare two partitions of a volume into instances.

    A subclass names its :attr:`components` and implements :meth:`partition_components`. Voxels of instance 0 in the
    ground truth are not scored; one that is 0 in the prediction alone belongs to a segment like any other.

    Args:
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        component: the number that this instance gives, one of :attr:`components`.
        instances: meaning of the inputs. ``"labels"``: ``(B, 1, H, W[, D])`` integer ids, 0 is no instance. Masks of 0
            and 1 otherwise, whose instances are the components of the ``"foreground"`` (vessels) or of the
            ``"background"`` (cells between membranes).
        connectivity: connectivity of the mask's foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6). The
            background has the other one, so cells are face-connected by default.
        section_axis: spatial axis along which no two sections share an instance, for anisotropic stacks (2 or -1 for
            files read as x, y, z); None takes the volume whole.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are of no instance and not scored.

    Raises:
        ValueError: for an unknown component or kind of instances.

    Example:
        >>> class Counts(PartitionMetric):
        ...     components = ("difference",)
        ...     def partition_components(self, true, predicted):
        ...         return {"difference": float(len(np.unique(predicted)) - len(np.unique(true)))}
        >>> Counts(True, "difference")(torch.tensor([[[[1, 2, 3]]]]), torch.tensor([[[[1, 1, 1]]]]))
        tensor([[2.]])
    """

    @abstractmethod
    def partition_components(self, true: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
        """All numbers by name.

        Args:
            true: ``(N,)`` true instance of each voxel, small non-negative ids, at least one above 0.
            predicted: ``(N,)`` predicted instances.
        """

    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """All numbers of one channel; NaN where the target has no instance.

        Args:
            prediction: ``(H, W[, D])`` instance ids, or a mask of 0 and 1.
            target: the same shape. Voxels that are -1 are not scored.
        """
        scored = target != _IGNORED
        true, predicted = (self.find_instances(array)[scored] for array in (target, prediction))
        if not true.any():
            return dict.fromkeys(self.components, np.nan)
        return self.partition_components(true, predicted)


def check_ids(y_pred: torch.Tensor, y: torch.Tensor) -> None:
    """Refuse ids in several channels, and those of floats that other ids may have been rounded to.

    Raises:
        ValueError: naming the argument.
    """
    if y.shape[1] != 1:
        raise ValueError(
            f"instance ids must come in one channel, got {y.shape[1]} in shape {tuple(y.shape)}: "
            "masks need instances='foreground' or 'background'."
        )
    for name, tensor in (("y_pred", y_pred), ("y", y)):
        if not tensor.is_floating_point():
            continue
        limit = 2 / torch.finfo(tensor.dtype).eps
        if (tensor >= limit).any():
            raise ValueError(
                f"{name} holds instance ids of {tensor.max().item():.0f} as {tensor.dtype}, which rounds ids from "
                f"{limit:.0f} on to their neighbors: read and keep them as integers."
            )


def _small_ids(ids: NDArray[Any]) -> NDArray[np.int64]:
    """Ids as int64, renumbered in their order where they are large or larger than that; 0 stays."""
    if ids.max() < ids.size:
        return ids.astype(np.int64)
    return np.asarray(np.unique(np.append(ids, ids.dtype.type(0)), return_inverse=True)[1][:-1].reshape(ids.shape))


def _components(
    mask: NDArray[Any], foreground: bool, connectivity: int | None, section_axis: int | None
) -> NDArray[Any]:
    full = is_full_connectivity(connectivity, mask.ndim) == foreground
    neighbors = ndimage.generate_binary_structure(mask.ndim, mask.ndim if full else 1)
    if section_axis is not None:
        np.moveaxis(neighbors, section_axis, 0)[[0, 2]] = False
    return np.asarray(ndimage.label(mask == int(foreground), neighbors)[0])


def _apart_by_section(ids: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
    shape = [1] * ids.ndim
    shape[axis] = -1
    section = np.arange(ids.shape[axis]).reshape(shape)
    return np.where(ids > 0, ids + section * ids.max(), 0)
