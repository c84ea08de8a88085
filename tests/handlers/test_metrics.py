"""The handlers in an ignite engine."""

from __future__ import annotations

import inspect

import pytest
import torch
from ignite.engine import Engine

from monai_topo import handlers
from monai_topo.handlers.metrics import TopologyMetricHandler

HANDLERS = {
    name: handler
    for name, handler in vars(handlers).items()
    if isinstance(handler, type) and issubclass(handler, TopologyMetricHandler)
}


def run(handler, prediction, truth):
    """The state of an engine that saw the items one by one."""
    engine = Engine(lambda engine, batch: batch)
    handler.attach(engine, "number")
    engine.run(list(zip(prediction.split(1), truth.split(1), strict=True)), max_epochs=1)
    return engine.state


def test_every_metric_has_a_handler_of_its_name():
    from monai_topo import metrics

    classes = [getattr(metrics, name) for name in metrics.__all__ if name.endswith("Metric")]
    named = {metric.__name__.removesuffix("Metric") for metric in classes if not inspect.isabstract(metric)}
    assert set(HANDLERS) == named


@pytest.mark.parametrize("name", sorted(HANDLERS))
def test_the_number_is_the_metrics(name, rng):
    prediction, truth = torch.tensor(rng.random((2, 3, 1, 9, 40)) < 0.6).float()
    prediction[0, ..., 20:] = 0
    prediction[2] = truth[2]
    metric = HANDLERS[name].metric()
    metric(prediction, truth)
    state = run(HANDLERS[name](), prediction, truth)
    assert state.metrics["number"] == pytest.approx(metric.aggregate().item())
    torch.testing.assert_close(state.metric_details["number"], metric.get_buffer())
    assert len(metric.get_buffer().unique()) > 1


def test_options_are_the_metrics():
    truth = torch.zeros(2, 1, 5, 6)
    truth[0, 0, 1:4, 1:4] = 1
    truth[0, 0, 2, 2] = 0
    state = run(handlers.BettiError(dim=1, reduction="sum", save_details=False), torch.zeros_like(truth), truth)
    assert state.metrics["number"] == 1
    assert not hasattr(state, "metric_details")
    with pytest.raises(TypeError, match="dims"):
        handlers.BettiError(dims=1)
    with pytest.raises(ValueError, match="dim must be"):
        handlers.BettiError(dim=3)


def test_output_transform():
    truth = torch.ones(1, 1, 4, 5)
    engine = Engine(lambda engine, batch: {"pred": torch.zeros_like(batch), "label": batch})
    handlers.EulerError(output_transform=lambda out: (out["pred"], out["label"])).attach(engine, "number")
    engine.run([truth], max_epochs=1)
    assert engine.state.metrics["number"] == 1
