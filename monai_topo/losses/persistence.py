"""Losses on persistence diagrams: every dot of the prediction is pulled to a constant place in the diagram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.base import TopologyLoss, check_finite
from monai_topo.topology import (
    ESSENTIAL,
    HEIGHTS,
    Matching,
    PersistencePairs,
    betti_numbers,
    by_lifetime,
    check_direction,
    gather_dots,
    height_function,
    map_in_threads,
    nearest_corner,
    optimal,
    persistence_pairs_batch,
)

MATCHINGS: dict[str, Callable[..., Matching]] = {
    "nearest_corner": lambda dots, truth: nearest_corner(dots, len(truth)),
    "optimal": optimal,
    "by_lifetime": by_lifetime,
}
"""The names that ``PersistenceLoss(matching=...)`` accepts: from two diagrams to a matching."""

_PATCH_WORTH_A_THREAD = 2**16
"""Voxels of a patch from which on counting in threads pays: of small ones most of the time is Python's."""

Diagrams = list[dict[int, NDArray[Any]]]
"""Births and deaths ``(n, 2)`` of each patch and dimension."""


class PersistenceLoss(TopologyLoss):
    r"""Squared distance between the persistence diagrams of a prediction and of the ground truth.

    Each dot (birth b, death d) of the prediction is matched to a dot (b', d') of the ground truth, or else to its own
    projection on the diagonal, and pulled there:

    .. math:: \sum_{matched} (b-b')^2 + (d-d')^2 + \sum_{others} (b-d)^2 / 2

    summed over dots and ``dims``, averaged over patches, reduced over items and channels. The places pulled to are
    constants; the gradient is nothing outside the voxels of birth and death. With the matchings that pair two diagrams
    (all but ``"nearest_corner"``) each dot of the ground truth that is left over adds the constant
    ``(b'-d')**2 / 2``.

    A likelihood is filtered by superlevel sets; its ground truth is binary, so that all its dots lie at birth 1, death
    0. A map of distances to the foreground is filtered by sublevel sets and compared with the ground truth's map. A
    height function, drawn anew for each patch and call, is added to both, so that their dots tell apart features in
    different places (subtracted under superlevel sets: there, too, what is high comes late). A class that never dies
    ends at the outside's value: 0 for a likelihood, the ground truth's largest for a map, and the highest height.

    Args:
        include_background: if False, channel 0 is left out.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: if True, apply a sigmoid to the input.
        softmax: if True, apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        weight: factor of each class, as in ``DiceLoss``: one number, or one for each class that is not left out.
        ignore_index: class, or value of the target, whose voxels are ignored; they take the value of the frame
            (foreground: 1, in a map the lowest), without a frame that of the outside (0, in a map the largest).
        matching: ``"nearest_corner"``: the dots nearest to birth 1 and death 0 are matched (Hu et al. 2019);
            ``"optimal"``: the matching of least cost, diagonal included (the square of the 2-Wasserstein distance);
            a feature so weak that it is nearer to the diagonal, a loop born under 0.27 or so, is pushed away;
            ``"by_lifetime"``: the dots of longest lifetime are matched.
        direction: ``"superlevel"`` for likelihoods with a binary ground truth, ``"sublevel"`` for maps of distances.
        height: None, ``"linear"``, ``"radial"`` or ``"quadratic"``; see ``monai_topo.topology.height_function``.
        slope: range that the height function's slope is drawn from, in units of the input for each voxel.
        dims: homology dimensions; None is all below the number of spatial axes.
        connectivity: of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: surround each patch by foreground (relative homology), so that structures cut by its border close.
        persistence_threshold: dots whose persistence is at most this are left alone.
        patch_size: edge lengths of the patches in voxels; None takes the whole input as one patch.
        patch_mode: ``"grid"`` covers the input; ``"random"`` draws ``num_patches`` for each item anew at each call.
        num_patches: number of random patches for each item.
        seed: seed of the generator that draws patches and height functions.
        engine: ``"auto"`` or a name of ``monai_topo.topology.available_engines()``.
        num_threads: threads for the patches; None is one for each CPU core, and one for few small patches.

    Raises:
        TypeError: when ``other_act`` is not callable.
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
        weight: Sequence[float] | float | torch.Tensor | None = None,
        ignore_index: int | None = None,
        matching: str = "nearest_corner",
        direction: str = "superlevel",
        height: str | None = None,
        slope: tuple[float, float] = (0.0, 0.0),
        dims: Sequence[int] | int | None = None,
        connectivity: int | None = None,
        frame: bool = False,
        persistence_threshold: float = 0.0,
        patch_size: Sequence[int] | int | None = None,
        patch_mode: str = "grid",
        num_patches: int | None = None,
        seed: int = 0,
        engine: str = "auto",
        num_threads: int | None = None,
    ) -> None:
        super().__init__(
            include_background,
            to_onehot_y,
            sigmoid,
            softmax,
            other_act,
            reduction,
            weight=weight,
            ignore_index=ignore_index,
            patch_size=patch_size,
            patch_mode=patch_mode,
            num_patches=num_patches,
            seed=seed,
        )
        _check_filtration(matching, direction, height, slope)
        if to_onehot_y and direction == "sublevel":
            raise ValueError("to_onehot_y needs classes: with direction='sublevel' the target is a map of distances.")
        self.matching = matching
        self.height = height
        self.slope = slope
        self.filtration: dict[str, Any] = {
            "direction": direction,
            "connectivity": connectivity,
            "dims": dims,
            "frame": frame,
            "min_persistence": persistence_threshold,
            "engine": engine,
        }
        self.num_threads = num_threads

    @property
    def _of_maps(self) -> bool:
        """Whether the input is a map of distances rather than a likelihood."""
        return bool(self.filtration["direction"] == "sublevel")

    def check_values(self, prediction: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Likelihoods and a mask, or two finite maps."""
        if not self._of_maps:
            return super().check_values(prediction, truth)
        check_finite(prediction, "input")
        check_finite(truth, "target")
        return truth.float()

    def ignored_value(self, truth: torch.Tensor) -> float:
        """The frame's value where there is a frame, else the outside's."""
        framed = bool(self.filtration["frame"])
        if not self._of_maps:
            return float(framed)
        if not len(truth):
            return 0.0
        return float(truth.min() if framed else truth.max())

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Cost of the matching for each of N patches: pair, match, gather."""
        heights = self._draw_heights(likelihood)
        values = likelihood if heights is None else likelihood + heights
        pairs = self._pairs(values.detach().cpu())
        patch, birth, death = _concatenate(pairs, voxels=values[0].numel())
        ends = self._ends(mask, heights)
        dots = gather_dots(values.flatten(), birth, death, ends[patch])
        truth = self._true_diagrams(mask, heights, ends)
        goals, left_over = self._match(dots.detach().cpu().numpy(), pairs, truth)
        cost = (dots - torch.from_numpy(goals).to(values.device)).square()
        sums = torch.stack([part.sum() for part in cost.split(np.bincount(patch, minlength=len(pairs)).tolist())])
        return sums + torch.from_numpy(left_over).to(values.device)

    def match_dots(self, dots: NDArray[Any], truth: NDArray[Any]) -> Matching:
        """The matching of a patch's dots ``(n, 2)`` with the ground truth's ``(m, 2)`` in one dimension."""
        return MATCHINGS[self.matching](dots, truth)

    def _pairs(self, fields: torch.Tensor) -> list[PersistencePairs]:
        return persistence_pairs_batch(fields, num_threads=self.num_threads, **self.filtration)

    def _draw_heights(self, likelihood: torch.Tensor) -> torch.Tensor | None:
        """What is added to each patch: its height function, turned over where superlevel sets grow downward."""
        if self.height is None:
            return None
        sign = 1 if self._of_maps else -1
        drawn = [
            sign
            * height_function(
                self.height, likelihood.shape[1:], self.random_state.uniform(*self.slope), self.random_state
            )
            for _ in likelihood
        ]
        return torch.from_numpy(np.stack(drawn)).to(likelihood.device)

    def _ends(self, truth: torch.Tensor, heights: torch.Tensor | None) -> NDArray[Any]:
        """Where the filtration of each patch ends: the outside's value at the highest height."""
        patches = len(truth)
        outside = truth.flatten(1).amax(1) if self._of_maps else torch.zeros(patches, device=truth.device)
        if heights is not None:
            outside = outside + (heights.flatten(1).amax(1) if self._of_maps else heights.flatten(1).amin(1))
        ends: NDArray[Any] = outside.cpu().numpy()
        return ends

    def _true_diagrams(self, truth: torch.Tensor, heights: torch.Tensor | None, ends: NDArray[Any]) -> Diagrams:
        """The diagrams of the ground truth of each patch."""
        if heights is None and not self._of_maps:
            corner = np.array([[1, 0]], np.float32)
            counts = self._count_features(truth)
            return [{k: corner.repeat(count, axis=0) for k, count in enumerate(betti)} for betti in counts]
        fields = (truth.float() if heights is None else truth + heights).cpu()
        pairs = self._pairs(fields)
        patch, birth, death = _concatenate(pairs, voxels=fields[0].numel())
        return _split(gather_dots(fields.flatten(), birth, death, ends[patch]).numpy(), pairs)

    def _count_features(self, masks: torch.Tensor) -> list[tuple[int, ...]]:
        """The Betti numbers of the ground truth of each patch."""
        count = partial(
            betti_numbers, connectivity=self.filtration["connectivity"], frame=bool(self.filtration["frame"])
        )
        patches = list(masks.detach().cpu().numpy())
        return map_in_threads(count, patches, 1 if masks[0].numel() < _PATCH_WORTH_A_THREAD else self.num_threads)

    def _match(
        self, dots: NDArray[Any], pairs: list[PersistencePairs], truth: Diagrams
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Where each dot is pulled, and the constant that each patch's true dots without a partner add.

        A dot is pulled to its partner, or to its own projection on the diagonal: with ``m = (b + d) / 2`` held
        constant, ``(b - m)**2 + (d - m)**2`` has the value and the gradient of ``(b - d)**2 / 2``.
        """
        goals = ((dots[:, :1] + dots[:, 1:]) / 2).repeat(2, axis=1)
        left_over = np.zeros(len(pairs), np.float32)
        of_goals = _split(goals, pairs)
        for patch, diagrams in enumerate(_split(dots, pairs)):
            for k, predicted in diagrams.items():
                true = truth[patch][k]
                matching = self.match_dots(predicted, true)
                of_goals[patch][k][matching.matched[:, 0]] = true[matching.matched[:, 1]]
                if self.matching != "nearest_corner":
                    left = true[matching.unmatched_second]
                    left_over[patch] += np.square(left[:, 0] - left[:, 1]).sum() / 2
        return goals, left_over


def _check_filtration(matching: str, direction: str, height: str | None, slope: tuple[float, float]) -> None:
    if matching not in MATCHINGS:
        raise ValueError(f"matching must be one of {tuple(MATCHINGS)}, got {matching!r}.")
    check_direction(direction)
    if height is not None and height not in HEIGHTS:
        raise ValueError(f"height must be None or one of {HEIGHTS}, got {height!r}.")
    if len(slope) != 2 or not 0 <= slope[0] <= slope[1]:
        raise ValueError(f"slope must be a range (low, high) with 0 <= low <= high, got {slope!r}.")
    if matching == "nearest_corner" and (direction == "sublevel" or height is not None):
        raise ValueError(
            "matching='nearest_corner' needs every true dot at birth 1, death 0: a likelihood without a height "
            "function. Take matching='optimal'."
        )


def _concatenate(pairs: list[PersistencePairs], voxels: int) -> tuple[NDArray[np.int64], ...]:
    """For every dot, patches and dimensions in order: its patch, birth and death as flat indices into all patches."""
    dots = [(patch, found.birth[k], found.death[k]) for patch, found in enumerate(pairs) for k in found.dims]
    patch = np.repeat([patch for patch, _, _ in dots], [len(birth) for _, birth, _ in dots])
    birth, death = (np.concatenate([dot[side] for dot in dots]) for side in (1, 2))
    return patch, birth + patch * voxels, np.where(death == ESSENTIAL, death, death + patch * voxels)


def _split(dots: NDArray[Any], pairs: list[PersistencePairs]) -> Diagrams:
    """The dots ``(n, 2)`` of :func:`_concatenate` by patch and dimension, without a copy."""
    stops = np.cumsum([len(found.birth[k]) for found in pairs for k in found.dims]).tolist()
    parts = iter([dots[start:stop] for start, stop in pairwise([0, *stops])])
    return [{k: next(parts) for k in found.dims} for found in pairs]
