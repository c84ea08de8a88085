"""Paths that are too long, too short or gone, on centerline graphs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.utils import MetricReduction

from monai_topo.graphs import Network, Places, path_lengths
from monai_topo.metrics.centerline_graph import CenterlineGraphMetric, check_at_least, to_networks
from monai_topo.metrics.signatures import show_options

if TYPE_CHECKING:
    import networkx

_COMPONENTS = ("correct", "too_long", "too_short", "infeasible")
_ROUNDING = 1e-9


def graph_tlts(
    prediction: networkx.Graph,
    truth: networkx.Graph,
    *,
    n_paths: int = 1000,
    max_node_dist: float = 25.0,
    tol: float = 0.05,
    seed: int = 0,
) -> dict[str, float]:
    r"""Fractions of correct, too long, too short and infeasible paths; :class:`TLTSMetric` holds the definition.

    Args:
        prediction: graph with the attributes of :mod:`monai_topo.graphs`: a skeleton's, a tracing's or your own.
        truth: graph in the same space and unit.
        n_paths: see :class:`TLTSMetric`, as for all that follow.
        max_node_dist: largest distance to the prediction.
        tol: share of its length by which a path may differ.
        seed: random seed of the draw of paths.

    Returns:
        ``"correct"``, ``"too_long"``, ``"too_short"`` and ``"infeasible"``, which sum to 1, or all NaN.

    Raises:
        TypeError: for no undirected networkx graph.
        ValueError: for a node without position, numbers of axes that differ, or a bad argument.

    Example:
        >>> from monai_topo.graphs import swc_graph
        >>> line = "1 1 0 0 0 1 -1\n2 3 50 0 0 1 1\n3 3 50 0 0 1 {}\n4 3 100 0 0 1 3"
        >>> whole, cut = swc_graph(line.format(2)), swc_graph(line.format(-1))
        >>> found = graph_tlts(cut, whole)  # with ends in either half, every other path is gone
        >>> abs(found["infeasible"] - 0.5) < 0.05, found["too_long"], found["too_short"]
        (True, 0.0, 0.0)
    """
    check_at_least(1, n_paths=n_paths)
    check_at_least(0, max_node_dist=max_node_dist, tol=tol)
    predicted, true = to_networks(prediction, truth)
    if not true.lengths.any():
        return dict.fromkeys(_COMPONENTS, math.nan)
    starts, stops = _draw_paths(true, n_paths, np.random.default_rng(seed))
    matches = [predicted.nearest(true.points(places), max_node_dist) for places in (starts, stops)]
    lengths, others = path_lengths(true, starts, stops), path_lengths(predicted, *matches)
    feasible = np.isfinite(others)
    allowed = (tol + _ROUNDING) * lengths
    too_long = feasible & (others - lengths > allowed)
    too_short = lengths - others > allowed
    counts = [int(found.sum()) for found in (feasible & ~too_long & ~too_short, too_long, too_short, ~feasible)]
    return {name: count / n_paths for name, count in zip(_COMPONENTS, counts, strict=True)}


def _draw_paths(network: Network, count: int, rng: np.random.Generator) -> tuple[Places, Places]:
    """Pairs of connected places, uniform by length.

    Two places drawn anywhere are both in one component with a probability that grows with the square of its length:
    so the component is drawn first, and no pair is drawn in vain.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(network.positions)
    joined = coo_array((np.ones(len(network.ends)), network.ends.T), shape=(size, size))
    component = connected_components(joined, directed=False)[1][network.ends[:, 0]]
    order = np.argsort(component, kind="stable")
    before = np.cumsum(network.lengths[order]) - network.lengths[order]
    total = np.bincount(component, network.lengths)
    begins = np.cumsum(total) - total
    chosen = rng.choice(len(total), count, p=total**2 / (total**2).sum())
    drawn = begins[chosen] + rng.random((2, count)) * total[chosen]
    place = np.searchsorted(before, drawn, side="right") - 1
    offset = np.minimum(drawn - before[place], network.lengths[order[place]])
    starts, stops = (Places(order[place[side]], offset[side]) for side in (0, 1))
    return starts, stops


