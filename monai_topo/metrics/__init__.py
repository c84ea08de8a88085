"""Metrics of topological correctness, each with one documented definition."""

from __future__ import annotations

from monai_topo.metrics.base import TopologyMetric
from monai_topo.metrics.betti_error import BettiErrorMetric, compute_betti_error
from monai_topo.metrics.betti_matching_error import BettiMatchingErrorMetric, compute_betti_matching_error

__all__ = [
    "BettiErrorMetric",
    "BettiMatchingErrorMetric",
    "TopologyMetric",
    "compute_betti_error",
    "compute_betti_matching_error",
]
