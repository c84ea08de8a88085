"""Losses on persistence diagrams: every dot of the prediction is pulled to a constant place in the diagram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.base import TopologyLoss
from monai_topo.topology import (
    Matching,
    PersistencePairs,
    betti_numbers,
    by_lifetime,
    nearest_corner,
    optimal,
    persistence_pairs_batch,
)
from monai_topo.topology.diagram import gather_dots

MATCHINGS: dict[str, Callable[..., Matching]] = {
    "nearest_corner": lambda dots, truth: nearest_corner(dots, len(truth)),
    "optimal": optimal,
    "by_lifetime": by_lifetime,
}
"""The names that ``PersistenceLoss(matching=...)`` accepts: from two diagrams to a matching."""


class PersistenceLoss(TopologyLoss):
    r"""Squared distance between the persistence diagram of a likelihood and that of the ground truth.

    The likelihood is filtered by superlevel sets. The diagram of the binary ground truth has a dot at birth 1, death 0
    for each of its features. Each dot (birth b, death d) of the likelihood is matched to one of them, or else to its
    own projection on the diagonal, and pulled there:

    .. math:: \sum_{matched} (1-b)^2 + d^2 + \sum_{others} (b-d)^2 / 2

    summed over dots and ``dims``, averaged over patches, reduced over items and channels. The places pulled to are
    constants; the gradient is nothing outside the voxels of birth and death. With the matchings that pair two diagrams
    (all but ``"nearest_corner"``) each feature of the ground truth that is left over adds the constant 1/2.

    Args:
        include_background: if False, channel 0 is left out.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: if True, apply a sigmoid to the input.
        softmax: if True, apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        matching: ``"nearest_corner"``: the dots nearest to birth 1 and death 0 are matched (Hu et al. 2019);
            ``"optimal"``: the matching of least cost, diagonal included (the square of the 2-Wasserstein distance);
            a feature so weak that it is nearer to the diagonal, a loop born under 0.27 or so, is pushed away;
            ``"by_lifetime"``: the dots of longest lifetime are matched.
        dims: homology dimensions; None is all below the number of spatial axes.
        connectivity: of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: surround each patch by foreground (relative homology), so that structures cut by its border close.
        persistence_threshold: dots whose persistence is at most this are left alone.
        patch_size: edge lengths of the patches in voxels; None takes the whole input as one patch.
        patch_mode: ``"grid"`` covers the input; ``"random"`` draws ``num_patches`` for each item anew at each call.
        num_patches: number of random patches for each item.
        seed: seed of the generator that draws them.
        engine: ``"auto"`` or a name of ``monai_topo.topology.available_engines()``.
        num_threads: threads for the patches; None is one for each CPU core.

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
        matching: str = "nearest_corner",
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
            patch_size=patch_size,
            patch_mode=patch_mode,
            num_patches=num_patches,
            seed=seed,
        )
        if matching not in MATCHINGS:
            raise ValueError(f"matching must be one of {tuple(MATCHINGS)}, got {matching!r}.")
        self.matching = matching
        self.filtration: dict[str, Any] = {
            "direction": "superlevel",
            "connectivity": connectivity,
            "dims": dims,
            "frame": frame,
            "min_persistence": persistence_threshold,
            "engine": engine,
        }
        self.num_threads = num_threads

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Cost of the matching for each of N patches: pair, match, gather."""
        fields = likelihood.detach().cpu()
        pairs = persistence_pairs_batch(fields, num_threads=self.num_threads, **self.filtration)
        patch, birth, death = _concatenate(pairs, voxels=fields[0].numel())
        dots = gather_dots(fields.flatten(), birth, death, essential_death=0.0).numpy()
        goals, left_over = self._match(dots, pairs, self._count_features(mask))
        device = likelihood.device
        live = gather_dots(likelihood.flatten(), birth.to(device), death.to(device), essential_death=0.0)
        cost = (live - torch.from_numpy(goals).to(device)).square().sum(dim=1)
        return torch.from_numpy(left_over).to(device).index_add(0, patch.to(device), cost)

    def match_dots(self, dots: NDArray[Any], truth: NDArray[Any]) -> Matching:
        """The matching of a patch's dots ``(n, 2)`` with the ground truth's ``(m, 2)``, all at birth 1, death 0."""
        return MATCHINGS[self.matching](dots, truth)

    def _count_features(self, masks: torch.Tensor) -> list[tuple[int, ...]]:
        """The Betti numbers of the ground truth of each patch."""
        count = partial(
            betti_numbers, connectivity=self.filtration["connectivity"], frame=bool(self.filtration["frame"])
        )
        with ThreadPoolExecutor(self.num_threads) as pool:
            return list(pool.map(count, masks.detach().cpu().numpy()))

    def _match(
        self, dots: NDArray[Any], pairs: list[PersistencePairs], counts: list[tuple[int, ...]]
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Where each dot is pulled, and the constant that each patch's features without a dot add.

        A dot is pulled to its partner, or to its own projection on the diagonal: with ``m = (b + d) / 2`` held
        constant, ``(b - m)**2 + (d - m)**2`` has the value and the gradient of ``(b - d)**2 / 2``.
        """
        goals = dots.mean(axis=1, keepdims=True).repeat(2, axis=1)
        left_over = np.zeros(len(pairs), np.float32)
        start = 0
        for patch, found in enumerate(pairs):
            for k in found.dims:
                stop = start + len(found.birth[k])
                truth = np.tile(np.array([1, 0], np.float32), (counts[patch][k], 1))
                matching = self.match_dots(dots[start:stop], truth)
                goals[start:stop][matching.matched[:, 0]] = truth[matching.matched[:, 1]]
                if self.matching != "nearest_corner":
                    left_over[patch] += len(matching.unmatched_second) / 2
                start = stop
        return goals, left_over


def _concatenate(pairs: list[PersistencePairs], voxels: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """For every dot, patches and dimensions in order: its patch, birth and death as flat indices into all patches."""
    dots = [(patch, found.birth[k], found.death[k]) for patch, found in enumerate(pairs) for k in found.dims]
    patch = np.concatenate([np.full(len(birth), patch) for patch, birth, _ in dots])
    birth = np.concatenate([birth for _, birth, _ in dots]) + patch * voxels
    death = np.concatenate([death for _, _, death in dots])
    death = np.where(death < 0, death, death + patch * voxels)
    return torch.from_numpy(patch), torch.from_numpy(birth), torch.from_numpy(death)
