"""BettiMatchingLoss of Stucki et al. 2023, and a cheaper loss that also matches features in space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.options import DiagramOptions
from monai_topo.losses.points import DiagramLoss
from monai_topo.losses.pulls import Pulls, to_diagonal, values_at
from monai_topo.losses.transfer import Fields
from monai_topo.topology import MatchedPoints, PointsCache, match_by_place_batch, match_induced_batch


class BettiMatchingLoss(DiagramLoss):
    r"""The loss of "Topologically faithful image segmentation via induced matching of persistence barcodes".

    (Stucki, Paetzold, Shit, Menze, Bauer, ICML 2023; in 3D: Stucki, Buergin, Paetzold, Bauer, 2024.) The features of
    the likelihood and those of the ground truth are matched where they overlap in space, by
    :func:`~monai_topo.topology.match_induced`, not by their values. A matched point (b, d) is pulled to its partner,
    which is (1, 0), every other point of the likelihood to the diagonal:

    .. math:: w_m \sum_{matched} ((1-b)^2 + d^2) + w_u \sum_{others} (b-d)^2 + w_t \cdot missed

    summed over points and ``dims``, averaged over patches, reduced over items and channels. A feature of the ground
    truth without a partner is missed: it adds the constant w_t, which moves nothing. A likelihood must show some trace
    of a feature where it belongs, so train without the term first. The component that never dies counts, with death 0.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        matched_weight: w_m, 2 as published.
        unmatched_weight: w_u, 1 as published.
        missed_weight: w_t, 1 as published; 0 leaves the constant out.
        dims: homology dimensions; None is all below the number of spatial axes, as published.
        frame: surround each patch by foreground (relative homology), so that structures cut by its border close. On,
            because it leaves fewer errors on membranes in 3D (docs/results/fib25.md, "Choices"); off, as published,
            counts only what closes inside the patch.
        target_cache_mib: memory in MiB for the persistence pairs of targets that come again, known by their content; 0
            keeps none. It changes no number. A copy of the loss begins with none.
        **options: :class:`DiagramOptions`. ``persistence_threshold`` is of the unmatched points only; ``engine`` must
            have image persistence; ``num_threads=None`` is one for each CPU core.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
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
        matched_weight: float = 2.0,
        unmatched_weight: float = 1.0,
        missed_weight: float = 1.0,
        dims: Sequence[int] | int | None = None,
        frame: bool = True,
        target_cache_mib: float = 0.0,
        **options: Unpack[DiagramOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, dims=dims, frame=frame, **options)
        self.matched_weight = matched_weight
        self.unmatched_weight = unmatched_weight
        self.missed_weight = missed_weight
        for name in ("matched_weight", "unmatched_weight", "missed_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)!r}.")
        if not isinstance(target_cache_mib, int | float | np.number) or not target_cache_mib >= 0:
            raise ValueError(f"target_cache_mib must be 0 (nothing is kept) or more, got {target_cache_mib!r}.")
        self.target_cache_mib = target_cache_mib
        self.target_cache = PointsCache(target_cache_mib) if target_cache_mib else None

    def match_fields(self, likelihoods: Fields, masks: Fields) -> MatchedPoints:
        """The matching of N patches, ``(N, H, W[, D])`` on the CPU."""
        return match_induced_batch(likelihoods, masks, **self._filtration, target_cache=self.target_cache)

    @property
    def _filtration(self) -> dict[str, Any]:
        names = ("connectivity", "dims", "frame", "engine", "num_threads")
        return {name: getattr(self, name) for name in names}

    def pulls(self, likelihood: Fields, mask: Fields) -> Pulls:
        """Match the features of each patch in space; a point without a partner is pulled to the diagonal."""
        found = self.match_fields(likelihood, mask)
        values, true = values_at(likelihood, found.prediction), values_at(mask, found.target)
        goal = to_diagonal(values)
        persistent = values[:, 0] - values[:, 1] > self.persistence_threshold
        weight = np.where(persistent, 2 * self.unmatched_weight, 0.0).astype(np.float32)
        rows, partners = found.matching.matched.T
        seen = true[partners, 0] > true[partners, 1]  # an empty truth has a component of no persistence
        goal[rows[seen]] = true[partners[seen]]
        weight[rows[seen]] = self.matched_weight
        return Pulls(found.prediction, goal, weight, self._missed(true, found))

    def _missed(self, true: NDArray[np.float32], found: MatchedPoints) -> NDArray[np.float32]:
        """The constant that each patch's true points without a partner add."""
        rest = found.matching.unmatched_second
        persistence = np.square(true[rest, 0] - true[rest, 1])
        of_patch = np.bincount(found.target.patch[rest], persistence, minlength=len(found.target.shapes))
        return (self.missed_weight * of_patch).astype(np.float32)


class SpatialMatchingLoss(BettiMatchingLoss):
    """A cheaper relative of :class:`BettiMatchingLoss`: one point for each true component and each true cavity.

    Of the likelihood's points whose component is born inside a true component the most persistent one is matched to it,
    and likewise for cavities (in 2D: loops), by the voxel where they are filled last; see
    :func:`~monai_topo.topology.match_by_place`. Points are pulled as in :class:`BettiMatchingLoss`. It costs little
    more than ``persistence_pairs`` of those dimensions. It knows no loops in 3D, and it looks at one voxel of a feature
    only. A component is matched where it is, even if it is the one that never dies.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        matched_weight: factor of matched points, as in :class:`BettiMatchingLoss`.
        unmatched_weight: factor of unmatched points.
        missed_weight: cost of each true feature without a point.
        dims: those wanted of 0 and the top dimension; None is both.
        frame: surround each patch by foreground. Off: which of the regions in a frame is the frame's own depends on the
            likelihood, and this matching cannot tell.
        target_cache_mib: memory for the parts of targets that are kept, as in :class:`BettiMatchingLoss`.
        **options: :class:`DiagramOptions`. ``persistence_threshold`` is of the unmatched points only.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
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
        matched_weight: float = 2.0,
        unmatched_weight: float = 1.0,
        missed_weight: float = 1.0,
        dims: Sequence[int] | int | None = None,
        frame: bool = False,
        target_cache_mib: float = 0.0,
        **options: Unpack[DiagramOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(
            *six,
            matched_weight=matched_weight,
            unmatched_weight=unmatched_weight,
            missed_weight=missed_weight,
            dims=dims,
            frame=frame,
            target_cache_mib=target_cache_mib,
            **options,
        )

    def match_fields(self, likelihoods: Fields, masks: Fields) -> MatchedPoints:
        """The matching of N patches, ``(N, H, W[, D])`` on the CPU."""
        return match_by_place_batch(likelihoods, masks, **self._filtration, mask_cache=self.target_cache)
