"""Tree length detected: how much of a true centerline lies in the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from monai_topo.metrics.detected import DetectedMetric, branch_shares
from monai_topo.metrics.signatures import show_options

if TYPE_CHECKING:
    import networkx


def graph_tree_length_detected(
    prediction: ArrayLike, truth: networkx.Graph, *, spacing: Sequence[float] | float | None = None
) -> float:
    r"""Share of the length of a tracing that a mask holds; :class:`TreeLengthDetectedMetric` holds the definition.

    Args:
        prediction: Mask of 0 and 1, ``(H, W[, D])``.
        truth: graph with the attributes of :mod:`monai_topo.graphs`: a tracing's, a skeleton's or your own. What of it
            lies outside of the mask's volume is not scored.
        spacing: size of a voxel, one number or one for each axis; None takes the graph's, or 1.

    Returns:
        Share in [0, 1], NaN for a graph without length.

    Raises:
        TypeError: for no undirected networkx graph.
        ValueError: for a mask of other axes or values, a node without position, or a bad argument.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> line = swc_graph("1 1 0 0 0 1 -1\n2 1 4 0 0 1 1", axes="xy")
        >>> graph_tree_length_detected([[1], [1], [0], [0], [0]], line)  # 1.5 of 4
        0.375
    """
    share, length = branch_shares(prediction, truth, spacing)
    return float((share * length).sum() / length.sum()) if len(length) else np.nan


def compute_tree_length_detected(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Share of the length detected, or the precision; :class:`TreeLengthDetectedMetric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``component``, ``largest_only``, ``connectivity``, ``spacing``, ``smoothing``, ``ignore_empty``,
            ``ignore_index`` and ``skeleton_method`` of
            :class:`TreeLengthDetectedMetric`. For tracings there is :func:`graph_tree_length_detected`.

    Returns:
        ``(B, C)`` scores in [0, 1], NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> true = torch.zeros(1, 1, 9, 60)
        >>> true[..., 4, 5:46] = 1
        >>> half = true * (torch.arange(60) < 26)
        >>> compute_tree_length_detected(half, true), compute_tree_length_detected(half, true, component="precision")
        (tensor([[0.5125]]), tensor([[1.]]))
    """
    return TreeLengthDetectedMetric(include_background, **options)(y_pred, y)


class TreeLengthDetectedMetric(DetectedMetric):
    r"""Share of the true tree's length that lies in the prediction (TD), in [0, 1]; higher is better.

    The centerlines of masks are those of :func:`monai_topo.graphs.skeleton_graph`. With C the centerline of a mask, P
    the prediction and G the ground truth,

    .. math:: detected = |C_G \cap P| / |C_G|, \qquad precision = |C_P \cap G| / |C_P|

    in lengths; a step from voxel to voxel is half in either. A prediction that floods the volume detects everything:
    report the precision beside it. A truth without length, single voxels, leaves both undefined; a prediction without
    length has precision 0.

    The airway challenge ATM'22 counts voxels of scikit-image's skeleton instead of lengths, and takes the largest
    component of the prediction: ``largest_only=True`` and ``skeleton_method="scikit-image"`` come close to it.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: ``"detected"`` or ``"precision"``.
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
        ValueError: for an unknown component or method, or a smoothing that is negative or not finite.

    Example:
        >>> cross = torch.zeros(1, 1, 21, 30)
        >>> cross[..., 10, 5:26] = cross[..., 3:18, 15] = 1
        >>> metric = TreeLengthDetectedMetric()
        >>> metric(cross, cross)
        tensor([[1.]])
    """

    def share(self, mask: NDArray[np.bool_], graph: networkx.Graph) -> float:
        """Share of a tree's length that a mask holds."""
        return graph_tree_length_detected(mask, graph)


show_options(compute_tree_length_detected, TreeLengthDetectedMetric)
