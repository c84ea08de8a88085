"""Each bundle as a user runs it: train, swap the loss, evaluate, infer."""

from __future__ import annotations

import itertools
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from monai.inferers import SlidingWindowInferer
from monai.losses import DiceCELoss, SoftclDiceLoss
from monai.transforms import LoadImage, SaveImage
from skimage import measure
from skimage.metrics import variation_of_information
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_topo.data import save_phantoms
from monai_topo.losses import (
    BettiMatchingLoss,
    CbDiceLoss,
    CenterlineCrossEntropyLoss,
    CenterlineDiceLoss,
    ConnectivityLoss,
    CriticalRegionLoss,
    DiceCETopologyLoss,
    DMTLoss,
    LifetimeTopoLoss,
    LocalizedTopoLoss,
    PerceptualTopologyLoss,
    SameClassNeighborPenalty,
    SkeletonRecallLoss,
    TopoLoss,
)
from monai_topo.topology import betti_numbers
from monai_topo.transforms import BridgeGaps, CloseWalls, SegmentCells
from tests.bundles.conftest import BUNDLES, PHANTOMS, TINY

pytestmark = pytest.mark.filterwarnings("ignore")  # MONAI, ignite and torch warn of their own affairs in every run


def test_training_writes_a_plain_state_dict_and_a_betti_error(trained):
    folder, flow = trained
    state = torch.load(folder / "models" / "model.pt", weights_only=True)
    network = flow.parser.get_parsed_content("network_def")
    assert state.keys() == network.state_dict().keys()
    metrics = flow.parser.get_parsed_content("validate#evaluator").state.metrics
    assert {"val_betti_error", "val_mean_dice", "val_betti_error_0", "val_betti_error_1"} <= set(metrics)
    assert metrics["val_betti_error"] >= 0


def test_the_checkpoint_is_the_one_of_the_highest_f1(trained, bundle, tmp_path):
    folder, flow = trained
    evaluator = flow.parser.get_parsed_content("validate#evaluator")
    assert evaluator.state.key_metric_name == "val_betti_matching_f1"
    events = EventAccumulator(str(folder / "eval"))
    events.Reload()
    scores = [event.value for event in events.Scalars("val_betti_matching_f1")]
    assert len(scores) == 2
    assert evaluator.state.best_metric == pytest.approx(max(scores))
    better = evaluator.metric_cmp_fn
    assert better(0.5, 0.4)
    assert better(0.5, float("nan"))
    assert not any(better(score, 0.5) for score in (0.4, 0.5, float("nan")))


def test_the_topology_term_joins_in_the_last_tenth(trained, bundle, tiny):
    loss = trained[1].parser.get_parsed_content("loss")
    assert isinstance(loss, DiceCETopologyLoss)
    assert loss.lambda_topo > 0
    flow = bundle.run(["train.yaml"], **{**tiny, "max_epochs": 1, "val_interval": 2, "topology_start_epoch": 2})
    assert flow.parser.get_parsed_content("loss").lambda_topo == 0
    for epochs, start in ((2, 2), (20, 19), (110, 100)):
        flow = bundle.workflow(["train.yaml"], **{**tiny, "max_epochs": epochs})
        assert flow.parser.get_parsed_content("topology_start_epoch") == start
        rate = flow.parser.get_parsed_content("lr_scheduler#lr_lambda")
        rates = [rate(epoch) for epoch in range(epochs)]
        assert rates[: start - 1] == pytest.approx([1.0] * (start - 1))  # constant until the term joins
        assert rates[start - 1 :] == sorted(rates[start - 1 :], reverse=True)
        assert rate(epochs) == 0


