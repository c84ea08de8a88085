"""Expected run length of skeletons in a segmentation, with splits, merges and omitted steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.utils import MetricReduction
from numpy.typing import ArrayLike, NDArray

from monai_topo.graphs import check_method
from monai_topo.metrics.centerline_graph import check_at_least
from monai_topo.metrics.instance_matching import check_integer_ids
from monai_topo.metrics.label_maps import LabelMapMetric
from monai_topo.metrics.run_length import COMPONENTS, object_skeletons, run_lengths, traced_skeletons
from monai_topo.metrics.signatures import show_options

if TYPE_CHECKING:
    import networkx


def graph_expected_run_length(
    segmentation: ArrayLike,
    truth: networkx.Graph | Sequence[networkx.Graph],
    *,
    merge_tolerance: int = 0,
    max_step: float | None = None,
    spacing: Sequence[float] | float | None = None,
) -> dict[str, float]:
    r"""Expected run length of tracings in a segmentation; :class:`ExpectedRunLengthMetric` holds the definition.

    Args:
        segmentation: Ids of segments, ``(H, W[, D])``, integers from 0 to 2^64 - 1, 0 for no segment.
        truth: graph with the attributes of :mod:`monai_topo.graphs`, a tracing's or a skeleton's, each component of
            which is a skeleton; or a sequence of graphs, each of which is one. What lies outside of the volume of the
            segmentation is not scored.
        merge_tolerance: Number of points of another skeleton in a segment that make no merge.
        max_step: Length of the longest step; longer ones are divided into equal parts. None takes the points as they
            were traced, so that what happens between two of them is not seen.
        spacing: size of a voxel, one number or one for each axis; None takes the graph's, or 1.

    Returns:
        All components by name, NaN where the truth has no length.

    Raises:
        TypeError: for no undirected networkx graph.
        ValueError: for ids that are no integers of at least 0 or of other axes, a node without position, or a bad
            argument.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> lines = [f"{n} 2 {n - 1} 0 0 1 {n - 1 or -1}" for n in range(1, 12)]  # 10 steps of 1
        >>> path = swc_graph("\n".join(lines), axes="xy")
        >>> halves = np.repeat([[7], [9]], [5, 6], axis=0)  # 4 steps in one half, 5 in the other, one between
        >>> found = graph_expected_run_length(halves, path)
        >>> found["erl"], found["normalized"], found["num_splits"]  # (4² + 5²) / 10
        (4.1, 0.41, 1.0)
    """
    check_at_least(0, merge_tolerance=merge_tolerance)
    _check_max_step(max_step)
    ids = np.asarray(segmentation)
    check_integer_ids(ids, "segmentation")
    return run_lengths(traced_skeletons(truth, ids.shape, spacing, max_step), ids, merge_tolerance)


def compute_expected_run_length(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Expected run length of each item and channel; :class:`ExpectedRunLengthMetric` holds the definition.

    Args:
        y_pred: ``(B, 1, H, W[, D])`` ids of segments, or masks of 0 and 1, as ``instances`` says.
        y: ground truth, the same shape: objects, of which the skeletons are taken.
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        **options: ``component``, ``merge_tolerance``, ``max_step``, ``spacing``, ``smoothing``, ``instances``,
            ``connectivity``, ``section_axis``, ``ignore_index`` and ``skeleton_method`` of
            :class:`ExpectedRunLengthMetric`. For tracings there is :func:`graph_expected_run_length`.

    Returns:
        ``(B, C)`` lengths, shares or counts, NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, the values are not what ``instances`` says, or
            an option is bad.

    Example:
        >>> true = torch.zeros(1, 1, 5, 21, dtype=torch.int64)
        >>> true[..., 2, :] = 1
        >>> broken = true.clone()
        >>> broken[..., 11:] *= 2  # 10 steps in the first half, 9 in the second
        >>> compute_expected_run_length(true, true), compute_expected_run_length(broken, true)
        (tensor([[20.]]), tensor([[9.0500]]))
    """
    return ExpectedRunLengthMetric(include_background, **options)(y_pred, y)


