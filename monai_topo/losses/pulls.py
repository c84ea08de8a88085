"""Where the points of a prediction's diagrams are pulled: plain numbers on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_topo.losses.transfer import Fields
from monai_topo.topology import ESSENTIAL, DiagramPoints


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
