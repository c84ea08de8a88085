"""Ignite handler of the Betti number error."""

from __future__ import annotations

from monai_topo.handlers.base import TopologyMetricHandler
from monai_topo.metrics import BettiErrorMetric


class BettiError(TopologyMetricHandler):
    """Computes the Betti number error during evaluation; lower is better.

    Args:
        output_transform: takes ``engine.state.output`` to ``(y_pred, y)``.
        save_details: whether to keep each item's error in ``engine.state.metric_details``.
        **options: arguments of :class:`~monai_topo.metrics.BettiErrorMetric`: ``dim``, ``connectivity``, ``frame``, ...
    """

    metric = BettiErrorMetric
