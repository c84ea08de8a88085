"""Connectivity loss of Oner et al. 2021: background regions that a network separates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

import numpy as np
import torch
from monai.utils import LossReduction
from scipy import ndimage

from monai_topo.losses.base import TopologyLoss
from monai_topo.losses.inputs import INPUTS, Inputs
from monai_topo.losses.options import LossOptions
from monai_topo.topology import MaximinPairs, edge_minima, map_in_threads, maximin_pairs


class ConnectivityLoss(TopologyLoss):
    r"""The loss of "Promoting Connectivity of Network-Like Structures by Enforcing Region Separation".

    Oner, Koziński, Citraro, Fua, TPAMI 2021: a road without gaps separates the background on its two sides. The network
    regresses the truncated distance to the annotated one (:class:`monai_topo.transforms.ClippedDistanceMap` makes the
    target). Regions are the components of the background, farther from the annotation than ``tolerance``, by faces (4
    neighbors in 2D). The maximin distance a of two voxels is the smallest predicted one on the path between them where
    that is largest: with voxels of two regions the path goes through the widest gap in the predicted network. With N
    the pairs of voxels of two regions, P those of one, and y the true distance where a pair is decided

    .. math:: L = \frac{1}{|N|} \sum_N a^2 + \frac{\beta}{|P|} \sum_P (a - y)^2

    each in a pass of its own (:func:`monai_topo.topology.maximin_pairs`, constrained): paths between regions are
    decided in the band around the annotation, so that a network may lie beside it, and paths within a region do not
    leave it, where the second sum takes away false branches. A sum without pairs is 0. Each pair has its gradient at
    one voxel.

    **In 3D** regions are separated by walls, so the loss is one for membranes: curves separate nothing there, and
    the first sum is empty. The paper has images only.

    What is summed and averaged: each sum is a mean over pairs, in squared units of the map, averaged over patches. The
    paper takes windows of 64 pixels (``patch_size=64``). On the benchmark TopoMortar this loss did badly (an error of
    33.7 in the number of components): compare it with the others on your data.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: must be False: the target is a map of distances.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        tolerance: width of the band on each side of the annotation, in units of the map; 3 to 5 pixels in the paper,
            less than the truncation.
        same_weight: the beta of the formula, 0.1 in public settings.
        num_threads: threads for the patches; None is one for each CPU core.
        **options: :class:`LossOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for a negative tolerance or weight, ``to_onehot_y``, more than one activation or an unknown option;
            when called, for a target without a distance above ``tolerance``; see also :meth:`forward`.

    Example:
        >>> truth = torch.tensor([[[[2.0, 1.0, 0.0, 1.0, 2.0]]]])  # a line that separates two regions
        >>> gap = torch.tensor([[[[2.0, 1.0, 0.5, 1.0, 2.0]]]])
        >>> ConnectivityLoss(tolerance=1)(gap, truth)  # the one pair of 2.0 and 2.0
        tensor(0.2500)
    """

    inputs: Inputs = INPUTS["sublevel"]

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[[torch.Tensor], torch.Tensor] | None = None,
        reduction: LossReduction | str = LossReduction.MEAN,
        *,
        tolerance: float = 3.0,
        same_weight: float = 0.1,
        num_threads: int | None = None,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(include_background, to_onehot_y, sigmoid, softmax, other_act, reduction, **options)
        if to_onehot_y:
            raise ValueError("to_onehot_y needs classes: the target is a map of distances to the annotation.")
        for name, value in (("tolerance", tolerance), ("same_weight", same_weight)):
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be at least 0 and finite, got {value!r}.")
        self.tolerance = tolerance
        self.same_weight = same_weight
        self.num_threads = num_threads

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The term of each patch: predicted and true distances ``(N, H, W[, D])`` to ``(N,)``."""
        if 0 < float(mask.max()) <= self.tolerance:
            raise ValueError(
                f"target holds distances up to {float(mask.max()):g}, none above tolerance={self.tolerance:g}: take a "
                "smaller tolerance, in the units of the map, or truncate the map farther away."
            )
        both = list(zip(likelihood, mask, strict=True))
        found = map_in_threads(self._pairs, [(a.detach(), b) for a, b in both], self.num_threads)
        return torch.stack([self._term(*maps, pairs) for maps, pairs in zip(both, found, strict=True)])

    def _pairs(self, maps: tuple[torch.Tensor, torch.Tensor]) -> MaximinPairs:
        predicted, true = (values.cpu() for values in maps)
        regions, _ = ndimage.label((true > self.tolerance).numpy())
        return maximin_pairs(edge_minima(predicted), regions.astype(np.int32), constrained=True)

    def _term(self, predicted: torch.Tensor, true: torch.Tensor, pairs: MaximinPairs) -> torch.Tensor:
        edges = torch.from_numpy(pairs.edges).to(predicted.device)
        a, y = (edge_minima(values).flatten()[edges] for values in (predicted, true))
        same, different = (
            torch.from_numpy(counts / max(1, total)).to(predicted)
            for counts, total in ((pairs.same, pairs.total_same), (pairs.different, pairs.total_different))
        )
        return (different * a.square() + self.same_weight * same * (a - y).square()).sum()
