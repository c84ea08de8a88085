"""The EM bundle as a user runs it: train, swap the loss, evaluate, infer, export."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow, ckpt_export, verify_metadata, verify_net_in_out
from monai.losses import DiceCELoss
from monai.transforms import LoadImage, SaveImage
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_topo.losses import BettiMatchingLoss, DiceCETopologyLoss, DMTLoss, LocalizedTopoLoss, TopoLoss
from tests.bundles.conftest import BUNDLES

BUNDLE = BUNDLES / "em_membranes"
CONFIGS = BUNDLE / "configs"

pytestmark = pytest.mark.filterwarnings("ignore")  # MONAI, ignite and torch warn of their own affairs in every run


def workflow(names, kind="train", **overrides):
    return ConfigWorkflow(
        config_file=[str(CONFIGS / name) for name in names],
        meta_file=str(CONFIGS / "metadata.json"),
        logging_file=False,
        workflow_type=kind,
        bundle_root=str(BUNDLE),
        **overrides,
    )


def run(*arguments, **overrides):
    flow = workflow(*arguments, **overrides)
    flow.initialize()
    flow.run()
    flow.finalize()
    return flow


@pytest.fixture(scope="module")
def trained(em_volumes, tmp_path_factory):
    """A run of train.yaml; its folder holds models/model.pt."""
    folder = tmp_path_factory.mktemp("trained")
    flow = run(
        ["train.yaml"],
        dataset_dir=str(em_volumes),
        ckpt_dir=str(folder / "models"),
        output_dir=str(folder / "eval"),
        patch_size=[16, 16, 16],
        patches_per_epoch=4,
        max_epochs=2,
        val_interval=1,
    )
    return folder, flow


def test_training_writes_a_plain_state_dict_and_a_betti_error(trained):
    folder, flow = trained
    state = torch.load(folder / "models" / "model.pt", weights_only=True)
    network = flow.parser.get_parsed_content("network_def")
    assert state.keys() == network.state_dict().keys()
    metrics = flow.parser.get_parsed_content("validate#evaluator").state.metrics
    assert {"val_betti_error", "val_mean_dice", "val_betti_error_0", "val_betti_error_1", "val_betti_error_2"} <= set(
        metrics
    )
    assert metrics["val_betti_error"] >= 0


def test_the_checkpoint_is_the_one_of_the_lowest_betti_error(trained):
    evaluator = trained[1].parser.get_parsed_content("validate#evaluator")
    saver = trained[1].parser.get_parsed_content("validate#handlers#2")
    assert evaluator.state.key_metric_name == "val_betti_error"
    assert [score for score, _ in saver._key_metric_checkpoint._saved] == [pytest.approx(-evaluator.state.best_metric)]


def test_the_topology_term_joins_after_half_of_the_epochs(trained, tiny):
    loss = trained[1].parser.get_parsed_content("loss")
    assert isinstance(loss, DiceCETopologyLoss)
    assert loss.lambda_topo == 0.01
    flow = run(["train.yaml"], **{**tiny, "max_epochs": 1, "topology_start_epoch": 2})
    assert flow.parser.get_parsed_content("loss").lambda_topo == 0


def test_tensorboard_has_the_weight_of_the_term(trained):
    events = EventAccumulator(str(trained[0] / "eval"))
    events.Reload()
    epochs = trained[1].parser.get_parsed_content("max_epochs")
    start = trained[1].parser.get_parsed_content("topology_start_epoch")
    expected = [0.01 if epoch >= start else 0.0 for epoch in range(1, epochs + 1)]
    assert [event.value for event in events.Scalars("lambda_topo")] == pytest.approx(expected)
    assert expected[-1] > 0


def test_pictures_of_the_validation_volume(trained, tiny):
    folder, flow = trained
    assert [file.name for file in (folder / "eval" / "pictures").iterdir()] == ["topology_0002.png"]
    events = EventAccumulator(str(folder / "eval"))
    events.Reload()
    assert [image.step for image in events.Images("topology")] == [2]
    handler = flow.parser.get_parsed_content("validate#handlers#3")
    prediction = handler.output_transform(flow.parser.get_parsed_content("validate#evaluator").state.output)[0]
    assert 0 < prediction.min() < prediction.max() < 1  # no mask
    without = workflow(["train.yaml"], **tiny, pictures_interval=0)
    without.initialize()
    assert len(without.parser.get_parsed_content("validate#handlers")) == 3


@pytest.mark.parametrize(
    ("overlay", "term", "weight"),
    [
        ("loss_dice_ce.yaml", None, None),
        ("loss_topo.yaml", TopoLoss, 0.01),
        ("loss_dmt.yaml", DMTLoss, 3.0),
        ("loss_betti_matching.yaml", BettiMatchingLoss, 0.01),
    ],
)
def test_overlays_swap_the_loss(overlay, term, weight, tiny):
    flow = run(["train.yaml", overlay], **tiny)
    loss = flow.parser.get_parsed_content("loss")
    assert type(loss) is (DiceCETopologyLoss if term else DiceCELoss)
    assert os.path.exists(os.path.join(tiny["ckpt_dir"], "model.pt"))
    if term:
        assert isinstance(loss.topology[0], term)
        assert loss.lambda_topo == weight


def test_a_network_that_regresses_distances(tiny, em_volumes):
    """The overlay's label is a map of distances, its metrics are those of masks."""
    flow = run(["train.yaml", "loss_localized.yaml"], **tiny)
    loss, trainer = (flow.parser.get_parsed_content(name) for name in ("loss", "train#trainer"))
    assert isinstance(loss.losses[1], LocalizedTopoLoss)
    assert loss.weights == [1.0, pytest.approx(0.01 / 9)]
    label = next(iter(flow.parser.get_parsed_content("train#dataloader")))["label"]
    assert set(label.unique().tolist()) >= {-1.0, 1.0}
    assert label.abs().max() <= 3
    assert 0 <= trainer.state.metrics["train_mean_dice"] <= 1
    assert 0 <= flow.parser.get_parsed_content("validate#evaluator").state.metrics["val_mean_dice"] <= 1


