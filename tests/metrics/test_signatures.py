"""Functions and handlers of metrics name the options of their metric."""

from __future__ import annotations

import inspect

import pytest

from monai_topo import handlers, metrics
from monai_topo.handlers.metrics import TopologyMetricHandler

FUNCTIONS = {name: getattr(metrics, name) for name in metrics.__all__ if name.startswith("compute_")}
HANDLERS = {
    name: getattr(handlers, name)
    for name in handlers.__all__
    if isinstance(getattr(handlers, name), type) and issubclass(getattr(handlers, name), TopologyMetricHandler)
}


def metric_of(function):
    squashed = function.__name__.removeprefix("compute_").replace("_", "")
    (metric,) = (getattr(metrics, name) for name in metrics.__all__ if name.lower() == f"{squashed}metric")
    return metric


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_show_the_options_of_their_metric(name):
    own = inspect.signature(FUNCTIONS[name]).parameters
    expected = inspect.signature(metric_of(FUNCTIONS[name])).parameters
    assert [*own][:2] == ["y_pred", "y"]
    assert {*own} == {"y_pred", "y", *expected} - {"reduction", "get_not_nans"}
    for option in {*expected} & {*own}:
        assert own[option].default == expected[option].default
        assert own[option].annotation == expected[option].annotation


@pytest.mark.parametrize("name", HANDLERS)
def test_handlers_show_the_options_of_their_metric(name):
    own = inspect.signature(HANDLERS[name]).parameters
    expected = inspect.signature(HANDLERS[name].metric).parameters
    assert {*own} == {"output_transform", "save_details", *expected}
    assert all(own[option].default == expected[option].default for option in expected)


def test_there_are_some():
    assert len(FUNCTIONS) >= 10
    assert len(HANDLERS) >= 10
