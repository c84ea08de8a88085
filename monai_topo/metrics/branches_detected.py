"""Branches detected: how many branches of a true tree lie in the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.utils import MetricReduction
from numpy.typing import ArrayLike, NDArray

from monai_topo.metrics.detected import DetectedMetric, branch_shares
from monai_topo.metrics.signatures import show_options

if TYPE_CHECKING:
    import networkx

_ROUNDING = 1e-9


def graph_branches_detected(
    prediction: ArrayLike,
    truth: networkx.Graph,
    *,
    min_share: float = 0.8,
    spacing: Sequence[float] | float | None = None,
) -> float:
    r"""Share of the branches of a tracing that a mask holds; :class:`BranchesDetectedMetric` holds the definition.

    Args:
        prediction: Mask of 0 and 1, ``(H, W[, D])``.
        truth: graph with the attributes of :mod:`monai_topo.graphs`: a tracing's, a skeleton's or your own. What of it
            lies outside of the mask's volume is not scored.
        min_share: Share of a branch's length from which it is detected, inclusive.
        spacing: size of a voxel, one number or one for each axis; None takes the graph's, or 1.

    Returns:
        Share in [0, 1], NaN for a graph without length.

    Raises:
        TypeError: for no undirected networkx graph.
        ValueError: for a mask of other axes or values, a node without position, or a bad argument.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> fork = swc_graph("1 1 0 0 0 1 -1\n2 1 4 0 0 1 1\n3 1 8 0 0 1 2\n4 1 4 4 0 1 2", axes="xy")
        >>> mask = np.zeros((9, 5))
        >>> mask[:8, 0] = 1  # two branches of three
        >>> round(graph_branches_detected(mask, fork), 3)
        0.667
    """
    check_min_share(min_share)
    share, _ = branch_shares(prediction, truth, spacing)
    return float((share >= min_share - _ROUNDING).mean()) if len(share) else np.nan


def compute_branches_detected(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Share of the branches detected, or the precision; :class:`BranchesDetectedMetric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``component``, ``min_share``, ``largest_only``, ``connectivity``, ``spacing``, ``smoothing``,
            ``ignore_empty``, ``ignore_index`` and ``skeleton_method`` of
            :class:`BranchesDetectedMetric`. For tracings there is :func:`graph_branches_detected`.

    Returns:
        ``(B, C)`` scores in [0, 1], NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> true = torch.zeros(1, 1, 21, 40)
        >>> true[..., 10, 5:36] = true[..., 3:11, 20] = 1
        >>> short = true * (torch.arange(40) < 31)  # a third of the right branch is gone
        >>> compute_branches_detected(short, true), compute_branches_detected(short, true, min_share=0.6)
        (tensor([[0.6667]]), tensor([[1.]]))
    """
    return BranchesDetectedMetric(include_background, **options)(y_pred, y)


class BranchesDetectedMetric(DetectedMetric):
    r"""Share of the true tree's branches that lie in the prediction (BD), in [0, 1]; higher is better.

    The centerlines of masks are those of :func:`monai_topo.graphs.skeleton_graph`, and their branches the paths between
    forks and ends. One is detected if at least ``min_share`` of its length lies in the prediction. Detected is the
    share of the true branches that are; precision the share of the prediction's own branches that lie in the truth as
    much.

    All branches weigh the same, short twigs as much as long trunks. A truth without branches, single voxels, leaves
    both undefined; a prediction without branches has precision 0.

    The airway challenge ATM'22 counts voxels of scikit-image's skeleton, cuts it at forks, joins short pieces, and
    takes the largest component of the prediction. Its 80 % are the default here.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: ``"detected"`` or ``"precision"``.
        min_share: Share of a branch's length from which it is detected, inclusive; 0.8 as in ATM'22.
        largest_only: whether only the largest component of the prediction counts, as in ATM'22.
        connectivity: Connectivity of that component: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        spacing: size of a voxel, one number or one for each axis; None is 1. Scores are ratios: of cubic voxels they do
            not depend on it.
        smoothing: smoothing of the centerlines, see :func:`monai_topo.graphs.skeleton_graph`; 0 goes from voxel to
            voxel, 2 takes the steps out of lengths.
        ignore_empty: whether the scores are NaN where the truth is empty; otherwise they are 1 if the prediction is
            empty too and 0 if not. An empty prediction of a truth that is not scores 0.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.
        skeleton_method: ``"exact"`` keeps all components, loops and ends of the masks; ``"scikit-image"`` is its
            ``skeletonize`` as it is, for published tables; see :func:`monai_topo.graphs.centerline_mask`.

    Raises:
        ValueError: for an unknown component or method, or a number that is out of range.

    Example:
        >>> cross = torch.zeros(1, 1, 21, 30)
        >>> cross[..., 10, 5:26] = cross[..., 3:18, 15] = 1
        >>> metric = BranchesDetectedMetric()
        >>> metric(cross * (torch.arange(30) <= 15), cross)
        tensor([[0.7500]])
    """

    def __init__(
        self,
        include_background: bool = True,
        component: str = "detected",
        min_share: float = 0.8,
        largest_only: bool = False,
        connectivity: int | None = None,
        spacing: Sequence[float] | float | None = None,
        smoothing: float = 0.0,
        ignore_empty: bool = True,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
        skeleton_method: str = "exact",
    ) -> None:
        super().__init__(
            include_background,
            component,
            largest_only,
            connectivity,
            spacing,
            smoothing,
            ignore_empty,
            reduction,
            get_not_nans,
            ignore_index,
            skeleton_method,
        )
        check_min_share(min_share)
        self.min_share = min_share

    def share(self, mask: NDArray[np.bool_], graph: networkx.Graph) -> float:
        """Share of a tree's branches that a mask holds."""
        return graph_branches_detected(mask, graph, min_share=self.min_share)


def check_min_share(min_share: float) -> None:
    """Refuse a share out of (0, 1].

    Raises:
        ValueError: naming it.
    """
    if not 0 < min_share <= 1:
        raise ValueError(f"min_share must be above 0 and at most 1, got {min_share}.")


show_options(compute_branches_detected, BranchesDetectedMetric)
