"""What the handlers of metrics share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from monai.handlers.ignite_metric import IgniteMetricHandler

from monai_topo.metrics.base import TopologyMetric


class TopologyMetricHandler(IgniteMetricHandler):
    """Base of the handlers: computes a metric during evaluation, one number for each handler.

    A subclass names its :attr:`metric`, whose constructor says what the options are. As a key metric, one of which
    lower is better needs ``key_metric_negative_sign=True`` in the ``CheckpointSaver`` and a ``metric_cmp_fn`` of
    "smaller is better" in the evaluator.

    Args:
        output_transform: takes ``engine.state.output`` to ``(y_pred, y)``, batch-first tensors or lists of
            channel-first ones.
        save_details: whether to keep each item's number in ``engine.state.metric_details``.
        **options: arguments of the metric.

    Raises:
        TypeError: when the metric has no such argument.
    """

    metric: ClassVar[type[TopologyMetric]]
    """The metric that is computed."""

    def __init__(
        self, *, output_transform: Callable[..., Any] = lambda x: x, save_details: bool = True, **options: Any
    ) -> None:
        super().__init__(metric_fn=self.metric(**options), output_transform=output_transform, save_details=save_details)
