"""The file that a training goes on from."""

from __future__ import annotations

import errno
import logging
import os

import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_topo.handlers import TrainingCheckpoint


class Run:
    """A training of two weights, two iterations an epoch."""

    def __init__(self, folder, epoch_length=2, extra=None, **options):
        self.network = nn.Linear(1, 1)
        nn.init.zeros_(self.network.weight)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.25, momentum=0.5)
        self.trainer = Engine(self.step)
        self.data = [torch.ones(1, 1)] * epoch_length
        items = {"network": self.network, "optimizer": self.optimizer, **(extra or {"nothing": None})}
        TrainingCheckpoint(folder / "models" / "training.pt", items, **options).attach(self.trainer)

    def step(self, engine, batch):
        self.optimizer.zero_grad()
        self.network(batch).sum().backward()
        self.optimizer.step()

    def go(self, max_epochs):
        self.trainer.run(self.data, max_epochs=max_epochs)
        return self.network.weight.item()


def test_momentum_and_epochs_go_on(tmp_path):
    whole = Run(tmp_path / "whole").go(4)
    half = Run(tmp_path / "parts").go(2)
    resumed = Run(tmp_path / "parts", resume=True)
    assert resumed.go(4) == whole != half
    assert resumed.trainer.state.iteration == 8
    assert Run(tmp_path / "parts", resume=True).go(4) == whole  # a finished run does nothing
    assert [path.name for path in (tmp_path / "parts" / "models").iterdir()] == ["training.pt"]


def test_without_resume_it_begins_anew(tmp_path):
    first = Run(tmp_path).go(2)
    assert Run(tmp_path).go(2) == first


def test_nothing_to_resume_is_said(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run = Run(tmp_path, resume=True)
    run.trainer.logger.setLevel(logging.INFO)
    run.go(1)
    assert "training.pt to resume: the training starts from the beginning" in caplog.text
    assert run.trainer.state.iteration == 2


def test_what_cannot_be_resumed_is_said(tmp_path):
    Run(tmp_path).go(2)
    with pytest.raises(ValueError, match=r"of another run: 2 epochs of 2 iterations, where this run has 3 of 5"):
        Run(tmp_path, epoch_length=5, resume=True).go(3)
    with pytest.raises(ValueError, match=r"of another run: 2 epochs of 2 iterations, where this run has 1 of 2"):
        Run(tmp_path, resume=True).go(1)
    with pytest.raises(
        ValueError, match=r"of another run: it holds \['network', 'optimizer', 'settings', 'trainer'\], this run has"
    ):
        Run(tmp_path, extra={"other": nn.Linear(1, 1)}, resume=True).go(3)
    (tmp_path / "models" / "training.pt").write_bytes(b"not torch")
    with pytest.raises(ValueError, match=r"training\.pt is no training checkpoint: delete it"):
        Run(tmp_path, resume=True).go(3)


def test_what_differs_is_said_with_what_counts(tmp_path, caplog):
    Run(tmp_path, settings={"patch_size": [16, 16], "seed": 0}).go(1)
    resumed = Run(tmp_path, resume=True, settings={"patch_size": [24, 24], "seed": 0, "new": 1})
    resumed.optimizer.param_groups[0]["momentum"] = 0.9
    resumed.go(2)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "patch_size is [24, 24], the run was begun with [16, 16]: [24, 24] counts from here on.",
        "momentum of optimizer is 0.9, the run was begun with 0.5: 0.5 counts, that of the file.",
    ]
    assert resumed.optimizer.param_groups[0]["momentum"] == 0.5
    caplog.clear()
    Run(tmp_path, resume=True, settings={"patch_size": [24, 24], "seed": 0, "new": 1}).go(3)
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]


def test_a_failed_write_leaves_the_last_file(tmp_path, monkeypatch):
    Run(tmp_path).go(1)
    path = tmp_path / "models" / "training.pt"
    before = path.read_bytes()

    def fail(self, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(type(path), "write_bytes", fail)
    with pytest.raises(OSError, match=r"No space left on device: '.*training\.pt'"):
        Run(tmp_path).go(1)
    assert path.read_bytes() == before


def test_the_scale_of_mixed_precision_goes_on(tmp_path):
    first, resumed = Run(tmp_path), Run(tmp_path, resume=True)
    first.trainer.scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    first.go(1)
    resumed.trainer.scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    resumed.go(2)
    assert resumed.trainer.scaler.state_dict() == first.trainer.scaler.state_dict()
    assert resumed.trainer.scaler.state_dict()["scale"] == 8.0
