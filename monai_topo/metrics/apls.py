"""Average path length similarity of centerline graphs."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.utils import MetricReduction

from monai_topo.graphs import Network, path_length_blocks
from monai_topo.metrics.base import empty_score
from monai_topo.metrics.centerline_graph import CenterlineGraphMetric, check_at_least, to_networks
from monai_topo.metrics.signatures import show_options

if TYPE_CHECKING:
    import networkx

logger = logging.getLogger(__name__)

_COMPONENTS = ("apls", "truth_to_prediction", "prediction_to_truth")
_ROUNDING = 1e-9
MAX_NODES = 2000
"""More control nodes than graphs of vessels, neurites or roads have; those of noise would take hours."""


def graph_apls(
    prediction: networkx.Graph,
    truth: networkx.Graph,
    *,
    max_snap: float = 4.0,
    min_path_length: float = 10.0,
    node_spacing: float | None = None,
    max_nodes: int | None = MAX_NODES,
    seed: int = 0,
    ignore_empty: bool = True,
) -> dict[str, float]:
    r"""Average path length similarity of two graphs; :class:`APLSMetric` holds the definition.

    Args:
        prediction: graph with the attributes of :mod:`monai_topo.graphs`: a skeleton's, a tracing's or your own.
        truth: graph in the same space and unit.
        max_snap: see :class:`APLSMetric`, as for all that follow.
        min_path_length: length under which no path is asked for.
        node_spacing: length of the parts that longer edges are divided into.
        max_nodes: number of control nodes that are drawn where a graph has more; None takes all.
        seed: random seed of that draw.
        ignore_empty: whether the scores are NaN where the truth has no node.

    Returns:
        ``"apls"``, ``"truth_to_prediction"`` and ``"prediction_to_truth"``, each in [0, 1] or NaN.

    Raises:
        TypeError: for no undirected networkx graph.
        ValueError: for a node without position, numbers of axes that differ, or a bad argument.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> star = "1 5 0 0 0 1 -1\n2 6 10 0 0 1 1\n3 6 -10 0 0 1 1\n4 6 0 10 0 1 {}"
        >>> whole, one_arm_cut_off = swc_graph(star.format(1)), swc_graph(star.format(-1))
        >>> graph_apls(one_arm_cut_off, whole)  # 3 of 6 pairs of ends and center have no path
        {'apls': 0.666..., 'truth_to_prediction': 0.5, 'prediction_to_truth': 1.0}
    """
    check_at_least(0, max_snap=max_snap, min_path_length=min_path_length)
    _check_counts(node_spacing, max_nodes)
    predicted, true = to_networks(prediction, truth)
    decided = empty_score(not len(predicted.positions), not len(true.positions), ignore_empty)
    if decided is not None:
        return dict.fromkeys(_COMPONENTS, decided)
    options = (max_snap, min_path_length, node_spacing, max_nodes, seed)
    forth = _similarity("truth", true, predicted, *options)
    back = _similarity("prediction", predicted, true, *options)
    both = forth if math.isnan(back) else 2 * forth * back / (forth + back) if forth + back else 0.0
    return {"apls": both, "truth_to_prediction": forth, "prediction_to_truth": back}


def _similarity(
    name: str,
    first: Network,
    second: Network,
    max_snap: float,
    min_path_length: float,
    node_spacing: float | None,
    max_nodes: int | None,
    seed: int,
) -> float:
    """One less the mean cost of the first graph's paths in the second; NaN if it has none that is long enough."""
    control = first.control_places(node_spacing)
    if max_nodes is not None and max_nodes < len(control):
        drawn = np.random.default_rng(seed).choice(len(control), max_nodes, replace=False)
        logger.warning("apls: %d of %d control nodes of the %s are drawn", max_nodes, len(control), name)
        control = control[np.sort(drawn)]
    snapped = second.nearest(first.points(control), max_snap)
    cost, count = 0.0, 0
    blocks = zip(path_length_blocks(first, control), path_length_blocks(second, snapped), strict=True)
    for (_, lengths), (_, others) in blocks:
        asked = np.isfinite(lengths) & (lengths > 0) & (lengths >= min_path_length * (1 - _ROUNDING))
        length = lengths[asked]
        cost += float(np.minimum(np.abs(length - others[asked]) / length, 1).sum())
        count += len(length)
    return 1 - cost / count if count else math.nan


def _check_counts(node_spacing: float | None, max_nodes: int | None) -> None:
    if node_spacing is not None and not 0 < node_spacing < math.inf:
        raise ValueError(f"node_spacing must be None or a positive length, got {node_spacing}.")
    if max_nodes is not None and max_nodes < 2:
        raise ValueError(f"max_nodes must be None or at least 2, which have a path between them, got {max_nodes}.")