def test_a_weight_takes_the_place_of_the_ratio(bundle, tiny):
    """Twice the ratio is twice the weight, and a weight that is given is the one that counts."""
    one_epoch = {**tiny, "max_epochs": 1, "val_interval": 2, "topology_start_epoch": 1}
    weights = [
        bundle.run(["train.yaml"], **one_epoch, **given).parser.get_parsed_content("loss").lambda_topo
        for given in ({"gradient_ratio": 1.0}, {"gradient_ratio": 2.0}, {"topology_weight": 0.25})
    ]
    assert weights[0] > 0
    assert weights[1] == pytest.approx(2 * weights[0])
    assert weights[2] == 0.25


def test_tensorboard_has_the_weight_of_the_term(trained):
    weight = trained[1].parser.get_parsed_content("loss").lambda_topo
    events = EventAccumulator(str(trained[0] / "eval"))
    events.Reload()
    assert [event.value for event in events.Scalars("lambda_topo")] == pytest.approx([0.0, weight])


def test_pictures_of_the_validation_volume(trained, bundle, tiny):
    folder, flow = trained
    assert [file.name for file in (folder / "eval" / "pictures").iterdir()] == ["topology_0002.png"]
    events = EventAccumulator(str(folder / "eval"))
    events.Reload()
    assert [image.step for image in events.Images("topology")] == [2]
    handler = flow.parser.get_parsed_content("pictures")
    prediction = handler.output_transform(flow.parser.get_parsed_content("validate#evaluator").state.output)[0]
    assert 0 < prediction.min() < prediction.max() < 1  # no mask
    without = bundle.workflow(["train.yaml"], **tiny, pictures_interval=0)
    without.initialize()
    assert without.parser.get_parsed_content("pictures") is None


def test_patches_are_drawn_where_the_topology_is_decided(trained):
    flow = trained[1]
    drawn = {patch["label"].meta["crop_source"] for _ in range(8) for [patch] in flow.train_dataset}
    assert drawn == {"topology", "uniform"}
    assert all(patch["label"].shape == (1, 16, 16, 16) for [patch] in flow.train_dataset)


@pytest.mark.parametrize(
    ("overlay", "term"),
    [
        ("loss_dice_ce.yaml", None),
        ("loss_topo.yaml", TopoLoss),
        ("loss_betti_matching.yaml", BettiMatchingLoss),
        ("loss_lifetime.yaml", LifetimeTopoLoss),
        ("loss_dmt.yaml", DMTLoss),
        ("loss_cldice.yaml", SoftclDiceLoss),
        ("loss_skeleton_recall.yaml", SkeletonRecallLoss),
        ("loss_centerline_dice.yaml", CenterlineDiceLoss),
        ("loss_centerline_ce.yaml", CenterlineCrossEntropyLoss),
        ("loss_cb_dice.yaml", CbDiceLoss),
        ("loss_neighbor_penalty.yaml", SameClassNeighborPenalty),
        ("loss_critical_components.yaml", CriticalRegionLoss),
        ("loss_critical_homotopy.yaml", CriticalRegionLoss),
    ],
)
def test_overlays_swap_the_loss(overlay, term, bundle, tiny):
    one_epoch = {"max_epochs": 1, "val_interval": 2, "topology_start_epoch": 1}
    flow = bundle.workflow(["train.yaml", overlay], **{**tiny, **one_epoch})
    flow.initialize()
    before = {name: value.clone() for name, value in flow.network_def.state_dict().items()}
    flow.run()
    loss = flow.parser.get_parsed_content("loss")
    assert type(loss) is (DiceCETopologyLoss if term else DiceCELoss)
    after = flow.network_def.state_dict()
    assert all(torch.isfinite(value).all() for value in after.values())
    assert any(not torch.equal(before[name], after[name]) for name in before)
    if term:
        assert isinstance(loss.topology[0], term)
        assert loss.lambda_topo > 0