class ExpectedRunLengthMetric(LabelMapMetric):
    r"""Expected run length (ERL, Januszewski et al. 2018): how far one can follow a skeleton without an error.

    The truth is skeletons: those of true objects, or tracings (:func:`graph_expected_run_length`). Each point lies in
    the segment of its voxel, and a step between two points is, by the first that holds,

    - omitted, if one of them is in no segment;
    - split, if they are in two segments;
    - merged, if their segment is a merge: it holds points of two skeletons, more than ``merge_tolerance`` of each;
    - correct otherwise.

    With :math:`l` the length of the correct steps of each skeleton in each segment, and L that of all steps,

    .. math:: ERL = \sum l^2 / L

    is the expected length of the run that a point of a skeleton, drawn uniformly by length, belongs to. Normalized is
    its share of that of a perfect segmentation. A run goes on behind an omitted step if the segment does.

    Components: ``"erl"``, in the unit of ``spacing``, and ``"normalized"``; ``"correct"``, ``"split"``, ``"merged"``
    and ``"omitted"``, shares of the length that sum to 1; ``"num_splits"``, segments on a skeleton beyond the first,
    summed over skeletons; ``"num_merges"``, skeletons in a segment beyond the first, summed over segments. Higher is
    better for the first three, lower for the others. A truth without length leaves them undefined.

    Args:
        include_background: whether channel 0 of masks counts (it always does where it is the only one).
        component: one of those above.
        merge_tolerance: Number of points of another skeleton in a segment that make no merge; 0, as in the paper.
        max_step: Length of the longest step of a tracing, in the unit of ``spacing``; longer ones are divided. None
            divides none. Skeletons of masks go from voxel to voxel.
        spacing: size of a voxel, one number or one for each axis; None is 1, lengths in voxels.
        smoothing: smoothing of the skeletons of objects, see :func:`monai_topo.graphs.skeleton_graph`; 0 goes from
            voxel to voxel, 2 takes the steps out of lengths.
        instances: meaning of the inputs. ``"labels"``: ``(B, 1, H, W[, D])`` integer ids, 0 is no instance. Masks of 0
            and 1 otherwise, whose instances are the components of the ``"foreground"`` (vessels) or of the
            ``"background"`` (cells between membranes).
        connectivity: connectivity of the mask's foreground: None is full (8 in 2D, 26 in 3D), 1 is face (4, 6). The
            background has the other one, so cells are face-connected by default.
        section_axis: spatial axis along which no two sections share an instance, for anisotropic stacks (2 or -1 for
            files read as x, y, z); None takes the volume whole.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are of no instance on either side.
        skeleton_method: ``"exact"`` keeps all components, loops and ends of the objects; ``"scikit-image"`` is its
            ``skeletonize`` as it is; see :func:`monai_topo.graphs.centerline_mask`.

    Raises:
        ValueError: for an unknown component, method or kind of instances, or a number that is too small or not finite.

    Example:
        >>> true = torch.zeros(1, 1, 9, 21, dtype=torch.int64)
        >>> true[..., 2, :], true[..., 6, :] = 1, 2
        >>> metric = ExpectedRunLengthMetric(component="num_merges")
        >>> metric((true > 0).long(), true)
        tensor([[1.]])
    """

    components = COMPONENTS

    def __init__(
        self,
        include_background: bool = True,
        component: str = "erl",
        merge_tolerance: int = 0,
        max_step: float | None = None,
        spacing: Sequence[float] | float | None = None,
        smoothing: float = 0.0,
        instances: str = "labels",
        connectivity: int | None = None,
        section_axis: int | None = None,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
        skeleton_method: str = "exact",
    ) -> None:
        super().__init__(
            include_background,
            component,
            instances,
            connectivity,
            section_axis,
            reduction,
            get_not_nans,
            ignore_index,
        )
        check_at_least(0, merge_tolerance=merge_tolerance, smoothing=smoothing)
        _check_max_step(max_step)
        check_method("skeleton_method", skeleton_method)
        self.merge_tolerance = merge_tolerance
        self.max_step = max_step
        self.spacing = spacing
        self.smoothing = smoothing
        self.skeleton_method = skeleton_method

    def map_components(self, predicted: NDArray[Any], true: NDArray[Any]) -> dict[str, float]:
        """All components of two label maps: the truth is the skeletons of its objects."""
        spacing = 1.0 if self.spacing is None else self.spacing
        skeletons = object_skeletons(true, spacing, self.smoothing, self.skeleton_method)
        return run_lengths(skeletons, predicted, self.merge_tolerance)

    def tracing_components(
        self, prediction: NDArray[Any], target: NDArray[Any], truth: networkx.Graph
    ) -> dict[str, float]:
        """All components of a tracing; the target, which it was drawn on, plays no part."""
        skeletons = traced_skeletons(truth, prediction.shape, None, self.max_step)
        return run_lengths(skeletons, self.instance_map(prediction), self.merge_tolerance)


def _check_max_step(max_step: float | None) -> None:
    if max_step is not None and not 0 < max_step < float("inf"):
        raise ValueError(f"max_step must be above 0 and finite, or None, got {max_step}.")


show_options(compute_expected_run_length, ExpectedRunLengthMetric)
