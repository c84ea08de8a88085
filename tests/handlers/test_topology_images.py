"""Pictures appear at the right epochs, in files and in TensorBoard, and are those of the right item."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import ValidationHandler, from_engine
from monai.transforms import Activationsd, AsDiscreted, Compose, CopyItemsd
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from monai_topo.data import phantoms
from monai_topo.handlers import TopologyImageHandler, topology_images
from monai_topo.visualize import prediction_figure
from monai_topo.visualize.figure import figure_pixels


def items(ndim):
    """Three dictionaries ``(C, ...)``; no two are alike."""
    drawn = [phantoms.shells((20, 24, 22)[:ndim], num_gaps=1, seed=seed) for seed in range(3)]
    return [
        {
            "image": MetaTensor(torch.from_numpy(item.image)[None]),
            "label": MetaTensor(torch.from_numpy(item.label)[None].float()),
        }
        for item in drawn
    ]


class Scale(torch.nn.Module):
    """Logits of an image, with a parameter to train."""

    def __init__(self):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, image):
        return 10 * (image - 0.5) + self.bias


def run_on(batch, epochs=1, **options):
    engine = Engine(lambda engine, batch: batch)
    TopologyImageHandler(**options).attach(engine)
    engine.run([batch], max_epochs=epochs)


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def recorded(folder, tag="topology"):
    events = EventAccumulator(str(folder), size_guidance={"images": 0})
    events.Reload()
    assert events.Tags()["images"] == [tag]
    return {image.step: np.asarray(Image.open(io.BytesIO(image.encoded_image_string))) for image in events.Images(tag)}


@pytest.mark.filterwarnings("ignore")  # MONAI's engines warn of their own affairs
@pytest.mark.parametrize("ndim", [2, 3])
def test_in_a_training_that_validates(tmp_path, ndim):
    """The evaluator thresholds its predictions, and keeps the likelihoods for the pictures."""
    data = items(ndim)
    handler = TopologyImageHandler(
        log_dir=tmp_path / "events",
        output_dir=tmp_path / "pictures",
        interval=2,
        output_transform=from_engine("likelihood"),
        frame=True,
    )
    keep = [
        Activationsd("pred", sigmoid=True),
        CopyItemsd("pred", names="likelihood"),
        AsDiscreted("pred", threshold=0.5),
    ]
    network = Scale()
    common = {"device": torch.device("cpu"), "network": network}
    validation = SupervisedEvaluator(
        val_data_loader=DataLoader(Dataset(data), batch_size=2),
        postprocessing=Compose(keep),
        val_handlers=[handler],
        **common,
    )
    trained = TopologyImageHandler(output_dir=tmp_path / "trained", interval=4, sigmoid=True, tag="train/topology")
    trainer = SupervisedTrainer(
        max_epochs=5,
        train_data_loader=DataLoader(Dataset(data), batch_size=2),
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        loss_function=torch.nn.BCEWithLogitsLoss(),
        train_handlers=[ValidationHandler(1, validation), trained],
        **common,
    )
    biases = {}
    trainer.add_event_handler(
        Events.EPOCH_COMPLETED, lambda engine: biases.update({engine.state.epoch: network.bias.item()})
    )
    trainer.run()
    handler.close()
    assert biases[4] != biases[2]
    assert names(tmp_path / "pictures") == ["topology_0002.png", "topology_0004.png"]
    assert names(tmp_path / "trained" / "train") == ["topology_0004.png"]
    image, label = data[2]["image"][0], data[2]["label"][0]  # alone in the last batch
    likelihood = torch.sigmoid(10 * (image - 0.5) + biases[4])
    expected = prediction_figure(image, likelihood, label, frame=True, title="epoch 4")
    np.testing.assert_array_equal(pixels(tmp_path / "pictures" / "topology_0004.png"), figure_pixels(expected))
    images = recorded(tmp_path / "events")
    assert sorted(images) == [2, 4]
    np.testing.assert_array_equal(images[4], figure_pixels(expected))


def test_tensorboard_alone_by_a_writer_at_iterations(tmp_path):
    batch = {name: torch.stack([item[name] for item in items(2)]) for name in ("image", "label")}
    batch["pred"] = batch["image"].clamp(0, 1)
    engine = Engine(lambda engine, batch: batch)
    with SummaryWriter(str(tmp_path / "events")) as writer:
        handler = TopologyImageHandler(
            writer, interval=3, epoch_level=False, index=1, tag="case", global_iter_transform=lambda step: 10 * step
        )
        handler.attach(engine)
        engine.run([batch] * 4, max_epochs=2)
        handler.close()
        writer.add_scalar("still open", 1.0)
    assert names(tmp_path) == ["events"]
    images = recorded(tmp_path / "events", "case")
    assert sorted(images) == [30, 60]
    image, label, likelihood = (batch[name][1, 0] for name in ("image", "label", "pred"))
    expected = figure_pixels(prediction_figure(image, likelihood, label, title="iteration 30"))
    np.testing.assert_array_equal(images[30], expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("classes", [False, True], ids=["one-hot", "classes"])
def test_one_of_several_channels(tmp_path, classes, dtype, rng):
    scores = torch.from_numpy(rng.normal(size=(1, 3, 12, 15))).to(dtype)
    truth = torch.from_numpy(rng.integers(0, 3, (1, 1, 12, 15)))
    onehot = (truth == torch.arange(3).reshape(1, 3, 1, 1)).float()
    image = torch.from_numpy(rng.random((1, 2, 12, 15)))
    batch = {"image": image, "label": truth if classes else onehot, "pred": scores}
    run_on(batch, output_dir=tmp_path, softmax=True, channel=2, image_channel=1, threshold=0.4)
    likelihood = torch.softmax(scores.float(), 1)[0, 2]
    expected = prediction_figure(image[0, 1], likelihood, onehot[0, 2], threshold=0.4, title="epoch 1")
    np.testing.assert_array_equal(pixels(tmp_path / "topology_0001.png"), figure_pixels(expected))


def test_another_activation_and_axis(tmp_path, rng):
    distance, label = torch.from_numpy(rng.normal(size=(1, 1, 6, 7, 8))), torch.ones(1, 1, 6, 7, 8)
    batch = {"image": distance, "label": label, "pred": distance}
    run_on(batch, output_dir=tmp_path, other_act=lambda distance: torch.sigmoid(-distance), frame_dim=-3, slice_index=2)
    likelihood = torch.sigmoid(-distance.float())[0, 0]
    expected = prediction_figure(distance[0, 0], likelihood, label[0, 0], axis=0, slice_index=2, title="epoch 1")
    np.testing.assert_array_equal(pixels(tmp_path / "topology_0001.png"), figure_pixels(expected))


def test_only_rank_0_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(topology_images, "is_first_rank", lambda: False)
    batch = {name: torch.zeros(1, 1, 4, 5) for name in ("image", "label", "pred")}
    run_on(batch, log_dir=tmp_path / "events", output_dir=tmp_path / "pictures")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "give output_dir"),
        ({"output_dir": "a", "interval": 0}, ValueError, "interval must be an integer of at least 1, got 0"),
        ({"output_dir": "a", "frame_dim": 0}, ValueError, "frame_dim must be -3, -2 or -1"),
        ({"output_dir": "a", "sigmoid": True, "softmax": True}, ValueError, "give one of sigmoid, softmax"),
        ({"output_dir": "a", "other_act": "tanh"}, TypeError, "other_act must be a function, got str"),
        ({"output_dir": "a", "slices": 3}, TypeError, "slices"),
        ({"summary_writer": object(), "log_dir": "a"}, ValueError, "give one of summary_writer and log_dir"),
    ],
    ids=[
        "nowhere",
        "interval",
        "frame_dim",
        "two activations",
        "no function",
        "unknown",
        "two writers",
    ],
)
def test_options_are_checked_at_once(options, error, message):
    with pytest.raises(error, match=message):
        TopologyImageHandler(**options)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"pred": torch.full((1, 1, 4, 5), 3.0)}, {}, r"likelihood must be in \[0, 1\], got 3 to 3: .*set sigmoid"),
        ({"pred": torch.full((1, 1, 4, 5), torch.nan)}, {"sigmoid": True}, "likelihood holds NaN"),
        ({"pred": torch.zeros(1, 3, 4, 5)}, {}, "channel must say which of the prediction's 3 channels"),
        ({"pred": torch.zeros(1, 3, 4, 5)}, {"channel": 3}, "channel must be one of the prediction's 3, got 3"),
        ({"label": torch.zeros(1, 2, 4, 5)}, {}, "label must have 1 or the prediction's 1 channels, got 2"),
        ({"label": torch.full((1, 1, 4, 5), 2.0)}, {}, "only 0 and 1"),
        ({"image": torch.zeros(1, 1, 5, 4)}, {}, "image must have the label's shape"),
        ({}, {"index": 1}, "index must be an item of the batch, which has 1 here, got 1"),
        ({}, {"image_channel": 1}, "image_channel must be one of the image's 1, got 1"),
        ({}, {"output_transform": lambda output: output["pred"][0]}, "output_transform must give items of shape"),
        ({}, {"output_transform": lambda output: None}, "output_transform must give a batch-first tensor or a list"),
        ({}, {"batch_transform": lambda batch: batch["image"]}, r"batch_transform must give \(image, label\)"),
    ],
    ids=[
        "logits",
        "nan",
        "which channel",
        "no such channel",
        "channels of the label",
        "classes",
        "shapes",
        "index",
        "image channel",
        "no channel axis",
        "no prediction",
        "no pair",
    ],
)
def test_what_cannot_be_drawn_is_said_in_the_first_iteration(tmp_path, change, options, message):
    batch = {name: torch.zeros(1, 1, 4, 5) for name in ("image", "label", "pred")}
    run_on(batch, output_dir=tmp_path, interval=9)
    assert names(tmp_path) == []
    with pytest.raises(ValueError, match=message):
        run_on(batch | change, output_dir=tmp_path, interval=9, **options)
