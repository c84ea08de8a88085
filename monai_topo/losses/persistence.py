"""Losses on persistence diagrams: every dot of the prediction is pulled to a constant place in the diagram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from monai.utils import LossReduction
from numpy.typing import NDArray

from monai_topo.losses.base import TopologyLoss
from monai_topo.topology import PersistencePairs, betti_numbers, nearest_corner, persistence_pairs_batch
from monai_topo.topology.diagram import gather_dots

MATCHINGS = ("nearest_corner",)


class PersistenceLoss(TopologyLoss):
    r"""Squared distance between the persistence diagram of a likelihood and that of the ground truth.

    The likelihood is filtered by superlevel sets. Each dot (birth b, death d) of its diagram is matched to a dot
    (b', d') of the ground truth, or else to its own projection on the diagonal, and pulled there:

    .. math:: \sum_{matched} (b-b')^2 + (d-d')^2 + \sum_{others} (b-d)^2 / 2

    summed over dots and ``dims``, averaged over patches, reduced over items and channels. The places pulled to are
    constants; the gradient is nothing outside the voxels of birth and death.

    Args:
        include_background: if False, channel 0 is left out.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: if True, apply a sigmoid to the input.
        softmax: if True, apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        matching: ``"nearest_corner"``: as many dots as the ground truth has features, those nearest to birth 1 and
            death 0, are matched to that corner.
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
            raise ValueError(f"matching must be one of {MATCHINGS}, got {matching!r}.")
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
        patch, birth, death, goal = self._match(fields, mask.detach().cpu().numpy(), pairs)
        device = likelihood.device
        dots = gather_dots(likelihood.flatten(), birth.to(device), death.to(device), essential_death=0.0)
        cost = (dots - goal.to(device)).square().sum(dim=1)
        return likelihood.new_zeros(len(fields)).index_add(0, patch.to(device), cost)

    def _match(
        self, fields: torch.Tensor, masks: NDArray[Any], pairs: list[PersistencePairs]
    ) -> tuple[torch.Tensor, ...]:
        """For each dot of each patch: the patch, birth and death as indices into all patches, and the goal."""
        flat, voxels = fields.flatten(), fields[0].numel()
        rows = []
        for patch, (found, mask) in enumerate(zip(pairs, masks, strict=True)):
            counts = betti_numbers(mask, self.filtration["connectivity"], frame=found.frame)
            for k in found.dims:
                birth = torch.from_numpy(found.birth[k] + patch * voxels)
                death = torch.from_numpy(np.where(found.death[k] < 0, found.death[k], found.death[k] + patch * voxels))
                dots = gather_dots(flat, birth, death, essential_death=0.0)
                rows.append((torch.full_like(birth, patch), birth, death, _corner_goals(dots, counts[k])))
        return tuple(torch.cat(column) for column in zip(*rows, strict=True))


def _corner_goals(dots: torch.Tensor, count: int) -> torch.Tensor:
    """Birth 1 and death 0 for the dots matched to the ground truth, the projection on the diagonal for the others.

    With the projection ``m = (b + d) / 2`` held constant, ``(b - m)**2 + (d - m)**2`` has the value and the gradient of
    ``(b - d)**2 / 2``.
    """
    goals = dots.mean(dim=1, keepdim=True).repeat(1, 2)
    goals[nearest_corner(dots, count).matched[:, 0]] = dots.new_tensor([1.0, 0.0])
    return goals
