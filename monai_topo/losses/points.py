"""Losses that pull points of persistence diagrams: gather, pull and sum."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.channels import Channels, Stored
from monai_topo.losses.checks import AT_ONCE, Checks
from monai_topo.losses.options import LossOptions
from monai_topo.losses.patches import mean_of_patches
from monai_topo.losses.pulls import Pulls
from monai_topo.losses.transfer import Device, Fields, Later, device_of, fetch, send
from monai_topo.topology import available_engines, gather_points, stored_betti_numbers


class DiagramLoss(TopologyLoss):
    """Base of the losses that pull each point of the prediction's diagrams to a constant place.

    A subclass implements :meth:`pulls`. The term of a patch is the sum of the squared distances of its points to their
    goals, each times its weight, and a constant.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        dims: homology dimensions; None is all below the number of spatial axes.
        frame: surround each patch by foreground (relative homology), so that structures cut by its border close.
        connectivity: connectivity as in :class:`DiagramOptions`, and so are the next three.
        persistence_threshold: points whose persistence is at most this are left alone.
        engine: ``"auto"`` or a name of ``monai_topo.topology.available_engines()``.
        num_threads: threads in all, over the patches first and then within each large 3D patch; None is one for each
            CPU core, and one for few small patches.
        **options: :class:`LossOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> from monai_topo.topology import persistence_pairs_batch
        >>> class AllFeatures(DiagramLoss):
        ...     def pulls(self, likelihood, mask):
        ...         points = persistence_pairs_batch(likelihood, dims=self.dims)
        ...         goal = np.tile(np.array([1, 0], np.float32), (points.count, 1))
        ...         ones, none = np.ones(points.count, np.float32), np.zeros(len(likelihood), np.float32)
        ...         return Pulls(points, goal, ones, none)
        >>> likelihood = torch.tensor([[[[0.5, 0.0, 1.0]]]])
        >>> AllFeatures(dims=0)(likelihood, torch.ones_like(likelihood))
        tensor(0.2500)
    """

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        reduction: LossReduction | str = LossReduction.MEAN,
        *,
        dims: Sequence[int] | int | None = None,
        frame: bool = False,
        connectivity: int | None = None,
        persistence_threshold: float = 0.0,
        engine: str = "auto",
        num_threads: int | None = None,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(include_background, to_onehot_y, sigmoid, softmax, other_act, reduction, **options)
        if not persistence_threshold >= 0:
            raise ValueError(f"persistence_threshold must be 0 or more, got {persistence_threshold!r}.")
        if engine not in ("auto", *available_engines()):
            raise ValueError(f"engine must be 'auto' or one of {available_engines()}, got {engine!r}.")
        self.dims = dims
        self.frame = frame
        self.connectivity = connectivity
        self.persistence_threshold = persistence_threshold
        self.engine = engine
        self.num_threads = num_threads

    @abstractmethod
    def pulls(self, likelihood: Fields, mask: Fields) -> Pulls:
        """Find the points of N patches, and where they are pulled.

        Args:
            likelihood: ``(N, H, W[, D])`` on the CPU, without gradients; of those that are still on their way a part,
                ``likelihood[a:b]``, is waited for when it is taken.
            mask: truth, likewise.
        """

    def plan(self, likelihood: torch.Tensor, stored: Stored = None) -> Callable[[Fields, Fields], Pulls]:
        """What finds the pulls of these patches, in any thread: all that is drawn at random is drawn here.

        Args:
            likelihood: patches ``(N, H, W[, D])``, on any device.
            stored: Betti numbers that came with the targets of these patches; see ``StoreBettiNumbers``.
        """
        return self.pulls

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor, stored: Stored = None) -> torch.Tensor:
        """The term of each patch: pull its points, sum."""
        pulls = self.plan(likelihood, stored)(likelihood.detach().cpu(), mask.detach().cpu())
        return pull(likelihood, pulls, None)

    def channel_terms(self, channels: Channels) -> torch.Tensor:
        """The mean over patches, ``(B, C, 1, 1[, 1])``."""
        terms_of = partial(self.patch_terms, stored=channels.stored)
        return self.mean_over_patches(terms_of, channels.prediction, channels.truth)

    def checked_channels(self, input: torch.Tensor, target: torch.Tensor, checks: Checks = AT_ONCE) -> Channels:
        """What the terms are computed from, with the Betti numbers that came with a target of whole masks."""
        channels = super().checked_channels(input, target, checks)
        whole = self.patch_size is None and self.ignore_index is None and not self.to_onehot_y
        stored = stored_betti_numbers(target) if whole else None
        if stored is None or not len(channels.prediction):
            return channels
        return channels._replace(stored=stored[:, -channels.truth.shape[1] :].reshape(-1, stored.shape[-1]))

    def begin(self, input: torch.Tensor, target: torch.Tensor) -> Callable[[], torch.Tensor]:
        """Begin the loss, and return what ends it: on a GPU the CPU works while other losses are computed.

        The likelihoods and the target are fetched patch by patch, the work on a patch begins when it has come, and
        nothing waits for the device. On the CPU nothing begins before its end.

        Args:
            input: likelihoods or logits, as for :meth:`forward`.
            target: ground truth, as for :meth:`forward`.

        Returns:
            A function that gives what :meth:`forward` does, or raises what it raises.
        """
        device = self._device(input)
        if device is None:
            return partial(self, input, target)
        try:
            return self._begin(device, input, target)
        except Exception as error:  # raised where the loss would be computed
            return partial(_fail, error)

    def can_begin(self, input: torch.Tensor) -> bool:
        """Whether :meth:`begin` does anything before the end; with hooks, which only a call runs, it does not."""
        hooks = self._forward_hooks, self._forward_pre_hooks, self._backward_hooks, self._backward_pre_hooks
        return not any(hooks) and self._device(input) is not None

    def _device(self, input: torch.Tensor) -> Device | None:
        usable = isinstance(input, torch.Tensor) and len(input) and not torch.compiler.is_compiling()
        return device_of(input) if usable else None

    def _compute(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        device = self._device(input)
        return super()._compute(input, target) if device is None else self._begin(device, input, target)()

    def _begin(self, device: Device, input: torch.Tensor, target: torch.Tensor) -> Callable[[], torch.Tensor]:
        checks = Checks()
        with torch.autocast(device_type=input.device.type, enabled=False):
            channels = self.checked_channels(input, target, checks)
            likelihood, mask = self.cut(channels.prediction, channels.truth)
            plan, flags = self.plan(likelihood, channels.stored), checks.flags(likelihood.device)
            (fields, masks), answers = fetch(device, [likelihood.detach(), mask], flags)

        def find() -> Pulls:
            checks.settle(answers[0])
            return plan(fields, masks)

        found, shape = Later(find), channels.prediction.shape

        def end() -> torch.Tensor:
            pulls = found.result()
            with torch.autocast(device_type=input.device.type, enabled=False):
                return self.reduced(mean_of_patches(pull(likelihood, pulls, device), shape))

        return end


def _fail(error: Exception) -> torch.Tensor:
    raise error


def side_by_side(calls: Sequence[tuple[Callable[..., torch.Tensor], Any, Any]]) -> list[torch.Tensor]:
    """The values of several losses; on a GPU those that the CPU works on begin first and are waited for last.

    Args:
        calls: each loss with its input and its target.

    Example:
        >>> image = torch.tensor([[[[0.5, 0.0, 1.0]]]])
        >>> side_by_side([(torch.nn.L1Loss(), image, image), (torch.nn.MSELoss(), image, 2 * image)])
        [tensor(0.), tensor(0.4167)]
    """
    ends = [
        loss.begin(input, target) if isinstance(loss, DiagramLoss) and loss.can_begin(input) else None
        for loss, input, target in calls
    ]
    values = [
        loss(input, target) if end is None else None for (loss, input, target), end in zip(calls, ends, strict=True)
    ]
    return [value if end is None else end() for value, end in zip(values, ends, strict=True)]  # type: ignore[misc]


def pull(likelihood: torch.Tensor, pulls: Pulls, device: Device | None) -> torch.Tensor:
    """The term of each patch, ``(N,)``: the squared distances of its points to their goals, and its constant.

    Args:
        likelihood: ``(N, H, W[, D])``, with its graph.
        pulls: its points, on the CPU.
        device: carrier of the pulls to the likelihood's device, in one copy; None where it is the CPU.
    """
    points, never = pulls.points, pulls.never
    columns: list[NDArray[Any]] = [points.birth, points.death, pulls.goal, pulls.weight, pulls.constant]
    more = [column for column in (never, pulls.shift) if column is not None]
    birth, death, goal, weight, constant, *rest = send(device, [*columns, *more], likelihood)
    diagram = gather_points(likelihood.flatten(), birth, death, None if never is None else rest[0])
    if pulls.shift is not None:
        diagram = diagram + rest[-1]
    cost = weight[:, None] * (diagram - goal).square()
    counts = np.bincount(points.patch, minlength=len(likelihood)).tolist()
    return torch.stack([part.sum() for part in cost.split(counts)]) + constant
