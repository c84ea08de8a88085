"""A bundle that is not ours, with the loss block of MONAI's spleen bundle: changing ``_target_`` is all it takes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml

TRAIN = {
    "imports": ["$import torch"],
    "dataset_dir": ".",
    "ckpt_dir": ".",
    "images": "$[{'image': torch.rand(1, 16, 16, 16), 'label': (torch.rand(1, 16, 16, 16) > 0.7).long()}] * 2",
    "device": "$torch.device('cpu')",
    "network": {
        "_target_": "UNet",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 2,
        "channels": [4, 8],
        "strides": [2],
    },
    "loss": {
        "_target_": "DiceCELoss",
        "include_background": True,
        "to_onehot_y": True,
        "softmax": True,
        "squared_pred": True,
        "batch": True,
        "smooth_nr": 1e-5,
        "smooth_dr": 1e-5,
        "lambda_dice": 0.5,
        "lambda_ce": 0.5,
    },
    "optimizer": {"_target_": "torch.optim.Adam", "params": "$@network.parameters()", "lr": 0.01},
    "train": {
        "dataset": {"_target_": "Dataset", "data": "@images"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@train#dataset", "batch_size": 2},
        "handlers": [
            {
                "_target_": "CheckpointSaver",
                "save_dir": "@ckpt_dir",
                "save_dict": {"model": "@network"},
                "save_final": True,
                "final_filename": "model.pt",
            }
        ],
        "trainer": {
            "_target_": "SupervisedTrainer",
            "max_epochs": 2,
            "device": "@device",
            "train_data_loader": "@train#dataloader",
            "network": "@network",
            "loss_function": "@loss",
            "optimizer": "@optimizer",
            "train_handlers": "@train#handlers",
        },
    },
    "initialize": ["$torch.manual_seed(0)"],
    "run": ["$@train#trainer.run()"],
}


def train(folder, *arguments, files=("train.yaml",)):
    (folder / "train.yaml").write_text(yaml.safe_dump(TRAIN, sort_keys=False))
    config = str([str(folder / name) for name in files])
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", config, "--ckpt_dir", str(folder)]
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return torch.load(folder / "model.pt", weights_only=True)


@pytest.fixture(scope="module")
def with_dice_ce(tmp_path_factory):
    return train(tmp_path_factory.mktemp("dice_ce"))


def differ(one, other):
    return any(not np.allclose(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "swap",
    [
        ["--loss::_target_", "monai_topo.losses.DiceCETopologyLoss"],
        ["--loss", "{'_target_': 'monai_topo.losses.DiceCETopologyLoss', 'softmax': True, 'to_onehot_y': True}"],
        "overlay",
    ],
    ids=["target alone", "whole block", "overlay"],
)
def test_swapping_the_loss_trains(swap, with_dice_ce, tmp_path):
    if swap == "overlay":
        overlay = {"loss#_target_": "monai_topo.losses.DiceCETopologyLoss", "loss#lambda_topo": 0.1}
        (tmp_path / "topo_loss.yaml").write_text(yaml.safe_dump(overlay))
        state = train(tmp_path, files=("train.yaml", "topo_loss.yaml"))
    else:
        state = train(tmp_path, *swap)
    assert differ(state, with_dice_ce)


def test_a_weight_of_zero_changes_nothing(with_dice_ce, tmp_path):
    swap = ["--loss::_target_", "monai_topo.losses.DiceCETopologyLoss", "--loss::lambda_topo", "0.0"]
    assert not differ(train(tmp_path, *swap), with_dice_ce)
