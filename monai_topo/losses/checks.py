"""Conditions on the values of tensors: looked at where they are stated, or together once they are on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from monai_topo.losses.transfer import device_of


class Checks:
    """What must hold of values on a device that go on being computed with; nothing waits for the answers.

    Example:
        >>> checks = Checks()
        >>> def refuse():
        ...     raise ValueError("too large")
        >>> checks.require(torch.tensor(2) < 1, refuse)
        >>> checks.settle(checks.flags(torch.device("cpu")))
        Traceback (most recent call last):
        ValueError: too large
    """

    def __init__(self) -> None:
        self._stated: list[tuple[torch.Tensor | bool, Callable[[], None]]] = []

    def require(self, holds: torch.Tensor | bool, refuse: Callable[[], None]) -> None:
        """State a condition and what raises the error when it does not hold."""
        self._stated.append((holds, refuse))

    def flags(self, device: torch.device) -> torch.Tensor:
        """Whether each condition holds, bool ``(n,)``; there is one more, which does."""
        stated = [torch.as_tensor(holds, device=device) for holds, _ in self._stated]
        return torch.stack([torch.ones((), dtype=torch.bool, device=device), *stated])

    def settle(self, flags: torch.Tensor) -> None:
        """Raise the error of the first condition that does not hold, by the flags that have come to the CPU."""
        for holds, (_, refuse) in zip(flags.tolist()[1:], self._stated, strict=True):
            if not holds:
                refuse()


class AtOnce(Checks):
    """Conditions that are looked at where they are stated."""

    def require(self, holds: torch.Tensor | bool, refuse: Callable[[], None]) -> None:
        """Raise the error when the condition does not hold."""
        if not holds:
            refuse()


AT_ONCE = AtOnce()


def all_finite(values: torch.Tensor) -> torch.Tensor | bool:
    """Whether no value is NaN or infinite, in one pass.

    Example:
        >>> all_finite(torch.tensor([1.0, float("nan")]))
        False
    """
    array = as_array(values)
    return torch.isfinite(values).all() if array is None else bool(np.isfinite(array).all())


def same_values(mask: torch.Tensor, target: torch.Tensor) -> torch.Tensor | bool:
    """Whether a bool mask equals its target, in one pass.

    Example:
        >>> same_values(torch.tensor([True]), torch.tensor([2.0]))
        False
    """
    arrays = as_array(mask), as_array(target)
    if arrays[0] is None or arrays[1] is None:
        return (mask == target).all()
    return bool((arrays[0] == arrays[1]).all())


def as_array(values: torch.Tensor) -> NDArray[Any] | None:
    """The values as NumPy sees them, where it can: on one core it compares ten times as fast."""
    if values.device.type != "cpu" or device_of(values) is not None or values.dtype == torch.bfloat16:
        return None
    array: NDArray[Any] = values.detach().numpy()
    return array