@pytest.mark.parametrize(("bundle", "limit"), [("em_membranes", 3), ("neuron_stacks", 2)], indirect=["bundle"])
def test_a_network_that_regresses_distances(bundle, limit, tiny):
    """The overlay's label is a map of distances, its metrics are those of masks."""
    flow = bundle.run(["train.yaml", "loss_localized.yaml"], **tiny)
    loss, trainer = (flow.parser.get_parsed_content(name) for name in ("loss", "train#trainer"))
    assert isinstance(loss.losses[1], LocalizedTopoLoss)
    assert loss.weights[0] == 1
    assert loss.weights[1] > 0
    label = next(iter(flow.parser.get_parsed_content("train#dataloader")))["label"]
    assert set(label.unique().tolist()) >= {-1.0, 1.0}
    assert label.abs().max() <= limit
    assert 0 <= trainer.state.metrics["train_mean_dice"] <= 1
    assert 0 <= flow.parser.get_parsed_content("validate#evaluator").state.metrics["val_mean_dice"] <= 1


@pytest.mark.parametrize("bundle", ["em_membranes"], indirect=True)
def test_a_network_that_keeps_cells_apart(bundle, tiny):
    """The overlay's label is the distance to the membrane, 0 on it."""
    flow = bundle.run(["train.yaml", "loss_connectivity.yaml"], **tiny)
    loss = flow.parser.get_parsed_content("loss")
    assert isinstance(loss.losses[1], ConnectivityLoss)
    assert loss.weights[0] == 1
    assert loss.weights[1] > 0
    label = next(iter(flow.parser.get_parsed_content("train#dataloader")))["label"]
    assert label.min() == 0
    assert 1 < label.max() <= 3
    assert 0 <= flow.parser.get_parsed_content("train#trainer").state.metrics["train_mean_dice"] <= 1
    assert 0 <= flow.parser.get_parsed_content("validate#evaluator").state.metrics["val_mean_dice"] <= 1


def test_what_a_network_sees(bundle, tiny):
    """With random weights in the place of VGG19's, and without them the error that names their file."""
    one_epoch = {"max_epochs": 1, "val_interval": 2, "topology_start_epoch": 1}
    network = "$torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU())"
    other = {"loss#topology#network": network, "loss#topology#layers": [1]}
    flow = bundle.run(["train.yaml", "loss_perceptual.yaml"], **{**tiny, **one_epoch, **other})
    loss = flow.parser.get_parsed_content("loss")
    assert isinstance(loss.topology[0], PerceptualTopologyLoss)
    assert loss.lambda_topo > 0
    without = bundle.workflow(["train.yaml", "loss_perceptual.yaml"], **tiny)
    with pytest.raises(RuntimeError) as error:
        without.parser.get_parsed_content("loss")
    assert "no file 'vgg19.pth' with the weights of VGG19" in str(first_cause(error.value))


def first_cause(error):
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def test_evaluation_writes_its_figures(trained, bundle, tmp_path):
    folder, _ = trained
    overrides = bundle.overrides(tmp_path, ckpt_dir=str(folder / "models"), output_dir=str(tmp_path))
    bundle.run(["train.yaml", "evaluate.yaml"], **overrides)
    figures = dict(line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines())
    assert float(figures["val_betti_error"]) >= 0
    assert 0 <= float(figures["val_mean_dice"]) <= 1
    assert 0 <= float(figures["val_betti_matching_f1"]) <= 1
    assert (tmp_path / "val_betti_error_raw.csv").exists()
    finished = "cells" if bundle.name == "em_membranes" else "bridged"
    assert {path.stem.rpartition("_")[2] for path in (tmp_path / "pictures").iterdir()} >= {"pred", finished}
    for name in SCORED[bundle.name]:
        assert 0 <= float(figures[f"val_{name}"]) < 10, name


SCORED = {"ircadb_vessels": ["bridged_betti_matching_f1", "bridged_mean_dice", "bridged_centerline_dice"]}
SCORED["neuron_stacks"] = SCORED["ircadb_vessels"]
SCORED["em_membranes"] = ["closed_betti_matching_f1", "closed_mean_dice", "voi", "closed_voi"]
SCORED["em_membranes"] += ["cells_voi", "cells_rand_error"]


