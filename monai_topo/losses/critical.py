"""CriticalRegionLoss: false regions weigh more where their correction changes the topology."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
import torch
from monai.utils import LossReduction

from monai_topo.losses.channels import Channels
from monai_topo.losses.options import LossOptions
from monai_topo.losses.region import VoxelCrossEntropyLoss, cross_entropy
from monai_topo.topology import CRITERIA, critical_regions_batch

ERRORS = ("cross_entropy", "absolute")
"""Errors of single voxels: cross-entropy, or the distance of likelihood and truth."""

AGGREGATIONS = ("voxels", "mean", "max", "rms")
"""How the voxels of critical regions are aggregated."""

_PUBLISHED = {"components": ("cross_entropy", "voxels", 0.5), "homotopy": ("absolute", "mean", 1.0)}


class CriticalRegionLoss(VoxelCrossEntropyLoss):
    r"""Errors of single voxels, more where a false region changes the topology.

    The likelihood is thresholded, and its false regions are found: the components of what is missing and of what is
    extra. Those whose correction changes the topology are critical
    (:func:`monai_topo.topology.critical_regions`), by one of two criteria:

    - ``"components"``: the region splits or merges objects, or is an object of its own. The loss of "Efficient
      Connectivity-Preserving Instance Segmentation with Supervoxel-Based Loss Function" (Grim, Chandrashekar, Sümbül,
      AAAI 2025).
    - ``"homotopy"``: the region changes a component, a loop or a cavity. The loss of "Topograph: An Efficient
      Graph-Based Framework for Strictly Topology Preserving Image Segmentation" (Lux, Berger et al., ICLR 2025),
      published for 2D. No critical region means that prediction and truth are included in their union without any
      change of topology.

    With the error e of each voxel, the weight :math:`\alpha` of the critical regions, and :math:`w` of a missing region
    :math:`\beta`, of an extra one :math:`1 - \beta`:

    .. math:: L = (1 - \alpha) \, \text{mean}(e) + \alpha \, A

    where A is the sum of :math:`w e` over the voxels of critical regions, divided by the number of all voxels of the
    patch (``aggregation="voxels"``), or the mean over critical regions, weighted by :math:`w`, of the region's mean,
    largest, or root mean square error. Regions are constants for the gradient. Without critical regions A is 0.

    What is summed and averaged: the value for one item and channel is of the size of e, averaged over patches.

    Args:
        include_background: whether channel 0 counts.
        to_onehot_y: whether to turn a ``(B, 1, ...)`` target of class indices into one channel for each class.
        sigmoid: whether to apply a sigmoid to the input.
        softmax: whether to apply a softmax over the channels of the input.
        other_act: another activation to apply to the input.
        reduction: ``"none"`` gives ``(B, C, 1, 1[, 1])``; ``"mean"`` and ``"sum"`` are over items and channels.
        criterion: ``"components"`` or ``"homotopy"``.
        error: ``"cross_entropy"`` of each voxel, or ``"absolute"``, the distance of likelihood and truth; None is the
            paper's: cross-entropy for components, the distance for homotopy.
        aggregation: ``"voxels"``, ``"mean"``, ``"max"`` or ``"rms"``; None is the paper's: voxels for components, the
            mean for homotopy.
        critical_weight: :math:`\alpha`, from 0 to 1; None is the paper's: 0.5 for components, 1 for homotopy, which is
            made as a term beside other losses.
        missing_weight: :math:`\beta`, from 0 to 1: the weight of missing regions against extra ones; 0.5 weighs both
            alike.
        threshold: likelihood from which a voxel is foreground.
        threshold_noise: Standard deviation of a normal distribution that is added to the threshold, drawn anew for each
            patch and call; 0 for none.
        connectivity: Connectivity of the foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        frame: surround each patch by foreground, so that what a region does at the border counts.
        num_threads: Threads for the patches; None is one for each CPU core.
        **options: :class:`LossOptions`.

    Raises:
        TypeError: when ``other_act`` is not callable, or for an argument that the loss does not have.
        ValueError: for more than one activation or an unknown option; see also :meth:`forward`.

    Example:
        >>> likelihood = torch.tensor([[[[0.9, 0.2, 0.8, 0.4, 0.1]]]])  # a gap, and an end that is too short
        >>> target = torch.tensor([[[[1.0, 1.0, 1.0, 1.0, 0.0]]]])
        >>> CriticalRegionLoss(criterion="homotopy")(likelihood, target)  # of the gap alone
        tensor(0.8000)
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
        criterion: str = "components",
        error: str | None = None,
        aggregation: str | None = None,
        critical_weight: float | None = None,
        missing_weight: float = 0.5,
        threshold: float = 0.5,
        threshold_noise: float = 0.0,
        connectivity: int | None = None,
        frame: bool = False,
        num_threads: int | None = None,
        **options: Unpack[LossOptions],
    ) -> None:
        six = (include_background, to_onehot_y, sigmoid, softmax, other_act, reduction)
        super().__init__(*six, **options)
        _check_name("criterion", criterion, CRITERIA)
        published = _PUBLISHED[criterion]
        self.criterion = criterion
        self.error = published[0] if error is None else error
        self.aggregation = published[1] if aggregation is None else aggregation
        self.critical_weight = published[2] if critical_weight is None else critical_weight
        _check_name("error", self.error, ERRORS)
        _check_name("aggregation", self.aggregation, AGGREGATIONS)
        for name, value in {"critical_weight": self.critical_weight, "missing_weight": missing_weight}.items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {value!r}.")
        if not (0 < threshold <= 1 and 0 <= threshold_noise < np.inf):
            raise ValueError(
                f"threshold must be over 0 and at most 1, and threshold_noise 0 or more, got {threshold!r} and "
                f"{threshold_noise!r}."
            )
        self.missing_weight = missing_weight
        self.threshold = threshold
        self.threshold_noise = threshold_noise
        self.connectivity = connectivity
        self.frame = frame
        self.num_threads = num_threads

    def channel_terms(self, channels: Channels) -> torch.Tensor:
        """The mean over patches, ``(B, C, 1, 1[, 1])``."""
        likelihood = channels.prediction
        error = self._entropy(channels) if self.error == "cross_entropy" else _distance(likelihood, channels.truth)
        return self.mean_over_patches(self._of_patches, likelihood.detach(), channels.truth, error)

    def patch_terms(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The term of each patch, of likelihoods."""
        error = cross_entropy if self.error == "cross_entropy" else _distance
        return self._of_patches(likelihood.detach(), mask, error(likelihood, mask))

    def region_of(self, likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The critical regions of each of N patches, as bools."""
        return self._find(likelihood, mask)[0] > 0

    def _of_patches(self, likelihood: torch.Tensor, mask: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
        rest = error.flatten(1).mean(dim=1)
        if self.critical_weight == 0:
            return rest
        labels, weights, patches = self._find(likelihood, mask)
        inside = labels.flatten().nonzero()[:, 0]
        region, values = labels.flatten()[inside] - 1, error.flatten()[inside]
        weights, zeros = weights.to(error), error.new_zeros(len(error))
        if self.aggregation == "voxels":
            found = zeros.index_add(0, patches[region], weights[region] * values) / error[0].numel()
        else:
            each = _aggregate(values, region, len(weights), self.aggregation)
            total = zeros.index_add(0, patches, weights)
            found = zeros.index_add(0, patches, weights * each) / torch.where(total > 0, total, 1)
        return (1 - self.critical_weight) * rest + self.critical_weight * found

    def _find(self, likelihood: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Labels of the critical regions of all patches, int64, and for each region its weight and its patch."""
        found = critical_regions_batch(
            (likelihood >= self._thresholds(likelihood)).cpu().numpy(),
            mask.cpu().numpy(),
            criterion=self.criterion,
            connectivity=self.connectivity,
            frame=self.frame,
            num_threads=self.num_threads,
        )
        counts = [len(regions.missing) for regions in found]
        first = np.cumsum([0, *counts])[:-1]
        labels = np.stack(
            [np.where(regions.labels, regions.labels + start, 0) for regions, start in zip(found, first, strict=True)]
        )
        missing = np.concatenate([regions.missing for regions in found])
        weights = np.where(missing, self.missing_weight, 1 - self.missing_weight)
        patches = np.repeat(np.arange(len(found)), counts)
        device = likelihood.device
        return tuple(torch.from_numpy(array).to(device) for array in (labels.astype(np.int64), weights, patches))  # type: ignore[return-value]

    def _thresholds(self, likelihood: torch.Tensor) -> torch.Tensor | float:
        if self.threshold_noise == 0:
            return self.threshold
        drawn = self.random_state.normal(self.threshold, self.threshold_noise, len(likelihood))
        return torch.from_numpy(drawn).to(likelihood).reshape(-1, *[1] * (likelihood.ndim - 1))


def _aggregate(values: torch.Tensor, region: torch.Tensor, count: int, aggregation: str) -> torch.Tensor:
    """The mean, largest or root mean square value of each region, ``(count,)``."""
    zeros = values.new_zeros(count)
    if aggregation == "max":
        return zeros.scatter_reduce(0, region, values, "amax", include_self=False)
    sizes = zeros.index_add(0, region, torch.ones_like(values))
    if aggregation == "mean":
        return zeros.index_add(0, region, values) / sizes
    return (zeros.index_add(0, region, values.square()) / sizes).sqrt()


def _distance(likelihood: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (likelihood - mask.to(likelihood.dtype)).abs()


def _check_name(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {known}, got {value!r}.")
