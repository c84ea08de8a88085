"""The weight of a topology term over the epochs."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader, MetaTensor
from monai.engines import SupervisedTrainer
from monai.handlers import CheckpointLoader, CheckpointSaver, TensorBoardStatsHandler
from monai.losses import DiceCELoss
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from monai_topo.handlers import LossWeightSchedule, TrainingCheckpoint
from monai_topo.losses import DiceCETopologyLoss, TopoLoss, WeightedSumLoss


def weights_of_a_run(loss, read, epochs=6, **options):
    engine = Engine(lambda engine, batch: seen.append(read(loss)))
    seen = []
    schedule = LossWeightSchedule(loss, **options)
    schedule.attach(engine)
    engine.run([0, 1], max_epochs=epochs)
    name = schedule.attribute if schedule.index is None else f"{schedule.attribute}_{schedule.index}"
    assert getattr(engine.state, name) == schedule.weight_in(epochs)
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


def a_trainer(loss, schedule, epochs=4, seed=0, handlers=()):
    """Four iterations an epoch of a small network; the target has a loop that noise breaks."""
    torch.manual_seed(seed)
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    target = torch.zeros(1, 8, 9)
    target[:, 1:7, 1:8] = 1
    target[:, 2:6, 2:7] = 0
    data = [{"image": target + torch.rand(target.shape), "label": target} for _ in range(4)]
    return SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=epochs,
        train_data_loader=torch.utils.data.DataLoader(data),
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.0),
        loss_function=loss,
        train_handlers=[schedule, *handlers],
    )


def norm_of_gradient(network, value):
    gradients = torch.autograd.grad(value, list(network.parameters()), retain_graph=True)
    return torch.cat([gradient.flatten() for gradient in gradients]).norm()


@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_the_weight_from_the_ratio_of_gradients(ratio):
    """A learning rate of 0: the gradients are those of the start, and the sums over an epoch are known."""
    loss = DiceCETopologyLoss(sigmoid=True)
    schedule = LossWeightSchedule(loss, gradient_ratio=ratio, ratio_iterations=4, start_epoch=2, warmup_epochs=1)
    weights = []
    trainer = a_trainer(loss, schedule)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: weights.append(loss.lambda_topo))
    trainer.run()
    norms = [0.0, 0.0]
    for batch in trainer.data_loader:
        prediction = trainer.network(batch["image"])
        term, base = TopoLoss(sigmoid=True), DiceCELoss(sigmoid=True)
        for k, each in enumerate((term, base)):
            norms[k] += norm_of_gradient(trainer.network, each(prediction, batch["label"])).item()
    expected = ratio * norms[1] / norms[0]
    assert expected > 0
    assert weights[:7] == [0.0] * 7
    assert weights[7:] == pytest.approx([expected / 2] + [expected] * 8, rel=1e-4)


def test_a_measured_weight_is_saved_and_restored(tmp_path):
    losses = [DiceCETopologyLoss(sigmoid=True) for _ in range(2)]
    first, second = (LossWeightSchedule(loss, gradient_ratio=1.0, ratio_iterations=4) for loss in losses)
    saver = CheckpointSaver(str(tmp_path), {"schedule": first}, save_final=True, final_filename="final.pt")
    a_trainer(losses[0], first, epochs=1, handlers=[saver]).run()
    assert first.weight > 0
    loader = CheckpointLoader(str(tmp_path / "final.pt"), {"schedule": second})
    trainer = a_trainer(losses[1], second, epochs=1, seed=1, handlers=[loader])
    seen = []
    trainer.add_event_handler(Events.ITERATION_STARTED, lambda engine: seen.append(losses[1].lambda_topo))
    trainer.run()
    assert seen == [first.weight] * 4


def test_a_measured_weight_is_plain_numbers_in_a_checkpoint(tmp_path):
    """MONAI's loaders yield MetaTensors, and so do gradients; a checkpoint that is read safely may not hold any."""
    loss = DiceCETopologyLoss(sigmoid=True)
    schedule = LossWeightSchedule(loss, gradient_ratio=1.0, ratio_iterations=4)
    trainer = a_trainer(loss, schedule, epochs=1)
    trainer.data_loader = DataLoader(
        [{k: MetaTensor(v) for k, v in item.items()} for item in trainer.data_loader.dataset]
    )
    checkpoint = TrainingCheckpoint(tmp_path / "training.pt", {"schedule": schedule})
    checkpoint.attach(trainer)
    trainer.run()
    assert isinstance(trainer.state.output[0]["pred"], MetaTensor)
    saved = torch.load(tmp_path / "training.pt", weights_only=True)["schedule"]
    assert saved["weight"] == schedule.weight > 0
    assert (saved["norms"] > 0).all()


def test_half_a_measurement_goes_on():
    loss = DiceCETopologyLoss(sigmoid=True)
    whole, parts = (LossWeightSchedule(loss, gradient_ratio=1.0, ratio_iterations=n) for n in (4, 8))
    a_trainer(loss, whole, epochs=1).run()
    a_trainer(loss, parts, epochs=1).run()
    assert parts.weight is None
    again = LossWeightSchedule(loss, gradient_ratio=1.0, ratio_iterations=8)
    again.load_state_dict(parts.state_dict())
    a_trainer(loss, again, epochs=1).run()
    assert again.weight == pytest.approx(whole.weight)


def test_tensorboard_logs_the_weight(tmp_path):
    loss = DiceCETopologyLoss(sigmoid=True)
    schedule = LossWeightSchedule(loss, weight=0.25, start_epoch=2)
    stats = TensorBoardStatsHandler(
        log_dir=str(tmp_path), output_transform=lambda x: None, state_attributes=["lambda_topo"]
    )
    a_trainer(loss, schedule, epochs=3, handlers=[stats]).run()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [event.value for event in events.Scalars("lambda_topo")] == [0.0, 0.25, 0.25]


def test_gradients_need_a_trainer():
    schedule = LossWeightSchedule(DiceCETopologyLoss(), gradient_ratio=1.0)
    with pytest.raises(ValueError, match="gradient_ratio needs MONAI's SupervisedTrainer"):
        schedule.attach(Engine(lambda engine, batch: None))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of weight and gradient_ratio"),
        ({"weight": 1.0, "gradient_ratio": 1.0}, "one of weight and gradient_ratio"),
        ({"gradient_ratio": 0.0}, "gradient_ratio must be above 0"),
        ({"gradient_ratio": 1.0, "ratio_iterations": 0}, "ratio_iterations at least 1"),
        ({"weight": -1.0}, "at least 0"),
        ({"weight": 1.0, "start_epoch": 0}, "start_epoch at least 1"),
        ({"weight": 1.0, "attribute": "lambda_betti"}, "no attribute 'lambda_betti'"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        LossWeightSchedule(DiceCETopologyLoss(), **options)


def test_a_list_needs_an_index():
    with pytest.raises(ValueError, match="index must say which entry of 'weights'"):
        LossWeightSchedule(WeightedSumLoss([nn.MSELoss()], [1.0]), weight=1.0, attribute="weights")


def test_a_missing_entry():
    with pytest.raises(ValueError, match="index must be an entry of 'weights', got 2"):
        LossWeightSchedule(WeightedSumLoss([nn.MSELoss()], [1.0]), weight=1.0, attribute="weights", index=2)