def compute_apls(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Average path length similarity of each item and channel; :class:`APLSMetric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``component``, ``max_snap``, ``min_path_length``, ``node_spacing``, ``max_nodes``, ``seed``,
            ``spacing``, ``smoothing``, ``ignore_empty``, ``ignore_index`` and ``skeleton_method`` of
            :class:`APLSMetric`. For graphs there is :func:`graph_apls`.

    Returns:
        ``(B, C)`` scores in [0, 1], NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> true, predicted = torch.zeros(2, 1, 1, 9, 60)
        >>> true[..., 4, 5:55] = predicted[..., 4, 5:55] = 1
        >>> predicted[..., 4, 30:33] = 0  # a break: the only path of the truth is gone
        >>> compute_apls(predicted, true)
        tensor([[0.]])
    """
    return APLSMetric(include_background, **options)(y_pred, y)


class APLSMetric(CenterlineGraphMetric):
    r"""Average path length similarity (van Etten et al. 2018), in [0, 1]; higher is better.

    Masks become graphs by :func:`monai_topo.graphs.skeleton_graph`. Control nodes are a graph's ends and forks (nodes
    of degree other than 2) and, with ``node_spacing``, places on its edges. Each is moved to the nearest place on the
    other graph's edges, and is missing if that is farther than ``max_snap``. For all pairs of control nodes of the
    first graph with a path of length :math:`L \ge` ``min_path_length`` between them, of length :math:`L'` in the other,

    .. math::
        S = 1 - \operatorname{mean} \min(1, |L - L'| / L), \qquad
        APLS = 2 \Big/ \left(\frac{1}{S_{truth \to prediction}} + \frac{1}{S_{prediction \to truth}}\right)

    with cost 1 where a node or the path is missing, and APLS 0 if either side is 0. The first side falls with what
    is missing, the second with what is false. A truth without such a pair, a short stub or a ring, leaves the score
    undefined; a prediction without one is judged by the paths of the truth alone.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: ``"apls"``, or one side, ``"truth_to_prediction"`` or ``"prediction_to_truth"``.
        max_snap: largest distance to the other graph, inclusive; 4, in the unit of ``spacing`` (voxels without one).
        min_path_length: shorter paths are not asked for; 10, in the unit of ``spacing``.
        node_spacing: None adds no control nodes; otherwise edges are divided into equal parts no longer than this, in
            the unit of ``spacing``, and so are rings, which have no node of their own.
        max_nodes: largest number of control nodes of either graph; 2000. Of more as many are drawn, the same at each
            call, and a warning is logged with the number of those left out. Time grows with the square, and a noisy
            mask has 100,000. None takes all.
        seed: Random seed of that draw.
        spacing: size of a voxel, one number or one for each axis; None is 1, all lengths are in voxels. With one, 4 and
            10 are millimeters or micrometers: set what suits.
        smoothing: smoothing of the centerlines of masks, see :func:`monai_topo.graphs.skeleton_graph`; 0, as papers
            have it, goes from voxel to voxel, 2 takes the steps out of lengths.
        ignore_empty: whether the score is NaN where the truth is empty; otherwise it is 1 if the prediction is empty
            too and 0 if not. An empty prediction of a truth that is not scores 0.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.
        skeleton_method: ``"exact"`` keeps all components, loops and ends of the masks; ``"scikit-image"`` is its
            ``skeletonize`` as it is, for published tables; see :func:`monai_topo.graphs.centerline_mask`.

    Raises:
        ValueError: for an unknown component or method, or a length or number that is too small or not finite.

    Example:
        >>> line = torch.zeros(1, 1, 5, 40)
        >>> line[..., 2, 5:35] = 1
        >>> metric = APLSMetric()
        >>> metric(line, line)
        tensor([[1.]])
    """

    components = _COMPONENTS
    compare = staticmethod(graph_apls)

    def __init__(
        self,
        include_background: bool = True,
        component: str = "apls",
        max_snap: float = 4.0,
        min_path_length: float = 10.0,
        node_spacing: float | None = None,
        max_nodes: int | None = MAX_NODES,
        seed: int = 0,
        spacing: Sequence[float] | float | None = None,
        smoothing: float = 0.0,
        ignore_empty: bool = True,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
        skeleton_method: str = "exact",
    ) -> None:
        super().__init__(
            include_background, component, spacing, smoothing, reduction, get_not_nans, ignore_index, skeleton_method
        )
        check_at_least(0, max_snap=max_snap, min_path_length=min_path_length)
        _check_counts(node_spacing, max_nodes)
        self.max_snap = max_snap
        self.min_path_length = min_path_length
        self.node_spacing = node_spacing
        self.max_nodes = max_nodes
        self.seed = seed
        self.ignore_empty = ignore_empty


show_options(compute_apls, APLSMetric)
