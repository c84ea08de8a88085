"""F1 score of junctions of centerline graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from monai.utils import MetricReduction

from monai_topo.graphs import count_matches, junction_points
from monai_topo.metrics.base import empty_score
from monai_topo.metrics.centerline_graph import CenterlineGraphMetric, check_at_least, to_networks
from monai_topo.metrics.signatures import show_options

if TYPE_CHECKING:
    import networkx

_COMPONENTS = ("f1", "precision", "recall")


def graph_junction_f1(
    prediction: networkx.Graph,
    truth: networkx.Graph,
    *,
    match_radius: float = 5.0,
    merge_radius: float = 3.0,
    ignore_empty: bool = True,
) -> dict[str, float]:
    r"""F1 score, precision and recall of the junctions of two graphs; :class:`JunctionF1Metric` holds the definition.

    Args:
        prediction: graph with the attributes of :mod:`monai_topo.graphs`: a skeleton's, a tracing's or your own.
        truth: graph in the same space and unit.
        match_radius: see :class:`JunctionF1Metric`, as for all that follow.
        merge_radius: junctions closer than this are one.
        ignore_empty: whether the scores are NaN where the truth has no junction.

    Returns:
        ``"f1"``, ``"precision"`` and ``"recall"``, each in [0, 1] or NaN.

    Raises:
        TypeError: for no undirected networkx graph.
        ValueError: for a node without position, numbers of axes that differ, or a bad argument.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> text = "1 1 0 0 0 1 -1\n2 5 {0} 0 0 1 1\n3 6 {0} 9 0 1 2\n4 6 40 0 0 1 2"
        >>> graph_junction_f1(swc_graph(text.format(24)), swc_graph(text.format(20)))
        {'f1': 1.0, 'precision': 1.0, 'recall': 1.0}
    """
    check_at_least(0, match_radius=match_radius, merge_radius=merge_radius)
    to_networks(prediction, truth)
    predicted, true = (junction_points(graph, merge_radius) for graph in (prediction, truth))
    decided = empty_score(not len(predicted), not len(true), ignore_empty)
    if decided is not None:
        return dict.fromkeys(_COMPONENTS, decided)
    matched = count_matches(predicted, true, match_radius)
    scores = (2 * matched / (len(predicted) + len(true)), matched / len(predicted), matched / len(true))
    return dict(zip(_COMPONENTS, scores, strict=True))


def compute_junction_f1(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """F1 score, precision or recall of the junctions; :class:`JunctionF1Metric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``component``, ``match_radius``, ``merge_radius``, ``spacing``, ``ignore_empty``, ``ignore_index``
            and ``skeleton_method`` of :class:`JunctionF1Metric`. For graphs there is :func:`graph_junction_f1`.

    Returns:
        ``(B, C)`` scores in [0, 1], NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> true = torch.zeros(1, 1, 21, 60)
        >>> true[..., 10, 5:55] = true[..., 3:18, 15] = true[..., 3:11, 40] = 1
        >>> predicted = true.clone()
        >>> predicted[..., 3:10, 40] = 0  # the second of two junctions is missing
        >>> compute_junction_f1(predicted, true), compute_junction_f1(predicted, true, component="recall")
        (tensor([[0.6667]]), tensor([[0.5000]]))
    """
    return JunctionF1Metric(include_background, **options)(y_pred, y)


class JunctionF1Metric(CenterlineGraphMetric):
    r"""F1 score, precision or recall of the junctions of centerlines, in [0, 1]; higher is better.

    Masks become graphs by :func:`monai_topo.graphs.skeleton_graph`. Junctions are nodes of degree 3 and more; those
    closer than ``merge_radius`` are one, at their mean, because the skeleton of a thick crossing has two forks for
    one. They are matched one to one within ``match_radius``, as many as can be, with the least total distance. With m
    matches of p predicted and g true junctions,

    .. math:: precision = m / p, \qquad recall = m / g, \qquad F_1 = 2 m / (p + g)

    It is not the score of RoadTracer (Bastani et al. 2018), which compares the angles of outgoing branches, nor
    OPT-J (Citraro et al. 2020), which snaps junctions along paths and compares degrees.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: ``"f1"``, ``"precision"`` or ``"recall"``.
        match_radius: largest distance of a match, inclusive; 5, as the slack of CCQ, in the unit of ``spacing`` (voxels
            without one). No paper fixes it: state it.
        merge_radius: junctions closer than this are one; 3, in the unit of ``spacing``. 0 merges none.
        spacing: size of a voxel, one number or one for each axis; None is 1, all distances are in voxels. With one, 5
            and 3 are millimeters or micrometers: set what suits.
        ignore_empty: whether the score is NaN where the truth has no junction; otherwise it is 1 if the prediction has
            none either and 0 if it has. A prediction without junctions of a truth with some scores 0.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.
        skeleton_method: ``"exact"`` keeps all components, loops and ends of the masks; ``"scikit-image"`` is its
            ``skeletonize`` as it is, for published tables; see :func:`monai_topo.graphs.centerline_mask`.

    Raises:
        ValueError: for an unknown component or method, or a radius that is negative or not finite.

    Example:
        >>> cross = torch.zeros(1, 1, 21, 30)
        >>> cross[..., 10, 5:25] = cross[..., 3:18, 15] = 1
        >>> metric = JunctionF1Metric()
        >>> metric(cross.roll(3, -1), cross), metric(cross.roll(6, -1), cross)
        (tensor([[1.]]), tensor([[0.]]))
    """

    components = _COMPONENTS
    compare = staticmethod(graph_junction_f1)

    def __init__(
        self,
        include_background: bool = True,
        component: str = "f1",
        match_radius: float = 5.0,
        merge_radius: float = 3.0,
        spacing: Sequence[float] | float | None = None,
        ignore_empty: bool = True,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
        skeleton_method: str = "exact",
    ) -> None:
        super().__init__(
            include_background, component, spacing, 0.0, reduction, get_not_nans, ignore_index, skeleton_method
        )
        check_at_least(0, match_radius=match_radius, merge_radius=merge_radius)
        self.match_radius = match_radius
        self.merge_radius = merge_radius
        self.ignore_empty = ignore_empty


show_options(compute_junction_f1, JunctionF1Metric)
