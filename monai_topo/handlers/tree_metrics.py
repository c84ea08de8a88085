"""Ignite handlers of the metrics of trees and tracings: each names its metric."""

from __future__ import annotations

from monai_topo.handlers.metrics import TopologyMetricHandler
from monai_topo.metrics import BranchesDetectedMetric, ExpectedRunLengthMetric, TreeLengthDetectedMetric


class BranchesDetected(TopologyMetricHandler):
    """The share of branches detected, with the options of ``BranchesDetectedMetric``; higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> BranchesDetected().attach(evaluator, "branches")
        >>> evaluator.run([0]).metrics
        {'branches': 1.0}
    """

    metric = BranchesDetectedMetric


class ExpectedRunLength(TopologyMetricHandler):
    """The expected run length, with the options of ``ExpectedRunLengthMetric``; higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> ids = torch.zeros(1, 1, 24, 24, dtype=torch.int64)
        >>> ids[..., 12, 2:23] = 7
        >>> evaluator = Engine(lambda engine, batch: (ids, ids))
        >>> ExpectedRunLength().attach(evaluator, "erl")
        >>> evaluator.run([0]).metrics
        {'erl': 20.0}
    """

    metric = ExpectedRunLengthMetric


class TreeLengthDetected(TopologyMetricHandler):
    """The share of the tree's length detected, with the options of ``TreeLengthDetectedMetric``; higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> TreeLengthDetected().attach(evaluator, "length")
        >>> evaluator.run([0]).metrics
        {'length': 1.0}
    """

    metric = TreeLengthDetectedMetric