def test_finished_results_that_are_left_out_have_no_scores(trained, bundle, tmp_path):
    folder, _ = trained
    names = FINISHED[bundle.name]
    places = {"ckpt_dir": str(folder / "models"), "output_dir": str(tmp_path)}
    overrides = bundle.overrides(tmp_path, **places, **{f"finish#{name}": None for name in names})
    flow = bundle.workflow(["train.yaml", "evaluate.yaml"], **overrides)
    flow.initialize()
    flow.run()
    scored = set(flow.parser.get_parsed_content("validate#evaluator").state.metrics)
    assert "val_mean_dice" in scored
    assert not any(f"_{name}_" in score for name in names for score in scored)


@pytest.mark.parametrize("bundle", ["em_membranes"], indirect=True)
@pytest.mark.parametrize("instances", [True, False])
def test_the_true_ids_of_cells(trained, bundle, instances, tmp_path):
    """Those of the label, or the parts between its membranes; the scores are those of the metrics."""
    folder, data = trained[0], tmp_path / "data"
    layout = "cremi" if instances else "volumes"
    save_phantoms(data, "membranes", (20, 18, 16), count=2, num_cells=5, layout=layout)
    overrides = bundle.overrides(tmp_path, ckpt_dir=str(folder / "models"), output_dir=str(tmp_path / "out"))
    overrides["dataset_dir"] = str(data)
    flow = bundle.run(["train.yaml", "evaluate.yaml"], **overrides)
    [item] = flow.parser.get_parsed_content("validate#evaluator").state.output
    ids, label = np.asarray(item["true_ids"])[0], np.asarray(item["label"])[0]
    if not instances:
        np.testing.assert_array_equal(ids, measure.label(label == 0, connectivity=1))
    else:
        assert 5 >= len(np.unique(ids)) > 1
        assert len(np.unique(ids[label > 0])) > 1  # under the membranes, too
    cells = np.asarray(SegmentCells()(item["likelihood"]))
    np.testing.assert_array_equal(np.asarray(item["cells"]), cells)
    metrics = flow.parser.get_parsed_content("validate#evaluator").state.metrics
    split, merge = variation_of_information(ids, cells[0], ignore_labels=[0])
    assert metrics["val_cells_voi"] == pytest.approx(split + merge, abs=1e-5)


FINISHED = {
    "em_membranes": {"closed": CloseWalls(), "cells": SegmentCells()},
    "ircadb_vessels": {"bridged": BridgeGaps()},
    "neuron_stacks": {"bridged": BridgeGaps()},
}
AFFINE = np.array([[0, -4.0, 0, 7], [5.0, 0, 0, -3], [0, 0, 40.0, 11], [0, 0, 0, 1]])


@pytest.fixture
def volume(bundle, tmp_path):
    """A NIfTI volume whose axes are swapped and flipped, with the intensities of the bundle."""
    low, high = PHANTOMS[bundle.name].get("intensities", (0, 255))
    image = np.random.default_rng(0).uniform(low, high, (21, 18, 13)).astype(np.float32)
    (tmp_path / "in").mkdir()
    save = SaveImage(output_ext=".nii.gz", resample=False, print_log=False)
    save(image[None], {"affine": AFFINE, "original_affine": AFFINE}, filename=str(tmp_path / "in" / "volume"))
    return image


def infer(trained, bundle, tmp_path, out, **overrides):
    network = {name: value for name, value in TINY.items() if name.startswith("network_def")}
    checkpoint = str(trained[0] / "models" / "model.pt")
    places = {"dataset_dir": str(tmp_path / "in"), "checkpoint": checkpoint, "output_dir": str(tmp_path / out)}
    bundle.run(["inference.yaml"], "infer", **{**network, **places, "patch_size": [16, 16, 16], **overrides})
    written = (tmp_path / out).glob("*.nii.gz")
    return {path.name.removesuffix(".nii.gz").rpartition("_")[2]: LoadImage()(path) for path in written}


