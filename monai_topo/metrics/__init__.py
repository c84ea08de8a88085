"""Metrics of topological correctness, each with one documented definition."""

from __future__ import annotations

from monai_topo.metrics.adapted_rand_error import AdaptedRandErrorMetric, compute_adapted_rand_error
from monai_topo.metrics.apls import APLSMetric, compute_apls, graph_apls
from monai_topo.metrics.base import ComponentMetric, TopologyMetric
from monai_topo.metrics.betti_error import BettiErrorMetric, compute_betti_error
from monai_topo.metrics.betti_matching_error import BettiMatchingErrorMetric, compute_betti_matching_error
from monai_topo.metrics.betti_matching_f1 import BettiMatchingF1Metric, compute_betti_matching_f1
from monai_topo.metrics.branches_detected import (
    BranchesDetectedMetric,
    compute_branches_detected,
    graph_branches_detected,
)
from monai_topo.metrics.ccq import CCQMetric, compute_ccq
from monai_topo.metrics.centerline_dice import CenterlineDiceMetric, compute_centerline_dice
from monai_topo.metrics.detected import DetectedMetric as DetectedMetric
from monai_topo.metrics.euler_error import EulerErrorMetric, compute_euler_error
from monai_topo.metrics.expected_run_length import (
    ExpectedRunLengthMetric,
    compute_expected_run_length,
    graph_expected_run_length,
)
from monai_topo.metrics.instance_f1 import InstanceF1Metric, compute_instance_f1
from monai_topo.metrics.instance_matching import InstanceMatches, match_instances
from monai_topo.metrics.junction_f1 import JunctionF1Metric, compute_junction_f1, graph_junction_f1
from monai_topo.metrics.partition import InstancesMetric as InstancesMetric
from monai_topo.metrics.partition import PartitionMetric
from monai_topo.metrics.tlts import TLTSMetric, compute_tlts, graph_tlts
from monai_topo.metrics.tree_length_detected import (
    TreeLengthDetectedMetric,
    compute_tree_length_detected,
    graph_tree_length_detected,
)
from monai_topo.metrics.variation_of_information import (
    VariationOfInformationMetric,
    compute_variation_of_information,
)

__all__ = [
    "APLSMetric",
    "AdaptedRandErrorMetric",
    "BettiErrorMetric",
    "BettiMatchingErrorMetric",
    "BettiMatchingF1Metric",
    "BranchesDetectedMetric",
    "CCQMetric",
    "CenterlineDiceMetric",
    "ComponentMetric",
    "EulerErrorMetric",
    "ExpectedRunLengthMetric",
    "InstanceF1Metric",
    "InstanceMatches",
    "JunctionF1Metric",
    "PartitionMetric",
    "TLTSMetric",
    "TopologyMetric",
    "TreeLengthDetectedMetric",
    "VariationOfInformationMetric",
    "compute_adapted_rand_error",
    "compute_apls",
    "compute_betti_error",
    "compute_betti_matching_error",
    "compute_betti_matching_f1",
    "compute_branches_detected",
    "compute_ccq",
    "compute_centerline_dice",
    "compute_euler_error",
    "compute_expected_run_length",
    "compute_instance_f1",
    "compute_junction_f1",
    "compute_tlts",
    "compute_tree_length_detected",
    "compute_variation_of_information",
    "graph_apls",
    "graph_branches_detected",
    "graph_expected_run_length",
    "graph_junction_f1",
    "graph_tlts",
    "graph_tree_length_detected",
    "match_instances",
]
