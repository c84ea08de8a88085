"""BettiMatchingLoss of Stucki et al. 2023, and a cheaper loss that also matches features in space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.base import TopologyLoss
from monai_topo.topology import (
    ESSENTIAL,
    FieldMatching,
    PersistencePairs,
    diagram,
    gather_dots,
    match_by_place_batch,
    match_induced_batch,
)


class BettiMatchingLoss(TopologyLoss):
    r"""The loss of "Topologically faithful image segmentation via induced matching of persistence barcodes".

    (Stucki, Paetzold, Shit, Menze, Bauer, ICML 2023; in 3D: Stucki, Buergin, Paetzold, Bauer, 2024.) The features of
    the likelihood and those of the ground truth are matched where they overlap in space, by
    :func:`~monai_topo.topology.match_induced`, not by their values. A matched dot (b, d) is pulled to its partner,
    which is (1, 0), every other dot of the likelihood to the diagonal:

    .. math:: w_m \sum_{matched} ((1-b)^2 + d^2) + w_u \sum_{others} (b-d)^2 + w_t \cdot missed

    summed over dots and ``dims``, averaged over patches, reduced over items and channels. A feature of the ground truth
    without a partner is missed: it adds the constant w_t, which moves nothing. A likelihood must show some trace of a
    feature where it belongs, so train without the term first. The component that never dies counts, with death 0.

    Args:
        include_background: if False, channel 0 is left out.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: if True, apply a sigmoid to the input.
        softmax: if True, apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        weight: factor of each class, as in ``DiceLoss``: one number, or one for each class that is not left out.
        ignore_index: class, or value of the target, whose voxels are ignored; they take the value of the frame (1),
            without a frame that of the outside (0).
        matched_weight: w_m, 2 as published.
        unmatched_weight: w_u, 1 as published.
        missed_weight: w_t, 1 as published; 0 leaves the constant out.
        dims: homology dimensions; None is all below the number of spatial axes, as published.
        connectivity: of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: surround each patch by foreground (relative homology), so that structures cut by its border close. On,
            because it leaves fewer errors on membranes in 3D (docs/results.md, "Choices"); off, as published, counts
            only what closes inside the patch.
        persistence_threshold: unmatched dots whose persistence is at most this are left alone.
        patch_size: edge lengths of the patches in voxels; None takes the whole input as one patch.
        patch_mode: ``"grid"`` covers the input; ``"random"`` draws ``num_patches`` for each item anew at each call.
        num_patches: number of random patches for each item.
        seed: seed of the generator that draws them.
        engine: ``"auto"`` or the name of an engine that has image persistence.
        num_threads: threads for the patches; None is one for each CPU core. The result does not depend on it.

    Raises:
        TypeError: when ``other_act`` is not callable.
        ValueError: for more than one activation, a negative weight or an unknown option; see also :meth:`forward`.

    Example:
        >>> likelihood = torch.tensor([[[[0.75, 0.25, 0.5]]]])
        >>> target = torch.tensor([[[[1.0, 0.0, 1.0]]]])
        >>> loss = BettiMatchingLoss(dims=0, frame=False)
        >>> loss(likelihood, target)  # 2 * (1 - 0.75)**2 + 2 * ((1 - 0.5)**2 + 0.25**2)
        tensor(0.7500)
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
        matched_weight: float = 2.0,
        unmatched_weight: float = 1.0,
        missed_weight: float = 1.0,
        dims: Sequence[int] | int | None = None,
        connectivity: int | None = None,
        frame: bool = True,
        persistence_threshold: float = 0.0,
        patch_size: Sequence[int] | int | None = None,
        patch_mode: str = "grid",
        num_patches: int | None = None,
        seed: int = 0,
        engine: str = "auto",
        num_threads: int | None = None,
    ) -> None:
        super().__init__(
            include_background=include_background,
            to_onehot_y=to_onehot_y,
            sigmoid=sigmoid,
            softmax=softmax,
            other_act=other_act,
            reduction=reduction,
            weight=weight,
            ignore_index=ignore_index,
            patch_size=patch_size,
            patch_mode=patch_mode,
            num_patches=num_patches,
            seed=seed,
        )
        limits = {
            "matched_weight": matched_weight,
            "unmatched_weight": unmatched_weight,
            "missed_weight": missed_weight,
            "persistence_threshold": persistence_threshold,
        }
        for name, value in limits.items():
            if not value >= 0:
                raise ValueError(f"{name} must be 0 or more, got {value!r}.")
        self.matched_weight = matched_weight
        self.unmatched_weight = unmatched_weight
        self.missed_weight = missed_weight
        self.persistence_threshold = persistence_threshold
        self.filtration: dict[str, Any] = {"connectivity": connectivity, "dims": dims, "frame": frame, "engine": engine}
        self.num_threads = num_threads

    def ignored_value(self, truth: torch.Tensor) -> float:
        """The frame's value where there is a frame, else the outside's."""
        return float(self.filtration["frame"])

    def match_fields(self, likelihoods: torch.Tensor, masks: torch.Tensor) -> list[FieldMatching]:
        """The matching of each of N patches, ``(N, H, W[, D])`` on the CPU."""
        found = match_induced_batch(likelihoods, masks, num_threads=self.num_threads, **self.filtration)
        return [*found]

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Cost of the matching for each of N patches: match, gather."""
        fields, truth = likelihood.detach().cpu(), mask.detach().cpu().float()
        missed = np.zeros(len(fields), np.float32)
        pulls = []
        for n, found in enumerate(self.match_fields(fields, truth)):
            for k in found.matchings:
                dots, true_dots = _dots(fields[n], found.prediction, k), _dots(truth[n], found.target, k)
                pulls.append((np.full(len(dots), n), *self._pulls(found, k, dots, true_dots)))
                rest = true_dots[found.matchings[k].unmatched_second]
                missed[n] += self.missed_weight * np.square(rest[:, 0] - rest[:, 1]).sum()
        patch, birth, death, goal, weight = (np.concatenate(column) for column in zip(*pulls, strict=True))
        shift = patch * fields[0].numel()
        death = np.where(death == ESSENTIAL, death, death + shift)
        live = gather_dots(likelihood.flatten(), birth + shift, death, essential_death=0.0)
        index, goals, weights = (torch.from_numpy(array).to(live.device) for array in (patch, goal, weight))
        cost = weights * (live - goals).square().sum(dim=1)
        return torch.from_numpy(missed).to(live.device).index_add(0, index, cost)

    def _pulls(
        self, found: FieldMatching, k: int, dots: NDArray[np.float32], true_dots: NDArray[np.float32]
    ) -> tuple[NDArray[Any], ...]:
        """For every dot of one dimension its voxels of birth and death, the place that it is pulled to, and a weight.

        An unmatched dot is pulled to its projection on the diagonal: with ``m = (b + d) / 2`` held constant, twice
        ``(b - m)**2 + (d - m)**2`` has the value and the gradient of ``(b - d)**2``.
        """
        goal = dots.mean(axis=1, keepdims=True).repeat(2, axis=1)
        persistent = dots[:, 0] - dots[:, 1] > self.persistence_threshold
        weight = np.where(persistent, 2 * self.unmatched_weight, 0.0).astype(np.float32)
        rows, partners = found.matchings[k].matched.T
        seen = true_dots[partners, 0] > true_dots[partners, 1]  # an empty truth has a component of no persistence
        goal[rows[seen]] = true_dots[partners[seen]]
        weight[rows[seen]] = self.matched_weight
        return found.prediction.birth[k], found.prediction.death[k], goal, weight


class SpatialMatchingLoss(BettiMatchingLoss):
    """A cheaper relative of :class:`BettiMatchingLoss`: one dot for each true component and each true cavity.

    Of the likelihood's dots whose component is born inside a true component the most persistent one is matched to it,
    and likewise for cavities (in 2D: loops), by the voxel where they are filled last; see
    :func:`~monai_topo.topology.match_by_place`. Dots are pulled as in :class:`BettiMatchingLoss`. It costs little more
    than ``persistence_pairs`` of those dimensions. It knows no loops in 3D, and it looks at one voxel of a feature
    only. A component is matched where it is, even if it is the one that never dies.

    Args:
        include_background: if False, channel 0 is left out.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: if True, apply a sigmoid to the input.
        softmax: if True, apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        frame: surround each patch by foreground. Off: which of the regions in a frame is the frame's own depends on the
            likelihood, and this matching cannot tell.
        **options: the other keyword arguments of :class:`BettiMatchingLoss`; ``dims`` may hold 0 and the top dimension,
            and None is both.

    Raises:
        TypeError: when ``other_act`` is not callable.
        ValueError: for more than one activation, a negative weight or an unknown option; see also :meth:`forward`.

    Example:
        >>> likelihood = torch.tensor([[[[0.75, 0.0, 0.5]]]])
        >>> target = torch.tensor([[[[0.0, 0.0, 1.0]]]])
        >>> SpatialMatchingLoss()(likelihood, target)  # 2 * (1 - 0.5)**2 + 0.75**2
        tensor(1.0625)
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
        frame: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            include_background, to_onehot_y, sigmoid, softmax, other_act, reduction, frame=frame, **options
        )

    def match_fields(self, likelihoods: torch.Tensor, masks: torch.Tensor) -> list[FieldMatching]:
        """The matching of each of N patches, ``(N, H, W[, D])`` on the CPU."""
        return match_by_place_batch(likelihoods, masks, num_threads=self.num_threads, **self.filtration)


def _dots(field: torch.Tensor, pairs: PersistencePairs, dim: int) -> NDArray[np.float32]:
    """Births and deaths of the dots of a field."""
    dots: NDArray[np.float32] = diagram(field, pairs, dim, essential_death=0.0).numpy()
    return dots