def test_inference_keeps_grid_and_affine(trained, bundle, volume, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="monai_topo")
    results = infer(trained, bundle, tmp_path, "out")
    assert results.keys() == {"prob", "seg", *FINISHED[bundle.name]}
    probability, mask = results["prob"], results["seg"]
    for result in results.values():
        assert result.shape == volume.shape
        np.testing.assert_allclose(result.affine.numpy(), AFFINE, atol=1e-5)
    assert 0 < probability.min() < probability.max() < 1
    np.testing.assert_array_equal(mask.numpy(), (probability.numpy() >= 0.5))
    for end, transform in FINISHED[bundle.name].items():
        np.testing.assert_array_equal(results[end].numpy(), transform(probability[None])[0].numpy())
    assert f"Betti numbers {betti_numbers(mask.numpy() > 0)}, {int(mask.sum())} voxels" in caplog.text


def test_buffered_inference_is_the_same(trained, bundle, volume, tmp_path):
    whole = infer(trained, bundle, tmp_path, "whole")["prob"]
    buffered = infer(trained, bundle, tmp_path, "buffered", buffer_steps=1)["prob"]
    np.testing.assert_allclose(buffered.numpy(), whole.numpy(), atol=1e-5)


def test_proof_reading_on_request(trained, bundle, volume, tmp_path):
    results = infer(trained, bundle, tmp_path, "out", proof_reading=True, threshold=0.4, finish={})
    assert results.keys() == {"prob", "seg", "uncertainty"}
    mask, overlay = results["seg"], results["uncertainty"]
    table = (tmp_path / "out" / "volume_pred_uncertainty.csv").read_text().splitlines()
    assert table[0].startswith("channel,dim,status")
    assert (overlay > 0).any() == (len(table) > 1)
    np.testing.assert_allclose(overlay.affine.numpy(), AFFINE, atol=1e-5)
    assert mask.shape == overlay.shape == volume.shape


TUNED = {
    "close_walls": {"threshold": 1.0, "persistence_threshold": 1.0},
    "segment_cells": {"persistence_threshold": 0.006},
    "bridge_gaps": {"threshold": 1.0, "floor": 1.0},
}


@pytest.mark.parametrize(
    ("bundle", "name", "end"),
    [
        ("em_membranes", "close_walls", "closed"),
        ("em_membranes", "segment_cells", "cells"),
        ("ircadb_vessels", "bridge_gaps", "bridged"),
        ("neuron_stacks", "bridge_gaps", "bridged"),
    ],
    indirect=["bundle"],
)
def test_arguments_of_tune(trained, bundle, volume, name, end, tmp_path):
    """By the override that inference.yaml says for its first entry."""
    transform = type(FINISHED[bundle.name][end])
    override = f"$monai_topo.{transform.__name__}(**monai_topo.tuned_arguments('tuned.json', '{name}'))"
    said = (bundle.configs / "inference.yaml").read_text()
    assert f'--finish#{end} "{override}"' in said or end == "cells"
    (tmp_path / "tuned.json").write_text(json.dumps({"transform": name, "arguments": TUNED[name]}))
    override = override.replace("tuned.json", str(tmp_path / "tuned.json"))
    results = infer(trained, bundle, tmp_path, "out", **{f"finish#{end}": override})
    expected, untuned = (made(results["prob"][None])[0].numpy() for made in (transform(**TUNED[name]), transform()))
    np.testing.assert_array_equal(results[end].numpy(), expected)
    assert not np.array_equal(expected, untuned)


