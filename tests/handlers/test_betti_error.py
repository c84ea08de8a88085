"""The handler in an ignite engine."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine

from monai_topo.handlers import BettiError


def test_in_an_engine():
    truth = torch.zeros(2, 1, 5, 6)
    truth[0, 0, 1:4, 1:4] = 1
    truth[0, 0, 2, 2] = 0
    engine = Engine(lambda engine, batch: (torch.zeros_like(batch), batch))
    BettiError(dim=1).attach(engine, "loops")
    BettiError(reduction="sum").attach(engine, "both")
    engine.run([truth[:1], truth[1:]], max_epochs=1)
    assert engine.state.metrics["loops"] == pytest.approx(0.5)
    assert engine.state.metrics["both"] == pytest.approx(2.0)
    assert engine.state.metric_details["loops"].tolist() == [[1.0], [0.0]]