def compute_tlts(
    y_pred: torch.Tensor, y: torch.Tensor, include_background: bool = True, **options: Any
) -> torch.Tensor:
    """Fraction of correct, too long, too short or infeasible paths; :class:`TLTSMetric` holds the definition.

    Args:
        y_pred: ``(B, C, H, W[, D])``, only 0 and 1.
        y: ground truth, the same shape, only 0 and 1.
        include_background: whether channel 0 counts (it always does where it is the only one).
        **options: ``component``, ``n_paths``, ``max_node_dist``, ``tol``, ``seed``, ``spacing``, ``smoothing``,
            ``ignore_index`` and ``skeleton_method`` of :class:`TLTSMetric`. For graphs there is :func:`graph_tlts`.

    Returns:
        ``(B, C)`` fractions, NaN where they are undefined.

    Raises:
        ValueError: when the shapes differ or are not 2D or 3D images, a value is neither 0 nor 1, or an option is bad.

    Example:
        >>> true = torch.zeros(1, 1, 9, 60)
        >>> true[..., 4, 5:55] = 1
        >>> compute_tlts(true, true), compute_tlts(torch.zeros_like(true), true, component="infeasible")
        (tensor([[1.]]), tensor([[1.]]))
    """
    return TLTSMetric(include_background, **options)(y_pred, y)


class TLTSMetric(CenterlineGraphMetric):
    r"""Too long, too short (Wegner et al. 2013): the fraction of paths of one kind, in [0, 1].

    Masks become graphs by :func:`monai_topo.graphs.skeleton_graph`. Pairs of places with a path between them are drawn
    on the truth, uniformly by length, and each place is moved to the nearest one on the prediction's edges. Of the
    shortest paths between them, of lengths :math:`L_G` and :math:`L_P`, let :math:`p = (L_G - L_P) / L_G`. A path is

    - too short if :math:`p >` ``tol``: the prediction has a short cut;
    - too long if :math:`p < -` ``tol``: it has a detour, because a link is missing;
    - infeasible if there is no path, or no prediction within ``max_node_dist`` of an end;
    - correct otherwise.

    Each instance gives one of the four fractions, which sum to 1. Of ``"correct"`` higher is better, of the others
    lower. The chance of the draw makes each uncertain by about :math:`\sqrt{f (1 - f) / n}`. A truth without length
    leaves them undefined; of an empty prediction all paths are infeasible.

    Args:
        include_background: whether channel 0 counts (it always does where it is the only one).
        component: ``"correct"``, ``"too_long"``, ``"too_short"`` or ``"infeasible"``.
        n_paths: number of paths that are drawn; 1000.
        max_node_dist: largest distance to the prediction, inclusive; 25, in the unit of ``spacing`` (voxels without
            one).
        tol: share of its length by which a correct path may differ, inclusive; 0.05.
        seed: random seed of the draw, which is made anew for each item and channel, so that two methods, two batch
            sizes or two ranks see the same paths.
        spacing: size of a voxel, one number or one for each axis; None is 1, all lengths are in voxels. With one, 25
            are millimeters or micrometers: set what suits.
        smoothing: smoothing of the centerlines of masks, see :func:`monai_topo.graphs.skeleton_graph`; 0, as papers
            have it, goes from voxel to voxel, 2 takes the steps out of lengths.
        reduction: MONAI's, over items and channels.
        get_not_nans: whether :meth:`aggregate` also returns the number of defined entries.
        ignore_index: value of ``y`` whose voxels are background in both masks.
        skeleton_method: ``"exact"`` keeps all components, loops and ends of the masks; ``"scikit-image"`` is its
            ``skeletonize`` as it is, for published tables; see :func:`monai_topo.graphs.centerline_mask`.

    Raises:
        ValueError: for an unknown component or method, or a number that is too small or not finite.

    Example:
        >>> line = torch.zeros(1, 1, 5, 40)
        >>> line[..., 2, 5:35] = 1
        >>> metric = TLTSMetric(component="too_short")
        >>> metric(line, line)
        tensor([[0.]])
    """

    components = _COMPONENTS
    compare = staticmethod(graph_tlts)

    def __init__(
        self,
        include_background: bool = True,
        component: str = "correct",
        n_paths: int = 1000,
        max_node_dist: float = 25.0,
        tol: float = 0.05,
        seed: int = 0,
        spacing: Sequence[float] | float | None = None,
        smoothing: float = 0.0,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_index: int | None = None,
        skeleton_method: str = "exact",
    ) -> None:
        super().__init__(
            include_background, component, spacing, smoothing, reduction, get_not_nans, ignore_index, skeleton_method
        )
        check_at_least(1, n_paths=n_paths)
        check_at_least(0, max_node_dist=max_node_dist, tol=tol)
        self.n_paths = n_paths
        self.max_node_dist = max_node_dist
        self.tol = tol
        self.seed = seed


show_options(compute_tlts, TLTSMetric)
