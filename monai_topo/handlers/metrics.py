"""Ignite handlers of the metrics: each names its metric, whose constructor says what the options are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from monai.handlers.ignite_metric import IgniteMetricHandler

from monai_topo.metrics import (
    AdaptedRandErrorMetric,
    APLSMetric,
    BettiErrorMetric,
    BettiMatchingErrorMetric,
    BettiMatchingF1Metric,
    CCQMetric,
    CenterlineDiceMetric,
    EulerErrorMetric,
    InstanceF1Metric,
    JunctionF1Metric,
    TLTSMetric,
    TopologyMetric,
    VariationOfInformationMetric,
)


class TopologyMetricHandler(IgniteMetricHandler):
    """Base of the handlers: computes a metric during evaluation, one number for each handler.

    As a key metric, one of which lower is better needs ``key_metric_negative_sign=True`` in the ``CheckpointSaver`` and
    a ``metric_cmp_fn`` of "smaller is better" in the evaluator.

    Args:
        output_transform: function that takes ``engine.state.output`` to ``(y_pred, y)``, batch-first tensors or lists
            of channel-first ones.
        save_details: whether to keep each item's number in ``engine.state.metric_details``.
        **options: arguments of :attr:`metric`.

    Raises:
        TypeError: when the metric has no such argument.
        ValueError: when it refuses one.
    """

    metric: ClassVar[type[TopologyMetric]]
    """The metric that is computed."""
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "metric"):
            cls.__signature__ = cls.metric.write_options(inspect.signature(TopologyMetricHandler))

    def __init__(
        self, *, output_transform: Callable[..., Any] = lambda x: x, save_details: bool = True, **options: Any
    ) -> None:
        super().__init__(self.metric(**options), output_transform=output_transform, save_details=save_details)


class AdaptedRandError(TopologyMetricHandler):
    """The adapted Rand error, with the options of ``AdaptedRandErrorMetric``; lower is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> AdaptedRandError().attach(evaluator, "rand")
        >>> evaluator.run([0]).metrics
        {'rand': 0.0}
    """

    metric = AdaptedRandErrorMetric


class APLS(TopologyMetricHandler):
    """The average path length similarity, with the options of ``APLSMetric``; higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> APLS().attach(evaluator, "apls")
        >>> evaluator.run([0]).metrics
        {'apls': 1.0}
    """

    metric = APLSMetric


class BettiError(TopologyMetricHandler):
    """The Betti number error, with the options of ``BettiErrorMetric``; lower is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> BettiError().attach(evaluator, "betti_error")
        >>> evaluator.run([0]).metrics
        {'betti_error': 0.0}
    """

    metric = BettiErrorMetric


class BettiMatchingError(TopologyMetricHandler):
    """The Betti matching error, with the options of ``BettiMatchingErrorMetric``; lower is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> BettiMatchingError().attach(evaluator, "matching_error")
        >>> evaluator.run([0]).metrics
        {'matching_error': 0.0}
    """

    metric = BettiMatchingErrorMetric


class BettiMatchingF1(TopologyMetricHandler):
    """The F1 score of matched features, with the options of ``BettiMatchingF1Metric``; higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> BettiMatchingF1().attach(evaluator, "f1")
        >>> evaluator.run([0]).metrics
        {'f1': 1.0}
    """

    metric = BettiMatchingF1Metric


class CCQ(TopologyMetricHandler):
    """The quality, correctness or completeness of centerlines, with the options of ``CCQMetric``; higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> CCQ().attach(evaluator, "quality")
        >>> evaluator.run([0]).metrics
        {'quality': 1.0}
    """

    metric = CCQMetric


class CenterlineDice(TopologyMetricHandler):
    """The centerline Dice score, with the options of ``CenterlineDiceMetric``; higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> CenterlineDice().attach(evaluator, "cldice")
        >>> evaluator.run([0]).metrics
        {'cldice': 1.0}
    """

    metric = CenterlineDiceMetric


class EulerError(TopologyMetricHandler):
    """The Euler error, with the options of ``EulerErrorMetric``; lower is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> EulerError().attach(evaluator, "euler")
        >>> evaluator.run([0]).metrics
        {'euler': 0.0}
    """

    metric = EulerErrorMetric


class InstanceF1(TopologyMetricHandler):
    """The F1 score of matched instances, with the options of ``InstanceF1Metric``; higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> InstanceF1().attach(evaluator, "instance_f1")
        >>> evaluator.run([0]).metrics
        {'instance_f1': 1.0}
    """

    metric = InstanceF1Metric


class JunctionF1(TopologyMetricHandler):
    """The F1 score, precision or recall of junctions, with the options of ``JunctionF1Metric``; higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> JunctionF1().attach(evaluator, "junctions")
        >>> evaluator.run([0]).metrics
        {'junctions': 1.0}
    """

    metric = JunctionF1Metric


class TLTS(TopologyMetricHandler):
    """The fraction of paths of one kind, with the options of ``TLTSMetric``; of correct ones higher is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> TLTS().attach(evaluator, "tlts")
        >>> evaluator.run([0]).metrics
        {'tlts': 1.0}
    """

    metric = TLTSMetric


class VariationOfInformation(TopologyMetricHandler):
    """The variation of information, with the options of ``VariationOfInformationMetric``; lower is better.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> mask = torch.zeros(1, 1, 24, 24)
        >>> mask[..., 12, 2:22] = mask[..., 2:12, 12] = 1
        >>> evaluator = Engine(lambda engine, batch: (mask, mask))
        >>> VariationOfInformation().attach(evaluator, "voi")
        >>> evaluator.run([0]).metrics
        {'voi': 0.0}
    """

    metric = VariationOfInformationMetric