def test_evaluation_writes_its_figures(trained, em_volumes, tmp_path):
    folder, _ = trained
    run(
        ["train.yaml", "evaluate.yaml"],
        dataset_dir=str(em_volumes),
        ckpt_dir=str(folder / "models"),
        output_dir=str(tmp_path),
        patch_size=[16, 16, 16],
    )
    figures = dict(line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines())
    assert float(figures["val_betti_error"]) >= 0
    assert 0 <= float(figures["val_mean_dice"]) <= 1
    assert (tmp_path / "val_betti_error_raw.csv").exists()


def test_inference_keeps_grid_and_affine(trained, tmp_path):
    folder, _ = trained
    affine = np.array([[0, -4.0, 0, 7], [5.0, 0, 0, -3], [0, 0, 40.0, 11], [0, 0, 0, 1]])
    image = np.random.default_rng(0).random((21, 18, 13)).astype(np.float32)
    (tmp_path / "in").mkdir()
    save = SaveImage(output_ext=".nii.gz", resample=False, print_log=False)
    save(image[None], {"affine": affine, "original_affine": affine}, filename=str(tmp_path / "in" / "volume"))
    run(
        ["inference.yaml"],
        "infer",
        dataset_dir=str(tmp_path / "in"),
        checkpoint=str(folder / "models" / "model.pt"),
        output_dir=str(tmp_path / "out"),
        patch_size=[16, 16, 16],
    )
    probability, mask = (LoadImage()(tmp_path / "out" / f"volume_{name}.nii.gz") for name in ("prob", "seg"))
    for result in (probability, mask):
        assert result.shape == image.shape
        np.testing.assert_allclose(result.affine.numpy(), affine, atol=1e-5)
    assert 0 < probability.min() < probability.max() < 1
    np.testing.assert_array_equal(mask.numpy(), (probability.numpy() >= 0.5))


def test_properties(tiny):
    train = workflow(["train.yaml"], **tiny)
    train.initialize()
    assert train.check_properties() == []
    infer = workflow(["inference.yaml"], "infer", dataset_dir=str(BUNDLE / "LICENSE"))
    infer.initialize()
    assert infer.check_properties() == []


def test_metadata(real_data):
    schema = real_data.parent / "reference" / "meta_schema_20240725.json"
    if not schema.exists():
        pytest.skip(f"no official schema at {schema}")
    verify_metadata(meta_file=str(CONFIGS / "metadata.json"), filepath=str(schema))
    metadata = json.loads((CONFIGS / "metadata.json").read_text())
    assert metadata["version"] in metadata["changelog"]
    assert schema.name in metadata["schema"]


@pytest.mark.parametrize("config", ["train.yaml", "inference.yaml"])
def test_network_takes_and_gives_what_the_metadata_say(config):
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(CONFIGS / "metadata.json"),
        config_file=str(CONFIGS / config),
        device="cpu",
        n=4,
        bundle_root=str(BUNDLE),
    )


def test_torchscript_needs_no_package_of_ours(trained, tmp_path):
    folder, flow = trained
    target = tmp_path / "model.ts"
    ckpt_export(
        net_id="network_def",
        filepath=str(target),
        ckpt_file=str(folder / "models" / "model.pt"),
        meta_file=str(CONFIGS / "metadata.json"),
        config_file=str(CONFIGS / "inference.yaml"),
        bundle_root=str(BUNDLE),
    )
    code = (
        "import sys; sys.modules['monai_topo'] = sys.modules['monai'] = None\n"
        "import torch; torch.manual_seed(0)\n"
        f"print(float(torch.jit.load({str(target)!r})(torch.rand(1, 1, 16, 16, 16)).sum()))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    network = flow.parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(folder / "models" / "model.pt", weights_only=True))
    torch.manual_seed(0)
    with torch.no_grad():
        expected = float(network.eval()(torch.rand(1, 1, 16, 16, 16)).sum())
    assert float(done.stdout) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_two_processes_on_the_cpu(tiny, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m"]
    command += ["monai.bundle", "run", "--bundle_root", str(BUNDLE), "--config_file"]
    command += [str([str(CONFIGS / name) for name in ("train.yaml", "multi_gpu_train.yaml")])]
    command += [word for name, value in tiny.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=240, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    state = torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in state.values())
    assert [file.name for file in (tmp_path / "eval" / "pictures").iterdir()] == ["topology_0002.png"]


@pytest.mark.parametrize("config", ["train.yaml", "inference.yaml"])
def test_a_wrong_path_is_said(config, tmp_path):
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(CONFIGS / config)]
    command += ["--dataset_dir", str(tmp_path / "nowhere"), "--bundle_root", str(BUNDLE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode != 0
    assert any(line.startswith("FileNotFoundError: no such file or folder") for line in done.stderr.splitlines())
