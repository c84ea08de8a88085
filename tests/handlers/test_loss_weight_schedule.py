"""The weight of a topology term over the epochs."""

from __future__ import annotations

import pytest
from ignite.engine import Engine, Events
from torch import nn

from monai_topo.handlers import LossWeightSchedule
from monai_topo.losses import DiceCETopologyLoss, WeightedSumLoss


def weights_of_a_run(loss, read, epochs=6, **options):
    engine = Engine(lambda engine, batch: seen.append(read(loss)))
    seen = []
    LossWeightSchedule(loss, **options).attach(engine)
    engine.run([0, 1], max_epochs=epochs)
    assert seen[::2] == seen[1::2]  # constant within an epoch
    return seen[::2]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.5] * 6),
        ({"start_epoch": 4}, [0, 0, 0, 0.5, 0.5, 0.5]),
        ({"start_epoch": 2, "warmup_epochs": 3}, [0, 0.125, 0.25, 0.375, 0.5, 0.5]),
        ({"start_epoch": 9}, [0] * 6),
    ],
    ids=str,
)
def test_lambda_topo(options, expected):
    loss = DiceCETopologyLoss(lambda_topo=7.0)
    assert weights_of_a_run(loss, lambda loss: loss.lambda_topo, weight=0.5, **options) == expected


def test_an_entry_of_a_weighted_sum():
    loss = WeightedSumLoss([nn.MSELoss(), nn.L1Loss()], [1.0, 3.0])
    options = {"weight": 2.0, "start_epoch": 2, "attribute": "weights", "index": 1}
    assert weights_of_a_run(loss, lambda loss: tuple(loss.weights), epochs=2, **options) == [(1.0, 0.0), (1.0, 2.0)]


def test_a_resumed_run_goes_on():
    loss = DiceCETopologyLoss()
    engine = Engine(lambda engine, batch: None)
    LossWeightSchedule(loss, weight=0.5, start_epoch=2, warmup_epochs=3).attach(engine)
    engine.load_state_dict({"epoch_length": 2, "max_epochs": 6, "iteration": 6})
    seen = []
    engine.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: seen.append(loss.lambda_topo))
    engine.run([0, 1], max_epochs=6)
    assert seen == [0.375, 0.375, 0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": -1.0}, "at least 0"),
        ({"weight": 1.0, "start_epoch": 0}, "start_epoch at least 1"),
        ({"weight": 1.0, "attribute": "lambda_betti"}, "no attribute 'lambda_betti'"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        LossWeightSchedule(DiceCETopologyLoss(), **options)


def test_a_missing_entry():
    with pytest.raises(ValueError, match="index must be an entry of 'weights', got 2"):
        LossWeightSchedule(WeightedSumLoss([nn.MSELoss()], [1.0]), weight=1.0, attribute="weights", index=2)
