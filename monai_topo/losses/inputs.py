"""What a loss compares: likelihoods with a mask, or maps of distances; how each is checked and where it ends."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

_ROUNDING = 1e-5


class Inputs(ABC):
    """Prediction and ground truth of one kind.

    Attributes:
        direction: how they are filtered.
        sign: 1 where what is high comes late in the filtration, -1 where it comes early.
        is_binary: whether the ground truth is a mask, so that all its points lie at birth 1, death 0.
    """

    direction: str
    sign: float
    is_binary: bool

    @abstractmethod
    def check(self, prediction: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Refuse ``(B, C, ...)`` values that are not of this kind; return the truth as losses take it."""

    @abstractmethod
    def ignored_value(self, truth: torch.Tensor, frame: bool) -> float:
        """What ignored voxels take, given the truth ``(n,)`` at the others: the frame's value, or the outside's."""

    @abstractmethod
    def outside(self, truth: torch.Tensor) -> torch.Tensor:
        """The value outside of each patch, ``(N, H, W[, D])`` to ``(N,)``, where a class that never dies ends."""


class Likelihoods(Inputs):
    """Likelihoods in [0, 1] and a mask, by superlevel sets; outside is 0, the frame is 1."""

    direction = "superlevel"
    sign = -1.0
    is_binary = True

    def check(self, prediction: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Refuse what are no likelihoods or no mask; return the truth as bool."""
        _check_likelihood(prediction)
        return _to_mask(truth)

    def ignored_value(self, truth: torch.Tensor, frame: bool) -> float:
        """1 with a frame, else 0."""
        return float(frame)

    def outside(self, truth: torch.Tensor) -> torch.Tensor:
        """Zeros."""
        return torch.zeros(len(truth), device=truth.device)


class DistanceMaps(Inputs):
    """Two maps of distances to the foreground, by sublevel sets; outside is the truth's largest."""

    direction = "sublevel"
    sign = 1.0
    is_binary = False

    def check(self, prediction: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Refuse what is not finite; return the truth as float32."""
        check_finite(prediction, "input")
        check_finite(truth, "target")
        return truth.float()

    def ignored_value(self, truth: torch.Tensor, frame: bool) -> float:
        """The lowest with a frame, else the largest."""
        if not len(truth):
            return 0.0
        return float(truth.min() if frame else truth.max())

    def outside(self, truth: torch.Tensor) -> torch.Tensor:
        """The largest distance of each patch."""
        return truth.flatten(1).amax(1)


INPUTS: dict[str, Inputs] = {kind.direction: kind for kind in (Likelihoods(), DistanceMaps())}
"""The kind of input that belongs to each direction of a filtration."""


def _check_likelihood(likelihood: torch.Tensor) -> None:
    values = likelihood.detach()
    low, high = (float(v) for v in torch.aminmax(values))
    if low >= -_ROUNDING and high <= 1 + _ROUNDING:  # false for NaN too
        return
    check_finite(values, "input")
    raise ValueError(
        f"input must be likelihoods in [0, 1], got values from {low:.4g} to {high:.4g}: "
        "if these are logits, set sigmoid=True, softmax=True or other_act."
    )


def check_finite(values: torch.Tensor, name: str) -> None:
    """Refuse NaN and infinity in a ``(B, C, ...)`` tensor, naming the batch index and the channel.

    Raises:
        ValueError: when there is one.
    """
    finite = torch.isfinite(values).flatten(2).all(dim=2)
    if not finite.all():
        item, channel = (~finite).nonzero()[0].tolist()
        raise ValueError(f"{name} holds NaN or infinity at batch index {item}, channel {channel}.")


def _to_mask(target: torch.Tensor) -> torch.Tensor:
    mask = target.bool()
    if not torch.equal(mask.to(target.dtype), target):
        raise ValueError(
            "target must hold only 0 and 1, one channel for each class: "
            "set to_onehot_y=True for class indices, threshold a soft label."
        )
    return mask
