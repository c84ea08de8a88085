"""nnU-Net's own commands with the trainers of this package: train, go on, predict."""

from __future__ import annotations

import re

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_topo.commands.nnunet import trainers_folder
from tests.nnunet.conftest import DATASETS, SHAPE, nnunet

pytest.importorskip("nnunetv2", reason="nnU-Net is not installed")
pytestmark = pytest.mark.slow

QUICK = '''
import os

import torch
from monai_topo import nnunet


class Quick:
    """Three epochs of two iterations; the first run is stopped in the third."""

    def __init__(self, plans, configuration, fold, dataset_json, device=torch.device("cuda")):
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs, self.num_iterations_per_epoch, self.num_val_iterations_per_epoch = 3, 2, 1
        self.save_every = 1

    def on_epoch_start(self):
        super().on_epoch_start()
        if self.current_epoch == int(os.environ.get("STOP_IN_EPOCH", "-1")):
            raise RuntimeError("stopped")

    def _build_loss(self):
        loss = super()._build_loss()
        self.term_weight.ratio_iterations = 1
        return loss


class QuickBettiMatching(Quick, nnunet.nnUNetTrainerBettiMatching):
    topology_start = 0.34


class QuickSkeletonRecall(Quick, nnunet.nnUNetTrainerSkeletonRecall):
    pass


class QuickTopoLoss(Quick, nnunet.nnUNetTrainerTopoLoss):
    pass
'''


@pytest.fixture(scope="session")
def quick(tmp_path_factory):
    """Folder of trainers of a user's own, of a few iterations."""
    folder = tmp_path_factory.mktemp("trainers")
    (folder / "quick_trainers.py").write_text(QUICK)
    return str(folder)


def results(planned, dataset, trainer, configuration):
    name = f"Dataset{dataset}_{DATASETS[dataset][0]}"
    return planned / "nnUNet_results" / name / f"{trainer}__nnUNetPlans__{configuration}"


def train(planned, quick, trainer, dataset, configuration, *more, check=True):
    options = [dataset, configuration, 0, "-tr", trainer, "-device", "cpu", *more]
    return nnunet(planned, "nnUNetv2_train", *options, external=quick, check=check)


def predict(planned, out, trainer, dataset, configuration):
    """By plain nnU-Net: it is told of no other trainers."""
    images = planned / "nnUNet_raw" / f"Dataset{dataset}_{DATASETS[dataset][0]}" / "imagesTr"
    options = ["-i", images, "-o", out, "-d", dataset, "-c", configuration, "-f", 0, "-tr", trainer]
    nnunet(planned, "nnUNetv2_predict", *options, "-device", "cpu", "-npp", 1, "-nps", 1, "--disable_tta")
    return sorted(out.glob("*.nii.gz"))


def test_train_stop_go_on_and_predict_in_3d(planned, quick, tmp_path, monkeypatch):
    monkeypatch.setenv("STOP_IN_EPOCH", "2")
    stopped = train(planned, quick, "QuickBettiMatching", 901, "3d_fullres", check=False)
    assert stopped.returncode != 0
    assert "RuntimeError: stopped" in stopped.stderr
    folder = results(planned, 901, "QuickBettiMatching", "3d_fullres")
    saved = torch.load(folder / "fold_0" / "checkpoint_latest.pth", weights_only=False)
    weight = saved["monai_topo"]["weight"]
    assert weight > 0
    monkeypatch.delenv("STOP_IN_EPOCH")
    train(planned, quick, "QuickBettiMatching", 901, "3d_fullres", "--c")
    final = torch.load(folder / "fold_0" / "checkpoint_final.pth", weights_only=False)
    log = final["logging"]
    assert log["topology_weight"][0] == 0
    assert log["topology_weight"][1:] == [weight, weight]  # measured once, before the stop
    assert len(log["betti_error"]) == len(log["betti_matching_f1"]) == len(log["train_losses"]) == 3
    logs = [path.read_text() for path in sorted((folder / "fold_0").glob("training_log_*.txt"))]
    assert sum("from the gradients" in text for text in logs) == 1
    assert (folder / "fold_0" / "validation" / "summary.json").exists()
    predictions = predict(planned, tmp_path / "out", "QuickBettiMatching", 901, "3d_fullres")
    assert len(predictions) == 5
    assert nib.load(predictions[0]).shape == SHAPE
    assert {*np.unique(np.asarray(nib.load(predictions[0]).dataobj))} <= {0, 1, 2}


@pytest.mark.parametrize(
    ("trainer", "dataset", "configuration"),
    [("QuickTopoLoss", 902, "2d"), ("QuickSkeletonRecall", 903, "3d_fullres")],
    ids=["ignore label in 2D", "regions with an ignore label in 3D"],
)
def test_train_and_predict(planned, quick, tmp_path, trainer, dataset, configuration):
    train(planned, quick, trainer, dataset, configuration)
    folder = results(planned, dataset, trainer, configuration)
    saved = torch.load(folder / "fold_0" / "checkpoint_final.pth", weights_only=False)
    assert saved["logging"]["topology_weight"][-1] > 0
    assert len(predict(planned, tmp_path / "out", trainer, dataset, configuration)) == 5


def test_the_printed_folder_is_where_nnunet_looks(planned):
    """A data set that there is not: nnU-Net has found the trainer by then."""
    done = nnunet(
        planned,
        "nnUNetv2_train",
        *(999, "2d", 0, "-tr", "nnUNetTrainerDMT", "-device", "cpu"),
        external=trainers_folder(),
        check=False,
    )
    assert re.search(r"Using trainer 'nnUNetTrainerDMT' from: .*external", done.stdout)
    assert "Could not find requested nnunet trainer" not in done.stderr
