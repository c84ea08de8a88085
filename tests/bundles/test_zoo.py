"""What MONAI's model zoo and its tools ask of a bundle: verification, export, federated learning, torchrun."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from monai.bundle import ckpt_export, verify_metadata, verify_net_in_out
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems
from monai.fl.utils.exchange_object import ExchangeObject

from tests.bundles.conftest import TINY

pytestmark = pytest.mark.filterwarnings("ignore")  # MONAI, ignite and torch warn of their own affairs in every run
SMALL = {name: value for name, value in TINY.items() if name.startswith("network_def")}


def test_properties(bundle, tiny):
    train = bundle.workflow(["train.yaml"], **tiny)
    train.initialize()
    assert train.check_properties() == []
    infer = bundle.workflow(["inference.yaml"], "infer", dataset_dir=str(bundle.root / "LICENSE"))
    infer.initialize()
    assert infer.check_properties() == []


def test_metadata(bundle, real_data):
    schema = real_data.parent / "reference" / "meta_schema_20240725.json"
    if not schema.exists():
        pytest.skip(f"no official schema at {schema}")
    verify_metadata(meta_file=str(bundle.configs / "metadata.json"), filepath=str(schema))
    metadata = json.loads((bundle.configs / "metadata.json").read_text())
    assert metadata["version"] in metadata["changelog"]
    assert schema.name in metadata["schema"]


def test_the_files_of_the_layout_are_there(bundle):
    wanted = ["LICENSE", "docs/README.md", "docs/data_license.txt", "models/.gitkeep"]
    wanted += [f"configs/{name}.yaml" for name in ("train", "evaluate", "inference", "multi_gpu_train", "quick")]
    wanted += ["configs/metadata.json", "configs/logging.conf"]
    assert [name for name in wanted if not (bundle.root / name).is_file()] == []


@pytest.mark.parametrize("config", ["train.yaml", "inference.yaml"])
def test_network_takes_and_gives_what_the_metadata_say(config, bundle):
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(bundle.configs / "metadata.json"),
        config_file=str(bundle.configs / config),
        device="cpu",
        n=2,
        bundle_root=str(bundle.root),
    )


def test_torchscript_needs_no_package_of_ours(bundle, trained, tmp_path):
    folder, flow = trained
    target = tmp_path / "model.ts"
    ckpt_export(
        net_id="network_def",
        filepath=str(target),
        ckpt_file=str(folder / "models" / "model.pt"),
        meta_file=str(bundle.configs / "metadata.json"),
        config_file=str(bundle.configs / "inference.yaml"),
        bundle_root=str(bundle.root),
        **SMALL,
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


def test_federated_learning(bundle, tiny):
    """As MONAI's own tests of its client drive a bundle: weights in, an epoch, weights out, evaluation."""
    algo = MonaiAlgo(
        bundle_root=str(bundle.root),
        config_train_filename="configs/train.yaml",
        config_evaluate_filename=["configs/train.yaml", "configs/evaluate.yaml"],
        train_kwargs=dict(tiny),
        eval_kwargs=dict(tiny),
        send_weight_diff=False,
    )
    algo.initialize(extra={ExtraItems.CLIENT_NAME: "client", ExtraItems.APP_ROOT: ""})
    weights = {name: value.clone() for name, value in algo.trainer.network.state_dict().items()}
    algo.train(data=ExchangeObject(weights=weights), extra={})
    trained = algo.get_weights(extra={})
    assert algo.trainer.state.epoch == 1
    assert any(not torch.equal(trained.weights[name], weights[name]) for name in weights)
    metrics = algo.evaluate(data=ExchangeObject(weights=trained.weights), extra={}).metrics
    assert metrics["val_betti_error"] >= 0
    algo.finalize()


@pytest.mark.parametrize("bundle", ["ircadb_vessels"], indirect=True)
def test_swapping_the_target_of_the_loss_alone(bundle, tmp_path):
    """From MONAI's loss to ours, by the plain command in the bundle's own folder."""
    swap = {"loss::_target_": "monai_topo.losses.DiceCETopologyLoss", "max_epochs": 1}
    overrides = bundle.overrides(tmp_path, **swap)
    words = [word for name, value in overrides.items() for word in (f"--{name}", str(value))]
    overlay = "['configs/train.yaml','configs/loss_dice_ce.yaml']"
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", overlay, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        cwd=bundle.root,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "models" / "model.pt").is_file()


@pytest.mark.slow
def test_two_processes_on_the_cpu(bundle, tiny, tmp_path):
    """Both processes validate the same volumes by the same weights: the figures are those of one process."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = bundle.command(["train.yaml", "multi_gpu_train.yaml"], *launcher, bundle_root=bundle.root, **tiny)
    assert done.returncode == 0, done.stderr[-3000:]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["model.pt", "training.pt"]
    state = torch.load(tmp_path / "models" / "training.pt", weights_only=True)
    assert not any(name.startswith("module.") for name in state["network"])
    figures = {**tiny, "output_dir": str(tmp_path / "figures")}
    alone = bundle.run(["train.yaml", "evaluate.yaml"], **figures)
    best = alone.parser.get_parsed_content("validate#evaluator").state.metrics["val_betti_matching_f1"]
    assert state["validator"]["best_metric"] == pytest.approx(best)
    longer = {**tiny, "max_epochs": 3, "val_interval": 3, "resume": True}
    done = bundle.command(["train.yaml", "multi_gpu_train.yaml"], *launcher, bundle_root=bundle.root, **longer)
    assert done.returncode == 0, done.stderr[-3000:]
    resumed = torch.load(tmp_path / "models" / "training.pt", weights_only=True)
    assert resumed["trainer"]["iteration"] == state["trainer"]["iteration"] * 3 // 2
    assert any(not torch.equal(resumed["network"][name], value) for name, value in state["network"].items())
