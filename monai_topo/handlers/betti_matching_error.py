"""Ignite handler of the Betti matching error."""

from __future__ import annotations

from monai_topo.handlers.base import TopologyMetricHandler
from monai_topo.metrics import BettiMatchingErrorMetric


class BettiMatchingError(TopologyMetricHandler):
    """Computes the Betti matching error during evaluation; lower is better.

    Args:
        output_transform: takes ``engine.state.output`` to ``(y_pred, y)``.
        save_details: whether to keep each item's error in ``engine.state.metric_details``.
        **options: arguments of :class:`~monai_topo.metrics.BettiMatchingErrorMetric`: ``dim``, ``connectivity``, ...
    """

    metric = BettiMatchingErrorMetric
