"""Losses on persistence diagrams: every point of the prediction is pulled to a constant place in the diagram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.channels import Stored
from monai_topo.losses.inputs import INPUTS
from monai_topo.losses.options import DiagramOptions
from monai_topo.losses.points import DiagramLoss
from monai_topo.losses.pulls import Pulls, join_pulls, to_diagonal, values_at
from monai_topo.losses.transfer import Arriving, Fields
from monai_topo.topology import (
    HEIGHTS,
    DiagramPoints,
    Matching,
    betti_numbers,
    by_lifetime,
    check_direction,
    height_function,
    map_in_threads,
    nearest_corner,
    optimal,
    persistence_pairs_batch,
    read_betti_record,
    share_threads,
)


class MatchingRule(NamedTuple):
    """How two diagrams are matched, and whether true points that are left over cost something."""

    match: Callable[[NDArray[Any], NDArray[Any]], Matching]
    counts_missed: bool = True


MATCHINGS = {
    "nearest_corner": MatchingRule(lambda diagram, truth: nearest_corner(diagram, len(truth)), counts_missed=False),
    "optimal": MatchingRule(optimal),
    "by_lifetime": MatchingRule(by_lifetime),
    "by_birth": MatchingRule(partial(by_lifetime, sort_by="birth")),
}
"""The names that ``PersistenceLoss(matching=...)`` accepts."""

Diagrams = Callable[[int, int], NDArray[np.float32]]
"""From a patch and a dimension to births and deaths ``(n, 2)``."""


class PersistenceLoss(DiagramLoss):
    r"""Squared distance between the persistence diagrams of a prediction and of the ground truth.

    Each point (birth b, death d) of the prediction is matched to a point (b', d') of the ground truth, or else to its
    own projection on the diagonal, and pulled there:

    .. math:: \sum_{matched} (b-b')^2 + (d-d')^2 + \sum_{others} (b-d)^2 / 2

    summed over points and ``dims``, averaged over patches, reduced over items and channels. The places pulled to are
    constants; the gradient is nothing outside the voxels of birth and death. With the matchings that pair two diagrams
    (all but ``"nearest_corner"``) each point of the ground truth that is left over adds the constant
    ``(b'-d')**2 / 2``.

    A likelihood is filtered by superlevel sets; its ground truth is binary, so that all its points lie at birth 1,
    death 0. A map of distances to the foreground is filtered by sublevel sets and compared with the ground truth's map.
    A height function, drawn anew for each patch and call, is added to both, so that their points tell apart features in
    different places (subtracted under superlevel sets: there, too, what is high comes late). A class that never dies
    ends at the outside's value: 0 for a likelihood, the ground truth's largest for a map, and the highest height.

    The Betti numbers of a binary ground truth are counted at each call, or taken from its metadata where
    :class:`monai_topo.transforms.StoreBettiNumbers` has put them.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        matching: ``"nearest_corner"``: the points nearest to birth 1 and death 0 are matched (Hu et al. 2019);
            ``"optimal"``: the matching of least cost, diagonal included (the square of the 2-Wasserstein distance);
            a feature so weak that it is nearer to the diagonal, a loop born under 0.27 or so, is pushed away;
            ``"by_lifetime"``: the points of longest lifetime are matched; ``"by_birth"``: those born first.
        direction: ``"superlevel"`` for likelihoods with a binary ground truth, ``"sublevel"`` for maps of distances.
        height: None, ``"linear"``, ``"radial"`` or ``"quadratic"``; see ``monai_topo.topology.height_function``.
        slope: range that the height function's slope is drawn from, in units of the input for each voxel; None is
            (0.002, 0.008) for likelihoods, (0.2, 0.8) for maps of distances in voxels.
        dims: homology dimensions; None is all below the number of spatial axes.
        frame: surround each patch by foreground (relative homology), so that structures cut by its border close.
        **options: :class:`DiagramOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> likelihood = torch.tensor([[[[0.75, 0.25, 0.5]]]])  # two peaks where the truth has one object
        >>> target = torch.tensor([[[[1.0, 0.0, 0.0]]]])
        >>> PersistenceLoss(dims=0)(likelihood, target)  # (1 - 0.75)**2 + (0.5 - 0.25)**2 / 2
        tensor(0.0938)
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
        matching: str = "nearest_corner",
        direction: str = "superlevel",
        height: str | None = None,
        slope: tuple[float, float] | None = None,
        dims: Sequence[int] | int | None = None,
        frame: bool = False,
        **options: Unpack[DiagramOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, dims=dims, frame=frame, **options)
        self.inputs = INPUTS[check_direction(direction)]
        self.slope = self.inputs.slope if slope is None else slope
        _check_filtration(matching, direction, height, self.slope)
        if to_onehot_y and direction == "sublevel":
            raise ValueError("to_onehot_y needs classes: with direction='sublevel' the target is a map of distances.")
        self.matching = matching
        self.direction = direction
        self.height = height

    def pulls(self, likelihood: Fields, mask: Fields) -> Pulls:
        """Pair the field of each patch and match its diagram with the ground truth's."""
        return self.plan(likelihood)(likelihood, mask)

    def plan(self, likelihood: Fields, stored: Stored = None) -> Callable[[Fields, Fields], Pulls]:
        """What finds the pulls of these patches, with their height functions."""
        return partial(self._find_pulls, heights=self._draw_heights(likelihood), stored=stored)

    def _find_pulls(self, fields: Fields, masks: Fields, heights: torch.Tensor | None, stored: Stored) -> Pulls:
        """The pulls of all patches, in threads; one that is on its way is waited for by the thread that takes it."""
        length = fields.length if isinstance(fields, Arriving) else None
        parts, threads, within = share_threads(fields.shape, self.num_threads, length)

        def of_part(part: range) -> Pulls:
            at = slice(part.start, part.stop)
            drawn, known = None if heights is None else heights[at], None if stored is None else stored[at]
            return self._pulls_of_part(fields[at], masks[at], drawn, known, within)

        return join_pulls(map_in_threads(of_part, parts, threads))

    def _pulls_of_part(
        self,
        likelihood: torch.Tensor,
        mask: torch.Tensor,
        heights: torch.Tensor | None,
        stored: Stored,
        num_threads: int,
    ) -> Pulls:
        field = likelihood if heights is None else likelihood + heights
        points = self._find_points(field, num_threads)
        ends = self._ends(mask, heights)
        values = values_at(field, points, ends)
        goal, constant = self._match(values, points, self._true_diagrams(mask, heights, stored, ends, num_threads))
        shift = None if heights is None else values_at(heights, points)
        return Pulls(points, goal, np.ones(points.count, np.float32), constant, ends, shift)

    def match_points(self, diagram: NDArray[Any], truth: NDArray[Any]) -> Matching:
        """The matching of a patch's points ``(n, 2)`` with the ground truth's ``(m, 2)`` in one dimension."""
        return MATCHINGS[self.matching].match(diagram, truth)

    def _find_points(self, fields: torch.Tensor, num_threads: int) -> DiagramPoints:
        return persistence_pairs_batch(
            fields,
            direction=self.direction,
            connectivity=self.connectivity,
            dims=self.dims,
            frame=self.frame,
            min_persistence=self.persistence_threshold,
            engine=self.engine,
            num_threads=num_threads,
        )

    def _draw_heights(self, likelihood: Fields) -> torch.Tensor | None:
        """What is added to each patch: its height function, turned over where superlevel sets grow downward."""
        if self.height is None:
            return None
        drawn = [
            int(self.inputs.sign)
            * height_function(
                self.height, likelihood.shape[1:], self.random_state.uniform(*self.slope), self.random_state
            )
            for _ in range(len(likelihood))
        ]
        return torch.from_numpy(np.stack(drawn))

    def _ends(self, truth: torch.Tensor, heights: torch.Tensor | None) -> NDArray[np.float32]:
        """Where the filtration of each patch ends: the outside's value at the highest height."""
        ends = self.inputs.outside(truth)
        if heights is not None:
            ends = ends + self.inputs.sign * (self.inputs.sign * heights).flatten(1).amax(1)
        values: NDArray[np.float32] = ends.numpy()
        return values

    def _true_diagrams(
        self,
        truth: torch.Tensor,
        heights: torch.Tensor | None,
        stored: Stored,
        ends: NDArray[Any],
        num_threads: int,
    ) -> Diagrams:
        """The diagrams of the ground truth of each patch."""
        if heights is None and self.inputs.is_binary:
            corner = np.array([[1, 0]], np.float32)
            counts = self._count_features(truth, stored)
            return lambda patch, dim: corner.repeat(counts[patch][dim], axis=0)
        fields = truth.float() if heights is None else truth + heights
        points = self._find_points(fields, num_threads)
        diagram = values_at(fields, points, ends)
        return lambda patch, dim: diagram[points.rows(patch, dim)]

    def _count_features(self, masks: torch.Tensor, stored: Stored) -> list[tuple[int, ...]]:
        """The Betti numbers of the ground truth of each patch, those that came with it where there are some."""
        connectivity, frame, arrays = self.connectivity, bool(self.frame), masks.numpy()
        if stored is None:
            return [betti_numbers(mask, connectivity, frame=frame) for mask in arrays]
        pairs = zip(stored, arrays, strict=True)
        return [read_betti_record(record, mask, connectivity, frame=frame) for record, mask in pairs]

    def _match(
        self, diagram: NDArray[np.float32], points: DiagramPoints, truth: Diagrams
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where each point is pulled, its partner or the diagonal, and the constant that true points left over add."""
        goal = to_diagonal(diagram)
        constant = np.zeros(len(points.shapes), np.float32)
        for patch in range(len(points.shapes)):
            for k in points.dims(0):
                rows, true = points.rows(patch, k), truth(patch, k)
                matching = self.match_points(diagram[rows], true)
                goal[rows][matching.matched[:, 0]] = true[matching.matched[:, 1]]
                if MATCHINGS[self.matching].counts_missed:
                    left = true[matching.unmatched_second]
                    constant[patch] += np.square(left[:, 0] - left[:, 1]).sum() / 2
        return goal, constant


def _check_filtration(matching: str, direction: str, height: str | None, slope: tuple[float, float]) -> None:
    if matching not in MATCHINGS:
        raise ValueError(f"matching must be one of {tuple(MATCHINGS)}, got {matching!r}.")
    if height is not None and height not in HEIGHTS:
        raise ValueError(f"height must be None or one of {HEIGHTS}, got {height!r}.")
    if len(slope) != 2 or not 0 <= slope[0] <= slope[1]:
        raise ValueError(f"slope must be a range (low, high) with 0 <= low <= high, got {slope!r}.")
    if height is not None and slope[1] == 0:
        raise ValueError(f"slope (0, 0) makes height={height!r} do nothing: set a slope above 0, or height=None.")
    if matching == "nearest_corner" and (direction == "sublevel" or height is not None):
        raise ValueError(
            "matching='nearest_corner' needs every true point at birth 1, death 0: a likelihood without a height "
            "function. Take matching='optimal'."
        )