@pytest.mark.parametrize("bundle", ["em_membranes"], indirect=True)
def test_the_mean_over_flips(trained, bundle, volume, tmp_path):
    results = infer(trained, bundle, tmp_path, "flips", tta=True, amp=False)
    network = trained[1].parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(trained[0] / "models" / "model.pt", weights_only=True))
    image = torch.from_numpy((volume - volume.min()) / (volume.max() - volume.min()))[None, None]
    windows = SlidingWindowInferer((16, 16, 16), overlap=0.25, mode="gaussian", padding_mode="replicate")
    flips = [dims for count in range(4) for dims in itertools.combinations((2, 3, 4), count)]
    with torch.no_grad():
        logits = sum(torch.flip(windows(torch.flip(image, dims), network.eval()), dims) for dims in flips) / 8
    np.testing.assert_allclose(results["prob"].numpy(), torch.sigmoid(logits)[0, 0].numpy(), atol=1e-4)
    without = infer(trained, bundle, tmp_path, "without", amp=False, **{"finish#cells": None})
    assert without.keys() == {"prob", "seg", "closed"}
    assert not np.allclose(without["prob"].numpy(), results["prob"].numpy(), atol=1e-3)


@pytest.mark.parametrize("bundle", ["em_membranes"], indirect=True)
def test_inference_reads_hdf5(trained, bundle, tmp_path):
    save_phantoms(tmp_path / "in", "membranes", (14, 18, 20), count=1, layout="cremi", num_cells=4, spacing=(40, 4, 5))
    probability = infer(trained, bundle, tmp_path, "out", image_pattern="*.hdf")["prob"]
    assert probability.shape == (20, 18, 14)
    assert probability.affine.diagonal().tolist() == [5, 4, 40, 1]


@pytest.mark.parametrize("config", ["train.yaml", "inference.yaml"])
def test_a_wrong_path_is_said(config, bundle, tmp_path):
    done = bundle.command([config], dataset_dir=tmp_path / "nowhere", bundle_root=bundle.root)
    assert done.returncode != 0
    assert any(line.startswith("FileNotFoundError: no such file or folder") for line in done.stderr.splitlines())


SHARED = (
    "ckpt_dir",
    "output_dir",
    "device",
    "amp",
    "bfloat16",
    "seed",
    "resume",
    "spacing",
    "label_values",
    "settings",
    "network",
)
SHARED += (
    "topology_start_epoch",
    "schedule",
    "optimizer",
    "lr_scheduler",
    "loss",
    "activation",
    "target",
    "initialize",
)
SHARED += (
    "run",
    "pred_and_label",
    "best_model",
    "pictures",
    "train::preprocessing",
    "train::dataset",
    "train::sampler",
)
SHARED += ("train::dataloader", "train::postprocessing", "train::handlers", "train::trainer", "validate::dataloader")
SHARED += ("validate::inferer", "validate::handlers", "validate::evaluator")
DIFFERS = {"patch_size", "network_def", "preprocessing", "finish"}
OF_TUBES = {"dims", "frame", "iter_", "persistence_threshold", "max_distance", "kind", "iterations"}
OTHERS = [name for name in sorted(PHANTOMS) if name != "em_membranes"]


def content(bundle, file):
    return yaml.safe_load((BUNDLES / bundle / "configs" / file).read_text())


def is_finish(key):
    """Whether an entry of evaluate.yaml is of what is finished: walls and cells, or tubes."""
    return key in ("finish", "with_ids", "picture_kinds") or key == "validate#postprocessing" or "#val_" in key


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_bundles_share_does_not_drift(name):
    """MONAI's configurations cannot include each other: what must stand in each of them is held together here."""
    for keys in SHARED:
        entries = [content(bundle, "train.yaml") for bundle in (name, "em_membranes")]
        for key in keys.split("::"):
            entries = [entry[key] for entry in entries]
        assert entries[0] == entries[1], keys
    evaluations = [content(bundle, "evaluate.yaml") for bundle in (name, "em_membranes", OTHERS[0])]
    assert evaluations[0] == evaluations[2]
    ours, theirs = ({key: value for key, value in e.items() if not is_finish(key)} for e in evaluations[:2])
    assert ours == theirs
    for file in ("multi_gpu_train.yaml", "logging.conf", "loss_dice_ce.yaml"):
        files = [Path(BUNDLES / bundle / "configs" / file) for bundle in (name, "em_membranes")]
        assert files[0].read_bytes() == files[1].read_bytes(), file


