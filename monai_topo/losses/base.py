"""What all topology losses share: MONAI's six arguments, checked likelihoods, patches and the reduction."""

from __future__ import annotations

import inspect
import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from monai.data import MetaTensor
from monai.metrics.utils import create_ignore_mask
from monai.utils import LossReduction
from torch.nn.modules.loss import _Loss

from monai_topo.losses.channels import Channels
from monai_topo.losses.checks import AT_ONCE, Checks
from monai_topo.losses.inputs import INPUTS, Inputs, check_classes, check_finite, check_shape, to_plain_labels
from monai_topo.losses.options import check_keywords, describe, full_signature
from monai_topo.losses.patches import cut_patches, mean_of_patches
from monai_topo.topology import PatchLayout


class TopologyLoss(_Loss):
    """Base of the losses that look at one likelihood per channel, patch by patch, one class against the rest.

    A subclass implements :meth:`patch_terms`. The value for one item and channel is the mean of its terms over
    the patches, times the weight of its class; ``reduction`` then acts over items and channels. Inputs are cast to
    float32.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        weight: factor of each class; this and the rest as in :class:`LossOptions`.
        ignore_index: class, or value of the target, whose voxels are ignored.
        patch_size: edge lengths of the patches in voxels; None takes the whole input as one patch.
        patch_mode: ``"grid"`` or ``"random"``.
        num_patches: number of random patches for each item.
        seed: seed of the generator that draws them.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation, an unknown reduction, a negative weight, or patch arguments that do
            not go together.

    Example:
        >>> class Overlap(TopologyLoss):
        ...     def patch_terms(self, likelihood, mask):
        ...         return 1 - (likelihood * mask).flatten(1).mean(1)
        >>> Overlap(sigmoid=True)(torch.zeros(2, 1, 4, 5), torch.ones(2, 1, 4, 5))
        tensor(0.5000)
    """

    __signature__: ClassVar[inspect.Signature]
    class_weight: torch.Tensor | None
    inputs: Inputs = INPUTS["superlevel"]
    frame: bool = False

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        base: Any = cls.__mro__[1]
        own = "__init__" in cls.__dict__
        cls.__signature__ = full_signature(cls, base.__signature__) if own else base.__signature__

    def __new__(cls, *arguments: Any, **options: Any) -> TopologyLoss:
        """Refuse what the loss does not take, by the loss's own name."""
        check_keywords(cls.__name__, options, cls.__signature__)
        return super().__new__(cls)

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        reduction: LossReduction | str = LossReduction.MEAN,
        *,
        weight: Sequence[float] | float | torch.Tensor | None = None,
        ignore_index: int | None = None,
        patch_size: Sequence[int] | int | None = None,
        patch_mode: str = "grid",
        num_patches: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(reduction=LossReduction(reduction).value)
        if other_act is not None and not callable(other_act):
            raise TypeError(f"other_act must be None or callable but is {type(other_act).__name__}.")
        if int(sigmoid) + int(softmax) + int(other_act is not None) > 1:
            raise ValueError("Incompatible values: more than 1 of [sigmoid=True, softmax=True, other_act is not None].")
        self.include_background = include_background
        self.to_onehot_y = to_onehot_y
        self.sigmoid = sigmoid
        self.softmax = softmax
        self.other_act = other_act
        self.ignore_index = ignore_index
        self.register_buffer("class_weight", _check_weight(weight))
        self.layout = PatchLayout(patch_size, patch_mode, num_patches)
        self.seed = seed
        self.random_state = np.random.RandomState(seed)

    weight = property(lambda self: self.class_weight, doc="Factor of each class.")
    patch_size = property(lambda self: self.layout.patch_size, doc="Edge lengths of the patches.")
    patch_mode = property(lambda self: self.layout.patch_mode, doc="How patches are laid.")
    num_patches = property(lambda self: self.layout.num_patches, doc="Number of random patches.")

    def extra_repr(self) -> str:
        """The settings of the loss."""
        return describe(self, self.__signature__)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the loss.

        Args:
            input: ``(B, C, H, W[, D])``, likelihoods in [0, 1], or logits when an activation is set.
            target: the same shape, holding 0 and 1, or ``(B, 1, H, W[, D])`` class indices with ``to_onehot_y``.

        Returns:
            A scalar, or ``(B, C, 1, 1[, 1])`` for ``reduction="none"``, attached to the graph; of an empty batch 0.

        Raises:
            AssertionError: when the shapes differ.
            TypeError: when the input is a list, as networks with deep supervision return in training.
            ValueError: when the input holds NaN, infinity or no likelihoods, the target is not binary, or a class index
                is none of the input's channels.
        """
        if not isinstance(input, torch.Tensor):
            raise TypeError(
                f"input must be a tensor, got a {type(input).__name__}: for the outputs of a network with deep "
                "supervision take monai_topo.losses.DeepSupervisionTopologyLoss(loss)."
            )
        if torch.compiler.is_compiling():  # integers on the CPU are nothing to compile
            value: torch.Tensor = torch.compiler.disable(self._compute)(input, target)
            return value
        return self._compute(input, target)

    def _compute(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device_type=input.device.type, enabled=False):
            channels = self.checked_channels(input, target)
            if not len(channels.prediction):
                empty = channels.prediction.sum(dim=tuple(range(2, input.ndim)), keepdim=True)
                return empty if self.reduction == LossReduction.NONE.value else empty.sum()
            return self.reduced(self.channel_terms(channels))

    def checked_channels(self, input: torch.Tensor, target: torch.Tensor, checks: Checks = AT_ONCE) -> Channels:
        """What the terms are computed from, as :meth:`forward` is given it; what is wrong with it is an error."""
        check_shape(input)
        channels = self._channels(to_plain(input).float(), to_plain_labels(to_plain(target)), checks)
        if not len(channels.prediction):
            return channels
        bounded = self.sigmoid or (self.softmax and input.shape[1] > 1)
        advice = None if bounded else self._advice(input.shape[1])
        return channels._replace(truth=self.inputs.check(channels.prediction, channels.truth, advice, checks))

    @abstractmethod
    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The term of each patch: ``(N, H, W[, D])`` likelihoods and bool masks to ``(N,)``."""

    def channel_terms(self, channels: Channels) -> torch.Tensor:
        """The term of each item and channel, ``(B, C, 1, 1[, 1])``: the mean over its patches."""
        return self.mean_over_patches(self.patch_terms, channels.prediction, channels.truth)

    def _channels(self, input: torch.Tensor, target: torch.Tensor, checks: Checks = AT_ONCE) -> Channels:
        """Prediction and ground truth, one channel for each class that counts, ignored voxels replaced in both."""
        valid = create_ignore_mask(target, self.ignore_index)
        if valid is not None and valid.shape[2:] == input.shape[2:]:
            valid = valid.bool()
            input = torch.where(valid, input, 0)  # so that no gradient of an activation there is NaN
        if self.sigmoid or self.softmax:
            check_finite(input.detach(), "input", checks)
        prediction = self._activate(input)
        if input.shape[1] > 1:
            target = self._one_hot(target, input.shape[1], checks) if self.to_onehot_y else target
            first = 0 if self.include_background else 1
            prediction, target = prediction[:, first:], target[:, first:]
        else:
            self._warn_of_ignored()
        if target.shape != prediction.shape:
            raise AssertionError(f"ground truth has different shape ({target.shape}) from input ({prediction.shape})")
        if valid is not None:
            prediction, target = self._replace_ignored(prediction, target, valid)
        return Channels(input, prediction, target, valid)

    def _one_hot(self, target: torch.Tensor, num_classes: int, checks: Checks = AT_ONCE) -> torch.Tensor:
        if target.shape[1] != 1:
            raise AssertionError(f"labels should have a channel with length equal to one, got {target.shape[1]}.")
        if self.ignore_index is not None:
            target = torch.where(target == self.ignore_index, 0, target)
        check_classes(target, num_classes, checks)
        each = torch.arange(num_classes, device=target.device).reshape(1, -1, *[1] * (target.ndim - 2))
        return (target == each).float()  # a class that there is not gives no error on the way, as indexing would

    def _replace_ignored(
        self, prediction: torch.Tensor, target: torch.Tensor, valid: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        known = target.new_empty(0) if self.inputs.is_binary else target[valid.expand_as(target)]
        value = self.inputs.ignored_value(known, self.frame)
        return torch.where(valid, prediction, value), torch.where(valid, target, value)

    def _activate(self, input: torch.Tensor) -> torch.Tensor:
        if self.sigmoid:
            return torch.sigmoid(input)
        if self.softmax and input.shape[1] > 1:
            return torch.softmax(input, 1)
        return input if self.other_act is None else self.other_act(input)

    def _advice(self, num_channels: int) -> str:
        """What to do when the input holds no likelihoods."""
        if self.other_act is not None:
            return "other_act must return likelihoods."
        if self.softmax:
            return "softmax=True means nothing for a single channel; if these are logits, set sigmoid=True instead."
        softmax = ", softmax=True" if num_channels > 1 else ""
        return f"if these are logits, set sigmoid=True{softmax} or other_act."

    def _warn_of_ignored(self) -> None:
        """MONAI's warnings for arguments that mean nothing with a single channel."""
        ignored = {"softmax": True, "to_onehot_y": True, "include_background": False}
        for name, value in ignored.items():
            if getattr(self, name) == value:
                warnings.warn(f"single channel prediction, `{name}={value}` ignored.", stacklevel=4)

    def mean_over_patches(self, terms_of: Callable[..., torch.Tensor], *tensors: torch.Tensor) -> torch.Tensor:
        """Mean of the terms of patches, ``(B, C, 1, 1[, 1])``.

        Args:
            terms_of: function that takes the patches of each tensor, ``(N, H, W[, D])``, to ``(N,)``.
            *tensors: ``(B, C, H, W[, D])`` each.
        """
        return mean_of_patches(terms_of(*self.cut(*tensors)), tensors[0].shape)

    def cut(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
        """The patches of some tensors ``(B, C, H, W[, D])``, the same of each, ``(N, H, W[, D])``."""
        layouts = [self.layout.slices(tensors[0].shape[2:], self.random_state) for _ in tensors[0]]
        return [cut_patches(tensor, layouts) for tensor in tensors]

    def reduced(self, terms: torch.Tensor) -> torch.Tensor:
        """The value of the loss from the terms of its items and channels, weighed and reduced."""
        return self._reduce(self._weigh(terms))

    def _weigh(self, terms: torch.Tensor) -> torch.Tensor:
        channels = terms.shape[1]
        if self.class_weight is None or channels == 1:
            return terms
        if self.class_weight.numel() not in (1, channels):
            raise ValueError(
                f"weight must be one number or one for each of {channels} classes, got {self.class_weight.numel()}: "
                "if `include_background=False`, it should not include the background class 0."
            )
        return terms * self.class_weight.to(terms).reshape(1, -1, *[1] * (terms.ndim - 2))

    def _reduce(self, terms: torch.Tensor) -> torch.Tensor:
        if self.reduction == LossReduction.MEAN.value:
            return terms.mean()
        if self.reduction == LossReduction.SUM.value:
            return terms.sum()
        if self.reduction == LossReduction.NONE.value:
            return terms
        raise ValueError(f'Unsupported reduction: {self.reduction}, available options are ["mean", "sum", "none"].')


def _check_weight(weight: Sequence[float] | float | torch.Tensor | None) -> torch.Tensor | None:
    if weight is None:
        return None
    factors = torch.as_tensor(weight, dtype=torch.float32)
    if factors.ndim > 1 or not (factors >= 0).all():
        raise ValueError(f"weight must be one number of at least 0 or one for each class, got {weight}.")
    return factors


def to_plain(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor without metadata."""
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


TopologyLoss.__signature__ = full_signature(TopologyLoss, None)
