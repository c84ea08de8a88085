"""What all metrics share: checked masks, one number for each item and channel, NaN for what is undefined."""

from __future__ import annotations

import inspect
import math
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric
from monai.metrics.utils import do_metric_reduction, ignore_background
from monai.utils import MetricReduction, evenly_divisible_all_gather
from numpy.typing import NDArray

from monai_topo.metrics.signatures import with_options

_COMMON = ("include_background", "reduction", "get_not_nans", "ignore_index")


class TopologyMetric(CumulativeIterationMetric):
    """Base of the metrics that compare one predicted mask with one true mask, channel by channel.

    A subclass implements :meth:`channel_value` and keeps each argument of its constructor as an attribute of the same
    name: its text, printed beside the result, then holds the whole protocol. Inputs are batch-first tensors or lists
    of channel-first ones of different shapes, 2D or 3D, of 0 and 1.

    NaN is an undefined entry: it is left out of every mean and sum. Where nothing at all is defined the reduced value
    is NaN too; MONAI's own reduction gives 0 there, which for an error reads as perfect.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        reduction: MONAI's, over items and channels: ``"none"``, ``"mean"``, ``"sum"``, ``"mean_batch"``,
            ``"sum_batch"``, ``"mean_channel"``, ``"sum_channel"``.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are outside both masks. With several channels it is, as in MONAI,
            the channel of the voxels to ignore, or any other number for the voxels that are 0 in every channel.

    Example:
        >>> class VolumeErrorMetric(TopologyMetric):
        ...     def channel_value(self, prediction, target):
        ...         return abs(float(prediction.sum()) - float(target.sum()))
        >>> metric = VolumeErrorMetric()
        >>> metric(torch.ones(1, 1, 2, 3), torch.zeros(1, 1, 2, 3))
        tensor([[6.]])
        >>> metric.aggregate()
        tensor([6.])
    """

    def __init__(
        self,
        include_background: bool = True,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        self.include_background = include_background
        self.reduction = reduction
        self.get_not_nans = get_not_nans
        self.ignore_index = ignore_index

    @classmethod
    def write_options(cls, signature: inspect.Signature) -> inspect.Signature:
        """The signature of what hands its ``**options`` to this metric, with them written out."""
        return with_options(signature, inspect.signature(cls))

    def __call__(self, y_pred: Any, y: Any = None, **kwargs: Any) -> torch.Tensor:
        """Compute the numbers of a batch, and keep them for :meth:`aggregate`.

        Args:
            y_pred: ``(B, C, H, W[, D])``, or a list of ``(C, H, W[, D])``, only 0 and 1; tensors or NumPy arrays of any
                number type.
            y: ground truth, the same shapes.
            **kwargs: there are none: all options go to the constructor.

        Returns:
            ``(B, C)``, NaN where the number is undefined.

        Raises:
            ValueError: when the shapes differ or are not 2D or 3D images, or a value is neither 0 nor 1.
            TypeError: for any further argument.
        """
        numbers: torch.Tensor = super().__call__(y_pred=_to_tensors(y_pred), y=_to_tensors(y), **kwargs)
        return numbers

    @abstractmethod
    def channel_value(self, prediction: NDArray[Any], target: NDArray[Any]) -> float:
        """The number of one channel of one item.

        Args:
            prediction: bool ``(H, W[, D])``.
            target: bool, the same shape.

        Returns:
            The number, NaN where it is undefined.
        """

    @property
    def options(self) -> dict[str, Any]:
        """The arguments that define the number: those of the constructor that are not common to all metrics."""
        parameters = inspect.signature(type(self)).parameters.values()
        named = [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
        return {name: getattr(self, name) for name in named if name not in _COMMON}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.options.items())})"

    __str__ = __repr__

    def aggregate(
        self, reduction: MetricReduction | str | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Reduce the numbers of all items so far, of all processes of a distributed run.

        Args:
            reduction: None is the constructor's.

        Returns:
            The reduced number, NaN where nothing is defined, and with ``get_not_nans`` how many entries went into it.

        Raises:
            ValueError: when nothing has been computed yet.
        """
        data = self.get_buffer()
        if not isinstance(data, torch.Tensor):
            raise ValueError("the data to aggregate must be PyTorch Tensor: call the metric on a batch first.")
        value, not_nans = do_metric_reduction(data, reduction or self.reduction)
        value = torch.where(not_nans > 0, value, torch.nan)
        return (value, not_nans) if self.get_not_nans else value

    def _sync(self) -> None:
        """Gather the numbers of all processes; one that has none takes part, or the others would wait for it."""
        numbers = torch.stack(self._buffers[0]) if self._buffers else torch.empty(0, 0)
        num_channels = int(evenly_divisible_all_gather(torch.tensor([numbers.shape[1]]), concat=True).max())
        if num_channels > 0:
            own = numbers.reshape(-1, num_channels)
            self._synced_tensors = [evenly_divisible_all_gather(own, concat=True)]

    def _compute_list(self, y_pred: Any, y: Any = None, **kwargs: Any) -> Any:
        if y is not None and len(y_pred) != len(y):
            raise ValueError(f"y_pred and y must have as many items, got {len(y_pred)} and {len(y)}.")
        return super()._compute_list(y_pred, y, **kwargs)

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None, **kwargs: Any) -> torch.Tensor:
        if y is None:
            raise ValueError(f"y, the ground truth, is needed for {type(self).__name__}.")
        if kwargs:
            raise TypeError(f"options of {type(self).__name__} go to its constructor, got {sorted(kwargs)} in a call.")
        _check_shapes(y_pred, y)
        values = [
            [self.channel_value(p, t) for p, t in zip(*channels, strict=True)]
            for channels in zip(*self._to_arrays(y_pred, y), strict=True)
        ]
        return torch.tensor(values, dtype=torch.float32, device=y_pred.device)

    def _to_arrays(self, y_pred: torch.Tensor, y: torch.Tensor) -> tuple[NDArray[Any], NDArray[Any]]:
        """``(B, C, H, W[, D])`` arrays of the channels that count, 0 in both where voxels are ignored."""
        prediction, target = plain_array(y_pred), plain_array(y)
        ignored = self._ignored(target)
        if ignored is not None:
            prediction, target = np.where(ignored, 0, prediction), np.where(ignored, 0, target)
        if not self.include_background:
            prediction, target = ignore_background(prediction, target)
        return self._to_array(prediction, "y_pred"), self._to_array(target, "y")

    def _ignored(self, target: NDArray[Any]) -> NDArray[np.bool_] | None:
        """``(B, 1, H, W[, D])``, MONAI's rule (``create_ignore_mask``) without a way through floats."""
        if self.ignore_index is None:
            return None
        if target.shape[1] == 1:
            return np.asarray(target == self.ignore_index)
        if 0 <= self.ignore_index < target.shape[1]:
            return np.asarray(target[:, [self.ignore_index]] == 1)
        return np.asarray(~target.any(axis=1, keepdims=True))

    def _to_array(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        """The checked values of one side."""
        masks = values.astype(bool)
        differs = masks != values
        if differs.any():
            raise ValueError(
                f"{name} must hold only 0 and 1, one channel for each class, got {values[differs][0]:.4g}: "
                "threshold likelihoods, one-hot encode label maps."
            )
        return masks


class ComponentMetric(TopologyMetric):
    """Base of the metrics of which several numbers are computed at once; an instance gives one, its component.

    A subclass names its :attr:`components` and implements :meth:`channel_components`.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: the number that this instance gives, one of :attr:`components`.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are outside both masks.

    Raises:
        ValueError: for an unknown component.

    Example:
        >>> class Volumes(ComponentMetric):
        ...     components = ("predicted", "true")
        ...     def channel_components(self, prediction, target):
        ...         return {"predicted": float(prediction.sum()), "true": float(target.sum())}
        >>> Volumes(True, "true")(torch.zeros(1, 1, 2, 3), torch.ones(1, 1, 2, 3))
        tensor([[6.]])
    """

    components: ClassVar[tuple[str, ...]]
    """Names of the numbers."""

    def __init__(
        self,
        include_background: bool,
        component: str,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(include_background, reduction, get_not_nans, ignore_index)
        if component not in self.components:
            raise ValueError(f"component must be one of {self.components}, got {component!r}.")
        self.component = component

    @abstractmethod
    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """All numbers of one channel of one item, by name; the arguments are those of :meth:`channel_value`."""

    def channel_value(self, prediction: NDArray[Any], target: NDArray[Any]) -> float:
        """The number of one channel of one item that :attr:`component` names."""
        return self.channel_components(prediction, target)[self.component]


def empty_score(prediction_is_empty: bool, target_is_empty: bool, ignore_empty: bool) -> float | None:
    """The score, from 0 to 1 and higher is better, that the empty side alone decides; None where neither is empty.

    Args:
        prediction_is_empty: whether the prediction holds nothing to compare.
        target_is_empty: whether the target holds nothing to compare.
        ignore_empty: whether an empty target leaves the score undefined. Otherwise it is 1 for an empty prediction and
            0 for any other.

    Example:
        >>> empty_score(True, False, True), empty_score(True, True, True), empty_score(True, True, False)
        (0.0, nan, 1.0)
    """
    if target_is_empty:
        return math.nan if ignore_empty else float(prediction_is_empty)
    return 0.0 if prediction_is_empty else None


def _to_tensors(values: Any) -> Any:
    """Tensors for NumPy arrays, alone or in a list; anything else as it is."""
    if isinstance(values, list | tuple):
        return [_to_tensors(item) for item in values]
    if not isinstance(values, np.ndarray):
        return values
    return torch.from_numpy(np.array(values, values.dtype.newbyteorder("="), order="C"))


def plain_array(tensor: torch.Tensor) -> NDArray[Any]:
    """The values in their own type; NumPy has no bfloat16, whose values are float32's too."""
    values = tensor.detach().cpu()
    return np.asarray(values.float() if values.dtype == torch.bfloat16 else values)


def _check_shapes(y_pred: torch.Tensor, y: torch.Tensor) -> None:
    if y_pred.ndim not in (4, 5):
        raise ValueError(
            "y_pred should have at least 3 dimensions: batch, channel and two or three spatial ones, "
            f"got shape {tuple(y_pred.shape)}."
        )
    if y_pred.shape != y.shape:
        raise ValueError(f"y_pred and y must have one shape, got {tuple(y_pred.shape)} and {tuple(y.shape)}.")
