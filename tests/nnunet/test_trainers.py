"""The trainers inside nnU-Net: loss, weight, log and checkpoint."""

from __future__ import annotations

import importlib
import json
import math
from functools import partial
from pathlib import Path

import pytest
import torch

import monai_topo.losses as ours
from monai_topo import nnunet
from monai_topo.nnunet.term import build_term
from tests.nnunet.conftest import DATASETS, environment

pytest.importorskip("nnunetv2", reason="nnU-Net is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

LOSSES = {
    "nnUNetTrainerTopoLoss": ours.TopoLoss,
    "nnUNetTrainerLocalizedTopo": partial(ours.LocalizedTopoLoss, direction="superlevel"),
    "nnUNetTrainerLifetime": ours.LifetimeTopoLoss,
    "nnUNetTrainerDMT": ours.DMTLoss,
    "nnUNetTrainerBettiMatching": ours.BettiMatchingLoss,
    "nnUNetTrainerSpatialMatching": ours.SpatialMatchingLoss,
    "nnUNetTrainerSkeletonRecall": ours.SkeletonRecallLoss,
    "nnUNetTrainerCenterlineDice": ours.CenterlineDiceLoss,
    "nnUNetTrainerCenterlineCE": ours.CenterlineCrossEntropyLoss,
    "nnUNetTrainerCbDice": ours.CbDiceLoss,
    "nnUNetTrainerCriticalComponents": partial(ours.CriticalRegionLoss, criterion="components"),
    "nnUNetTrainerCriticalHomotopy": partial(ours.CriticalRegionLoss, criterion="homotopy"),
}
WITH_PENALTY = [*LOSSES, "nnUNetTrainerNeighborPenalty"]


@pytest.fixture
def places(planned, monkeypatch):
    for name, value in environment(planned).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("nnUNet_n_proc_DA", "0")
    return planned


def arguments(places, dataset, configuration):
    folder = places / "nnUNet_preprocessed" / f"Dataset{dataset}_{DATASETS[dataset][0]}"
    plans = {**json.loads((folder / "nnUNetPlans.json").read_text()), "continue_training": False}
    labels = json.loads((folder / "dataset.json").read_text())
    return plans, configuration, 0, labels, torch.device("cpu")


def made(places, name, dataset, configuration="3d_fullres", **settings):
    """An initialized trainer of two epochs; settings are those of its class."""
    torch.manual_seed(0)
    trainer_class = type(name, (getattr(nnunet, name),), settings)
    trainer = trainer_class(*arguments(places, dataset, configuration))
    trainer.num_epochs = 2
    trainer.initialize()
    return trainer


def plain_loss(places, dataset, configuration="3d_fullres"):
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    trainer = nnUNetTrainer(*arguments(places, dataset, configuration))
    trainer.initialize()
    return trainer.loss


def a_batch(trainer):
    trainer.dataloader_train, trainer.dataloader_val = trainer.get_dataloaders()
    return next(trainer.dataloader_train)


def monai_value(loss, trainer, output, target):
    """The loss of MONAI's kind on the tensors at full resolution, with skeletons of its own; regions one by one."""
    count = output.shape[1]
    if not trainer.label_manager.has_regions:
        ignored = trainer.label_manager.ignore_label
        return loss(include_background=False, to_onehot_y=True, softmax=True, ignore_index=ignored)(
            output, target[:, :1]
        )
    truth = torch.where(target[:, count : count + 1], 255, target[:, :count].float())
    if "Localized" in type(trainer).__name__:  # draws a direction for each item
        items = [tensor.flatten(0, 1).unsqueeze(1) for tensor in (output, truth.expand_as(output))]
        return loss(sigmoid=True, ignore_index=255)(*items)
    values = [loss(sigmoid=True, ignore_index=255)(output[:, k : k + 1], truth[:, k : k + 1]) for k in range(count)]
    return torch.stack(values).mean()


def regions_and_ignored(trainer):
    return trainer.label_manager.has_regions, trainer.label_manager.ignore_label


def foreground(batch):
    return batch["target"][0][:, 0]


def labels_of(trainer, batch):
    """The targets as nnU-Net's own loss takes them, without tubes."""
    regions = trainer.label_manager.foreground_regions if trainer.label_manager.has_regions else []
    return [target[:, : len(regions) + 1] for target in batch["target"]]


@pytest.mark.parametrize(("dataset", "configuration"), [(901, "3d_fullres"), (902, "2d"), (903, "3d_fullres")])
@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_nnunets_plus_the_monai_one(places, name, dataset, configuration):
    trainer = made(places, name, dataset, configuration)
    batch = a_batch(trainer)
    while not bool((foreground(batch) > 0).any()):
        batch = next(trainer.dataloader_train)
    output = trainer.network(batch["data"])
    base = plain_loss(places, dataset, configuration)(output, labels_of(trainer, batch))
    term = monai_value(LOSSES[name], trainer, output[0], batch["target"][0])
    assert trainer.loss(output, batch["target"]).item() == base.item()
    assert trainer.loss.term(output, batch["target"]).item() == pytest.approx(term.item(), rel=1e-4, abs=1e-6)
    assert term.item() > 0
    trainer.loss.weight = 0.5
    trainer.loss.topology = build_term(
        trainer.topology, *regions_and_ignored(trainer)
    )  # as it was before its first draw
    assert trainer.loss(output, batch["target"]).item() == pytest.approx((base + 0.5 * term).item(), rel=1e-5)


@pytest.mark.parametrize(("name", "count"), [("nnUNetTrainerTopoLoss", 1), ("nnUNetTrainerSkeletonRecall", 2)])
def test_skeletons_are_made_in_the_augmentation(places, name, count):
    batch = a_batch(made(places, name, 902))
    assert [target.shape[1] for target in batch["target"]] == [count] * 2
    labels = batch["target"][0][:, :1]
    if count == 2:
        tubes = batch["target"][0][:, 1:]
        assert (tubes > 0).any()
        assert torch.equal(tubes[tubes > 0], labels[tubes > 0])
        assert (tubes == 3).sum() == 0  # ignored voxels have no skeleton


@pytest.mark.parametrize("dataset", [901, 902, 903])
def test_the_penalty_is_around_nnunets_loss(places, dataset):
    trainer = made(places, "nnUNetTrainerNeighborPenalty", dataset)
    batch = a_batch(trainer)
    output = trainer.network(batch["data"])
    plain = plain_loss(places, dataset).loss  # of one resolution
    term = trainer.loss.term(output, batch["target"])
    assert term.item() > plain(output[0], batch["target"][0]).item()
    if dataset == 901:
        worst = ours.SameClassNeighborPenalty(plain).worst(output[0], batch["target"][0])
        assert term.item() == pytest.approx(plain(worst, batch["target"][0]).item(), rel=1e-5)


def start(trainer):
    trainer.on_train_start()
    trainer.on_epoch_start()
    trainer.on_train_epoch_start()


@pytest.mark.parametrize("name", WITH_PENALTY)
def test_a_step_of_each_trainer(places, name):
    """Of the second half of the epochs, where all terms are on."""
    trainer = made(places, name, 903, topology_start=0.0)
    trainer.term_weight.ratio_iterations = 1
    start(trainer)
    before = [parameter.detach().clone() for parameter in trainer.network.parameters()]
    losses = [float(trainer.train_step(next(trainer.dataloader_train))["loss"]) for _ in range(2)]
    assert all(math.isfinite(loss) for loss in losses)
    assert trainer.loss.weight > 0
    changed = [not torch.equal(a, b) for a, b in zip(before, trainer.network.parameters(), strict=True)]
    assert sum(changed) > len(changed) // 2


def gradient_norm(network, value):
    gradients = torch.autograd.grad(value, list(network.parameters()), retain_graph=True, allow_unused=True)
    return torch.cat([gradient.flatten() for gradient in gradients if gradient is not None]).norm().item()


def test_the_weight_is_measured_once(places):
    trainer = made(places, "nnUNetTrainerTopoLoss", 901, topology_start=0.0, topology_gradient_ratio=0.5)
    trainer.term_weight.ratio_iterations = 1
    start(trainer)
    batch = next(trainer.dataloader_train)
    output = trainer.network(batch["data"])
    term = ours.TopoLoss(include_background=False, to_onehot_y=True, softmax=True)(output[0], batch["target"][0])
    base = plain_loss(places, 901)(output, batch["target"])
    expected = 0.5 * gradient_norm(trainer.network, base) / gradient_norm(trainer.network, term)
    trainer.train_step(batch)
    assert trainer.loss.weight == pytest.approx(expected, rel=1e-3)
    trainer.train_step(next(trainer.dataloader_train))
    assert trainer.loss.weight == pytest.approx(expected, rel=1e-3)


def run(trainer, epochs=2):
    trainer.num_epochs, trainer.num_iterations_per_epoch, trainer.num_val_iterations_per_epoch = epochs, 2, 3
    trainer.run_training()


def test_the_term_joins_after_half_of_the_epochs(places):
    trainer = made(places, "nnUNetTrainerLifetime", 902, topology_validation_batches=1)
    trainer.term_weight.ratio_iterations = 1
    run(trainer)
    log = trainer.logger.local_logger.my_fantastic_logging
    assert log["topology_weight"][0] == 0
    assert log["topology_weight"][1] == trainer.term_weight.weight > 0
    assert [len(values) for values in log["betti_error"]] == [2, 2]  # a number for each class, each epoch
    assert len(log["betti_matching_f1"]) == 2
    assert all(math.isfinite(value) for values in log["betti_error"] for value in values)
    written = Path(trainer.log_file).read_text()
    for line in ("Betti error [", "Betti matching f1 [", "Topology weight", "from the gradients", "from epoch 1 on"):
        assert line in written
    for picture in ("progress.png", "progress_topology.png"):
        assert (Path(trainer.output_folder) / picture).exists()


@pytest.mark.parametrize(("dataset", "names"), [(901, ["vessel", "other"]), (903, ["both", "other"])])
def test_the_metrics_are_of_named_classes(places, dataset, names):
    trainer = made(places, "nnUNetTrainerDMT", dataset)
    assert trainer._class_names() == names
    assert trainer.scores.num_classes == len(names)


def test_validation_is_by_nnunets_loss(places):
    trainer = made(places, "nnUNetTrainerSkeletonRecall", 901)
    start(trainer)
    assert trainer.loss.weight == 1
    trainer.network.eval()
    batch = next(trainer.dataloader_val)
    with torch.no_grad():
        expected = plain_loss(places, 901)(trainer.network(batch["data"]), batch["target"]).item()
        trainer.on_validation_epoch_start()
        assert float(trainer.validation_step(batch)["loss"]) == pytest.approx(expected, rel=1e-6)
        assert trainer.scores.num_batches == 1
    assert not trainer.loss._forward_hooks


def test_a_checkpoint_goes_on_and_is_plain_nnunets(places, tmp_path):
    from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name

    settings = {"topology_start": 0.0}
    first = made(places, "nnUNetTrainerBettiMatching", 901, **settings)
    first.term_weight.ratio_iterations = 1
    run(first, epochs=1)
    path = str(Path(first.output_folder) / "checkpoint_final.pth")
    saved = torch.load(path, weights_only=False)
    assert saved["trainer_name"] == "nnUNetTrainer"
    assert recursive_find_trainer_class_by_name  # nnU-Net's own, which the predictor asks
    again = made(places, "nnUNetTrainerBettiMatching", 901, **settings)
    again.load_checkpoint(path)
    assert again.term_weight.weight == first.term_weight.weight > 0
    run(again, epochs=2)
    assert again.logger.local_logger.my_fantastic_logging["topology_weight"] == [first.term_weight.weight] * 2


def test_a_plain_checkpoint_can_be_gone_on_from(places):
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    plain = nnUNetTrainer(*arguments(places, 901, "3d_fullres"))
    plain.initialize()
    run(plain, epochs=1)
    trainer = made(places, "nnUNetTrainerDMT", 901)
    trainer.load_checkpoint(str(Path(plain.output_folder) / "checkpoint_final.pth"))
    run(trainer, epochs=2)
    log = trainer.logger.local_logger.my_fantastic_logging
    assert math.isnan(log["topology_weight"][0])
    assert len(log["betti_error"]) == len(log["train_losses"]) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"topology": "betti"}, "topology must be one of"),
        ({"topology_start": 50}, "topology_start must be a share of the epochs, from 0 to 1, got 50"),
        ({"topology_gradient_ratio": 0.0}, "gradient_ratio must be above 0"),
        ({"topology_weight": -1.0}, "at least 0"),
    ],
)
def test_bad_settings(places, settings, message):
    with pytest.raises(ValueError, match=message):
        made(places, "nnUNetTrainerTopoLoss", 901, **settings)


@pytest.mark.parametrize("topology", ["dmt", "skeleton_recall"])
def test_another_trainer_of_nnunet_underneath(places, topology):
    variant = "nnUNetTrainerNoDeepSupervision"
    folder = "nnunetv2.training.nnUNetTrainer.variants.network_architecture"
    flat = getattr(importlib.import_module(f"{folder}.{variant}"), variant)
    bases = (nnunet.TopologyTrainer, flat)
    settings = {"topology": topology, "topology_start": 0.0, "topology_weight": 1.0}
    trainer = type("nnUNetTrainerFlat", bases, settings)(*arguments(places, 902, "2d"))
    trainer.initialize()
    run(trainer, epochs=1)
    saved = torch.load(str(Path(trainer.output_folder) / "checkpoint_final.pth"), weights_only=False)
    assert saved["trainer_name"] == "nnUNetTrainerNoDeepSupervision"
    assert trainer.logger.local_logger.my_fantastic_logging["topology_weight"] == [1.0]