@pytest.mark.parametrize("name", OTHERS)
def test_inference_does_not_drift(name):
    """What differs is the size of patches, the network, the scale of intensities and what is finished."""
    ours, theirs = content(name, "inference.yaml"), content("em_membranes", "inference.yaml")
    assert {key for key in ours | theirs if ours.get(key) != theirs.get(key)} <= DIFFERS
    for key in ("image_pattern", "activation"):
        assert theirs[key] == ours[key]
    assert ours["finish"] == content(OTHERS[0], "inference.yaml")["finish"]
    assert ours["network_def"] == content(name, "train.yaml")["network_def"]
    assert ours["patch_size"] == content(name, "train.yaml")["patch_size"]


def leaves(entry, name=""):
    if isinstance(entry, dict):
        return {leaf for key, value in entry.items() for leaf in leaves(value, key)}
    if isinstance(entry, list) and any(isinstance(item, dict) for item in entry):
        return {leaf for item in entry for leaf in leaves(item, name)}
    return {(name.split("::")[-1], repr(entry))}


@pytest.mark.parametrize("name", OTHERS)
def test_losses_do_not_drift(name):
    """The overlays of tubes are the same, those of walls differ from them in what the structure decides."""
    files = sorted(path.name for path in (BUNDLES / name / "configs").glob("loss_*.yaml"))
    assert len(files) >= 6
    for file in files:
        differ = leaves(content(name, file)) ^ leaves(content("em_membranes", file))
        assert {key for key, _ in differ} <= OF_TUBES, file
        if (BUNDLES / OTHERS[0] / "configs" / file).exists():
            assert content(name, file) == content(OTHERS[0], file)


@pytest.mark.parametrize("config", ["train.yaml", "inference.yaml"])
@pytest.mark.parametrize(
    ("device", "fast", "given", "amp", "bfloat16"),
    [
        ("cpu", False, {}, False, False),
        ("cpu", True, {}, True, True),
        ("cpu", True, {"amp": False}, False, False),
        ("cpu", False, {"amp": True}, True, True),
        ("cuda", False, {}, True, False),
        ("cuda", True, {}, True, False),
        ("cuda", True, {"amp": False}, False, False),
    ],
)
def test_the_precision_that_is_computed_in(config, device, fast, given, amp, bfloat16, monkeypatch):
    """By the device, by what the CPU is fast at, and by an override."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    entries = content("em_membranes", config)
    evaluator = entries["evaluator"] if config == "inference.yaml" else entries["train"]["trainer"]
    windows = entries["windows"] if config == "inference.yaml" else entries["train"]["inferer"]
    parser = ConfigParser(
        {
            "imports": entries["imports"],
            "device": f"$torch.device('{device}')",
            "amp": entries["amp"],
            "bfloat16": entries["bfloat16"],
            "of_engine": evaluator["amp"],
            "of_inferer": windows["enabled"],
            **given,
        }
    )
    assert parser.get_parsed_content("amp") is amp
    assert parser.get_parsed_content("of_inferer") is bfloat16
    assert parser.get_parsed_content("of_engine") is (amp and not bfloat16)


@pytest.mark.parametrize("bundle", ["em_membranes"], indirect=True)
def test_training_and_inference_in_bfloat16(trained, bundle, volume, tiny, tmp_path):
    flow = bundle.run(["train.yaml"], **tiny, amp=True)
    assert flow.parser.get_parsed_content("train#inferer").enabled
    assert 0 <= flow.parser.get_parsed_content("validate#evaluator").state.metrics["val_mean_dice"] <= 1
    exact = infer(trained, bundle, tmp_path, "exact", finish={}, amp=False)["prob"]
    rounded = infer(trained, bundle, tmp_path, "rounded", finish={}, amp=True)["prob"]
    assert not np.array_equal(rounded.numpy(), exact.numpy())
    np.testing.assert_allclose(rounded.numpy(), exact.numpy(), atol=0.03)
