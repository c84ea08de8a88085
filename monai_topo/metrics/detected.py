"""What the scores of detected trees share: centerlines of one mask within the other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from monai.utils import MetricReduction
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from monai_topo.graphs import check_method, fill_cavities, skeleton_graph, trace_points
from monai_topo.metrics.base import ComponentMetric, empty_score
from monai_topo.metrics.centerline_graph import check_at_least
from monai_topo.topology import check_mask, is_full_connectivity

if TYPE_CHECKING:
    import networkx


class DetectedMetric(ComponentMetric):
    """Base of the metrics of how much of a true tree a mask holds, and how much of its own tree is true.

    A subclass implements :meth:`share`.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: ``"detected"`` or ``"precision"``.
        largest_only: whether only the largest component of the prediction counts.
        connectivity: connectivity of that component: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6).
        spacing: size of a voxel, one number or one for each axis; None is 1, lengths in voxels.
        smoothing: smoothing of the centerlines, see :func:`monai_topo.graphs.skeleton_graph`.
        ignore_empty: whether the scores are NaN where the truth is empty.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.
        skeleton_method: algorithm of the centerlines, see :func:`monai_topo.graphs.centerline_mask`.

    Raises:
        ValueError: for an unknown component or method, or a smoothing that is negative or not finite.
    """

    components = ("detected", "precision")

    def __init__(
        self,
        include_background: bool = True,
        component: str = "detected",
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
        super().__init__(include_background, component, reduction, get_not_nans, ignore_index)
        check_at_least(0, smoothing=smoothing)
        check_method("skeleton_method", skeleton_method)
        self.largest_only = largest_only
        self.connectivity = connectivity
        self.spacing = spacing
        self.smoothing = smoothing
        self.ignore_empty = ignore_empty
        self.skeleton_method = skeleton_method

    @abstractmethod
    def share(self, mask: NDArray[np.bool_], graph: networkx.Graph) -> float:
        """Share of a tree, from 0 to 1, that a mask holds; NaN for one without length."""

    def channel_components(self, prediction: NDArray[Any], target: NDArray[Any]) -> dict[str, float]:
        """How much of the true tree the prediction holds, and how much of its tree the truth."""
        return self.tracing_components(prediction, target, None)

    def tracing_components(
        self, prediction: NDArray[Any], target: NDArray[Any], truth: networkx.Graph | None
    ) -> dict[str, float]:
        """Both shares; the true tree is that of a tracing, or else of the centerline of the target."""
        kept = largest_component(prediction, self.connectivity) if self.largest_only else prediction
        decided = empty_score(not kept.any(), not target.any(), self.ignore_empty)
        if decided is not None:
            return dict.fromkeys(self.components, decided)
        if self.skeleton_method == "exact":
            kept, target = fill_cavities(kept), fill_cavities(target)
        detected = self.share(kept, self._tree(target) if truth is None else truth)
        if np.isnan(detected):
            return dict.fromkeys(self.components, np.nan)
        return {"detected": detected, "precision": float(np.nan_to_num(self.share(target, self._tree(kept))))}

    def _tree(self, mask: NDArray[Any]) -> networkx.MultiGraph:
        spacing = 1.0 if self.spacing is None else self.spacing
        return skeleton_graph(mask, spacing=spacing, smoothing=self.smoothing, method=self.skeleton_method)


def branch_shares(
    mask: ArrayLike, graph: networkx.Graph, spacing: Sequence[float] | float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The branches of a graph that have a length within a volume: the share of each in a mask, 0 to 1, and its length.

    Args:
        mask: ``(H, W[, D])`` of 0 and 1.
        graph: graph with the attributes of :mod:`monai_topo.graphs`; chains of nodes are one branch.
        spacing: size of a voxel; None takes the graph's, or 1.

    Raises:
        TypeError: for no undirected networkx graph.
        ValueError: for a mask of other axes or values, or a node without position.
    """
    volume = check_mask(mask, "prediction")
    points = trace_points(graph, spacing)
    if len(points.positions) and points.positions.shape[1] != volume.ndim:
        raise ValueError(
            f"prediction must have the {points.positions.shape[1]} axes of the graph, got shape {volume.shape}."
        )
    everywhere = np.broadcast_to(True, volume.shape)
    inside, length = (np.bincount(points.branch, points.lengths_inside(part)) for part in (volume, everywhere))
    some = length > 0
    return np.asarray(inside[some] / length[some]), np.asarray(length[some], np.float64)


def largest_component(mask: NDArray[Any], connectivity: int | None) -> NDArray[np.bool_]:
    """The component of a mask with the most voxels, the first of several.

    Example:
        >>> largest_component(np.array([[1, 0, 1, 1]], bool), None).astype(int)
        array([[0, 0, 1, 1]])
    """
    full = is_full_connectivity(connectivity, mask.ndim)
    labels, count = ndimage.label(mask, ndimage.generate_binary_structure(mask.ndim, mask.ndim if full else 1))
    if count < 2:
        return np.asarray(mask, bool)
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]))
