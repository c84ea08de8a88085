"""The weights that validated best, whole on disk whatever happens."""

from __future__ import annotations

import errno
import os

import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_topo.handlers import BestModel, state_file


def evaluator(path, network):
    """An engine that takes its best epochs from a list, as MONAI's evaluator sets them."""
    best = {1: 1, 2: 1, 3: 3, 4: 3}

    def step(engine, batch):
        engine.state.best_metric_epoch = best[engine.state.epoch]
        nn.init.constant_(network.weight, engine.state.epoch)

    engine = Engine(step)
    BestModel(path, network).attach(engine)
    return engine


@pytest.mark.parametrize(("epochs", "expected"), [(1, 1), (2, 1), (3, 3), (4, 3)])
def test_the_weights_are_those_of_the_best_epoch(epochs, expected, tmp_path):
    path = tmp_path / "models" / "model.pt"
    evaluator(path, nn.Linear(2, 1)).run([0], max_epochs=epochs)
    state = torch.load(path, weights_only=True)
    assert state.keys() == nn.Linear(2, 1).state_dict().keys()
    assert (state["weight"] == expected).all()
    assert [file.name for file in path.parent.iterdir()] == ["model.pt"]


def test_a_failed_write_leaves_the_earlier_best(tmp_path, monkeypatch):
    """A full disk: what was written so far is cut off."""
    path = tmp_path / "model.pt"
    evaluator(path, nn.Linear(2, 1)).run([0], max_epochs=1)
    before = path.read_bytes()
    written = type(path).write_bytes

    def fail(self, content):
        written(self, bytes(content)[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(type(path), "write_bytes", fail)
    with pytest.raises(OSError, match="No space left on device") as ended:
        evaluator(path, nn.Linear(2, 1)).run([0], max_epochs=3)
    assert ended.value.filename == str(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_disk_that_is_full_is_said_with_the_path(tmp_path, monkeypatch):
    from contextlib import contextmanager

    from monai_topo.data import written_whole

    @contextmanager
    def onto_a_full_disk(path):
        with written_whole(path) as temporary:
            temporary.symlink_to("/dev/full")
            yield temporary

    monkeypatch.setattr(state_file, "written_whole", onto_a_full_disk)
    with pytest.raises(OSError, match=r"No space left on device: '.*model\.pt'"):
        state_file.write_state(tmp_path / "model.pt", nn.Linear(64, 64).state_dict())
    assert list(tmp_path.iterdir()) == []


def test_only_the_first_process_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("monai_topo.handlers.best_model.is_first_rank", lambda: False)
    evaluator(tmp_path / "model.pt", nn.Linear(2, 1)).run([0], max_epochs=1)
    assert list(tmp_path.iterdir()) == []
