"""What a loss compares: likelihoods with a mask, maps of distances, affinities with ids; how each is checked."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from monai_topo.losses.checks import AT_ONCE, Checks, all_finite, as_array, same_values

_ROUNDING = 1e-5


class Inputs(ABC):
    """Prediction and ground truth of one kind.

    Attributes:
        direction: direction in which they are filtered.
        sign: 1 where what is high comes late in the filtration, -1 where it comes early.
        is_binary: whether the ground truth is a mask, so that all its points lie at birth 1, death 0.
        slope: range of the slopes of height functions, for each voxel, that do not hide the features.
    """

    direction: str
    sign: float
    is_binary: bool
    slope: tuple[float, float]

    @abstractmethod
    def check(
        self, prediction: torch.Tensor, truth: torch.Tensor, advice: str | None, checks: Checks = AT_ONCE
    ) -> torch.Tensor:
        """Refuse ``(B, C, ...)`` values that are not of this kind, with advice; return the truth as losses take it.

        Without advice the prediction comes from an activation that cannot leave [0, 1].
        """

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
    slope = (0.002, 0.008)  # a likelihood rises by 0.1 to 0.5 over 64 voxels

    def check(
        self, prediction: torch.Tensor, truth: torch.Tensor, advice: str | None, checks: Checks = AT_ONCE
    ) -> torch.Tensor:
        """Refuse what are no likelihoods or no mask; return the truth as bool."""
        if advice is not None:
            _check_likelihood(prediction, advice, checks)
        return to_mask(truth, checks=checks)

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
    slope = (0.2, 0.8)  # distances rise by 1 a voxel

    def check(
        self, prediction: torch.Tensor, truth: torch.Tensor, advice: str | None, checks: Checks = AT_ONCE
    ) -> torch.Tensor:
        """Refuse what is not finite; return the truth as float32."""
        check_finite(prediction, "input", checks)
        check_finite(truth, "target", checks)
        return truth.float()

    def ignored_value(self, truth: torch.Tensor, frame: bool) -> float:
        """The lowest with a frame, else the largest."""
        if not len(truth):
            return 0.0
        return float(truth.min() if frame else truth.max())

    def outside(self, truth: torch.Tensor) -> torch.Tensor:
        """The largest distance of each patch."""
        return truth.flatten(1).amax(1)


class Affinities(Inputs):
    """Affinities in [0, 1] and ids of objects; outside is 0."""

    direction = "superlevel"
    sign = -1.0
    is_binary = False
    slope = Likelihoods.slope

    def check(
        self, prediction: torch.Tensor, truth: torch.Tensor, advice: str | None, checks: Checks = AT_ONCE
    ) -> torch.Tensor:
        """Refuse what are no affinities or no ids; return the ids as int64."""
        if advice is not None:
            _check_likelihood(prediction, advice, checks)
        ids = truth.long()
        wrong = ids < 0
        if truth.is_floating_point():
            wrong |= ids != truth

        def refuse() -> None:
            value = truth[wrong][0].item()
            advice = "set ignore_index to it if it marks voxels to ignore" if value < 0 else "was a label interpolated?"
            raise ValueError(f"target must hold ids of objects, whole numbers of at least 0, got {value:g}: {advice}")

        checks.require(~wrong.any(), refuse)
        return ids

    def ignored_value(self, truth: torch.Tensor, frame: bool) -> float:
        """0: no object, and joined to nothing."""
        return 0.0

    def outside(self, truth: torch.Tensor) -> torch.Tensor:
        """Zeros."""
        return torch.zeros(len(truth), device=truth.device)


AFFINITIES = Affinities()

INPUTS: dict[str, Inputs] = {kind.direction: kind for kind in (Likelihoods(), DistanceMaps())}
"""The kind of input that belongs to each direction of a filtration."""


def _check_likelihood(likelihood: torch.Tensor, advice: str, checks: Checks) -> None:
    low, high = torch.aminmax(likelihood.detach())

    def refuse() -> None:
        check_finite(likelihood, "input")
        raise ValueError(
            f"input must be likelihoods in [0, 1], got values from {float(low):.4g} to {float(high):.4g}: {advice}"
        )

    checks.require((low >= -_ROUNDING) & (high <= 1 + _ROUNDING), refuse)  # false for NaN too


def check_finite(values: torch.Tensor, name: str, checks: Checks = AT_ONCE) -> None:
    """Refuse NaN and infinity in a ``(B, C, ...)`` tensor, naming the batch index and the channel.

    Raises:
        ValueError: when there is one.
    """

    def refuse() -> None:
        finite = torch.isfinite(values).flatten(2).all(dim=2)
        item, channel = (~finite).nonzero()[0].tolist()
        raise ValueError(f"{name} holds NaN or infinity at batch index {item}, channel {channel}.")

    checks.require(all_finite(values), refuse)


def check_shape(input: torch.Tensor) -> None:
    """Refuse an input that is no batch of 2D or 3D images.

    Raises:
        ValueError: then.
    """
    shape = tuple(input.shape)
    if input.ndim not in (4, 5) or 0 in shape[1:]:
        stacked = (
            ": the heads of a network with deep supervision, as DynUNet stacks them, go to DeepSupervisionTopologyLoss"
            if input.ndim == 6
            else ""
        )
        raise ValueError(f"input must have shape (B, C, H, W) or (B, C, H, W, D), got {shape}{stacked}.")


def to_plain_labels(target: torch.Tensor) -> torch.Tensor:
    """Bools as uint8, and unsigned integers that torch cannot compute with as int64: values stay what they are.

    Raises:
        ValueError: for uint64 values that int64 cannot hold.
    """
    if target.dtype == torch.bool:
        return target.to(torch.uint8)
    if target.dtype not in (torch.uint16, torch.uint32, torch.uint64):
        return target
    labels = target.to(torch.int64)
    if target.dtype == torch.uint64 and bool((labels < 0).any()):
        raise ValueError("target holds ids of 2**63 or more: renumber them.")
    return labels


def check_classes(target: torch.Tensor, num_classes: int, checks: Checks = AT_ONCE) -> None:
    """Refuse values that are no class index below ``num_classes``.

    Raises:
        ValueError: naming the value and the number of classes.
    """
    wrong = (target < 0) | (target >= num_classes)
    if target.is_floating_point():
        wrong |= target != target.long()

    def refuse() -> None:
        value = target[wrong][0].item()
        advice = "set ignore_index to it if it marks voxels to ignore"
        if value == 255:
            advice += ", divide the target by 255 if it is an image of a mask"
        elif value != int(value):
            advice = "threshold a soft label"
        raise ValueError(
            f"with to_onehot_y=True target must hold class indices from 0 to {num_classes - 1}, as input has "
            f"{num_classes} channels, got {value:g}: {advice}."
        )

    checks.require(~wrong.any(), refuse)


def to_mask(target: torch.Tensor, name: str = "target", checks: Checks = AT_ONCE) -> torch.Tensor:
    """The target as bool.

    Raises:
        ValueError: for values other than 0 and 1, with what to do about them.
    """
    array = as_array(target)
    mask = target.bool() if array is None else torch.from_numpy(array != 0)

    def refuse() -> None:
        value = target[mask.to(target.dtype) != target][0].item()
        if value == 255 and bool(((target == 0) | (target == 255)).all()):
            advice = (
                "divide it by 255 if it is an image of a mask, set ignore_index=255 if such voxels are to be ignored"
            )
        else:
            advice = "set to_onehot_y=True for class indices, threshold a soft label"
        raise ValueError(f"{name} must hold only 0 and 1, one channel for each class, got {value:g}: {advice}.")

    checks.require(same_values(mask, target), refuse)
    return mask
