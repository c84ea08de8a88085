"""Losses that pull points of persistence diagrams: gather, pull and sum."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.checks import Checks
from monai_topo.losses.options import LossOptions
from monai_topo.losses.patches import mean_of_patches
from monai_topo.losses.transfer import Device, Fields, Later, device_of, fetch, send
from monai_topo.topology import ESSENTIAL, DiagramPoints, available_engines, gather_points


@dataclass(frozen=True)
class Pulls:
    """Where the points of a prediction's diagrams are pulled.

    Attributes:
        points: the n points of all patches.
        goal: place in the diagram that each point is pulled to, ``(n, 2)``.
        weight: factor of each point's squared distance to its goal, ``(n,)``.
        constant: further cost of each patch, ``(N,)``: features of the truth that no point is there for.
        ends: death of a class that never dies, of each patch, ``(N,)``; None is 0.
        shift: addition to the likelihood where each point is born and where it dies, ``(n, 2)``; None is nothing.
    """

    points: DiagramPoints
    goal: NDArray[np.float32]
    weight: NDArray[np.float32]
    constant: NDArray[np.float32]
    ends: NDArray[np.float32] | None = None
    shift: NDArray[np.float32] | None = None

    @property
    def never(self) -> NDArray[np.float32] | None:
        """For each point where it would end if it never died, ``(n,)``; None where all die."""
        if not (self.points.death == ESSENTIAL).any():
            return None
        if self.ends is None:
            return np.zeros(self.points.count, np.float32)
        return np.asarray(self.ends[self.points.patch], np.float32)


def join_pulls(parts: Sequence[Pulls]) -> Pulls:
    """The pulls of the patches of all parts, in order."""
    if len(parts) == 1:
        return parts[0]
    points = DiagramPoints.join([part.points for part in parts], parts[0].points.filtration)
    return Pulls(points, *(_joined([getattr(part, name) for part in parts]) for name in _COLUMNS))


_COLUMNS = ("goal", "weight", "constant", "ends", "shift")


def _joined(columns: Sequence[Any]) -> Any:
    return None if columns[0] is None else np.concatenate(columns)


def values_at(fields: Fields, points: DiagramPoints, ends: Any = 0.0) -> NDArray[np.float32]:
    """Births and deaths ``(n, 2)`` of the points of N fields on the CPU, as numbers.

    Args:
        fields: ``(N, H, W[, D])``.
        points: their points.
        ends: death of a class that never dies: one number, or one for each field ``(N,)``.
    """
    values = fields[:].numpy().reshape(-1)
    found = np.empty((points.count, 2), np.float32)
    found[:, 0] = values.take(points.birth)
    found[:, 1] = values.take(points.death, mode="clip")
    never = np.flatnonzero(points.death == ESSENTIAL)
    found[never, 1] = np.broadcast_to(np.asarray(ends, np.float32), len(points.shapes))[points.patch[never]]
    return found


def to_diagonal(diagram: NDArray[np.float32]) -> NDArray[np.float32]:
    """The projection of each point ``(n, 2)`` on the diagonal.

    With ``m = (b + d) / 2`` held constant, ``(b - m)**2 + (d - m)**2`` has the value and gradient of
    ``(b - d)**2 / 2``.

    Example:
        >>> to_diagonal(np.array([[0.75, 0.25]], np.float32))
        array([[0.5, 0.5]], dtype=float32)
    """
    middle: NDArray[np.float32] = np.asarray((diagram[:, :1] + diagram[:, 1:]) / 2, np.float32)
    return middle.repeat(2, axis=1)


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
        num_threads: threads for the patches; None is one for each CPU core, and one for few small patches.
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

    def plan(self, likelihood: torch.Tensor) -> Callable[[Fields, Fields], Pulls]:
        """What finds the pulls of these patches, in any thread: all that is drawn at random is drawn here."""
        return self.pulls

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The term of each patch: pull its points, sum."""
        pulls = self.plan(likelihood)(likelihood.detach().cpu(), mask.detach().cpu())
        return pull(likelihood, pulls, None)

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
        return not self._forward_hooks and not self._forward_pre_hooks and self._device(input) is not None

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
            plan, flags = self.plan(likelihood), checks.flags(likelihood.device)
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
