"""Losses that pull points of persistence diagrams: gather, pull and sum."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.options import LossOptions
from monai_topo.topology import DiagramPoints, available_engines, gather_points


@dataclass(frozen=True)
class Pulls:
    """Where the points of a prediction's diagrams are pulled; only the diagram has a gradient.

    Attributes:
        points: the n points of all patches.
        diagram: their births and deaths ``(n, 2)``, with their graph.
        goal: place in the diagram that each point is pulled to, ``(n, 2)``.
        weight: factor of each point's squared distance to its goal, ``(n,)``.
        constant: further cost of each patch, ``(N,)``: features of the truth that no point is there for.
    """

    points: DiagramPoints
    diagram: torch.Tensor
    goal: NDArray[np.float32]
    weight: NDArray[np.float32]
    constant: NDArray[np.float32]


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
        ...         points = persistence_pairs_batch(likelihood.detach(), dims=self.dims)
        ...         goal = np.tile(np.array([1, 0], np.float32), (points.count, 1))
        ...         ones, none = np.ones(points.count, np.float32), np.zeros(len(likelihood), np.float32)
        ...         return Pulls(points, diagram_of(likelihood, points), goal, ones, none)
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
    def pulls(self, likelihood: torch.Tensor, mask: torch.Tensor) -> Pulls:
        """Find the points of N patches, ``(N, H, W[, D])`` likelihoods and masks, and where they are pulled."""

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The term of each patch: pull its points, sum."""
        pulls = self.pulls(likelihood, mask)
        goal, weight, constant = (
            torch.from_numpy(column).to(pulls.diagram.device) for column in (pulls.goal, pulls.weight, pulls.constant)
        )
        cost = weight[:, None] * (pulls.diagram - goal).square()
        counts = np.bincount(pulls.points.patch, minlength=len(likelihood)).tolist()
        return torch.stack([part.sum() for part in cost.split(counts)]) + constant


def diagram_of(fields: torch.Tensor, points: DiagramPoints, ends: Any = 0.0) -> torch.Tensor:
    """Births and deaths ``(n, 2)`` of the points of N fields, with gradients.

    Args:
        fields: ``(N, H, W[, D])``.
        points: their points.
        ends: death of a class that never dies: one number, or one for each field ``(N,)``.
    """
    never = np.broadcast_to(np.asarray(ends, np.float32), len(points.shapes))
    return gather_points(fields.flatten(), points.birth, points.death, never[points.patch])
